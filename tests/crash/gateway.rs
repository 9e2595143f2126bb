//! A carrier's endpoint for short messages, and a program that sends some through the line. The
//! endpoint outlives the line.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

pub const TOKEN: &str = "the token of the crash harness";
/// A line that does not answer by then has been killed.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Of so many messages one is handed in again.
const TWICE_EACH: usize = 3;

/// What it got: the words, and the names that they came under.
type Got = BTreeMap<String, BTreeSet<String>>;

/// What it does with a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Manner {
    /// Takes it, and says so.
    #[default]
    Takes,
    /// Takes it, and never says so.
    IsSilent,
    /// Is busy: 503.
    IsBusy,
}

#[derive(Clone)]
pub struct Gateway {
    pub url: String,
    got: Arc<Mutex<Got>>,
    manner: Arc<Mutex<Manner>>,
    /// How often it was asked, whatever it did.
    asked: Arc<AtomicUsize>,
}

impl Gateway {
    /// Ends with the test process.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/v2/messages", listener.local_addr().expect("bound"));
        let (got, manner, asked) = Default::default();
        let gateway = Self { url, got, manner, asked };
        let ours = gateway.clone();
        std::thread::spawn(move || {
            let mut unanswered = Vec::new();
            for stream in listener.incoming().flatten() {
                // One whose sender was killed in the middle of it has sent nothing.
                let Some((key, body)) = request(&stream) else { continue };
                if !ours.answer(&stream, key, &body) {
                    unanswered.push(stream);
                }
            }
        });
        gateway
    }

    /// From now on.
    pub fn behave(&self, manner: Manner) {
        *self.manner.lock().expect("no panic") = manner;
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// The names that these words came under.
    pub fn names_of(&self, text: &str) -> usize {
        self.got().get(text).map_or(0, BTreeSet::len)
    }

    /// `false`: it did not.
    fn answer(&self, mut stream: &TcpStream, key: String, body: &Value) -> bool {
        let manner = *self.manner.lock().expect("no panic");
        if manner != Manner::IsBusy {
            let text = body["text"].as_str().unwrap_or_default().to_owned();
            self.got.lock().expect("no panic").entry(text).or_default().insert(key);
        }
        self.asked.fetch_add(1, Ordering::SeqCst);
        let status = match manner {
            Manner::Takes => "200 OK",
            Manner::IsBusy => "503 Busy",
            Manner::IsSilent => return false,
        };
        let answer =
            format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}");
        // A line that was killed meanwhile does not read it.
        let _ = stream.write_all(answer.as_bytes());
        true
    }

    fn got(&self) -> Got {
        self.got.lock().expect("no panic").clone()
    }
}

fn request(stream: &TcpStream) -> Option<(String, Value)> {
    let mut lines = BufReader::new(stream);
    let (mut key, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let Some((name, value)) = line.split_once(':') else {
            if line == "\r\n" {
                break;
            }
            continue;
        };
        match name.to_lowercase().as_str() {
            "idempotency-key" => key = value.trim().to_owned(),
            "content-length" => length = value.trim().parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    lines.read_exact(&mut body).ok()?;
    Some((key, serde_json::from_slice(&body).ok()?))
}

/// Messages that a program wants sent, and which of them the line said it took.
#[derive(Default)]
pub struct Messages {
    next: AtomicUsize,
    accepted: Mutex<Vec<String>>,
}

impl Messages {
    /// Hands one in, some of them twice, as by two programs that react to the same; the line may die
    /// over it, and then nobody knows.
    pub fn submit_one(&self, door: SocketAddr) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let text = format!("message {number}");
        // Recipients of their own: those of one wait for each other.
        let to = format!("+4930{:03}", number % 16);
        let body = json!({"channel": "sms", "to": to, "text": text});
        if post(door, &body) == Some(202) {
            self.accepted.lock().expect("no panic").push(text);
        }
        if number % TWICE_EACH == TWICE_EACH - 1 {
            // Whatever is said of it, the recipient gets it once.
            post(door, &body);
        }
    }

    pub fn accepted(&self) -> Vec<String> {
        self.accepted.lock().expect("no panic").clone()
    }

    /// Those that were accepted and did not arrive.
    pub fn lost(&self, gateway: &Gateway) -> Vec<String> {
        let got = gateway.got();
        self.accepted().into_iter().filter(|text| !got.contains_key(text)).collect()
    }

    /// Those that arrived under two names, so that no gateway could know them as one.
    pub fn twice(&self, gateway: &Gateway) -> Vec<String> {
        let twice = |(text, names): (String, BTreeSet<String>)| {
            (names.len() > 1).then(|| format!("{text} {names:?}"))
        };
        gateway.got().into_iter().filter_map(twice).collect()
    }
}

/// The status of the answer, if one came.
fn post(door: SocketAddr, body: &Value) -> Option<u16> {
    let body = body.to_string();
    let mut stream = TcpStream::connect(door).ok()?;
    stream.set_read_timeout(Some(ANSWER_WITHIN)).ok()?;
    let head = format!(
        "POST /lanes/xen-out HTTP/1.1\r\nHost: {door}\r\nConnection: close\r\n\
         Authorization: Bearer {TOKEN}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).ok()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    line.split(' ').nth(1)?.parse().ok()
}
