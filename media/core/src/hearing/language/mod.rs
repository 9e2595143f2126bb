//! What words alone tell about a turn: is it finished, is it meant to interrupt. English, generic
//! word lists; no knowledge of any model's vocabulary.

mod completeness;
mod lists;
mod reaction;
mod words;

pub use completeness::{Completeness, completeness};
pub use reaction::{Reaction, reaction};
