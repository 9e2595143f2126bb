//! What a message says about transfers: Refer-To, Replaces, and the reports on them.

use rsipstack::sip::{Header, Headers};

use super::header::{after_display_name, first, list, user};
use super::parse_uri;
use crate::message::{ReferTo, Replaces, TransferHeaders};

/// Reads what a message says about transfers. What cannot be read is not said.
pub(super) fn transfer(headers: &Headers) -> TransferHeaders {
    let targets = list(headers, |header| match header {
        Header::ReferTo(target) => Some(target.value()),
        _ => None,
    });
    // A Call-ID may hold no comma that is not quoted, so a list is one all the same.
    let replaced = list(headers, |header| match header {
        Header::Replaces(replaces) => Some(replaces.value()),
        _ => None,
    });
    let event = first(headers, |header| match header {
        Header::Event(event) => Some(event.value()),
        _ => None,
    });
    let state = first(headers, |header| match header {
        Header::SubscriptionState(state) => Some(state.value()),
        _ => None,
    });
    let unreported = first(headers, |header| match header {
        Header::Other(name, value) if name.eq_ignore_ascii_case("Refer-Sub") => Some(value),
        _ => None,
    });
    let is = |value: Option<&str>, word: &str| {
        let first = value.and_then(|value| value.split(';').next());
        first.is_some_and(|first| first.trim().eq_ignore_ascii_case(word))
    };
    let replaces = match &replaced[..] {
        [one] => parse_replaces(one),
        _ => None,
    };
    TransferHeaders {
        refer_to: match &targets[..] {
            [one] => refer_to(one),
            _ => None,
        },
        unreported: is(unreported, "false"),
        bad_replaces: !replaced.is_empty() && replaces.is_none(),
        replaces,
        event: event
            .and_then(|event| event.split(';').next())
            .map(|it| it.trim().to_ascii_lowercase()),
        is_last: is(state, "terminated"),
    }
}

fn refer_to(value: &str) -> Option<ReferTo> {
    let rest = after_display_name(value)?;
    let address = match rest.split_once('<') {
        Some((_, rest)) => rest.split_once('>')?.0,
        None => rest.split(';').next()?,
    };
    let (address, headers) = address.split_once('?').unwrap_or((address, ""));
    let (scheme, _) = address.split_once(':')?;
    let number = user(address)?.to_owned();
    let uri = match scheme.eq_ignore_ascii_case("tel") {
        true => None,
        false => Some(parse_uri(address)?),
    };
    let other_method = address.split(';').any(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        name.eq_ignore_ascii_case("method") && !value.eq_ignore_ascii_case("INVITE")
    });
    if other_method || number.len() > NUMBER_BYTES_MAX {
        return None;
    }
    let replaces = headers.split('&').filter_map(|header| header.split_once('='));
    let mut replaces = replaces.filter(|(name, _)| name.eq_ignore_ascii_case("Replaces"));
    let replaces = match replaces.next() {
        Some((_, value)) => Some(parse_replaces(&unescaped(value)?)?),
        None => None,
    };
    Some(ReferTo { number, uri, replaces })
}

/// `98732@x;to-tag=r33th;from-tag=f44` and, maybe, `;early-only`.
fn parse_replaces(value: &str) -> Option<Replaces> {
    let mut parts = value.split(';').map(str::trim);
    let call_id = parts.next().filter(|id| is_word(id))?.to_owned();
    let (mut to_tag, mut from_tag, mut early_only) = (None, None, false);
    for part in parts {
        match part.split_once('=') {
            Some((name, tag)) if name.eq_ignore_ascii_case("to-tag") && is_word(tag) => {
                to_tag = Some(tag.to_owned());
            }
            Some((name, tag)) if name.eq_ignore_ascii_case("from-tag") && is_word(tag) => {
                from_tag = Some(tag.to_owned());
            }
            None if part.eq_ignore_ascii_case("early-only") => early_only = true,
            _ => {}
        }
    }
    Some(Replaces { call_id, to_tag: to_tag?, from_tag: from_tag?, early_only })
}

/// What may be written into a header of ours again: no blank, nothing that ends a value.
fn is_word(text: &str) -> bool {
    let plain = |byte: u8| (0x21..=0x7e).contains(&byte) && !b",;\"<>?".contains(&byte);
    !text.is_empty() && text.len() <= WORD_BYTES_MAX && text.bytes().all(plain)
}

/// Takes `%41` for `A`. `None` if it is no text then.
fn unescaped(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex =
            tail.get(..2).filter(|_| *first == b'%').and_then(|it| core::str::from_utf8(it).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// Longest Call-ID or tag that is looked for.
const WORD_BYTES_MAX: usize = 256;
/// Longest number or user part.
const NUMBER_BYTES_MAX: usize = 128;
