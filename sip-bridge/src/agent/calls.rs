use media_core::MonoTime;

use super::requests::IN_DIALOG_PER_S;
use super::{Agent, Output, Owner, Slot, context, dialog_key};
use crate::admission::Bucket;
use crate::call::{Call, CallInput, CallOutput, target_text};
use crate::event::{BridgeEvent, CallId};
use crate::pii::Pii;
use crate::timers::Timer;

impl Agent {
    /// Takes a new call in and does what it wants done first.
    pub(super) fn insert_call(
        &mut self,
        now: MonoTime,
        id: CallId,
        call: Call,
        merge_key: Option<Box<str>>,
    ) {
        let (call_id, tag) = call.dialog_key();
        self.dialogs.insert(dialog_key(call_id, tag), id);
        self.invites.extend(merge_key.clone());
        let pace = Bucket::per_second(IN_DIALOG_PER_S);
        self.calls.insert(id, Slot { call, timer: None, merge_key, quiet: false, pace });
        self.settle(now, id);
    }

    /// Tells a call something, and does what it wants done.
    pub(super) fn drive(&mut self, now: MonoTime, id: CallId, input: CallInput<'_>) {
        let Some(slot) = self.calls.get_mut(&id) else { return };
        slot.call.handle(&mut context(now, &mut self.ids), input);
        self.settle(now, id);
    }

    pub(super) fn on_call_timer(&mut self, now: MonoTime, id: CallId) {
        if let Some(slot) = self.calls.get_mut(&id) {
            slot.timer = None;
            self.drive(now, id, CallInput::Timeout);
        }
    }

    /// Drains a call's outputs and sets its timer.
    fn settle(&mut self, now: MonoTime, id: CallId) {
        while let Some(output) = self.calls.get_mut(&id).and_then(|slot| slot.call.poll_output()) {
            self.perform(now, id, output);
        }
        let Some(slot) = self.calls.get_mut(&id) else { return };
        let next = slot.call.next_timeout();
        if next == slot.timer.map(|(at, _)| at) {
            return;
        }
        if let Some(overtaken) = slot.timer.take() {
            self.timers.cancel(overtaken);
        }
        slot.timer = next.map(|at| self.timers.start(at, Timer::Call(id)));
    }

    fn perform(&mut self, now: MonoTime, call: CallId, output: CallOutput) {
        match output {
            CallOutput::Respond { transaction, status, bytes } => {
                self.respond(now, transaction, status, bytes);
            }
            CallOutput::Send { flow, bytes } => {
                self.outputs.push_back(Output::Send { flow, bytes });
            }
            CallOutput::Request(request) => self.begin_client(now, request, Owner::Call(call)),
            CallOutput::Acknowledge { branch, ack } => self.acknowledge(&branch, ack),
            CallOutput::Answered { branch, forks } => self.answered(&branch, forks),
            CallOutput::Abandon { branch } => self.abandon(&branch),
            CallOutput::Part { branch, refused, accepted } => {
                self.part(now, &branch, [refused, accepted]);
            }
            CallOutput::Leave(left) => self.leave(*left),
            CallOutput::Ringing => {
                self.event(BridgeEvent::Ringing { call });
                self.report_transfer(now, call, 180);
            }
            CallOutput::EarlyMedia(media) => {
                self.event(BridgeEvent::EarlyMedia { call, media });
                self.report_transfer(now, call, 183);
            }
            CallOutput::Established(media) => {
                tracing::info!(%call, codec = media.codec.encoding_name(), "call established");
                match self.links.contains_key(&call) {
                    true => self.move_on(now, call),
                    false => self.event(BridgeEvent::Established { call, media }),
                }
            }
            CallOutput::MediaChanged(media) => {
                tracing::debug!(%call, direction = ?media.direction, "media changed");
                self.event(BridgeEvent::MediaChanged { call, media });
            }
            CallOutput::TransferAsked(target) => {
                let number = Pii::new(target.number.clone());
                let (whole, replaces) = (Pii::new(target_text(&target)), target.replaces);
                self.event(BridgeEvent::TransferAsked { call, number, target: whole, replaces });
            }
            CallOutput::TransferEnded(result) => {
                tracing::info!(%call, ?result, "transfer");
                self.event(BridgeEvent::TransferEnded { call, result });
            }
            // A digit that the line cannot take in time means nothing any more.
            CallOutput::Digit(digit) => {
                self.outputs.push_back(Output::Event(BridgeEvent::Digit { call, digit }, true));
            }
            CallOutput::Ended(outcome, cdr) => {
                tracing::info!(
                    %call,
                    by = ?outcome.hangup_by,
                    status = outcome.sip_status,
                    q850 = outcome.q850,
                    // The peer's own words, whatever they are.
                    reason = %Pii::new(&outcome.reason),
                    "call ended"
                );
                self.remove_call(now, call);
                let status = outcome.sip_status;
                // What is to be carried on elsewhere is over when that is settled.
                if let Some((outcome, cdr)) = self.keep_ending(call, (outcome, cdr)) {
                    self.event(BridgeEvent::Ended { call, outcome, cdr });
                }
                self.transfer_failed(now, call, status);
            }
        }
    }

    /// Forgets a call, after what it still wants done.
    fn remove_call(&mut self, now: MonoTime, id: CallId) {
        let Some(mut slot) = self.calls.remove(&id) else { return };
        let (call_id, tag) = slot.call.dialog_key();
        let key = dialog_key(call_id, tag);
        self.dialogs.remove(&key);
        self.gone.put(now, key);
        if let Some(timer) = slot.timer {
            self.timers.cancel(timer);
        }
        if let Some(merge_key) = &slot.merge_key {
            self.invites.remove(merge_key);
        }
        while let Some(output) = slot.call.poll_output() {
            self.perform(now, id, output);
        }
    }
}
