//! Programs of the machine that want to be heard, each with a sound of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use xenline::control::{Reply, Request, SayRequest, client};

use crate::gateway::Messages;
use crate::tones::{CODES, RATE_HZ, sound};

/// How long a claim is: thirty packets.
pub const CLAIM_MS: usize = 600;

/// Of so many claims one is not bound to be delivered: it may end with the line.
const UNBOUND_EACH: usize = 5;

/// What was handed in, and what of it was acknowledged.
pub struct Claims {
    dir: PathBuf,
    next: AtomicUsize,
    refused: AtomicUsize,
    /// By number, with the name that the line gave it.
    acknowledged: Mutex<BTreeMap<usize, String>>,
}

impl Claims {
    /// Writes the sounds into `dir`.
    pub fn new(dir: &Path) -> Arc<Self> {
        let dir = dir.join("tones");
        std::fs::create_dir(&dir).expect("a directory");
        for code in 0..CODES {
            write(&dir.join(format!("{code}.wav")), &sound(code, CLAIM_MS));
        }
        let (next, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Claims { dir, next, refused, acknowledged: Mutex::default() })
    }

    /// The claims that the line said it took.
    pub fn acknowledged(&self) -> BTreeMap<usize, String> {
        self.acknowledged.lock().expect("no panic").clone()
    }

    /// How many the line turned away because it could not keep them.
    pub fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }

    /// How many were handed in, those included of which nobody knows.
    pub fn handed_in(&self) -> usize {
        self.next.load(Ordering::Relaxed)
    }

    fn wav(&self, code: usize) -> PathBuf {
        self.dir.join(format!("{}.wav", code % CODES))
    }

    /// Hands the next claim in. Dies with the line without a word: then nobody knows.
    fn submit_one(&self, socket: &Path) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let wish = SayRequest {
            text: words_of(number),
            wav: Some(self.wav(number)),
            must_deliver: is_bound(number),
            dedup_key: Some(words_of(number)),
            ..SayRequest::default()
        };
        let _ = client::ask(socket, &Request::Say(wish), |reply| match reply {
            Reply::Accepted { claim, .. } => {
                self.acknowledged.lock().expect("no panic").insert(number, claim);
            }
            Reply::Refused { .. } => {
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        });
    }
}

/// What stands for a claim's sound.
pub fn words_of(number: usize) -> String {
    format!("sound {number}")
}

/// Whether a claim must be delivered, whatever happens.
pub fn is_bound(number: usize) -> bool {
    number % UNBOUND_EACH != UNBOUND_EACH - 1
}

/// Hands `count` claims and messages in, a moment apart, from a thread of its own.
pub fn submit(
    (socket, claims): (&Path, &Arc<Claims>),
    (door, messages): (SocketAddr, &Arc<Messages>),
    count: usize,
) -> JoinHandle<()> {
    let (socket, claims, messages) = (socket.to_owned(), claims.clone(), messages.clone());
    std::thread::spawn(move || {
        for _ in 0..count {
            claims.submit_one(&socket);
            messages.submit_one(door);
            std::thread::sleep(Duration::from_millis(60));
        }
    })
}

pub fn write(file: &Path, samples: &[i16]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(file, spec).expect("a file");
    for sample in samples {
        writer.write_sample(*sample).expect("room for it");
    }
    writer.finalize().expect("room for it");
}
