//! What the brain knows to answer: phrases, and what to do when the caller says something like it.
//!
//! A gene file is TOML:
//!
//! ```toml
//! [[gene]]
//! name = "tea"
//! phrases = ["how long does tea take", "make tea for <duration>"]
//! reply = "Three minutes. Shall I set a timer?"
//! [[gene.follow_ups]]                 # only for what the caller says next
//! phrases = ["yes", "yes please"]
//! tool = "set_timer"
//! ```
//!
//! Slots in phrases: `<n>`, `<duration>`, `<time>`, `<day>`, `<name>`, `<digits>`, and `<text>` for the rest of
//! what was said. A gene has exactly one of `reply` (a text, or a list that is gone through in
//! turn; `{n}` and the other slots are filled in), `tool` (see [`crate::tools::Tool`]), `command`
//! (the name of a command in the configuration) or `silent = true`.

mod file;
mod library;
mod slots;
mod words;

pub use file::{Action, Gene, GeneError, builtin, read_file, read_text};
pub use library::{Found, Library};
pub use slots::{Day, Slots, TimeOfDay};
pub use words::normalised;
