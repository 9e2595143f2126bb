use rsipstack::sip::{Header, Headers, typed};

use super::{ParseError, host, mended, method, plain_user, sip_uri, values};
use crate::message::{AuthHeaders, CSeq, Head, Method, Party, Reason, Route, SipUri, Via};

/// Reads the headers that the cores decide on.
pub(super) fn head(
    headers: &Headers,
    body: Vec<u8>,
    foreign_method: Option<&str>,
) -> Result<Head, ParseError> {
    let vias = list(headers, |header| match header {
        Header::Via(via) => Some(via.value()),
        _ => None,
    });
    let via = vias.first().and_then(|via| top_via(via)).ok_or(ParseError::Header("Via"))?;
    let from = first(headers, |header| match header {
        Header::From(from) => Some(from.value()),
        _ => None,
    });
    let to = first(headers, |header| match header {
        Header::To(to) => Some(to.value()),
        _ => None,
    });
    let call_id = first(headers, |header| match header {
        Header::CallId(call_id) => Some(call_id.value()),
        _ => None,
    });
    let cseq = first(headers, |header| match header {
        Header::CSeq(cseq) => Some(cseq.value()),
        _ => None,
    });
    let mut unreadable = malformed(headers, &vias, from, to);
    let registers = cseq.is_some_and(|cseq| cseq.ends_with("REGISTER"));
    let contact = contact(headers, registers, &mut unreadable).or_else(|| {
        // RFC 2543 elements need not write one: the caller is where From says.
        from.filter(|_| !via.has_magic_cookie()).and_then(name_addr_uri)
    });
    let record_routes = record_routes(headers, &mut unreadable);
    let from_auth = match registers {
        true => super::auth::auth(headers),
        // A dialog's Contact is its target, and read above.
        false => {
            AuthHeaders { contacts: Vec::new(), every_contact: false, ..super::auth::auth(headers) }
        }
    };
    let require = list(headers, |header| match header {
        Header::Require(require) => Some(require.value()),
        _ => None,
    });
    if require.len() >= ENTRIES_MAX {
        unreadable.get_or_insert("Require");
    }
    Ok(Head {
        via,
        vias,
        from: from.and_then(party).ok_or(ParseError::Header("From"))?,
        to: to.and_then(party).ok_or(ParseError::Header("To"))?,
        call_id: call_id.filter(|id| !id.is_empty()).ok_or(ParseError::Header("Call-ID"))?.into(),
        cseq: cseq
            .and_then(|cseq| parse_cseq(cseq, foreign_method))
            .ok_or(ParseError::Header("CSeq"))?,
        foreign_method: foreign_method.map(str::to_owned),
        contact,
        record_routes,
        spent_routes: spent_routes(headers),
        content_type: content_type(headers),
        require,
        extensions: super::extensions::extensions(headers),
        reason: reason(headers),
        caller: None,
        transfer: None,
        auth: (from_auth != AuthHeaders::default()).then(|| Box::new(from_auth)),
        unreadable,
        body,
    })
}

/// The first header that could be read and is nevertheless wrong (RFC 4475 §3.1.2).
fn malformed(
    headers: &Headers,
    vias: &[String],
    from: Option<&str>,
    to: Option<&str>,
) -> Option<&'static str> {
    if vias.len() >= ENTRIES_MAX {
        return Some("Via"); // It would be answered to fewer.
    }
    let empty_parameter = |via: &String| {
        let mut parameters = via.trim_end_matches(';').split(';').skip(1);
        via.ends_with(";;") || parameters.any(|parameter| parameter.trim().is_empty())
    };
    let spaced = |party: &str| {
        let address = after_display_name(party).and_then(|rest| rest.split_once('<'));
        let address = address.and_then(|(_, rest)| rest.split_once('>'));
        address.is_some_and(|(address, _)| address.contains([' ', '\t']))
    };
    let date = first(headers, |header| match header {
        Header::Date(date) => Some(date.value()),
        _ => None,
    });
    if vias.iter().any(empty_parameter) {
        Some("Via")
    } else if from.is_some_and(spaced) {
        Some("From")
    } else if to.is_some_and(spaced) {
        Some("To")
    } else if date.is_some_and(|date| !date.ends_with("GMT")) {
        Some("Date") // The one zone that SIP has (§20.17).
    } else {
        None
    }
}

pub(super) fn first<'a>(
    headers: &'a Headers,
    pick: impl Fn(&'a Header) -> Option<&'a str> + 'a,
) -> Option<&'a str> {
    values(headers, pick).next().map(str::trim)
}

/// Every entry of a header that may be written as lines, as a comma list, or as both; of more than
/// [`ENTRIES_MAX`] the first ones.
pub(super) fn list<'a>(
    headers: &'a Headers,
    pick: impl Fn(&'a Header) -> Option<&'a str> + 'a,
) -> Vec<String> {
    values(headers, pick).flat_map(list_entries).take(ENTRIES_MAX).map(str::to_owned).collect()
}

/// Splits at commas outside quotes and angle brackets (RFC 3261 §7.3.1).
fn list_entries(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(value);
    let entries = core::iter::from_fn(move || {
        let (entry, after) = split_entry(rest?);
        rest = after;
        Some(entry.trim())
    });
    entries.filter(|entry| !entry.is_empty())
}

/// The first entry of a list, and what follows its comma.
fn split_entry(value: &str) -> (&str, Option<&str>) {
    let (mut quoted, mut escaped, mut angle) = (false, false, false);
    for (index, byte) in value.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if !angle => quoted = !quoted,
            b'<' if !quoted => angle = true,
            b'>' if !quoted => angle = false,
            b',' if !quoted && !angle => return (&value[..index], Some(&value[index + 1..])),
            _ => {}
        }
    }
    (value, None)
}

fn top_via(value: &str) -> Option<Via> {
    let via = typed::Via::parse(value).ok()?;
    let sent_by = via.sent_by();
    Some(Via {
        branch: via.branch().map(|branch| branch.value().to_owned()).unwrap_or_default(),
        host: host(&sent_by.host),
        port: sent_by.port.map(|port| port.0),
        rport: via.rport().is_some(),
    })
}

/// From and To have the same form; From's grammar reads both.
fn party(value: &str) -> Option<Party> {
    let parsed = typed::From::parse(&mended(after_display_name(value)?)).ok()?;
    let tag = parsed.tag().map(|tag| tag.value().to_owned()).unwrap_or_default();
    let user = user(value).unwrap_or_default().to_owned();
    Some(Party { text: value.to_owned(), user, tag })
}

/// The user part of the address in `value`, or the number of a `tel:` one, without the parameters that
/// a number may carry with it (RFC 3261 §19.1.6).
pub(super) fn user(value: &str) -> Option<&str> {
    let rest = after_display_name(value)?;
    let address = rest.split_once('<').map_or(rest, |(_, rest)| rest);
    let address = address.split(['>', '?']).next()?.trim();
    let (scheme, rest) = address.split_once(':')?;
    let user = match rest.rsplit_once('@') {
        _ if scheme.eq_ignore_ascii_case("tel") => rest,
        Some((user, _)) => user.split(':').next()?,
        None => return None,
    };
    user.split(';').next().map(str::trim).filter(|user| !user.is_empty())
}

/// Takes a quoted display name off: it may contain `<`, which the stack's grammar stumbles over.
pub(super) fn after_display_name(value: &str) -> Option<&str> {
    let Some(rest) = value.trim_start().strip_prefix('"') else {
        return Some(value);
    };
    let mut escaped = false;
    for (index, byte) in rest.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(rest[index + 1..].trim_start()),
            _ => {}
        }
    }
    None
}

/// The method of a response's CSeq, if the grammar knows none of that name.
pub(super) fn foreign_cseq(headers: &Headers) -> Option<&str> {
    let cseq = first(headers, |header| match header {
        Header::CSeq(cseq) => Some(cseq.value()),
        _ => None,
    })?;
    let method = cseq.split_ascii_whitespace().nth(1)?;
    method.parse::<rsipstack::sip::Method>().is_err().then_some(method)
}

fn parse_cseq(value: &str, foreign_method: Option<&str>) -> Option<CSeq> {
    if let Some(foreign) = foreign_method {
        let (number, method) = value.split_once([' ', '\t'])?;
        let number = number.parse().ok().filter(|number| *number < 1 << 31)?;
        return (method.trim() == foreign).then_some(CSeq { number, method: Method::Foreign });
    }
    let cseq = typed::CSeq::parse(value).ok()?;
    // RFC 3261 §8.1.1.5: the number is below 2³¹.
    (cseq.seq < 1 << 31).then(|| CSeq { number: cseq.seq, method: method(cseq.method) })
}

fn contact(
    headers: &Headers,
    every_is_allowed: bool,
    unreadable: &mut Option<&'static str>,
) -> Option<SipUri> {
    let entries = list(headers, |header| match header {
        Header::Contact(contact) => Some(contact.value()),
        _ => None,
    });
    let entry = entries.first().filter(|entry| entry.as_str() != "*" || !every_is_allowed)?;
    let uri = name_addr_uri(entry);
    if uri.is_none() {
        unreadable.get_or_insert("Contact");
    }
    uri
}

fn record_routes(headers: &Headers, unreadable: &mut Option<&'static str>) -> Vec<Route> {
    let entries = list(headers, |header| match header {
        Header::RecordRoute(route) => Some(route.value()),
        _ => None,
    });
    if entries.len() >= ENTRIES_MAX {
        unreadable.get_or_insert("Record-Route");
    }
    let mut routes = Vec::with_capacity(entries.len());
    for text in entries {
        match name_addr_uri(&text) {
            Some(uri) => routes.push(Route { text, uri }),
            None => {
                unreadable.get_or_insert("Record-Route");
            }
        }
    }
    routes
}

/// The Route of a request that may be sent no further.
fn spent_routes(headers: &Headers) -> Vec<SipUri> {
    let left = first(headers, |header| match header {
        Header::MaxForwards(left) => Some(left.value()),
        _ => None,
    });
    if left.and_then(|left| left.parse().ok()) != Some(0_u8) {
        return Vec::new();
    }
    let entries = list(headers, |header| match header {
        Header::Route(route) => Some(route.value()),
        _ => None,
    });
    entries.iter().filter_map(|entry| name_addr_uri(entry)).collect()
}

/// The URI of a name-addr or addr-spec, its text as the peer wrote it.
pub(super) fn name_addr_uri(value: &str) -> Option<SipUri> {
    let rest = after_display_name(value)?;
    let text = match (rest.find('<'), rest.rfind('>')) {
        (Some(open), Some(close)) if open < close => &rest[open + 1..close],
        // Without brackets a `?` cannot be told from one of the header's own (§20.10).
        (None, None) if rest.contains('?') => return None,
        (None, None) => rest.split(';').next().unwrap_or(rest),
        _ => return None,
    };
    let uri = rsipstack::sip::parse_uri(&plain_user(&mended(text))).ok()?;
    sip_uri(text, &uri)
}

fn content_type(headers: &Headers) -> Option<String> {
    let value = first(headers, |header| match header {
        Header::ContentType(kind) => Some(kind.value()),
        _ => None,
    })?;
    Some(value.split(';').next().unwrap_or(value).trim().to_ascii_lowercase())
}

fn reason(headers: &Headers) -> Option<Reason> {
    let entries = list(headers, |header| match header {
        Header::Reason(reason) => Some(reason.value()),
        _ => None,
    });
    let mut reason = Reason::default();
    for entry in &entries {
        let mut parts = entry.split(';').map(str::trim);
        let is_q850 = parts.next().is_some_and(|protocol| protocol.eq_ignore_ascii_case("Q.850"));
        for part in parts {
            match part.split_once('=') {
                Some((name, value)) if is_q850 && name.trim().eq_ignore_ascii_case("cause") => {
                    reason.q850 = value.trim().parse().ok();
                }
                Some((name, value)) if name.trim().eq_ignore_ascii_case("text") => {
                    reason.text = value.trim().trim_matches('"').chars().take(128).collect();
                }
                _ => {}
            }
        }
    }
    (!entries.is_empty()).then_some(reason)
}

/// Most entries of a list that are looked at: more than Max-Forwards lets a message have hops. Each costs
/// as much as a short message.
const ENTRIES_MAX: usize = 100;
