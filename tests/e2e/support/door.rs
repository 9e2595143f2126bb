//! The line's door for programs, knocked at with plain sockets.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

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
    let body = json!({"text": text, "from": from}).to_string();
    let length = body.len();
    let head = format!("Idempotency-Key: {key}\r\nContent-Length: {length}\r\n\r\n");
    ask(door, &format!("POST /lanes/{lane}"), &(head + &body))
}

/// Has a message sent in the chat.
pub fn send(door: SocketAddr, to: &str, text: &str) -> Answer {
    let body = json!({"channel": "chat", "to": to, "text": text}).to_string();
    let head = format!("Content-Length: {}\r\n\r\n", body.len());
    ask(door, "POST /lanes/xen-out", &(head + &body))
}

/// Wants to read on where a lane ends; gives no more than the answer's head.
pub fn read_on(door: SocketAddr, lane: &str) -> Answer {
    ask(door, &format!("HEAD /lanes/{lane}/events"), "\r\n")
}

fn ask(door: SocketAddr, request: &str, rest: &str) -> Answer {
    let mut stream = TcpStream::connect(door).expect("the door is open");
    stream.set_read_timeout(Some(ANSWER_WITHIN)).expect("a timeout");
    let head = format!(
        "{request} HTTP/1.1\r\nHost: {door}\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n"
    );
    stream.write_all((head + rest).as_bytes()).expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer in time");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
    let body = serde_json::from_str(body).unwrap_or_default();
    Answer { status, head: head.to_lowercase(), body }
}
