//! The line's door for programs, knocked at with plain sockets.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// What the line has to be given as `XENLINE_HTTP_TOKEN`.
pub const TOKEN: &str = "the token of these tests";
/// The door itself gives up before.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Value,
}

/// An address that nobody listens on now.
pub fn free_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound")
}

/// Posts `text` on a lane; `key` makes a repetition harmless.
pub fn post(door: SocketAddr, lane: &str, (from, text): (&str, &str), key: &str) -> Answer {
    let body = serde_json::json!({"text": text, "from": from}).to_string();
    let mut stream = TcpStream::connect(door).expect("the door is open");
    stream.set_read_timeout(Some(ANSWER_WITHIN)).expect("a timeout");
    let head = format!(
        "POST /lanes/{lane} HTTP/1.1\r\nHost: {door}\r\nConnection: close\r\nIdempotency-Key: {key}\r\n\
         Authorization: Bearer {TOKEN}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer in time");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
    let body = serde_json::from_str(body).unwrap_or_default();
    Answer { status, head: head.to_lowercase(), body }
}
