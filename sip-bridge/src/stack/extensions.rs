use rsipstack::sip::{Header, Headers};

use super::header::{first, list};
use crate::message::{Extensions, Refresher};

/// Reads what a message says about extensions. What cannot be read is not said.
pub(super) fn extensions(headers: &Headers) -> Extensions {
    let expires = first(headers, |header| match header {
        Header::SessionExpires(expires) => Some(expires.value()),
        _ => None,
    });
    let expires_min = first(headers, |header| match header {
        Header::MinSE(min) => Some(min.value()),
        _ => None,
    });
    let tags = list(headers, |header| match header {
        Header::Supported(supported) => Some(supported.value()),
        Header::Require(require) => Some(require.value()),
        _ => None,
    });
    let methods = list(headers, |header| match header {
        Header::Allow(allow) => Some(allow.value()),
        _ => None,
    });
    let required = list(headers, |header| match header {
        Header::Require(require) => Some(require.value()),
        _ => None,
    });
    let rseq = first(headers, |header| match header {
        Header::RSeq(rseq) => Some(rseq.value()),
        _ => None,
    });
    let rack = first(headers, |header| match header {
        Header::RAck(rack) => Some(rack.value()),
        _ => None,
    });
    let accepted = list(headers, |header| match header {
        Header::Accept(accept) => Some(accept.value()),
        _ => None,
    });
    let has = |list: &[String], name: &str| list.iter().any(|tag| tag.eq_ignore_ascii_case(name));
    Extensions {
        expires_s: expires.and_then(seconds),
        refresher: expires.and_then(refresher),
        expires_min_s: expires_min.and_then(seconds),
        timer: has(&tags, "timer"),
        update: has(&methods, "UPDATE"),
        reliable: has(&required, "100rel"),
        rseq: rseq.and_then(seconds),
        rack: rack.and_then(acknowledged),
        refuses_sdp: !accepted.is_empty() && !accepted.iter().any(|kind| takes_sdp(kind)),
    }
}

fn takes_sdp(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or(kind).trim();
    ["application/sdp", "application/*", "*/*"].iter().any(|sdp| kind.eq_ignore_ascii_case(sdp))
}

/// `1800;refresher=uac` begins with its seconds.
fn seconds(value: &str) -> Option<u32> {
    value.split(';').next()?.trim().parse().ok()
}

/// `776656 1 INVITE`.
fn acknowledged(value: &str) -> Option<(u32, u32)> {
    let mut parts = value.split_ascii_whitespace();
    let numbers = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    // Nothing else has responses that must arrive.
    (parts.next() == Some("INVITE")).then_some(numbers)
}

fn refresher(value: &str) -> Option<Refresher> {
    let mut parameters = value.split(';').skip(1).filter_map(|part| part.split_once('='));
    let (_, side) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("refresher"))?;
    match side.trim() {
        side if side.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
        side if side.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
        _ => None,
    }
}
