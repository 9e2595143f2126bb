//! A finished call, drawn: what was said by whom and when, who had the floor and why it changed
//! hands, and where the time between a question and its answer went.
//!
//! Owns the record of a call ([`EventLog`] writes it, [`CallRecord`] reads it) and what is made of
//! it. Input: a call's folder with `events.jsonl` and `call.wav`. Output, in the same folder:
//! `transcript.jsonl`, `summary.json`, `call.svg` and `call.png`.
//!
//! Driven after the call, never during it: nothing in here is on the way of a word. A record that
//! was cut short by a crash is drawn as far as it goes.

mod event;
mod record;

pub use event::{
    CallClosed, CallEvent, CallOpened, CallStats, ClaimSource, EndingKind, Event, TurnTimes,
    VerdictKind,
};
pub use record::{CallRecord, EVENTS_FILE, EventLog, RECORDING_FILE, RecordError};
