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
    /// A re-INVITE on which the peer is at work: when that has lasted too long. Its transaction knows no
    /// end of its own then (RFC 3261 §17.1.1.2).
    pub give_up: Option<MonoTime>,
}

/// What a timeout asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Due {
    Nothing,
    /// Refresh the session.
    Refresh(Agreed),
    /// Ask the peer whether it is there.
    Ask,
    /// The peer has been at work on our re-INVITE for too long.
    Stuck,
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
    /// Whether the peer ever answered a question: only then does its silence mean something at once.
    answers: bool,
    /// Questions in a row that it did not answer while nothing was to be heard of it either.
    silences: u32,
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
        (self.answers, self.silences) = (true, 0);
        self.ask_again(now);
    }

    /// The peer did not answer a question. Returns whether that means that it is gone: one that
    /// never answered any may only ignore them, and its RTP tells. On hold (`heard`: not) nothing
    /// does, and it may not ignore them for ever.
    pub(crate) fn unanswered(&mut self, now: MonoTime, heard: bool) -> bool {
        self.silences = if heard { 0 } else { self.silences + 1 };
        self.ask_again(now);
        self.answers || self.silences >= SILENCES_MAX
    }

    /// Unless a timer was agreed on while the question was under way.
    fn ask_again(&mut self, now: MonoTime) {
        if self.agreed.is_none() {
            self.next = Some(now + ASK_EVERY);
        }
    }

    /// The peer is at work on what waits for its response.
    pub(crate) fn at_work(&mut self, now: MonoTime) {
        if let Some(pending) = self.pending.as_mut().filter(|it| it.method == Method::Invite) {
            pending.give_up.get_or_insert(now + GIVE_UP);
        }
    }

    pub(crate) fn next_timeout(&self) -> Option<MonoTime> {
        let stuck = self.pending.as_ref().and_then(|pending| pending.give_up);
        [self.next, self.expires, stuck].into_iter().flatten().min()
    }

    pub(crate) fn on_timeout(&mut self, now: MonoTime) -> Due {
        if self.expires.is_some_and(|expires| expires <= now) {
            return Due::Expired;
        }
        if self.pending.as_ref().and_then(|it| it.give_up).is_some_and(|at| at <= now) {
            return Due::Stuck;
        }
        if self.next.is_none_or(|next| now < next) {
            return Due::Nothing;
        }
        if self.pending.is_some() {
            self.again(now, ONE_AT_A_TIME);
            return Due::Nothing;
        }
        self.next = None;
        match self.agreed {
            Some(agreed) => Due::Refresh(agreed),
            None => Due::Ask,
        }
    }
}

/// What we agree to as the answering side: no longer than we would ask for, as far as the peer lets us
/// shorten it (RFC 4028 §9), for until then nobody may notice that it is gone. `None`: no timer that both
/// could keep.
pub(crate) fn agree(asked: &Extensions, current: Option<Agreed>) -> Option<Agreed> {
    let least = Duration::from_secs(asked.expires_min_s.unwrap_or_default().into());
    let interval = match asked.expires_s {
        Some(_) if least > EXPIRES_MAX => return None,
        Some(seconds) if seconds >= EXPIRES_MIN_S => {
            Duration::from_secs(seconds.into()).min(EXPIRES_WANTED.max(least))
        }
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
    Some(Agreed { interval: Duration::from_secs(seconds.into()).min(EXPIRES_MAX), we_refresh })
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
/// Questions on hold that may stay unanswered by who never answered one: a quarter of an hour.
const SILENCES_MAX: u32 = 3;
/// A refresh that falls due while something else is under way comes that much later.
const ONE_AT_A_TIME: Duration = Duration::from_secs(1);
/// Less than that left, and another refusal changes nothing.
const RETRY_MIN: Duration = Duration::from_secs(10);
