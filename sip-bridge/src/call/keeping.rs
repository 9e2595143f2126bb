//! Whether a call is still there: the session timer of RFC 4028, or questions of our own.

use core::time::Duration;

use media_core::MonoTime;

use crate::message::{Extensions, Method, Refresher};
use crate::transaction::GIVE_UP;

/// What was agreed on: who refreshes, and how often at least.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Agreed {
    pub interval: Duration,
    pub we_refresh: bool,
}

/// A request of ours that keeps the call and waits for its response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Pending {
    pub method: Method,
    pub branch: String,
    pub cseq: u32,
}

/// What a timeout asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Due {
    Nothing,
    /// Refresh the session.
    Refresh(Agreed),
    /// Ask the peer whether it is there.
    Ask,
    /// Nobody refreshed in time.
    Expired,
}

/// Keeps one call.
#[derive(Debug, Default)]
pub(crate) struct Keeping {
    agreed: Option<Agreed>,
    pub pending: Option<Pending>,
    /// The next refresh or question.
    next: Option<MonoTime>,
    /// When the session is over unless somebody refreshed it.
    expires: Option<MonoTime>,
    /// Whether the peer takes UPDATE.
    pub peer_updates: bool,
    /// Whether the peer ever answered a question: only then does its silence mean something.
    answers: bool,
}

impl Keeping {
    /// For a call that comes in: what its INVITE asks for, from the moment of its ACK on.
    pub(crate) fn asked(invite: &Extensions) -> Self {
        let (agreed, peer_updates) = (agree(invite, None), invite.update);
        Self { agreed, peer_updates, ..Self::default() }
    }

    pub(crate) fn agreed(&self) -> Option<Agreed> {
        self.agreed
    }

    /// From `now` on the call is kept as `agreed`, or by questions where nothing was.
    pub(crate) fn begin(&mut self, now: MonoTime, agreed: Option<Agreed>) {
        self.agreed = agreed;
        match agreed {
            Some(Agreed { interval, we_refresh }) => {
                self.next = we_refresh.then(|| now + interval / 2);
                // Before the other side gives up (RFC 4028 §10).
                self.expires = Some(now + interval - GIVE_UP.min(interval / 3));
            }
            None => {
                self.next = Some(now + ASK_EVERY);
                self.expires = None;
            }
        }
    }

    /// Tries again after `wait`.
    pub(crate) fn again(&mut self, now: MonoTime, wait: Duration) {
        self.next = Some(now + wait);
    }

    /// Tries again once half of the time that is left has passed, or leaves it to the end.
    pub(crate) fn again_later(&mut self, now: MonoTime) {
        let left = self.expires.map_or(ASK_EVERY, |expires| expires.since(now));
        self.next = (left > RETRY_MIN).then(|| now + left / 2);
    }

    /// The interval that the peer insists on, if it is longer than ours (422).
    pub(crate) fn lengthen(&mut self, now: MonoTime, min_s: Option<u32>) {
        let min = Duration::from_secs(min_s.unwrap_or_default().into());
        match &mut self.agreed {
            Some(agreed) if agreed.interval < min => {
                agreed.interval = min;
                self.again(now, Duration::ZERO);
            }
            _ => self.again_later(now),
        }
    }

    /// The peer answered a question.
    pub(crate) fn answered(&mut self, now: MonoTime) {
        self.answers = true;
        self.next = Some(now + ASK_EVERY);
    }

    /// The peer did not answer a question. Returns whether that means that it is gone: one that
    /// never answered any may only ignore them, and its RTP tells.
    pub(crate) fn unanswered(&mut self) -> bool {
        self.next = None;
        self.answers
    }

    pub(crate) fn next_timeout(&self) -> Option<MonoTime> {
        [self.next, self.expires].into_iter().flatten().min()
    }

    pub(crate) fn on_timeout(&mut self, now: MonoTime) -> Due {
        if self.expires.is_some_and(|expires| expires <= now) {
            return Due::Expired;
        }
        if self.next.is_none_or(|next| now < next) {
            return Due::Nothing;
        }
        self.next = None;
        match self.agreed {
            _ if self.pending.is_some() => Due::Nothing,
            Some(agreed) => Due::Refresh(agreed),
            None => Due::Ask,
        }
    }
}

/// What we agree to as the answering side. `None`: no timer that both could keep.
pub(crate) fn agree(asked: &Extensions, current: Option<Agreed>) -> Option<Agreed> {
    let interval = match asked.expires_s {
        Some(seconds) if seconds >= EXPIRES_MIN_S => Duration::from_secs(seconds.into()),
        Some(_) => return None, // Too short, from a proxy: who asked knows nothing of 422.
        None => current?.interval,
    };
    let we_refresh = match asked.refresher {
        _ if !asked.timer => true,
        Some(refresher) => refresher == Refresher::Uas,
        None => current.is_some_and(|current| current.we_refresh),
    };
    Some(Agreed { interval, we_refresh })
}

/// What the peer agreed to as the answering side.
pub(crate) fn agreed_by(answer: &Extensions) -> Option<Agreed> {
    let seconds = answer.expires_s?.max(EXPIRES_MIN_S);
    let we_refresh = answer.refresher != Some(Refresher::Uas);
    Some(Agreed { interval: Duration::from_secs(seconds.into()), we_refresh })
}

/// Whether `asked` is refused with 422: shorter than we take, from somebody who knows what that is.
pub(crate) fn is_too_short(asked: &Extensions) -> bool {
    asked.timer && asked.expires_s.is_some_and(|seconds| seconds < EXPIRES_MIN_S)
}

/// The header lines of a 2xx that agrees.
pub(crate) fn answer_lines(agreed: Option<Agreed>) -> String {
    let Some(Agreed { interval, we_refresh }) = agreed else { return String::new() };
    let (refresher, require) = match we_refresh {
        true => (Refresher::Uas, ""),
        false => (Refresher::Uac, "Require: timer\r\n"),
    };
    format!("Session-Expires: {};refresher={}\r\n{require}", interval.as_secs(), refresher.name())
}

/// The header lines of a request that asks for a timer. `we_refresh`: `None` leaves it open.
pub(crate) fn request_lines(interval: Duration, we_refresh: Option<bool>) -> String {
    let refresher = match we_refresh {
        Some(true) => ";refresher=uac",
        Some(false) => ";refresher=uas",
        None => "",
    };
    format!("Session-Expires: {}{refresher}\r\n{MIN_SE_LINE}", interval.as_secs())
}

/// The shortest interval that RFC 4028 §4 allows, in seconds.
const EXPIRES_MIN_S: u32 = 90;
/// What a 422 says, and every request with a timer.
pub(crate) const MIN_SE_LINE: &str = "Min-SE: 90\r\n";
/// What we ask for when we call: the RFC's own recommendation.
pub(crate) const EXPIRES_WANTED: Duration = Duration::from_secs(1_800);
/// Longest interval that we go along with when our call is refused with 422.
pub(crate) const EXPIRES_MAX: Duration = Duration::from_secs(86_400);
/// Without a timer: a carrier forgets a dead call sooner than that, and three hundred seconds cost
/// two messages.
const ASK_EVERY: Duration = Duration::from_secs(300);
/// Less than that left, and another refusal changes nothing.
const RETRY_MIN: Duration = Duration::from_secs(10);
