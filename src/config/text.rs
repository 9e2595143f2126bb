//! What comes and goes in writing.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::Problem;
use crate::http::CarrierKey;
use crate::watch::Show;

/// `[http]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSection {
    /// Where programs reach the lanes, or `off`. The token is in `XENLINE_HTTP_TOKEN`.
    #[serde(with = "super::listener")]
    pub listen: Option<SocketAddr>,
    /// Names by which it is reached, besides loopback: those of a proxy in front of it.
    pub hosts: Vec<String>,
    /// Messages that one writer may post, or one address may have sent through `xen-out`, in a
    /// minute.
    pub per_source_minute: u32,
    /// Requests that all of them may make in a minute. Writers whose names are new share half of it
    /// for each address.
    pub per_minute: u32,
    /// What is shown of calls there.
    pub show: Show,
    /// STUN and TURN servers for browsers that talk from elsewhere; on the line's machine none is needed.
    pub ice_servers: Vec<String>,
    /// The line's name there. The password is in `XENLINE_ICE_CREDENTIAL`.
    pub ice_username: String,
}

impl Default for HttpSection {
    fn default() -> Self {
        Self {
            listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 7080))),
            hosts: Vec::new(),
            per_source_minute: 600,
            per_minute: 6_000,
            show: Show::default(),
            ice_servers: Vec::new(),
            ice_username: String::new(),
        }
    }
}

/// `[text]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextSection {
    /// Tags of your own, besides the built-in ones.
    pub tags: Vec<String>,
    /// Tags whose messages the brain gets and answers.
    pub answered: Vec<String>,
}

impl Default for TextSection {
    fn default() -> Self {
        let answered = ["typed", "sms", "in", "aua", "bee", "omi"].map(String::from).to_vec();
        Self { tags: Vec::new(), answered }
    }
}

/// `[sms]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmsSection {
    /// Where short messages are posted to. Absent: none leave. The key is in `XENLINE_SMS_KEY`.
    pub url: Option<String>,
    /// The number that they come from.
    pub from: String,
    /// Whether the gateway takes each `Idempotency-Key` once, so that what may have been sent can be
    /// posted again.
    pub recognises_repetitions: bool,
    /// The carrier's public key, in base64; absent: webhooks need the token instead.
    pub public_key: Option<String>,
}

/// What of this parses but cannot work.
pub(super) fn problems(http: &HttpSection, text: &TextSection, sms: &SmsSection) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut wrong = |key, message: String| problems.push(Problem { key, message });
    if http.per_minute == 0 || http.per_source_minute == 0 {
        wrong("http.per_minute", "at least 1; `listen = \"off\"` closes the door".into());
    }
    let is_ice = |url: &String| ["stun:", "turn:", "turns:"].iter().any(|it| url.starts_with(it));
    if !http.ice_servers.iter().all(is_ice) {
        wrong("http.ice_servers", "addresses like turn:turn.example.org:3478".into());
    }
    let mut tags = lane_broker::Tags::default();
    for tag in &text.tags {
        if let Err(error) = tags.register(tag) {
            wrong("text.tags", error.to_string());
        }
    }
    for tag in &text.answered {
        match tags.parse(tag) {
            Err(error) => wrong("text.answered", format!("{error}, in [text] tags")),
            Ok(tag) if ["call", "xen-out"].contains(&tag.as_str()) => {
                wrong("text.answered", format!("{tag} holds what calls and the line itself say"));
            }
            Ok(_) => {}
        }
    }
    let is_web = |url: &str| url.starts_with("http://") || url.starts_with("https://");
    if sms.url.as_deref().is_some_and(|url| !is_web(url)) {
        wrong("sms.url", "an address like https://api.telnyx.com/v2/messages".into());
    }
    if sms.url.is_some() && sms.from.is_empty() {
        wrong("sms.from", "name the number that short messages come from".into());
    }
    if sms.public_key.as_deref().is_some_and(|key| CarrierKey::new(key).is_none()) {
        wrong("sms.public_key", "32 bytes in base64, as the carrier's portal shows them".into());
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    type Spoil = fn(&mut HttpSection, &mut TextSection, &mut SmsSection);

    #[test]
    fn each_impossible_value_is_named() {
        let cases: &[(&str, Spoil)] = &[
            ("http.per_minute", |http, _, _| http.per_minute = 0),
            ("http.ice_servers", |http, _, _| http.ice_servers = vec!["example.org".into()]),
            ("text.tags", |_, text, _| text.tags = vec!["No Tag".into()]),
            ("text.answered", |_, text, _| text.answered = vec!["fax".into()]),
            ("text.answered", |_, text, _| text.answered = vec!["call".into()]),
            ("sms.url", |_, _, sms| {
                (sms.url, sms.from) = (Some("gateway".into()), "+1".into());
            }),
            ("sms.from", |_, _, sms| sms.url = Some("http://gateway".into())),
            ("sms.public_key", |_, _, sms| sms.public_key = Some("short".into())),
        ];
        for (key, spoil) in cases {
            let (mut http, mut text, mut sms) = Default::default();
            spoil(&mut http, &mut text, &mut sms);
            let keys: Vec<_> = problems(&http, &text, &sms).iter().map(|it| it.key).collect();
            assert_eq!(keys, [*key]);
        }
    }
}
