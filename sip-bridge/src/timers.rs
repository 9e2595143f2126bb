use std::collections::BTreeMap;

use media_core::MonoTime;

use crate::event::CallId;
use crate::transaction::Tick;

/// Every timer of the bridge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Timer {
    /// A server transaction's.
    Server(u64, Tick),
    /// A client transaction's.
    Client(u64, Tick),
    /// A trunk's address is to be asked again.
    Route(usize),
    /// A registration of ours is to be asked for again.
    Registration(usize),
    /// A call's: whatever [`Call::next_timeout`](crate::call::Call::next_timeout) said.
    Call(CallId),
    /// Of an INVITE that was left and cancelled: no final response will come.
    Left(u64),
}

/// A timer that was started: when it fires, and its number.
pub(crate) type TimerKey = (MonoTime, u64);

/// Timers in the order in which they fire.
#[derive(Debug, Default)]
pub(crate) struct TimerQueue {
    pending: BTreeMap<TimerKey, Timer>,
    started: u64,
}

impl TimerQueue {
    pub(crate) fn start(&mut self, at: MonoTime, timer: Timer) -> TimerKey {
        self.started += 1;
        self.pending.insert((at, self.started), timer);
        (at, self.started)
    }

    /// Cancels a timer. One that fired already is none.
    pub(crate) fn cancel(&mut self, key: TimerKey) {
        self.pending.remove(&key);
    }

    /// The next timer that is due at `now`, taken out.
    pub(crate) fn pop_due(&mut self, now: MonoTime) -> Option<Timer> {
        let entry = self.pending.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    /// When the next timer is due.
    pub(crate) fn next(&self) -> Option<MonoTime> {
        self.pending.first_key_value().map(|((at, _), _)| *at)
    }

    pub(crate) fn len(&self) -> usize {
        self.pending.len()
    }
}
