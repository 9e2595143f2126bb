//! What a server lets us in with: a JSON web token (RFC 7519), signed by HMAC-SHA256.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::json;

/// An API key and its secret, from the environment. Never logged.
#[derive(Clone)]
pub struct ApiKey {
    /// Its name, which is in every token.
    pub key: String,
    /// What tokens are signed with.
    pub secret: String,
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiKey").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A token that lets `identity` into `room` as an agent, until [`TOKEN_VALID`] after `now`.
///
/// `now`: since the epoch. The server renews it while we are there, so its end matters only to
/// somebody who finds it.
#[must_use]
pub fn token(api: &ApiKey, room: &str, identity: &str, name: &str, now: Duration) -> String {
    let claims = json!({
        "iss": api.key,
        "sub": identity,
        "name": name,
        "kind": "agent",
        "nbf": now.as_secs().saturating_sub(CLOCK_SKEW.as_secs()),
        "exp": (now + TOKEN_VALID).as_secs(),
        "video": {
            "room": room,
            "roomJoin": true,
            "canPublish": true,
            "canSubscribe": true,
            "canPublishData": true,
            "canUpdateOwnMetadata": true,
            "agent": true,
        },
    });
    signed(api, &claims)
}

/// A token with which the server's own API tells what rooms there are and who is in them, for a
/// minute from `now` on.
///
/// `now`: since the epoch. `room`: the one that is asked about; all of them are listed without.
#[must_use]
pub fn server_token(api: &ApiKey, room: Option<&str>, now: Duration) -> String {
    let video = match room {
        None => json!({ "roomList": true }),
        Some(room) => json!({ "roomAdmin": true, "room": room }),
    };
    let claims = json!({
        "iss": api.key,
        "nbf": now.as_secs().saturating_sub(CLOCK_SKEW.as_secs()),
        "exp": (now + ASKED_WITHIN).as_secs(),
        "video": video,
    });
    signed(api, &claims)
}

fn signed(api: &ApiKey, claims: &serde_json::Value) -> String {
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let signed = format!(
        "{}.{}",
        encode(header.to_string().as_bytes()),
        encode(claims.to_string().as_bytes())
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, api.secret.as_bytes());
    let signature = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", encode(signature.as_ref()))
}

/// A quarter of an hour of being away: a resume of the session needs a token, too.
pub const TOKEN_VALID: Duration = Duration::from_secs(15 * 60);

/// A request takes less.
const ASKED_WITHIN: Duration = Duration::from_secs(60);

/// A server whose clock is behind ours is to let us in.
const CLOCK_SKEW: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_signed_and_says_who_and_where() {
        let api = ApiKey { key: "devkey".into(), secret: "secret".into() };
        let token = token(&api, "den", "xenline", "Agent", Duration::from_secs(1_000));
        let parts: Vec<&str> = token.split('.').collect();
        let claims = URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["video"]["room"], "den");
        assert_eq!(claims["kind"], "agent");
        assert_eq!(claims["exp"], 1_900);
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"secret");
        let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
        let signed = format!("{}.{}", parts[0], parts[1]);
        assert!(hmac::verify(&key, signed.as_bytes(), &signature).is_ok());
        assert!(!format!("{api:?}").contains("secret\""), "{api:?}");
    }
}
