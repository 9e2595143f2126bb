//! espeak-ng: phonemes for Piper voices, and a formant voice of its own.
//!
//! The C library is one process-wide state machine without locks: four threads in it end in a
//! double free. So it is reached through one mutex, and only from this folder.

mod data;
mod library;

pub use data::EspeakError;
pub(crate) use library::{FORMANT_RATE_HZ, Library, SpokenAt};
