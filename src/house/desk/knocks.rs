//! Who comes by a door: shown to a line that is open, or given one.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use media_core::LineId;
use sip_bridge::{
    CallDirection, CallId, CallOutcome, CallerIdentity, Cdr, ConversationFigures, HangupBy,
    HangupReason, MediaFigures,
};
use tokio::sync::oneshot;

use super::answer::ToAnswer;
use super::{Carrier, Desk, OpenCall};
use crate::config::LineMode;
use crate::house::doors::{Destination, Entry, Knock, NotEntered, Seated};
use crate::line::{Arrival, LegId, LineHandle, LineInput, Opener, Sitting};

type Answer = oneshot::Sender<Result<Seated, NotEntered>>;

impl Desk {
    pub(super) fn knock(&mut self, Knock { entry, answer }: Knock) {
        let found = match entry.to {
            _ if self.drained_at.is_some() => Err(NotEntered::Draining),
            Destination::New { .. } => return self.open_for(entry, answer),
            Destination::Line(line) => self.named(line),
            Destination::TheOneOpen => self.the_one_open(),
        };
        match found {
            Ok((line, handle)) => show_in(line, &handle, entry, answer),
            Err(refused) => refuse(answer, refused),
        }
    }

    fn named(&self, line: LineId) -> Result<(LineId, LineHandle), NotEntered> {
        self.lines_for(Some(line.0)).pop().ok_or(NotEntered::NoLine(line))
    }

    fn the_one_open(&self) -> Result<(LineId, LineHandle), NotEntered> {
        let mut lines = self.lines_for(None);
        match lines.len() {
            0 => Err(NotEntered::NoneOpen),
            1 => lines.pop().ok_or(NotEntered::NoneOpen),
            _ => Err(NotEntered::Several(lines.into_iter().map(|(line, _)| line).collect())),
        }
    }

    /// Opens a line for somebody at a door, as for a call.
    fn open_for(&mut self, entry: Entry, answer: Answer) {
        match self.opened_for(entry) {
            // Who has gone meanwhile drops the seat, and the line ends.
            Ok(seated) => drop(answer.send(Ok(seated))),
            Err(refused) => refuse(answer, refused),
        }
    }

    fn opened_for(&mut self, entry: Entry) -> Result<Seated, NotEntered> {
        let Entry { door, label, to, carrier, .. } = entry;
        let Destination::New { caller, called, trunk } = to else {
            return Err(NotEntered::NoneOpen);
        };
        self.admits_one_more()?;
        let line = LineId(self.next_line);
        self.next_line += 1;
        let mut folder = self.folder_of(line);
        let (inputs, inbox) = LineInput::channel();
        let (seated, events) = Seated::new(line, LegId::FIRST, inputs.clone());
        let identity = CallerIdentity::default();
        let to_answer = ToAnswer {
            call: format!("door-{}", line.0),
            line,
            outbound: false,
            from: &caller,
            identity: &identity,
            to: &called,
            trunk: &trunk,
            codec: "carried",
            opener: Some(Opener { label, door, events }),
        };
        let handle = self
            .open_agent(to_answer, &mut folder, carrier, (inputs, inbox))
            .map_err(NotEntered::NotOpened)?;
        let open = OpenCall {
            line,
            trunk,
            from: caller,
            identity,
            to: called,
            since: Instant::now(),
            carrier: Carrier::Agent(handle),
            established: true,
            out: None,
            quiet: None,
            held: None,
            folder,
        };
        tracing::info!(%line, trunk = %open.trunk, "a line is opened by a door");
        self.doors.insert(line, open);
        self.feed();
        Ok(seated)
    }

    /// Whether one more call may be opened by a door. The bridge asks the same of calls.
    fn admits_one_more(&self) -> Result<(), NotEntered> {
        let max = self.config.sip.channels;
        if self.config.line.mode != LineMode::Agent {
            return Err(NotEntered::Echo);
        }
        if self.budget.is_strained() {
            return Err(NotEntered::Strained);
        }
        if max > 0 && self.calls.len() + self.doors.len() >= max {
            return Err(NotEntered::Full { max });
        }
        Ok(())
    }

    /// The call that the line was opened with is over, and other callers are still there.
    pub(super) fn goes_on(&mut self, line: LineId) {
        if let Some(open) = self.leaving.remove(&line) {
            tracing::info!(%line, "the call is over; the line goes on with who else is there");
            self.doors.insert(line, open);
        }
        self.go_on_after(line);
    }

    /// Ends a line that no call of the trunk belongs to, for everybody on it.
    pub(super) fn end_door(&self, line: LineId, reason: HangupReason) {
        let Some(OpenCall { carrier: Carrier::Agent(handle), .. }) = self.doors.get(&line) else {
            return;
        };
        let inputs = handle.inputs.clone();
        let outcome = CallOutcome {
            hangup_by: HangupBy::Line,
            sip_status: 200,
            reason: reason.text().to_owned(),
            q850: Some(reason.q850()),
        };
        // The line must hear of its end whatever else waits for it.
        tokio::spawn(async move { inputs.send(LineInput::Over(outcome)).await });
    }

    /// Every call that is open: by a trunk or by a door.
    pub(super) fn open_calls(&self) -> impl Iterator<Item = &OpenCall> {
        self.calls.values().chain(self.doors.values())
    }
}

/// The record of a line that was opened by a door. It has no number among the bridge's calls: 0.
pub(super) fn record_of(open: &OpenCall, outcome: CallOutcome) -> Cdr {
    let lasted = u64::try_from(open.since.elapsed().as_millis()).unwrap_or(u64::MAX);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now_unix_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    Cdr {
        call: CallId(0),
        sip_call_id: String::new(),
        direction: CallDirection::Inbound,
        from: open.from.clone(),
        caller: None,
        to: open.to.clone(),
        trunk: open.trunk.clone(),
        started_unix_ms: now_unix_ms.saturating_sub(lasted),
        ring_ms: None,
        answer_ms: Some(0),
        end_ms: lasted,
        outcome,
        codec: None,
        media: MediaFigures::default(),
        conversation: ConversationFigures::default(),
    }
}

fn show_in(line: LineId, handle: &LineHandle, entry: Entry, answer: Answer) {
    let Entry { door, label, part, carrier, .. } = entry;
    let arrival = Arrival { label, door, part };
    let (seat, seated) = oneshot::channel();
    let sitting = Sitting { arrival, carrier, answer: seat };
    if !handle.offer(LineInput::Sit(Box::new(sitting))) {
        return refuse(answer, NotEntered::Busy(line));
    }
    tokio::spawn(async move {
        let seated = match seated.await {
            Ok(seated) => seated.map_err(NotEntered::Media),
            Err(_) => Err(NotEntered::Closed),
        };
        // Who has gone meanwhile drops the seat, and so leaves.
        let _ = answer.send(seated);
    });
}

fn refuse(answer: Answer, refused: NotEntered) {
    tracing::info!(%refused, "somebody at a door is not let in");
    let _ = answer.send(Err(refused));
}
