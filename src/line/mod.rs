//! One line, from the answered call to the record on disk: the wiring between hearing, governor,
//! voice and brain.
//!
//! [`Conversation`] is the core: what happened goes in, what is to be done comes out, and time is
//! passed in, so that a call can be played through in a test without sound. [`run`] is its shell:
//! one task per call that owns the media line and carries out what the core says.

mod action;
mod backlog;
mod company;
mod conversation;
mod dead_air;
mod ears;
mod figures;
mod gate;
mod hear;
mod inputs;
mod journal;
mod keys;
mod labels;
mod legs;
mod logs;
mod memory;
mod mind;
mod operators_words;
mod outside;
mod seat;
mod speak;
mod task;
mod transfer;

pub use action::{Action, News};
pub use company::{AgentState, Arrival};
pub use conversation::{Conversation, ConversationConfig, Figures};
pub use figures::call_stats;
pub use inputs::{ClaimNews, INPUTS_MAX, LegInput, LineHandle, LineInput, LineNews, Untaken};
pub use journal::{Journal, JournalEntry, read_printed};
pub use keys::KeyPath;
pub use legs::{LegId, OperatorPart, Part};
pub use logs::LogPart;
pub use memory::{LineEnd, Memory, Remembered};
pub use outside::NotWhispered;
pub use seat::{Opener, SEAT_EVENTS_MAX, SeatEvent, SeatHand, Seated, Sitting};
pub use task::{LineParts, run};
pub use transfer::TransferTo;
