//! What travels between the audio threads and the rest, and how much of it may wait.
//!
//! | ring | one per | writer → reader | depth | when full | when empty |
//! | --- | --- | --- | --- | --- | --- |
//! | commands | audio thread | anybody → tick | [`COMMAND_DEPTH`] | they wait, in order, in a bounded backlog that the pump moves on | nothing to do |
//! | events | line | tick → pump | [`EVENT_DEPTH`] | the event is lost and counted; the last [`EVENT_RESERVE`] places are kept for events that nothing later repeats | nothing to report |
//! | tap | line that hears, plays or records | tick → pump | [`crate::tap::TAP_DEPTH`] | the frame is lost and counted; the recording has silence there | nothing was heard |
//! | speech | line that speaks | pump → tick | [`SPEECH_DEPTH`] | the feeder keeps the rest | comfort noise is sent, and `starved_ticks` counts |
//! | graveyard | audio thread | tick → pump | [`GRAVEYARD_DEPTH`] | the line stays, silent, until the next tick | nothing to free |
//!
//! All are single-producer, single-consumer and wait-free. A ring's memory is freed with the half
//! that is dropped last: the tick's halves go through the graveyard, so that is never the tick.

use media_core::Generation;

use crate::audio::{AudioLine, Carriage, Guest, MediaUpdate, Table};
use crate::leg::LegMix;

/// A burst of calls that open, close and are revoked within one tick.
pub(crate) const COMMAND_DEPTH: usize = 1_024;
/// Commands that one tick takes, so that a flood of them cannot make it late.
pub(crate) const COMMANDS_PER_TICK: usize = 256;
/// At most about four events a tick and line: 300 ms of a pump that does not run.
pub(crate) const EVENT_DEPTH: usize = 64;
/// See the table.
pub(crate) const EVENT_RESERVE: usize = 16;
/// Half a second that the pump may be late with the next frame. A revoke makes the tick throw
/// away that much at once, so it is not made longer than needed.
pub(crate) const SPEECH_DEPTH: usize = 25;
/// Lines that end within one tick.
pub(crate) const GRAVEYARD_DEPTH: usize = 256;

/// Samples in a frame: 20 ms at 48 kHz, the longest tick at the highest line rate. Frames
/// have this room at every rate.
pub(crate) const FRAME_SAMPLES: usize = media_core::FRAME_SAMPLES_MAX;

/// One tick of speech, stamped with the right to be heard; or the mark behind the last one.
#[derive(Clone, Copy)]
pub(crate) struct SpeechFrame {
    pub generation: Generation,
    /// Samples used; only a generation's last frame is short. 0 marks the end.
    pub length: usize,
    pub samples: [i16; FRAME_SAMPLES],
}

/// Names a line towards its audio thread and pump: its place there, and a serial number that
/// tells it from whoever had the place before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LineKey {
    pub slot: usize,
    pub serial: u64,
}

/// Names a seat at a line: the line's own has the line's key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SeatKey {
    pub line: LineKey,
    pub seat: LineKey,
}

impl SeatKey {
    /// The seat that the line was opened with.
    pub fn host(line: LineKey) -> Self {
        Self { line, seat: line }
    }
}

/// What an audio thread is told. Boxed values are built by the sender; what they replace leaves
/// through the graveyard.
pub(crate) enum Command {
    Open(Box<AudioLine>),
    /// Somebody joins or leaves.
    Reseat(LineKey, Box<Table>),
    Update(SeatKey, Box<MediaUpdate>),
    /// The peer has gone, and the seat stays: what is to take its place.
    Vacate(SeatKey, Box<Carriage>),
    Digit(SeatKey, char),
    Mix(SeatKey, LegMix),
    Note(LineKey, Note, Generation),
    Close(LineKey),
}

/// Asks the tick to confirm what the floor's atomic word has already done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Note {
    Revoked,
    TakenOver,
    Paused,
    Resumed,
}

/// What is to be freed elsewhere.
pub(crate) enum Retired {
    Line(Box<AudioLine>),
    Guest(Box<Guest>),
    Carriage(#[allow(dead_code, reason = "held only to be dropped")] Box<Carriage>),
    /// With whoever did not get a seat.
    Table(Box<Table>),
    Update(#[allow(dead_code, reason = "held only to be dropped")] Box<MediaUpdate>),
}
