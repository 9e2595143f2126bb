//! The reference brain: a fast responder and parallel workers, without any language model.
//!
//! # How it thinks
//!
//! What the caller says is looked up in a library of *genes* ([`genes`]): signature phrases and
//! what to do, found by BM25 with a threshold. Below the threshold it says that it did not get
//! that, and guesses nothing. A gene has a reply, a tool ([`tools`]) or a command.
//!
//! # Who does what
//!
//! - [`mind::Mind`] is the responder, and a core: `handle(now, input)`, then `poll_output()` until
//!   there is none, then again at `next_timeout()`. It reads no clock, no file and no socket, so
//!   an answer takes well under a millisecond.
//! - [`worker`] runs what takes longer, each job as its own task, with a deadline. A job that was
//!   started ends once: done, failed, cancelled or timed out. Its report is a claim of source
//!   `worker`.
//! - [`shell`] connects the two to the line's socket, the clock and the state file.
//!
//! # What it remembers
//!
//! Per line, what the caller *heard* (from the line's `claim_ended`), which answers "what did you
//! say", and the rest of what was interrupted, which answers "continue". Over restarts
//! ([`memory`]): timers, notes, messages, a call log, and reports that nobody was there to hear.
//!
//! # What it never does
//!
//! It starts no program that its configuration does not list, and none through a shell. It says
//! nothing that the caller did not ask for, except the greeting, a report, and a timer.

pub mod config;
pub mod demo_backup;
pub mod genes;
pub mod memory;
pub mod mind;
pub mod shell;
pub mod speakable;
pub mod tools;
pub mod worker;
