//! Who gets a channel.
//!
//! A refusal says to the carrier what it is to do: 486 is busy and final, 503 has it try its second
//! address, 603 has it not try again.

mod bucket;
mod callers;
mod limits;
#[cfg(test)]
mod tests;

use core::time::Duration;
use std::collections::BTreeMap;

use media_core::MonoTime;

pub(crate) use self::bucket::Bucket;
use self::callers::Callers;
pub use self::limits::AdmissionLimits;

/// Why an INVITE gets none.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AdmissionError {
    /// The line shuts down. 503: the carrier tries its second address.
    #[error("draining: no new calls")]
    Draining,
    /// Every channel is in use. 486: busy, and final.
    #[error("all {channels_max} channels are in use; see channels_max")]
    ChannelsFull {
        /// The limit that was met.
        channels_max: usize,
    },
    /// Every channel of the trunk is in use. 486.
    #[error("all {channels_max} channels of this trunk are in use; see [[trunk]] channels")]
    TrunkFull {
        /// The limit that was met.
        channels_max: usize,
    },
    /// This caller has as many calls open as one may have. 486: to that caller we are busy.
    #[error("{calls_max} calls of this caller are open; see [admission] caller_calls")]
    CallerBusy {
        /// The limit that was met.
        calls_max: usize,
    },
    /// This caller calls again and again. 603: do not try again.
    #[error(
        "more than {per_minute} calls of this caller in a minute; see [admission] caller_per_minute"
    )]
    CallerTooOften {
        /// The limit that was met.
        per_minute: u32,
    },
    /// Calls come faster than a carrier sends them. 503.
    #[error("more than {per_second} calls in a second; see [admission] calls_per_second")]
    TooFast {
        /// The limit that was met.
        per_second: u32,
    },
    /// The machine is at its limit, and one more call would be heard in the others. 503.
    #[error("the machine is at its limit; see [admission] late_percent and busy_percent")]
    Strained,
    /// The line does not take its events. 503: better elsewhere than unheard.
    #[error("the line is not taking events: {waiting} waiting")]
    LineBehind {
        /// Events that wait for the line.
        waiting: usize,
    },
    /// Too many transactions at once. 503.
    #[error("{transactions} transactions at once, more than any honest load")]
    TransactionsFull {
        /// Transactions held.
        transactions: usize,
    },
}

impl AdmissionError {
    /// The SIP status, with the meaning that carriers give it.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            AdmissionError::ChannelsFull { .. }
            | AdmissionError::TrunkFull { .. }
            | AdmissionError::CallerBusy { .. } => 486,
            AdmissionError::CallerTooOften { .. } => 603,
            _ => 503,
        }
    }
}

/// What admission looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Load {
    /// Calls in any state.
    pub calls: usize,
    /// Transactions held.
    pub transactions: usize,
    /// Events that the line has not taken.
    pub events_waiting: usize,
}

/// A call that wants to come in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attempt<'a> {
    /// Through which trunk.
    pub trunk: &'a str,
    /// Whose; empty where the network does not say.
    pub caller: &'a str,
    /// Calls in any state on that trunk.
    pub trunk_calls: usize,
    /// Calls of that caller in any state.
    pub caller_calls: usize,
}

/// The limits, and what has to be remembered for them.
#[derive(Debug)]
pub struct Admission {
    limits: AdmissionLimits,
    draining: bool,
    strained: bool,
    second: Bucket,
    /// When each trunk's last call was let in.
    last: BTreeMap<Box<str>, MonoTime>,
    callers: Callers,
}

impl Admission {
    /// Nothing has come yet.
    #[must_use]
    pub fn new(limits: AdmissionLimits) -> Self {
        let second = Bucket::per_second(limits.calls_per_second);
        let (last, callers) = (BTreeMap::new(), Callers::default());
        Self { limits, draining: false, strained: false, second, last, callers }
    }

    /// Puts other limits in force, for calls to come.
    pub fn set_limits(&mut self, limits: AdmissionLimits) {
        if limits.calls_per_second != self.limits.calls_per_second {
            self.second = Bucket::per_second(limits.calls_per_second);
        }
        self.limits = limits;
    }

    /// From now on no call is taken.
    pub fn drain(&mut self) {
        self.draining = true;
    }

    /// Whether the machine is at its limit.
    pub fn set_strained(&mut self, strained: bool) {
        self.strained = strained;
    }

    /// Whether one more call may be placed under `load`.
    ///
    /// # Errors
    /// [`AdmissionError`] names the limit that was met.
    pub fn admit(&self, load: Load) -> Result<(), AdmissionError> {
        if self.draining {
            return Err(AdmissionError::Draining);
        }
        let channels_max = self.limits.channels_max;
        if load.calls >= channels_max {
            return Err(AdmissionError::ChannelsFull { channels_max });
        }
        if self.strained {
            return Err(AdmissionError::Strained);
        }
        if load.events_waiting >= EVENTS_WAITING_MAX {
            return Err(AdmissionError::LineBehind { waiting: load.events_waiting });
        }
        if load.transactions >= TRANSACTIONS_MAX {
            return Err(AdmissionError::TransactionsFull { transactions: load.transactions });
        }
        Ok(())
    }

    /// Whether this call may come in. Each attempt counts towards its caller's minute, also one
    /// that is refused; callers whom the network does not name are told apart by nothing, and are
    /// held by the other limits.
    ///
    /// # Errors
    /// [`AdmissionError`] names the limit that was met.
    pub fn admit_incoming(
        &mut self,
        now: MonoTime,
        load: Load,
        attempt: Attempt<'_>,
    ) -> Result<(), AdmissionError> {
        let per_minute = self.limits.caller_per_minute;
        let named = !attempt.caller.is_empty();
        let often = named && per_minute > 0 && self.callers.count(now, attempt.caller) > per_minute;
        self.admit(load)?;
        if often {
            return Err(AdmissionError::CallerTooOften { per_minute });
        }
        let calls_max = self.limits.caller_calls;
        if named && calls_max > 0 && attempt.caller_calls >= calls_max {
            return Err(AdmissionError::CallerBusy { calls_max });
        }
        if let Some(channels_max) = self.limits.of_trunk(attempt.trunk)
            && attempt.trunk_calls >= channels_max
        {
            return Err(AdmissionError::TrunkFull { channels_max });
        }
        // A trunk that floods, or in whose name somebody does, leaves each other one a call a second.
        let is_next =
            self.last.get(attempt.trunk).is_none_or(|last| now.since(*last) >= ONE_SECOND);
        if !self.second.take(now) && !is_next {
            let per_second = self.limits.calls_per_second;
            return Err(AdmissionError::TooFast { per_second });
        }
        self.last.insert(attempt.trunk.into(), now); // Of trunks that are configured, or were.
        Ok(())
    }
}

const ONE_SECOND: Duration = Duration::from_secs(1);
/// A line that is this many events behind would answer calls after the caller hung up.
pub const EVENTS_WAITING_MAX: usize = 1024;
/// 20 calls a second, the carrier's limit, leave 1,300 transactions in the 32 s they are
/// remembered. This is thirty times that, and some 20 MB.
pub const TRANSACTIONS_MAX: usize = 40_000;
