//! A seat at a line, as whoever opened the door to it holds it.

use media_core::LineId;
use media_engine::{Carrier, OpenError};
use tokio::sync::{mpsc, oneshot};

use super::company::{AgentState, Arrival};
use super::inputs::{LegInput, LineInput};
use super::legs::{LegId, OperatorPart};
use crate::report::DoorKind;

/// A leg at a line. Dropping it leaves: the line lets go of both ends within a few ticks.
#[derive(Debug)]
pub struct Seated {
    /// The line.
    pub line: LineId,
    /// The leg's number there.
    pub leg: LegId,
    /// What happens at the line that the peer is to see. Ends with the line.
    pub events: mpsc::Receiver<SeatEvent>,
    hand: SeatHand,
}

/// Changes how a leg takes part. Cheap to clone, and outlives the leg without effect.
#[derive(Clone, Debug)]
pub struct SeatHand {
    leg: LegId,
    inputs: mpsc::Sender<LineInput>,
}

/// What happens at a line that somebody sits at. Lossy where it is not read; [`SeatEvent::LineClosed`]
/// or the channel's end comes in any case.
#[derive(Clone, PartialEq, Debug)]
pub enum SeatEvent {
    /// What the agent does now.
    State(AgentState),
    /// What the line heard of this leg and sent it over the last 100 ms, dBov.
    Level {
        /// From the leg.
        heard_dbov: i8,
        /// To the leg.
        sent_dbov: i8,
    },
    /// The leg takes part in another way, whoever wanted that: the operator's floor was handed back
    /// by somebody else.
    Part(OperatorPart),
    /// The line is over.
    LineClosed {
        /// Why, in a few words.
        reason: String,
    },
}

/// Who opened a line, where that was somebody at a door.
pub struct Opener {
    /// Whose words these are in the transcript.
    pub label: String,
    /// How they came.
    pub door: DoorKind,
    /// Where they hear of what happens.
    pub events: mpsc::Sender<SeatEvent>,
}

/// Somebody is to sit down at a line.
pub struct Sitting {
    /// Who.
    pub arrival: Arrival,
    /// What carries their sound.
    pub carrier: Carrier,
    /// Where they hear of their seat.
    pub answer: oneshot::Sender<Result<Seated, OpenError>>,
}

impl std::fmt::Debug for Sitting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sitting").field("carrier", &self.carrier).finish_non_exhaustive()
    }
}

/// Events that wait for who sits there: some seconds of levels.
pub const SEAT_EVENTS_MAX: usize = 64;

impl Seated {
    /// A seat, and where its events go.
    pub(crate) fn new(
        line: LineId,
        leg: LegId,
        inputs: mpsc::Sender<LineInput>,
    ) -> (Self, mpsc::Sender<SeatEvent>) {
        let (tell, events) = mpsc::channel(SEAT_EVENTS_MAX);
        (Self { line, leg, events, hand: SeatHand { leg, inputs } }, tell)
    }

    /// A hand of its own for somebody else, who changes the part while this one reads the events.
    #[must_use]
    pub fn hand(&self) -> SeatHand {
        self.hand.clone()
    }

    /// See [`SeatHand::set_part`].
    pub fn set_part(&self, part: OperatorPart) {
        self.hand.set_part(part);
    }

    /// See [`SeatHand::mute`].
    pub fn mute(&self, muted: bool) {
        self.hand.mute(muted);
    }

    /// See [`SeatHand::press`].
    pub fn press(&self, digits: &str) {
        self.hand.press(digits);
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        // Where this does not get through, the line sees that nobody reads the events any more.
        self.hand.put(LegInput::Leave);
    }
}

impl SeatHand {
    /// The operator does something else from now on. Without effect on a caller.
    pub fn set_part(&self, part: OperatorPart) {
        self.put(LegInput::Part(part));
    }

    /// Nobody hears the leg, whatever it is there for, until it is `false` again.
    pub fn mute(&self, muted: bool) {
        self.put(LegInput::Mute(muted));
    }

    /// A caller presses keys; what is no key is left out.
    pub fn press(&self, digits: &str) {
        self.put(LegInput::Press(digits.chars().filter(is_key).take(KEYS_MAX).collect()));
    }

    fn put(&self, input: LegInput) {
        // A line that does not keep up, or is over, has no use for it.
        let _ = self.inputs.try_send(LineInput::Leg(self.leg, input));
    }
}

/// More keys than anybody presses at once.
const KEYS_MAX: usize = 64;

fn is_key(digit: &char) -> bool {
    matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D')
}
