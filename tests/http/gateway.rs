//! A gateway of our own for short messages: it answers as it is told, or hangs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use xenline::text::SmsGateway;

/// A gateway that takes everything.
pub fn gateway() -> SmsGateway {
    Gateway::answering(&[]).settings(false)
}

/// What it was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub head: String,
    pub body: Value,
    pub at: Instant,
}

/// How it answers.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    Status(u16),
    /// Not now, but after so many seconds.
    NotBefore(u64),
    /// Not at all, for as long as it is asked.
    Hang,
}

/// A gateway that answers so, one after the other, and then 200.
pub struct Gateway {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Gateway {
    pub fn answering(statuses: &[u16]) -> Self {
        Self::behaving(statuses.iter().map(|status| Manner::Status(*status)).collect())
    }

    pub fn behaving(manners: Vec<Manner>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/v2/messages", listener.local_addr().expect("bound"));
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let heard = Arc::clone(&asked);
        // Ends with the test process; it holds nothing that outlives it.
        std::thread::spawn(move || {
            let mut hung = Vec::new();
            for (n, stream) in listener.incoming().flatten().enumerate() {
                let Some(request) = read(&stream) else { continue };
                heard.lock().unwrap().push(request);
                match manners.get(n).copied().unwrap_or(Manner::Status(200)) {
                    Manner::Status(status) => answer(&stream, status, ""),
                    Manner::NotBefore(s) => answer(&stream, 429, &format!("Retry-After: {s}\r\n")),
                    Manner::Hang => hung.push(stream),
                }
            }
        });
        Self { url, asked }
    }

    pub fn settings(&self, recognises_repetitions: bool) -> SmsGateway {
        SmsGateway {
            url: self.url.clone(),
            from: "+13125550100".into(),
            key: Some("key of the gateway".into()),
            recognises_repetitions,
            pause: Duration::from_millis(5),
            try_within: SmsGateway::TRY_WITHIN,
        }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut lines = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        head += &line.to_lowercase();
        if let Some(bytes) = line.to_lowercase().strip_prefix("content-length:") {
            length = bytes.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    lines.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Some(Asked { head, body, at: Instant::now() })
}

fn answer(mut stream: &TcpStream, status: u16, headers: &str) {
    let answer = format!(
        "HTTP/1.1 {status} X\r\n{headers}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}"
    );
    // Whoever does not wait for it has its own reasons.
    let _ = stream.write_all(answer.as_bytes());
}
