//! What somebody else may post where the LiveKit server tells of its rooms.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::{digest, hmac};
use serde_json::json;

use super::peers::{KEY, SECRET};

/// Of a room that the line does not go into, so that nothing comes of it where it is believed.
const BODY: &str = r#"{"event":"participant_joined","room":{"name":"elsewhere"},"participant":{"identity":"eve"}}"#;

/// That the door believes the server, and nobody else, and no recording of it.
pub fn is_believed_by_its_signature(door: SocketAddr) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
    let cases = [
        ("the server's", Some(signed(SECRET, now + 300)), 200),
        ("somebody else's", Some(signed("another secret that is long enough", now + 300)), 401),
        ("an old one", Some(signed(SECRET, now - 300)), 401),
        ("the token of the door for programs", Some(crate::support::door::TOKEN.to_owned()), 401),
        ("nobody's", None, 401),
    ];
    for (whose, authorization, status) in cases {
        assert_eq!(post(door, authorization.as_deref()), status, "{whose}");
    }
}

fn signed(secret: &str, until: u64) -> String {
    let sha256 = STANDARD.encode(digest::digest(&digest::SHA256, BODY.as_bytes()));
    let claims = json!({ "iss": KEY, "sha256": sha256, "exp": until }).to_string();
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let signed =
        format!("{}.{}", encode(br#"{"alg":"HS256","typ":"JWT"}"#), encode(claims.as_bytes()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", encode(signature.as_ref()))
}

fn post(door: SocketAddr, authorization: Option<&str>) -> u16 {
    let mut stream = TcpStream::connect(door).expect("the door is open");
    stream.set_read_timeout(Some(ANSWER_WITHIN)).expect("a timeout");
    let authorization =
        authorization.map(|it| format!("Authorization: {it}\r\n")).unwrap_or_default();
    let request = format!(
        "POST /webhooks/livekit HTTP/1.1\r\nHost: {door}\r\nConnection: close\r\n{authorization}\
         Content-Type: application/webhook+json\r\nContent-Length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer in time");
    answer.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status")
}

/// The door itself gives up before.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
