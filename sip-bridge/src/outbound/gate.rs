use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use media_core::MonoTime;

use super::book::MINUTE_S;
use super::{Book, Micros, OutboundPolicy, OutboundRefusal};

/// What time it is, on both clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// The process's clock.
    pub mono: MonoTime,
    /// Seconds since 1970: which day it is.
    pub unix_s: u64,
}

/// Names a permitted call until it is settled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(u64);

/// A call may be placed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Permit {
    /// To be settled when the call is over, or came to nothing.
    pub ticket: Ticket,
    /// Whom to dial: `+` and digits, or an extension.
    pub number: String,
    /// To be hung up so long after the answer.
    pub longest: Duration,
}

/// What a call may cost at most, as it is on the account.
#[derive(Clone, Copy, Debug)]
struct Promise {
    minutes: u64,
    per_minute: Micros,
    /// It began on a day before the account's.
    over_midnight: bool,
}

/// The gate. See [the module](super).
#[derive(Debug, Default)]
pub struct OutboundGate {
    policy: OutboundPolicy,
    book: Book,
    open: BTreeMap<Ticket, Promise>,
    /// When the last calls were permitted, oldest first; no more than `ATTEMPTS_MAX`.
    attempts: VecDeque<MonoTime>,
    tickets: u64,
}

impl OutboundGate {
    /// A gate that goes on where `book` says that an earlier one was.
    #[must_use]
    pub fn new(policy: OutboundPolicy, book: Book) -> Self {
        Self { policy, book, ..Self::default() }
    }

    /// Puts another policy in force. Calls that are open go on as they were permitted.
    pub fn replace(&mut self, policy: OutboundPolicy) {
        self.policy = policy;
    }

    /// The day's account; to be kept before a permitted call leaves, and after each one is settled.
    #[must_use]
    pub fn book(&self) -> Book {
        self.book
    }

    /// Calls permitted and not settled.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// Whether this number may be called at all, whatever the hour and the account.
    ///
    /// # Errors
    /// [`OutboundRefusal`].
    pub fn judge(&self, number: &str) -> Result<(), OutboundRefusal> {
        self.policy.judge(number).map(drop)
    }

    /// Whether this number may be called now. What the call may cost at most is on the account from
    /// here on.
    ///
    /// # Errors
    /// [`OutboundRefusal`]; then nothing has changed.
    pub fn ask(&mut self, now: Now, number: &str) -> Result<Permit, OutboundRefusal> {
        self.turn_to(now.unix_s);
        let (number, entry) = self.policy.judge(number)?;
        let (number, per_minute) = (number.as_str().to_owned(), entry.per_minute);
        if self.open.len() >= self.policy.calls_max {
            return Err(OutboundRefusal::CallsFull { calls_max: self.policy.calls_max });
        }
        let minutes = self.minutes_left(per_minute)?;
        self.count_attempt(now.mono)?;
        let promise = Promise { minutes, per_minute, over_midnight: false };
        self.book.charge(minutes, per_minute);
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.open.insert(ticket, promise);
        let longest = self.policy.longest.min(Duration::from_secs(minutes * MINUTE_S));
        Ok(Permit { ticket, number, longest })
    }

    /// A permitted call is over; both sides heard each other for `talked` until now. What it did not
    /// cost is taken off the account, in whole minutes, as it is billed. Of a call over midnight today
    /// pays for what lies after it: the day before has paid for the rest.
    pub fn settle(&mut self, now: Now, ticket: Ticket, talked: Duration) {
        self.turn_to(now.unix_s);
        let Some(promise) = self.open.remove(&ticket) else { return };
        let since_midnight = self.book.since_midnight(now.unix_s).filter(|_| promise.over_midnight);
        // The clock tells whole seconds; the one that has begun is one.
        let today = since_midnight.map_or(talked, |since| talked.min(since + ONE_SECOND));
        let used = today.as_nanos().div_ceil(u128::from(MINUTE_S) * 1_000_000_000);
        let unused = promise.minutes.saturating_sub(u64::try_from(used).unwrap_or(u64::MAX));
        self.book.refund(unused, promise.per_minute);
    }

    /// A permitted call has left us: the peer places it, and how long others talk is not ours to see.
    /// All that it was promised stays on the account, and another call may begin.
    pub fn leave_whole(&mut self, ticket: Ticket) {
        self.open.remove(&ticket);
    }

    /// A new day begins with what the calls that are open may still cost on it. To be told now and then
    /// what time it is, so that [`OutboundGate::book`] is today's also while nobody calls. Returns whether
    /// the day has begun with something on its account, which is to be kept.
    pub fn turn_to(&mut self, unix_s: u64) -> bool {
        let begins = self.book.turn_to(unix_s);
        if begins {
            for promise in self.open.values_mut() {
                promise.over_midnight = true;
                self.book.charge(promise.minutes, promise.per_minute);
            }
        }
        begins && !self.open.is_empty()
    }

    /// The whole minutes that a call at this price may last.
    fn minutes_left(&self, per_minute: Micros) -> Result<u64, OutboundRefusal> {
        let minutes = self.policy.minutes_per_day;
        let used = self.book.seconds.div_ceil(MINUTE_S);
        let of_the_day = minutes.saturating_sub(used);
        if of_the_day == 0 {
            return Err(OutboundRefusal::MinutesUsed { minutes });
        }
        let money = self.policy.spend_per_day.saturating_sub(self.book.spent);
        let affordable = money.checked_div(per_minute).unwrap_or(u64::MAX);
        if affordable == 0 {
            return Err(OutboundRefusal::MoneySpent);
        }
        let longest = self.policy.longest.as_secs().div_ceil(MINUTE_S).max(1);
        Ok(longest.min(of_the_day).min(affordable))
    }

    fn count_attempt(&mut self, now: MonoTime) -> Result<(), OutboundRefusal> {
        while self.attempts.front().is_some_and(|at| now.since(*at) >= ATTEMPTS_WITHIN) {
            self.attempts.pop_front();
        }
        if let Some(oldest) = self.attempts.front().filter(|_| self.attempts.len() >= ATTEMPTS_MAX)
        {
            let wait = ATTEMPTS_WITHIN.saturating_sub(now.since(*oldest));
            let wait_s = u64::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX);
            return Err(OutboundRefusal::TooOften { attempts_max: ATTEMPTS_MAX, wait_s });
        }
        self.attempts.push_back(now);
        Ok(())
    }
}

const ONE_SECOND: Duration = Duration::from_secs(1);
/// Carriers charge for calls that are set up and come to nothing, when there are many. No person
/// dials faster.
const ATTEMPTS_MAX: usize = 10;
const ATTEMPTS_WITHIN: Duration = Duration::from_secs(60);
