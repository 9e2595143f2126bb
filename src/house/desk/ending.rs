//! How calls end: each with its one record, whoever ended it, and when the house closes, too.

use std::sync::Arc;
use std::time::Duration;

use media_core::LineId;
use sip_bridge::{BridgeEvent, CallDirection, CallId, CallOutcome, Cdr, HangupBy, HangupReason};

use super::dialling::CallOut;
use super::knocks::record_of;
use super::records::{fill_conversation, fill_media};
use super::{Carrier, Closing, Desk, OpenCall};
use crate::house::redial::{Party, was_cut_off};
use crate::house::start::{BridgeEvents, CLOSE_WITHIN};
use crate::line::{LineEnd, LineInput, Remembered};
use crate::report::{RECORDING_FILE, TRANSCRIPT_FILE};
use crate::say::is_unnamed;

/// How long the peers may take to say what they still have to say when the house closes.
const HUNG_UP_WITHIN: Duration = Duration::from_secs(1);

impl Desk {
    pub(super) fn ended(&mut self, call: CallId, outcome: CallOutcome, mut cdr: Box<Cdr>) {
        let Some(mut open) = self.calls.remove(&call) else {
            // It was refused before it had a line, or its line failed.
            self.followed_in_vain(call);
            self.redialled.given_up(call);
            return self.records.put(*cdr);
        };
        let deaf = self.deaf_for(&open);
        let kept = open.out.as_ref().is_some_and(CallOut::is_kept);
        if let Some(out) = open.out.take() {
            self.call_out_over(out, &outcome);
        }
        if matches!(open.carrier, Carrier::Agent(_)) {
            self.name_files(&mut cdr, &open);
        }
        match open.carrier {
            Carrier::Agent(line) => {
                self.closing.insert(open.line, Closing { cdr, kept, deaf });
                let inputs = line.inputs.clone();
                // The line must hear of its end whatever else waits for it.
                tokio::spawn(async move { inputs.send(LineInput::Ended(outcome)).await });
                let carrier = Carrier::Agent(line);
                self.leaving.insert(open.line, OpenCall { carrier, ..open });
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
        self.heap.call_ended();
        let Ok((line, mut end)) = ended else { return };
        let untaken = end.as_mut().map(|end| std::mem::take(&mut end.untaken));
        self.carry_on(line, untaken.unwrap_or_default());
        self.leaving.remove(&line);
        if let Some(open) = self.doors.remove(&line) {
            self.record_door(&open, end.as_ref());
        }
        if end.is_none() {
            tracing::error!(%line, "the line's task ended with a fault; its call is hung up");
            let call = self.calls.iter().find(|(_, open)| open.line == line).map(|(call, _)| *call);
            if let Some(call) = call {
                self.bridge.hangup(call, HangupReason::Failure);
                let out = self.calls.remove(&call).and_then(|open| open.out);
                if let Some(out) = out {
                    self.call_out_over(out, &fault());
                }
            }
        }
        if let Some(Closing { mut cdr, kept, deaf }) = self.closing.remove(&line) {
            if let Some(end) = end {
                fill_media(&mut cdr, &end.statistics);
                fill_conversation(&mut cdr, &end.figures);
                self.remember(&cdr, (kept, deaf), line, end);
            }
            self.records.put(*cdr);
        }
        self.go_on_after(line);
    }

    /// A line that was opened by a door has a record like a call's. One that a call was outlived by
    /// has the call's.
    fn record_door(&mut self, open: &OpenCall, end: Option<&LineEnd>) {
        if self.closing.contains_key(&open.line) {
            return;
        }
        let outcome = end.map_or_else(fault, |end| end.outcome.clone());
        let mut cdr = record_of(open, outcome);
        self.name_files(&mut cdr, open);
        if let Some(end) = end {
            fill_media(&mut cdr, &end.statistics);
            fill_conversation(&mut cdr, &end.figures);
        }
        self.records.put(cdr);
    }

    fn name_files(&self, cdr: &mut Cdr, open: &OpenCall) {
        let file = |name| Some(open.folder.as_ref()?.join(name).display().to_string());
        cdr.conversation.recording = file(RECORDING_FILE).filter(|_| self.config.recording.audio);
        cdr.conversation.transcript = file(TRANSCRIPT_FILE);
    }

    /// Keeps what the caller's next call is to know, if this one was cut off. A call that the line
    /// keeps open goes on whatever ended it.
    fn remember(&mut self, cdr: &Cdr, (kept, deaf): (bool, Duration), line: LineId, end: LineEnd) {
        let other = if cdr.direction == CallDirection::Outbound { &cdr.to } else { &cdr.from };
        let unnamed = cdr.caller.as_ref().is_some_and(|caller| is_unnamed(caller));
        let attestation = cdr.caller.as_ref().map(|it| it.attestation).unwrap_or_default();
        let party = Party::new(other, unnamed, &cdr.trunk).vouched(attestation);
        let silent = cdr.outcome.hangup_by == HangupBy::Line
            && cdr.outcome.q850 == Some(HangupReason::MediaTimeout.q850());
        let timeout = Duration::from_secs(self.config.rtp.timeout_s);
        // Who sends nothing while listening has heard all of a call that ended well.
        let deaf = match was_cut_off(&cdr.outcome, &Remembered::default()) {
            false => Duration::ZERO,
            true if silent && deaf.is_zero() => timeout,
            true => deaf,
        };
        let remembered = end.memory.remembered(end.over, deaf);
        if kept || was_cut_off(&cdr.outcome, &remembered) {
            self.redials.keep(end.over, party, line.0, remembered);
        }
    }

    pub(super) async fn close(mut self, mut bridge: BridgeEvents) {
        self.hang_up_all(&mut bridge).await;
        let latest = tokio::time::Instant::now() + CLOSE_WITHIN;
        while let Ok(Some(ended)) = tokio::time::timeout_at(latest, self.lines.join_next()).await {
            self.line_ended(ended);
        }
        // A line that does not end in time has told nothing of itself; its call was one all the same.
        for closing in std::mem::take(&mut self.closing).into_values() {
            self.records.put(*closing.cdr);
        }
        self.bridge.shutdown(Duration::ZERO).await;
        if let Some(brain) = self.brain {
            let _ = tokio::time::timeout(CLOSE_WITHIN, brain.shutdown()).await;
        }
        let (journal, keeper, records) = (self.journal, self.saying.keeper, self.records);
        // Waits for three threads, and nothing else is left for this runtime to do.
        let flush = move || (journal.flush(), keeper.flush(), records.flush());
        let _ = tokio::task::spawn_blocking(flush).await;
        // Who still holds a door holds no engine.
        if let Some(media) = Arc::into_inner(self.media) {
            media.shutdown();
        }
    }

    /// Ends the calls that are left, with their records. Who has not acknowledged our answer, or
    /// not answered our CANCEL, gets a moment for it and is then left.
    async fn hang_up_all(&mut self, bridge: &mut BridgeEvents) {
        for call in self.calls.keys() {
            self.bridge.hangup(*call, HangupReason::Shutdown);
        }
        for line in self.doors.keys() {
            self.end_door(*line, HangupReason::Shutdown);
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

/// What is told of a call whose line had a fault.
fn fault() -> CallOutcome {
    CallOutcome {
        hangup_by: HangupBy::Line,
        sip_status: 500,
        reason: "a fault of the line".into(),
        q850: Some(HangupReason::Failure.q850()),
    }
}
