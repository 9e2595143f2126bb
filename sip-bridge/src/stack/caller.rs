//! Who calls: what an INVITE says beside From. Bounded, and never a reason to refuse a call.

use rsipstack::sip::{Header, Headers};

use super::header::{self, after_display_name, first, list};
use crate::caller::Diversion;
use crate::message::CallerHeaders;
use crate::policy::{CUSTOM_HEADERS_MAX, CUSTOM_VALUE_BYTES_MAX, is_custom_header};

/// Reads what an INVITE says of its caller. What cannot be read is not said.
pub(super) fn caller(headers: &Headers) -> CallerHeaders {
    let from = first(headers, |header| match header {
        Header::From(from) => Some(from.value()),
        _ => None,
    });
    let asserted = list(headers, |header| match header {
        Header::PAssertedIdentity(identity) => Some(identity.value()),
        _ => None,
    });
    let identities = || asserted.iter().take(IDENTITIES_MAX);
    let privacy = list_of(headers, |header| match header {
        Header::Privacy(privacy) => Some(privacy.value()),
        _ => None,
    });
    let named = identities().map(|it| display_name(it)).find(|name| !name.is_empty());
    CallerHeaders {
        asserted: identities().find_map(|identity| user(identity)),
        name: named.or(from.map(display_name)).unwrap_or_default(),
        asserted_verstat: identities().find_map(|identity| verstat(identity)),
        from_verstat: from.and_then(verstat),
        level: level(headers),
        privacy: privacy.iter().any(|kind| is_private(kind)),
        diversions: diversions(headers),
        custom: custom(headers),
    }
}

/// RFC 3323 §4.2, RFC 3325 §9.3: what of `Privacy` is about the caller's name and number.
fn is_private(kind: &str) -> bool {
    ["id", "user", "header"].iter().any(|private| kind.eq_ignore_ascii_case(private))
}

/// Privacy's values are separated by semicolons.
fn list_of<'a>(
    headers: &'a Headers,
    pick: impl Fn(&'a Header) -> Option<&'a str> + 'a,
) -> Vec<String> {
    let values = first(headers, pick).unwrap_or_default();
    values.split([';', ',']).map(|value| value.trim().to_owned()).collect()
}

fn user(value: &str) -> Option<String> {
    header::user(value).filter(|user| user.len() <= NUMBER_BYTES_MAX).map(str::to_owned)
}

/// The name before the address, without its quotes.
fn display_name(value: &str) -> String {
    let value = value.trim();
    let name = match after_display_name(value) {
        Some(rest) if rest.len() < value.len() => &value[..value.len() - rest.len()],
        _ => value.split_once('<').map_or("", |(name, _)| name),
    };
    let name = name.trim().trim_matches('"');
    let printable = |letter: &char| !letter.is_control() && *letter != '\\';
    name.chars().filter(printable).take(NAME_CHARS_MAX).collect()
}

/// `verstat` wherever carriers put it: beside the user, in the URI, or behind it.
fn verstat(value: &str) -> Option<String> {
    let address = after_display_name(value)?;
    parameter(address, "verstat")
}

fn parameter(value: &str, name: &str) -> Option<String> {
    let parts = value.split([';', '<', '>', '@', '?', '&']).filter_map(|part| part.split_once('='));
    let mut parts = parts.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name));
    let value = parts.next()?.1.trim().trim_matches('"');
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (value.len() <= TOKEN_BYTES_MAX && value.bytes().all(is_token)).then(|| value.to_owned())
}

/// The level in a header of its own (3GPP TS 24.229 §7.2.18, and what came before it).
fn level(headers: &Headers) -> Option<char> {
    let mut values = headers.iter().filter_map(|header| match header {
        Header::Other(name, value)
            if ["Attestation-Info", "P-Attestation-Indicator"]
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known)) =>
        {
            value.trim().chars().next()
        }
        _ => None,
    });
    values.next().map(|letter| letter.to_ascii_uppercase()).filter(|it| ('A'..='C').contains(it))
}

fn diversions(headers: &Headers) -> Vec<Diversion> {
    let diverted = list(headers, |header| match header {
        Header::Diversion(diversion) => Some(diversion.value()),
        _ => None,
    });
    if diverted.is_empty() {
        return history(headers);
    }
    // The topmost is the latest (RFC 5806 §4).
    let diversion = |value: &String| {
        let hidden = parameter(value, "privacy").is_some_and(|it| !it.eq_ignore_ascii_case("off"));
        Diversion {
            from: user(value).filter(|_| !hidden).unwrap_or_default(),
            reason: parameter(value, "reason").unwrap_or_else(|| "unknown".into()),
        }
    };
    diverted.iter().take(DIVERSIONS_MAX).map(diversion).collect()
}

/// Every target before the last one was diverted from; why stands at the next one, as the `cause`
/// of RFC 4458, or in its own `Reason` (RFC 7044 §10.2).
fn history(headers: &Headers) -> Vec<Diversion> {
    let entries = list(headers, |header| match header {
        Header::HistoryInfo(history) => Some(history.value()),
        _ => None,
    });
    let hops = entries.windows(2).rev().map(|pair| Diversion {
        from: user(&pair[0]).filter(|_| !is_hidden(&pair[0])).unwrap_or_default(),
        reason: cause(&pair[1]).or_else(|| cause(&pair[0])).unwrap_or("unknown").into(),
    });
    hops.take(DIVERSIONS_MAX).collect()
}

fn is_hidden(entry: &str) -> bool {
    parameter(entry, "privacy").is_some()
}

fn cause(entry: &str) -> Option<&'static str> {
    let plain =
        entry.replace("%3D", "=").replace("%3d", "=").replace("%3B", ";").replace("%3b", ";");
    Some(match parameter(&plain, "cause")?.as_str() {
        "302" => "unconditional",
        "486" => "user-busy",
        "408" => "no-answer",
        "480" => "deflection",
        "503" => "unavailable",
        _ => "unknown",
    })
}

fn custom(headers: &Headers) -> Vec<(String, String)> {
    let custom = headers.iter().filter_map(|header| match header {
        Header::Other(name, value)
            if is_custom_header(name) && value.trim().len() <= CUSTOM_VALUE_BYTES_MAX =>
        {
            Some((name.clone(), value.trim().to_owned()))
        }
        _ => None,
    });
    custom.take(CUSTOM_HEADERS_MAX).collect()
}

/// One with a telephone number and one with an address (RFC 3325 §9.1).
const IDENTITIES_MAX: usize = 2;
/// A call that was sent on more often went in circles.
const DIVERSIONS_MAX: usize = 5;
/// Longest number or user part: E.164 has 15 digits, an address may have more.
const NUMBER_BYTES_MAX: usize = 128;
/// Longest display name.
const NAME_CHARS_MAX: usize = 64;
/// Longest parameter.
const TOKEN_BYTES_MAX: usize = 48;
