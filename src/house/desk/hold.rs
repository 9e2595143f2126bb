//! Calls on hold: who is not come back for is not kept for ever.

use std::time::{Duration, Instant};

use media_core::NegotiatedMedia;
use sip_bridge::{CallId, HangupReason};

use super::{Carrier, Desk, OpenCall};
use crate::line::LineInput;

impl OpenCall {
    /// Notes whether the peer hears us. On hold it does not, whatever it lets us hear meanwhile.
    pub(super) fn note_hold(&mut self, media: &NegotiatedMedia) {
        let since = self.held.unwrap_or_else(Instant::now);
        self.held = (!media.direction.sends()).then_some(since);
    }
}

impl Desk {
    /// Offer and answer were agreed on anew.
    pub(super) fn media_changed(&mut self, call: CallId, media: NegotiatedMedia) {
        let Some(open) = self.calls.get_mut(&call) else { return };
        open.note_hold(&media);
        match &open.carrier {
            Carrier::Agent(line) => line.put(LineInput::MediaChanged(media)),
            Carrier::Echo(line) => line.update_media(media),
            Carrier::Waiting(_) => {}
        }
    }

    /// Calls that have been on hold for longer than `[rtp] hold_max_s` are hung up.
    pub(super) fn end_forgotten_calls(&self) {
        let most = Duration::from_secs(self.config.rtp.hold_max_s);
        let forgotten = |open: &OpenCall| open.held.is_some_and(|since| since.elapsed() >= most);
        for (call, _) in self.calls.iter().filter(|(_, open)| forgotten(open)) {
            tracing::info!(%call, "a call on hold that nobody came back to is hung up; see [rtp] hold_max_s");
            self.bridge.hangup(*call, HangupReason::Held);
        }
    }
}
