//! How calls end: each with its one record, whoever ended it, and when the house closes, too.

use std::time::Duration;

use media_core::LineId;
use sip_bridge::{BridgeEvent, CallId, CallOutcome, Cdr, HangupReason};

use super::records::{fill_conversation, fill_media};
use super::{Carrier, Desk};
use crate::house::start::{BridgeEvents, CLOSE_WITHIN};
use crate::line::{LineEnd, LineInput};
use crate::report::{RECORDING_FILE, TRANSCRIPT_FILE};

/// How long the peers may take to say what they still have to say when the house closes.
const HUNG_UP_WITHIN: Duration = Duration::from_secs(1);

impl Desk {
    pub(super) fn ended(&mut self, call: CallId, outcome: CallOutcome, mut cdr: Box<Cdr>) {
        let Some(open) = self.calls.remove(&call) else {
            // It was refused before it had a line, or its line failed.
            return self.records.put(*cdr);
        };
        match open.carrier {
            Carrier::Agent(line) => {
                let file = |name| Some(open.folder.as_ref()?.join(name).display().to_string());
                cdr.conversation.recording =
                    file(RECORDING_FILE).filter(|_| self.config.recording.audio);
                cdr.conversation.transcript = file(TRANSCRIPT_FILE);
                self.closing.insert(open.line, cdr);
                // The line must hear of its end whatever else waits for it.
                tokio::spawn(async move { line.inputs.send(LineInput::Ended(outcome)).await });
            }
            Carrier::Echo(line) => {
                fill_media(&mut cdr, &line.close().statistics);
                self.records.put(*cdr);
            }
            Carrier::Waiting(_) => self.records.put(*cdr),
        }
    }

    pub(super) fn line_ended(
        &mut self,
        ended: Result<(LineId, Option<LineEnd>), tokio::task::JoinError>,
    ) {
        let Ok((line, end)) = ended else { return };
        self.carry_on(line);
        if end.is_none() {
            tracing::error!(%line, "the line's task ended with a fault; its call is hung up");
            let call = self.calls.iter().find(|(_, open)| open.line == line).map(|(call, _)| *call);
            if let Some(call) = call {
                self.bridge.hangup(call, HangupReason::Failure);
                self.calls.remove(&call);
            }
        }
        let Some(mut cdr) = self.closing.remove(&line) else { return };
        if let Some(end) = end {
            fill_media(&mut cdr, &end.statistics);
            fill_conversation(&mut cdr, &end.figures);
        }
        self.records.put(*cdr);
    }

    pub(super) async fn close(mut self, mut bridge: BridgeEvents) {
        self.hang_up_all(&mut bridge).await;
        let latest = tokio::time::Instant::now() + CLOSE_WITHIN;
        while let Ok(Some(ended)) = tokio::time::timeout_at(latest, self.lines.join_next()).await {
            self.line_ended(ended);
        }
        // A line that does not end in time has told nothing of itself; its call was one all the same.
        for cdr in std::mem::take(&mut self.closing).into_values() {
            self.records.put(*cdr);
        }
        self.bridge.shutdown(Duration::ZERO).await;
        if let Some(brain) = self.brain {
            let _ = tokio::time::timeout(CLOSE_WITHIN, brain.shutdown()).await;
        }
        let (journal, keeper, records) = (self.journal, self.saying.keeper, self.records);
        // Waits for three threads, and nothing else is left for this runtime to do.
        let flush = move || (journal.flush(), keeper.flush(), records.flush());
        let _ = tokio::task::spawn_blocking(flush).await;
        self.media.shutdown();
    }

    /// Ends the calls that are left, with their records. Who has not acknowledged our answer, or
    /// not answered our CANCEL, gets a moment for it and is then left.
    async fn hang_up_all(&mut self, bridge: &mut BridgeEvents) {
        for call in self.calls.keys() {
            self.bridge.hangup(*call, HangupReason::Shutdown);
        }
        self.take_endings(bridge).await;
        self.bridge.abandon_all(HangupReason::Shutdown);
        self.take_endings(bridge).await;
        // Of calls that had no line any more.
        while let Ok(event) = bridge.try_recv() {
            self.last_event(event);
        }
    }

    async fn take_endings(&mut self, bridge: &mut BridgeEvents) {
        let latest = tokio::time::Instant::now() + HUNG_UP_WITHIN;
        while !self.calls.is_empty() {
            match tokio::time::timeout_at(latest, bridge.recv()).await {
                Ok(Some(event)) => self.last_event(event),
                _ => break,
            }
        }
    }

    /// A call that came in before the bridge began to drain is not answered any more.
    fn last_event(&mut self, event: BridgeEvent) {
        match event {
            BridgeEvent::Incoming { call, .. } => {
                self.bridge.reject(call, sip_bridge::Rejection::Overloaded);
            }
            event => self.bridge_event(event),
        }
    }
}
