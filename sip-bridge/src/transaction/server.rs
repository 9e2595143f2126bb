use core::time::Duration;

use bytes::Bytes;

use super::{GIVE_UP, Step, T1, T2, T4, Tick};
use crate::flow::Flow;

/// Where a server transaction stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// No final response yet.
    Proceeding,
    /// An INVITE was answered 2xx: its retransmissions are absorbed; the call repeats the 2xx.
    Accepted,
    /// The final response is repeated for every retransmission of the request.
    Completed,
    /// The ACK of a refused INVITE came.
    Confirmed,
}

/// A request that we answer.
#[derive(Debug)]
pub(crate) struct ServerTransaction {
    /// Where responses go.
    pub flow: Flow,
    is_invite: bool,
    state: State,
    /// The last response, empty before the first one and when nothing repeats it any more.
    response: Bytes,
    interval: Duration,
}

impl ServerTransaction {
    /// A transaction for a request that just came.
    pub(crate) fn new(is_invite: bool, flow: Flow) -> Self {
        Self { flow, is_invite, state: State::Proceeding, response: Bytes::new(), interval: T1 }
    }

    /// Whether a final response has been given.
    pub(crate) fn is_answered(&self) -> bool {
        self.state != State::Proceeding
    }

    /// The same request again.
    pub(crate) fn on_retransmission(&self) -> Step {
        match self.state {
            State::Proceeding | State::Completed if !self.response.is_empty() => {
                Step::send(self.response.clone())
            }
            _ => Step::nothing(),
        }
    }

    /// A response of ours. After the final one, further responses are ignored.
    pub(crate) fn respond(&mut self, status: u16, bytes: Bytes) -> Step {
        if self.is_answered() {
            return Step::nothing();
        }
        let reliable = self.flow.transport.is_reliable();
        self.response = bytes.clone();
        let step = Step::send(bytes);
        match (self.is_invite, status) {
            (_, 100..200) => step,
            (true, 200..300) => {
                self.state = State::Accepted;
                self.response = Bytes::new();
                step.and_start(GIVE_UP, Tick::Forget)
            }
            (true, _) => {
                self.state = State::Completed;
                let step = step.and_start(GIVE_UP, Tick::GiveUp);
                if reliable { step } else { step.and_start(T1, Tick::Retransmit) }
            }
            (false, _) => {
                self.state = State::Completed;
                step.and_linger(reliable, GIVE_UP)
            }
        }
    }

    /// The ACK of a refusal. (The ACK of a 2xx belongs to the dialog and does not come here.)
    pub(crate) fn on_ack(&mut self) -> Step {
        if !self.is_invite || self.state != State::Completed {
            return Step::nothing();
        }
        self.state = State::Confirmed;
        self.response = Bytes::new();
        Step::nothing().and_linger(self.flow.transport.is_reliable(), T4)
    }

    /// A timer fired.
    pub(crate) fn on_tick(&mut self, tick: Tick) -> Step {
        match (tick, self.state) {
            (Tick::Retransmit, State::Completed) => {
                self.interval = (self.interval * 2).min(T2);
                Step::send(self.response.clone()).and_start(self.interval, Tick::Retransmit)
            }
            (Tick::GiveUp, State::Completed) | (Tick::Forget, _) => Step::over(),
            _ => Step::nothing(),
        }
    }
}
