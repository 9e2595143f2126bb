//! `[line] keep_open`: a call that is there, and there again when it ends.

use std::time::Duration;

use media_core::MonoTime;

/// A call that is kept, and how that goes. A core: told the time, asked whether to call.
#[derive(Debug)]
pub struct KeepOpen {
    number: String,
    since: MonoTime,
    state: State,
    /// Tries in a row that came to nothing, or to a call that did not last.
    failures: u32,
    /// Calls that were answered.
    calls: u64,
    /// For how long they lasted, without the one that is up.
    up: Duration,
    trouble: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Due(MonoTime),
    Calling,
    Up(MonoTime),
}

/// How it goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keeping {
    /// Whether the call is up.
    pub up: bool,
    /// For how long it has been up, all calls together.
    pub up_for: Duration,
    /// Since when it is kept.
    pub kept_for: Duration,
    /// Times that it was called again after a call had ended.
    pub reconnects: u64,
    /// When it is tried again; `None`: it is up, or being called.
    pub next_try_in: Option<Duration>,
    /// Why the last try came to nothing.
    pub trouble: Option<String>,
}

impl KeepOpen {
    /// To be called at once.
    #[must_use]
    pub fn new(number: String, now: MonoTime) -> Self {
        Self {
            number,
            since: now,
            state: State::Due(now),
            failures: 0,
            calls: 0,
            up: Duration::ZERO,
            trouble: None,
        }
    }

    /// Whom.
    #[must_use]
    pub fn number(&self) -> &str {
        &self.number
    }

    /// Whether it is time to call; if so, that is taken for done.
    pub fn is_due(&mut self, now: MonoTime) -> bool {
        let due = matches!(self.state, State::Due(at) if at <= now);
        if due {
            self.state = State::Calling;
        }
        due
    }

    /// Somebody answered.
    pub fn answered(&mut self, now: MonoTime) {
        self.state = State::Up(now);
        self.calls += 1;
        self.trouble = None;
    }

    /// The try came to nothing, or the call is over.
    pub fn over(&mut self, now: MonoTime, trouble: Option<String>) {
        let lasted = match self.state {
            State::Up(since) => now.since(since),
            _ => Duration::ZERO,
        };
        self.up += lasted;
        self.failures = if lasted >= LASTED { 0 } else { self.failures.saturating_add(1) };
        self.trouble = trouble;
        let doubled = PAUSE_MIN.saturating_mul(1 << self.failures.saturating_sub(1).min(16));
        self.state = State::Due(now + doubled.min(PAUSE_MAX));
    }

    /// How it goes.
    #[must_use]
    pub fn keeping(&self, now: MonoTime) -> Keeping {
        let (up, up_for) = match self.state {
            State::Up(since) => (true, self.up + now.since(since)),
            _ => (false, self.up),
        };
        let next_try_in = match self.state {
            State::Due(at) => Some(at.since(now)),
            _ => None,
        };
        Keeping {
            up,
            up_for,
            kept_for: now.since(self.since),
            reconnects: self.calls.saturating_sub(1),
            next_try_in,
            trouble: self.trouble.clone(),
        }
    }
}

/// A call that lasted so long was one; the next try is not a repetition.
const LASTED: Duration = Duration::from_secs(60);
/// The first pause, and the longest. A carrier that is down for an hour is called 15 times in it.
const PAUSE_MIN: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> MonoTime {
        MonoTime::from_millis(s * 1_000)
    }

    fn kept() -> KeepOpen {
        KeepOpen::new("+493012345678".into(), at(0))
    }

    #[test]
    fn it_is_called_at_once_and_again_when_the_call_ends() {
        let mut kept = kept();
        assert!(kept.is_due(at(0)) && !kept.is_due(at(0)), "once");
        kept.answered(at(2));
        assert!(!kept.is_due(at(9_000)));
        kept.over(at(3_602), None);
        assert!(!kept.is_due(at(3_603)));
        assert!(kept.is_due(at(3_604)));
        kept.answered(at(3_606));
        let how = kept.keeping(at(3_706));
        assert_eq!((how.up, how.reconnects, how.next_try_in), (true, 1, None));
        assert_eq!((how.up_for.as_secs(), how.kept_for.as_secs()), (3_700, 3_706));
    }

    #[test]
    fn what_does_not_answer_is_tried_less_and_less_often_and_never_given_up() {
        let mut kept = kept();
        let (mut now, mut pauses) = (0, Vec::new());
        for _ in 0..11 {
            assert!(kept.is_due(at(now)));
            kept.over(at(now), Some("486 Busy Here".into()));
            let pause = kept.keeping(at(now)).next_try_in.expect("it is tried again").as_secs();
            pauses.push(pause);
            now += pause;
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(kept.keeping(at(now)).trouble.as_deref(), Some("486 Busy Here"));
    }

    #[test]
    fn calls_that_are_cut_at_once_are_no_success_and_one_that_lasts_is() {
        let mut kept = kept();
        let mut now = 0;
        for lasted in [1, 1, 1, 90] {
            assert!(kept.is_due(at(now)));
            kept.answered(at(now));
            kept.over(at(now + lasted), None);
            now += lasted + kept.keeping(at(now + lasted)).next_try_in.expect("again").as_secs();
        }
        assert_eq!(kept.keeping(at(now)).next_try_in, Some(Duration::ZERO));
        assert_eq!(now, 1 + 2 + 1 + 4 + 1 + 8 + 90 + 2);
        assert_eq!(kept.keeping(at(now)).up_for.as_secs(), 93);
    }
}
