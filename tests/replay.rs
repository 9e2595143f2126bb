//! Calls are decided again from their logs: every log in `tests/replays` by this build as by the
//! one that wrote it, and whole conversations, in virtual time, as they were the first time.
//!
//! A call that went wrong becomes a test by copying its `call.xlr` into that folder. Where a
//! decision was changed on purpose, `XENLINE_RECORD_REPLAYS=1 cargo test --test replay` writes the
//! logs of the scenarios anew.

#[path = "replay/call.rs"]
mod call;
#[path = "replay/corpus.rs"]
mod corpus;
#[path = "replay/differences.rs"]
mod differences;
#[path = "replay/files.rs"]
mod files;
#[path = "replay/legs.rs"]
mod legs;
#[path = "replay/mouth.rs"]
mod mouth;
#[path = "replay/scenarios.rs"]
mod scenarios;
