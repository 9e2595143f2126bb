//! Who gets a channel.

/// Why an INVITE gets none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
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
    pub const fn status(self) -> u16 {
        match self {
            AdmissionError::ChannelsFull { .. } => 486,
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

/// The limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Admission {
    /// Calls at once.
    pub channels_max: usize,
    /// Whether the line shuts down.
    pub draining: bool,
}

impl Admission {
    /// Whether one more call may begin under `load`.
    ///
    /// # Errors
    /// [`AdmissionError`] names the limit that was met.
    pub const fn admit(&self, load: Load) -> Result<(), AdmissionError> {
        if self.draining {
            return Err(AdmissionError::Draining);
        }
        if load.calls >= self.channels_max {
            return Err(AdmissionError::ChannelsFull { channels_max: self.channels_max });
        }
        if load.events_waiting >= EVENTS_WAITING_MAX {
            return Err(AdmissionError::LineBehind { waiting: load.events_waiting });
        }
        if load.transactions >= TRANSACTIONS_MAX {
            return Err(AdmissionError::TransactionsFull { transactions: load.transactions });
        }
        Ok(())
    }
}

/// A line that is this many events behind would answer calls after the caller hung up.
pub const EVENTS_WAITING_MAX: usize = 1024;
/// 20 calls a second, the carrier's limit, leave 1,300 transactions in the 32 s they are
/// remembered. This is thirty times that, and some 20 MB.
pub const TRANSACTIONS_MAX: usize = 40_000;

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Load = Load { calls: 0, transactions: 0, events_waiting: 0 };

    #[test]
    fn one_call_more_than_channels_is_busy() {
        let admission = Admission { channels_max: 2, draining: false };
        assert_eq!(admission.admit(Load { calls: 1, ..IDLE }), Ok(()));
        let error = admission.admit(Load { calls: 2, ..IDLE }).unwrap_err();
        assert_eq!(error.status(), 486);
    }

    #[test]
    fn draining_sends_the_carrier_elsewhere() {
        let admission = Admission { channels_max: 2, draining: true };
        assert_eq!(admission.admit(IDLE).unwrap_err().status(), 503);
    }

    #[test]
    fn a_line_that_does_not_listen_gets_no_more_calls() {
        let admission = Admission { channels_max: 2, draining: false };
        let load = Load { events_waiting: EVENTS_WAITING_MAX, ..IDLE };
        assert_eq!(admission.admit(load).unwrap_err().status(), 503);
    }
}
