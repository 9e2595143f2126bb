//! What the supervisor reports of the brain, and what the brain says.

use brain_protocol::BrainMessage;
use brain_supervisor::SupervisorEvent;
use media_core::LineId;

use super::dialling::Dialler;
use super::{Carrier, Desk, OpenCall};
use crate::line::LineInput;

impl Desk {
    pub(super) fn brain_event(&mut self, event: SupervisorEvent) {
        match event {
            SupervisorEvent::Up { pid, name, version } => {
                tracing::info!(%name, ?pid, "the brain is up");
                self.text.brain_up(version);
                self.brain_pid = Some(pid);
                self.brain_version = Some(version);
                self.tell_lines(|| LineInput::BrainUp(Some(pid)));
            }
            SupervisorEvent::Down { reason, retry_in } => {
                let reason = reason.to_string();
                tracing::warn!(%reason, ?retry_in, "the brain is gone; the line stays");
                self.brain_pid = None;
                self.text.brain_down();
                self.tell_lines(|| LineInput::BrainDown(reason.clone()));
            }
            SupervisorEvent::Message(
                message @ (BrainMessage::Send(_) | BrainMessage::TextDone { .. }),
            ) => self.text.brain(message),
            SupervisorEvent::Message(BrainMessage::Dial { dial, to }) => {
                self.dial(&to, Dialler::Brain(dial));
            }
            SupervisorEvent::Message(message) => self.brain_message(message),
        }
    }

    fn brain_message(&mut self, message: BrainMessage) {
        let Some(line) = line_of(&message) else { return };
        let of_line = |open: &&OpenCall| open.line == line;
        match self.open_calls().find(of_line) {
            Some(OpenCall { carrier: Carrier::Agent(handle), .. }) => {
                handle.put(LineInput::Brain(message));
            }
            _ => tracing::debug!(%line, "the brain speaks of a line that is closed"),
        }
    }
}

fn line_of(message: &BrainMessage) -> Option<LineId> {
    let line = match message {
        BrainMessage::Say(say) => say.line,
        BrainMessage::Withdraw { line, .. }
        | BrainMessage::HangUp { line, .. }
        | BrainMessage::Transfer { line, .. }
        | BrainMessage::TurnDone { line, .. }
        | BrainMessage::JobStarted { line, .. }
        | BrainMessage::JobFinished { line, .. } => *line,
        BrainMessage::Hello { .. }
        | BrainMessage::Dial { .. }
        | BrainMessage::Send(_)
        | BrainMessage::TextDone { .. }
        | BrainMessage::Pong { .. } => return None,
    };
    Some(LineId(line.0))
}
