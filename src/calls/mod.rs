//! Past calls: which there were, what was said and measured on each, and whether this build would
//! decide the same.
//!
//! Owns nothing: it reads the folders that the line left in `[recording] dir`, and draws a picture
//! where one is missing. Driven by `xenline calls`.

mod date;
mod find;
mod list;
mod replay;
mod show;

pub(crate) use date::utc;
pub use find::{CallFolder, FindError, calls_in, find};
pub(crate) use list::hidden;
pub use list::{Listed, list, list_table};
pub use replay::{replay_log, replay_table};
pub use show::{Shown, picture_without_numbers, show, show_text};
