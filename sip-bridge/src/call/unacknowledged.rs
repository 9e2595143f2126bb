use core::time::Duration;

use bytes::Bytes;
use media_core::MonoTime;

use crate::flow::Flow;
use crate::transaction::{GIVE_UP, T1, T2};

/// A 2xx that waits for its ACK. It is repeated over every transport, because the ACK is end to end
/// (RFC 3261 §13.3.1.4).
#[derive(Debug)]
pub(crate) struct Unacknowledged {
    pub cseq: u32,
    flow: Flow,
    bytes: Bytes,
    interval: Duration,
    again: MonoTime,
    give_up: MonoTime,
}

/// What a timeout asks for.
pub(crate) enum Due {
    Nothing,
    Send { flow: Flow, bytes: Bytes },
    GiveUp,
}

impl Unacknowledged {
    pub(crate) fn new(now: MonoTime, cseq: u32, flow: Flow, bytes: Bytes) -> Self {
        Self { cseq, flow, bytes, interval: T1, again: now + T1, give_up: now + GIVE_UP }
    }

    pub(crate) fn next_timeout(&self) -> MonoTime {
        self.again.min(self.give_up)
    }

    pub(crate) fn on_timeout(&mut self, now: MonoTime) -> Due {
        if now >= self.give_up {
            return Due::GiveUp;
        }
        if now < self.again {
            return Due::Nothing;
        }
        self.interval = (self.interval * 2).min(T2);
        self.again = now + self.interval;
        Due::Send { flow: self.flow, bytes: self.bytes.clone() }
    }
}
