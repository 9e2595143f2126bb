use core::time::Duration;

use bytes::Bytes;

use super::{GIVE_UP, Step, T1, T2, T4, Tick};
use crate::flow::Flow;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Sent, nothing came back.
    Calling,
    /// A provisional response came.
    Proceeding,
    /// A 2xx came to an INVITE: more of them may.
    Accepted,
    /// A final response came; what repeats it is absorbed.
    Completed,
}

/// What a response or a timer means to the owner of the request.
#[derive(Debug, Default)]
pub(crate) struct ClientStep {
    /// What the transaction does by itself.
    pub step: Step,
    /// The owner has to see the response.
    pub deliver: bool,
    /// Nobody answered (RFC 3261 §17.1.4).
    pub timed_out: bool,
}

/// A request of ours.
#[derive(Debug)]
pub(crate) struct ClientTransaction {
    /// Where the request goes.
    pub flow: Flow,
    is_invite: bool,
    state: State,
    /// The request while it may be repeated, then the ACK while the final response may be.
    request: Bytes,
    interval: Duration,
    /// The To tag of the 2xx that was acknowledged: another one comes from a fork.
    accepted_tag: Box<str>,
}

impl ClientTransaction {
    /// Sends `request`.
    pub(crate) fn start(is_invite: bool, flow: Flow, request: Bytes) -> (Self, Step) {
        let step = Step::send(request.clone()).and_start(GIVE_UP, Tick::GiveUp);
        let reliable = flow.transport.is_reliable();
        let step = if reliable { step } else { step.and_start(T1, Tick::Retransmit) };
        let (state, accepted_tag) = (State::Calling, Box::default());
        (Self { flow, is_invite, state, request, interval: T1, accepted_tag }, step)
    }

    /// A response came, with `to_tag` on its To.
    ///
    /// A final response to an INVITE is delivered once: the owner hands its ACK to
    /// [`ClientTransaction::acknowledge`], and repetitions are acknowledged here.
    pub(crate) fn on_response(&mut self, status: u16, to_tag: &str) -> ClientStep {
        let reliable = self.flow.transport.is_reliable();
        match (self.state, status) {
            (State::Calling | State::Proceeding, 100..200) => {
                self.state = State::Proceeding;
                ClientStep { deliver: true, ..ClientStep::default() }
            }
            (State::Calling | State::Proceeding, 200..300) if self.is_invite => {
                self.state = State::Accepted;
                self.accepted_tag = to_tag.into();
                self.request = Bytes::new();
                let step = Step::nothing().and_start(GIVE_UP, Tick::Forget);
                ClientStep { step, deliver: true, ..ClientStep::default() }
            }
            (State::Accepted, 200..300) if *self.accepted_tag != *to_tag => {
                ClientStep { deliver: true, ..ClientStep::default() }
            }
            (State::Accepted, 200..300) => self.acknowledge_again(),
            (State::Calling | State::Proceeding, _) if self.is_invite => {
                self.state = State::Completed;
                let step = Step::nothing().and_linger(reliable, GIVE_UP);
                ClientStep { step, deliver: true, ..ClientStep::default() }
            }
            (State::Calling | State::Proceeding, _) => {
                self.state = State::Completed;
                self.request = Bytes::new();
                let step = Step::nothing().and_linger(reliable, T4);
                ClientStep { step, deliver: true, ..ClientStep::default() }
            }
            (State::Completed, 300..) if self.is_invite => self.acknowledge_again(),
            _ => ClientStep::default(),
        }
    }

    fn acknowledge_again(&self) -> ClientStep {
        if self.request.is_empty() {
            return ClientStep::default();
        }
        ClientStep { step: Step::send(self.request.clone()), ..ClientStep::default() }
    }

    /// Keeps the ACK of the final response, and where it goes, to be repeated with it.
    pub(crate) fn acknowledge(&mut self, ack: Bytes, flow: Flow) {
        self.request = ack;
        self.flow = flow;
    }

    /// Nobody wants the request to arrive any more; responses are heard as before.
    pub(crate) fn repeat_no_more(&mut self) {
        self.request = Bytes::new();
    }

    /// Whether no final response came yet.
    pub(crate) fn is_unanswered(&self) -> bool {
        matches!(self.state, State::Calling | State::Proceeding)
    }

    /// A timer fired.
    pub(crate) fn on_tick(&mut self, tick: Tick) -> ClientStep {
        match (tick, self.state) {
            (Tick::Retransmit, _) if self.request.is_empty() => ClientStep::default(),
            (Tick::Retransmit, State::Calling) => self.retransmit(self.interval * 2),
            // A request other than INVITE goes on, slower (§17.1.2.2).
            (Tick::Retransmit, State::Proceeding) if !self.is_invite => self.retransmit(T2),
            (Tick::GiveUp, State::Calling) => Self::timed_out(),
            (Tick::GiveUp, State::Proceeding) if !self.is_invite => Self::timed_out(),
            (Tick::Forget, _) => ClientStep { step: Step::over(), ..ClientStep::default() },
            _ => ClientStep::default(),
        }
    }

    fn retransmit(&mut self, interval: Duration) -> ClientStep {
        self.interval = if self.is_invite { interval } else { interval.min(T2) };
        let step = Step::send(self.request.clone());
        let given_up_before = self.interval >= GIVE_UP;
        let step =
            if given_up_before { step } else { step.and_start(self.interval, Tick::Retransmit) };
        ClientStep { step, ..ClientStep::default() }
    }

    fn timed_out() -> ClientStep {
        ClientStep { step: Step::over(), timed_out: true, ..ClientStep::default() }
    }
}
