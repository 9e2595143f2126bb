use media_core::MonoTime;

use super::{Agent, Command, Dial, Link, ReferTarget, context};
use crate::admission::AdmissionError;
use crate::call::{Call, CallInput, Dialled};
use crate::event::{BridgeEvent, CallId, TransferResult};
use crate::pii::Pii;
use crate::policy::custom_lines;

impl Agent {
    pub(super) fn on_command(&mut self, now: MonoTime, command: Command) {
        match command {
            Command::Ring(call) => self.drive(now, call, CallInput::Ring),
            Command::Progress(call, local_rtp) => {
                self.drive(now, call, CallInput::Progress(local_rtp));
            }
            Command::RefuseTransfer(call) => self.drive(now, call, CallInput::RefuseTransfer),
            Command::Refer(call, target) => self.refer(now, call, &target),
            Command::Answer(call, local_rtp) => self.drive(now, call, CallInput::Answer(local_rtp)),
            Command::Reject(call, rejection) => {
                self.drive(now, call, CallInput::Reject(rejection));
            }
            Command::Hangup(call, reason) => {
                let call = self.carrier_of(call);
                self.drive(now, call, CallInput::Hangup(reason));
            }
            Command::Quiet(call, quiet) => {
                let call = self.carrier_of(call);
                if let Some(slot) = self.calls.get_mut(&call) {
                    slot.quiet = quiet;
                }
            }
            Command::HangupAll(reason) => {
                let calls: Vec<CallId> = self.calls.keys().copied().collect();
                for call in calls {
                    self.drive(now, call, CallInput::Hangup(reason));
                }
            }
            Command::AbandonAll(reason) => {
                let calls: Vec<CallId> = self.calls.keys().copied().collect();
                for call in calls {
                    self.drive(now, call, CallInput::Abandon(reason));
                }
            }
            Command::Probe => {
                self.probe_all(now);
                self.register_all(now);
            }
            Command::Drain => {
                self.admission.drain();
                self.unregister_all(now);
            }
            Command::Strained(strained) => self.admission.set_strained(strained),
            Command::Limit(limits) => self.admission.set_limits(limits),
        }
    }

    fn refer(&mut self, now: MonoTime, call: CallId, target: &ReferTarget) {
        match self.refer_target(call, target) {
            Some(target) => self.drive(now, call, CallInput::Refer(&target)),
            None => {
                let result = TransferResult::Impossible;
                self.event(BridgeEvent::TransferEnded { call, result });
            }
        }
    }

    /// Places a call.
    pub(crate) fn dial(&mut self, now: MonoTime, dial: Dial) -> Result<CallId, AdmissionError> {
        self.admission.admit(self.load())?;
        #[cfg(test)]
        assert_ne!(&*dial.target.user, "PANIC", "a bug for the tests");
        let (follows, replaces) = dial.transfer.unzip();
        let id = CallId(self.next_number());
        let policy = dial.trunk.as_deref().map(|trunk| &**self.policies.of(trunk));
        let credentials = policy.and_then(|policy| policy.credentials.clone());
        let credentials = credentials.or_else(|| self.registered_with(&dial.flow));
        let transfers = policy.is_some_and(|policy| policy.transfers);
        let mut headers = custom_lines(&dial.headers, policy);
        if let Some(replaces) = replaces.flatten() {
            headers.push_str(&format!("Replaces: {}\r\nRequire: replaces\r\n", replaces.text()));
        }
        let trunk = dial.trunk.as_deref().unwrap_or_default();
        let terms = self.terms.of(trunk, dial.flow.transport, &mut self.ids);
        let dialled = Dialled {
            call: id,
            identity: self.identity.clone(),
            terms: terms.speaking(dial.codecs),
            ring_max: self.ring_max,
            next_way_after: self.next_way_after,
            trunk: dial.trunk.as_deref().unwrap_or_default(),
            target: dial.target,
            from: (&dial.from.0, &dial.from.1),
            local_rtp: dial.local_rtp,
            flow: dial.flow,
            headers: headers.into(),
            ways: dial.ways,
            transfers,
            credentials,
            to_telephone: policy.is_some_and(|policy| policy.phones.is_some()),
        };
        let call = Call::dial(&mut context(now, &mut self.ids), dialled);
        tracing::info!(call = %id, to = %Pii::new(call.parties().1), "call goes out");
        if let Some(from) = follows {
            self.links.insert(id, Link { from, ended: None });
        }
        self.insert_call(now, id, call, None);
        self.report_transfer(now, id, 100);
        Ok(id)
    }
}
