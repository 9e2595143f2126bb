use media_core::MonoTime;

use super::{Agent, Command, Dial, context};
use crate::admission::AdmissionError;
use crate::call::{Call, CallInput, Dialled};
use crate::event::CallId;
use crate::pii::Pii;
use crate::policy::custom_lines;

impl Agent {
    pub(super) fn on_command(&mut self, now: MonoTime, command: Command) {
        match command {
            Command::Ring(call) => self.drive(now, call, CallInput::Ring),
            Command::Answer(call, local_rtp) => self.drive(now, call, CallInput::Answer(local_rtp)),
            Command::Reject(call, rejection) => {
                self.drive(now, call, CallInput::Reject(rejection));
            }
            Command::Hangup(call, reason) => self.drive(now, call, CallInput::Hangup(reason)),
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
            Command::Probe => self.probe_all(now),
            Command::Drain => self.admission.draining = true,
        }
    }

    /// Places a call.
    pub(crate) fn dial(&mut self, now: MonoTime, dial: Dial) -> Result<CallId, AdmissionError> {
        self.admission.admit(self.load())?;
        let id = CallId(self.next_number());
        let policy = dial.trunk.as_deref().map(|trunk| &**self.policies.of(trunk));
        let headers = custom_lines(&dial.headers, policy).into();
        let dialled = Dialled {
            call: id,
            identity: self.identity.clone(),
            codecs: dial.codecs,
            ring_max: self.ring_max,
            trunk: dial.trunk.as_deref().unwrap_or_default(),
            target: dial.target,
            from: (&dial.from.0, &dial.from.1),
            local_rtp: dial.local_rtp,
            flow: dial.flow,
            headers,
        };
        let call = Call::dial(&mut context(now, &mut self.ids), dialled);
        tracing::info!(call = %id, to = %Pii::new(call.parties().1), "call goes out");
        self.insert_call(now, id, call, None);
        Ok(id)
    }
}
