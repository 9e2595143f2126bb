//! Who has the console page open: one-time codes, and the sessions that they open.
//!
//! The address that `xenline page` prints ends in a code behind `#`, which a browser sends to nobody
//! and writes into no log of a server. The page hands it in, once, and gets a session's secret, which it
//! keeps for its own tab and brings in a header. It is no cookie, on purpose: a cookie would be sent to
//! every port of this machine and would come along with what other pages ask for.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};

/// Codes that wait to be used; the oldest gives way.
const CODES_MAX: usize = 8;
/// As long as it takes to copy an address into a browser.
const CODE_LASTS: Duration = Duration::from_secs(300);
/// Pages at the same time: the windows of one operator. The one that was silent longest gives way.
const SESSIONS_MAX: usize = 32;
/// A page that has said nothing for so long is closed.
const SESSION_LASTS: Duration = Duration::from_secs(12 * 3_600);
/// Nobody guesses so many bytes.
const SECRET_BYTES: usize = 24;

/// Codes and sessions. Cheap to clone; secrets are kept as digests.
#[derive(Clone, Default)]
pub struct Pages(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    door: Option<SocketAddr>,
    codes: VecDeque<(Hashed, Instant)>,
    sessions: VecDeque<(Hashed, Instant)>,
}

type Hashed = [u8; 32];

impl Pages {
    /// The door is open there.
    pub(super) fn opened_at(&self, door: SocketAddr) {
        self.inner().door = Some(door);
    }

    /// The address of the page, good for one opening. `None`: there is no door, or no randomness.
    #[must_use]
    pub fn invite(&self, now: Instant) -> Option<String> {
        let mut inner = self.inner();
        let (door, code) = (inner.door?, secret()?);
        if inner.codes.len() >= CODES_MAX {
            inner.codes.pop_front();
        }
        inner.codes.push_back((hashed(&code), now));
        let host = match door {
            door if door.ip().is_unspecified() => format!("127.0.0.1:{}", door.port()),
            door => door.to_string(),
        };
        Some(format!("http://{host}/#{code}"))
    }

    /// Takes a code, which is good once, for a session.
    pub(super) fn redeem(&self, now: Instant, code: &str) -> Option<String> {
        let wanted = hashed(code);
        let mut inner = self.inner();
        inner.codes.retain(|(_, since)| now.saturating_duration_since(*since) < CODE_LASTS);
        let at = inner.codes.iter().position(|(code, _)| *code == wanted)?;
        inner.codes.remove(at);
        drop(inner);
        self.start(now)
    }

    /// A session for somebody who is known. Its secret is told once.
    pub(super) fn start(&self, now: Instant) -> Option<String> {
        let secret = secret()?;
        let mut inner = self.inner();
        inner.forget(now);
        if inner.sessions.len() >= SESSIONS_MAX {
            inner.sessions.pop_front();
        }
        inner.sessions.push_back((hashed(&secret), now));
        Some(secret)
    }

    /// Whether a session has this secret; it is in use then.
    pub(super) fn knows(&self, now: Instant, secret: &str) -> bool {
        let wanted = hashed(secret);
        let mut inner = self.inner();
        inner.forget(now);
        let Some(at) = inner.sessions.iter().position(|(known, _)| *known == wanted) else {
            return false;
        };
        // Whoever was silent longest stands first.
        inner.sessions.remove(at);
        inner.sessions.push_back((wanted, now));
        true
    }

    /// The session with this secret is over.
    pub(super) fn end(&self, secret: &str) {
        let wanted = hashed(secret);
        self.inner().sessions.retain(|(known, _)| *known != wanted);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Lists are whole between two calls, so a panic elsewhere does not spoil them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn forget(&mut self, now: Instant) {
        self.sessions.retain(|(_, used)| now.saturating_duration_since(*used) < SESSION_LASTS);
    }
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pages")
    }
}

/// Compared as digests, so that the time it takes tells nothing of the secret.
fn hashed(secret: &str) -> Hashed {
    Sha256::digest(secret.as_bytes()).into()
}

fn secret() -> Option<String> {
    let mut bytes = [0; SECRET_BYTES];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> (Pages, Instant) {
        let pages = Pages::default();
        pages.opened_at("127.0.0.1:7080".parse().expect("an address"));
        (pages, Instant::now())
    }

    fn code_of(url: &str) -> &str {
        url.strip_prefix("http://127.0.0.1:7080/#").expect("the door's address and a code")
    }

    #[test]
    fn a_code_opens_one_session_and_only_while_it_is_fresh() {
        let (pages, now) = open();
        let url = pages.invite(now).expect("a door");
        let session = pages.redeem(now, code_of(&url)).expect("a good code");
        assert!(pages.knows(now, &session));
        assert_eq!(pages.redeem(now, code_of(&url)), None, "it was used");
        let late = pages.invite(now).expect("a door");
        assert_eq!(pages.redeem(now + CODE_LASTS, code_of(&late)), None);
        assert!(!pages.knows(now, code_of(&late)), "a code is no session");
    }

    #[test]
    fn a_session_ends_when_told_and_when_it_was_silent_for_long() {
        let (pages, now) = open();
        let (one, two) = (pages.start(now).expect("one"), pages.start(now).expect("two"));
        pages.end(&one);
        assert!(!pages.knows(now, &one) && pages.knows(now + SESSION_LASTS / 2, &two));
        assert!(pages.knows(now + SESSION_LASTS, &two), "it was in use");
        assert!(!pages.knows(now + SESSION_LASTS * 3, &two));
    }

    #[test]
    fn of_too_many_the_one_that_was_silent_longest_gives_way() {
        let (pages, now) = open();
        let first = pages.start(now).expect("a session");
        let second = pages.start(now).expect("a session");
        for _ in 2..SESSIONS_MAX {
            pages.start(now).expect("a session");
        }
        assert!(pages.knows(now, &first), "in use");
        pages.start(now).expect("one more");
        assert!(pages.knows(now, &first) && !pages.knows(now, &second));
        let invited: Vec<_> = (0..=CODES_MAX).filter_map(|_| pages.invite(now)).collect();
        assert_eq!(pages.redeem(now, code_of(&invited[0])), None);
        assert!(pages.redeem(now, code_of(&invited[1])).is_some());
    }

    #[test]
    fn without_a_door_nobody_is_invited() {
        assert_eq!(Pages::default().invite(Instant::now()), None);
    }
}
