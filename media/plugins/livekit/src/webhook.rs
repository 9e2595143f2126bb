//! What a server tells of its rooms by HTTP, and whether it is the server that tells it. Pure.
//! <https://docs.livekit.io/intro/basics/rooms-participants-tracks/webhooks-events/>

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::{digest, hmac};
use serde_json::Value;

use crate::{ApiKey, ParticipantKind};

/// One event of a room.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// `room_started`, `participant_joined`, `participant_left`, `room_finished`, and others.
    pub event: String,
    /// Which room.
    pub room: String,
    /// Of whom, where it is of somebody.
    pub participant: Option<(String, ParticipantKind)>,
}

impl std::fmt::Debug for Webhook {
    /// Without names: a telephone's is its number.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("event", &self.event).finish_non_exhaustive()
    }
}

/// Why a webhook was not believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WebhookError {
    /// No signature, or something else in its place.
    #[error("it needs the header Authorization with the server's token for this body")]
    Missing,
    /// Signed by somebody else, or for another body.
    #[error("it is not signed with this line's key for the LiveKit server")]
    Wrong,
    /// Too old, or from the future.
    #[error("its token is not valid now; are both clocks right?")]
    Late,
    /// Signed, and no event of a room.
    #[error("it has no event, or no room")]
    NoEvent,
}

impl Webhook {
    /// Believes `body`, or says why not.
    ///
    /// `authorization`: the header. `now`: since the epoch.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub fn read(
        api: &ApiKey,
        authorization: Option<&str>,
        body: &[u8],
        now: Duration,
    ) -> Result<Webhook, WebhookError> {
        let token = authorization.ok_or(WebhookError::Missing)?;
        let claims = verified(api, token.strip_prefix("Bearer ").unwrap_or(token))?;
        let signed = digest::digest(&digest::SHA256, body);
        // What is compared was signed, so that there is nothing to be learnt from how long it takes.
        if claims["iss"] != api.key || claims["sha256"] != STANDARD.encode(signed) {
            return Err(WebhookError::Wrong);
        }
        let (now, skew) = (now.as_secs(), SKEW.as_secs());
        let ended = claims["exp"].as_u64().is_none_or(|end| end + skew < now);
        if ended || claims["nbf"].as_u64().is_some_and(|begin| now + skew < begin) {
            return Err(WebhookError::Late);
        }
        event(body).ok_or(WebhookError::NoEvent)
    }
}

/// What a token says, if it is signed with our secret and by the one algorithm that there is.
fn verified(api: &ApiKey, token: &str) -> Result<Value, WebhookError> {
    let (signed, signature) = token.rsplit_once('.').ok_or(WebhookError::Missing)?;
    let (header, claims) = signed.split_once('.').ok_or(WebhookError::Missing)?;
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| WebhookError::Missing);
    let json = |part: &str| {
        serde_json::from_slice::<Value>(&decoded(part)?).map_err(|_| WebhookError::Missing)
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, api.secret.as_bytes());
    let genuine = hmac::verify(&key, signed.as_bytes(), &decoded(signature)?).is_ok();
    if !genuine || json(header)?["alg"] != "HS256" {
        return Err(WebhookError::Wrong);
    }
    json(claims)
}

fn event(body: &[u8]) -> Option<Webhook> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let participant = &body["participant"];
    // What is usual is left out of JSON: a person.
    let kind = match participant["kind"].as_str() {
        None | Some("STANDARD") => ParticipantKind::Person,
        Some("SIP") => ParticipantKind::Phone,
        Some("AGENT") => ParticipantKind::Agent,
        Some(_) => ParticipantKind::Other,
    };
    Some(Webhook {
        event: text(&body["event"])?,
        room: text(&body["room"]["name"])?,
        participant: text(&participant["identity"]).map(|identity| (identity, kind)),
    })
}

/// How far the server's clock may be off.
const SKEW: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Duration = Duration::from_secs(1_790_000_000);
    const BODY: &[u8] = br#"{"event":"participant_joined","room":{"name":"den","sid":"RM_1"},
        "participant":{"identity":"+15550100","kind":"SIP"},"id":"EV_1"}"#;

    fn api() -> ApiKey {
        ApiKey { key: "devkey".into(), secret: "a secret".into() }
    }

    fn signed(claims: &Value, algorithm: &str) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&json!({ "alg": algorithm })), encode(claims));
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"a secret");
        let signature = hmac::sign(&key, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn claims(body: &[u8]) -> Value {
        let sha256 = STANDARD.encode(digest::digest(&digest::SHA256, body));
        json!({ "iss": "devkey", "sha256": sha256, "exp": NOW.as_secs() + 300 })
    }

    fn read(token: &str, now: Duration) -> Result<Webhook, WebhookError> {
        Webhook::read(&api(), Some(token), BODY, now)
    }

    #[test]
    fn the_servers_word_is_believed() {
        let webhook = read(&signed(&claims(BODY), "HS256"), NOW).unwrap();
        let participant = Some(("+15550100".to_owned(), ParticipantKind::Phone));
        let event = "participant_joined".to_owned();
        assert_eq!(webhook, Webhook { event, room: "den".into(), participant });
        assert!(!format!("{webhook:?}").contains("555"), "{webhook:?}");
    }

    #[test]
    fn nobody_elses_word_is_nor_one_for_another_body_nor_an_old_one() {
        let good = signed(&claims(BODY), "HS256");
        assert_eq!(read(&signed(&claims(b"{}"), "HS256"), NOW), Err(WebhookError::Wrong));
        assert_eq!(read(&signed(&claims(BODY), "none"), NOW), Err(WebhookError::Wrong));
        let mut forged = good.clone();
        forged.replace_range(forged.len() - 4.., "AAAA");
        assert_eq!(read(&forged, NOW), Err(WebhookError::Wrong));
        let mut others = claims(BODY);
        others["iss"] = json!("otherkey");
        assert_eq!(read(&signed(&others, "HS256"), NOW), Err(WebhookError::Wrong));
        assert_eq!(read(&good, NOW + Duration::from_secs(400)), Err(WebhookError::Late));
        for nothing in ["", "Bearer", "a.b.c"] {
            assert_eq!(read(nothing, NOW), Err(WebhookError::Missing), "{nothing}");
        }
        // A signature, if an empty one.
        assert_eq!(read("...", NOW), Err(WebhookError::Wrong));
        assert_eq!(Webhook::read(&api(), None, BODY, NOW), Err(WebhookError::Missing));
    }

    #[test]
    fn what_is_no_event_of_a_room_is_told() {
        let body = br#"{"event":"egress_started"}"#;
        let token = signed(&claims(body), "HS256");
        let read = Webhook::read(&api(), Some(&format!("Bearer {token}")), body, NOW);
        assert_eq!(read, Err(WebhookError::NoEvent));
    }
}
