//! Who wants to speak: producers with ready sound, each with a tone of its own, which never stop wanting.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use lane_broker::intake::WishSource;
use tempfile::TempDir;
use xenline::control::{Request, SayRequest, client};

use super::heard::tone;
use crate::support::sound::write_wav;

/// What each says, in Hz and ms; the last one is an alert, which takes the floor from the others.
pub const VOICES: [(f64, usize); 3] = [(600.0, 700), (1_000.0, 1_100), (2_800.0, 400)];
const ALERT: usize = VOICES.len() - 1;
const ALERT_EACH: Duration = Duration::from_millis(1_700);
/// Who was refused asks again.
const AGAIN: Duration = Duration::from_millis(50);

/// The text of a claim says whose tone it is.
pub fn voice_of(text: &str) -> Option<usize> {
    text.strip_prefix("tone ")?.split(' ').next()?.parse().ok()
}

pub struct Voices {
    dir: TempDir,
    socket: PathBuf,
    line: u64,
    over: AtomicBool,
}

impl Voices {
    /// They want to be heard at `line`, and say so at `socket`.
    pub fn of(socket: &Path, line: u64) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        for (voice, (hz, ms)) in VOICES.into_iter().enumerate() {
            write_wav(&file(dir.path(), voice), 8_000, tone(hz, ms, 8_000));
        }
        Self { dir, socket: socket.to_owned(), line, over: AtomicBool::new(false) }
    }

    /// One of them: the next claim is handed in when the last one has ended, until it is over.
    pub fn speak(&self, voice: usize) {
        let mut number = 0;
        while !self.over.load(Relaxed) {
            number += 1;
            let wish = SayRequest {
                text: format!("tone {voice} {number}"),
                wav: Some(file(self.dir.path(), voice)),
                line: Some(self.line),
                source: if voice == ALERT { WishSource::System } else { WishSource::External },
                wait: true,
                ..SayRequest::default()
            };
            let mut ended = false;
            let is_end = |reply| ended |= matches!(reply, xenline::control::Reply::Ended { .. });
            // A line that is gone answers nobody; then it is soon over.
            let _ = client::ask(&self.socket, &Request::Say(wish), is_end);
            if voice == ALERT {
                std::thread::sleep(ALERT_EACH);
            } else if !ended {
                std::thread::sleep(AGAIN);
            }
        }
    }

    pub fn stop(&self) {
        self.over.store(true, Relaxed);
    }
}

fn file(dir: &Path, voice: usize) -> PathBuf {
    dir.join(format!("{voice}.wav"))
}
