//! Who may speak on a line, when, and what became of it.
//!
//! A pure core: it is told the time and what happened, and says what to do. It performs no I/O,
//! reads no clock, spawns nothing, logs nothing. One [`Governor`] governs one line; its owner
//! drives it:
//!
//! ```
//! use media_core::{Generation, LineId, MonoTime};
//! use queue_governor::{Claim, Ending, Governor, GovernorConfig, Input, Output, Source};
//!
//! let mut governor = Governor::new(GovernorConfig::default(), LineId(1));
//! let now = MonoTime::from_millis(0);
//! governor.handle(now, Input::Submit(Claim::text("r1", Source::Responder, "It is noon.")));
//! let mut granted = Generation::NONE;
//! while let Some(output) = governor.poll_output() {
//!     if let Output::Grant { generation, .. } = output {
//!         granted = generation; // synthesise and play it
//!     }
//! }
//! let later = MonoTime::from_millis(900);
//! governor.handle(later, Input::Drained { generation: granted, samples: 6_400 });
//! let ended = std::iter::from_fn(|| governor.poll_output())
//!     .find(|output| matches!(output, Output::Ended { ending: Ending::Spoken, .. }));
//! assert!(ended.is_some());
//! ```
//!
//! # What it promises
//!
//! 1. **One voice.** There is one place for a holder, and each grant has a new generation.
//! 2. **Silence on revoke.** [`Output::Revoke`] comes out of the same `handle` that decided it.
//! 3. **Exactly one ending.** Each accepted claim ends once, with what the caller heard of it. A
//!    claim that lost the floor ends when its last sample is counted, within
//!    [`GovernorConfig::silenced`].
//! 4. **Never twice.** The same words, or the same dedup key, are not said again within
//!    [`GovernorConfig::dedup_window`]; words that answer a *later* turn of the caller are not
//!    the same, because who asks twice is to be answered twice.
//!    What must be delivered is the same only as what was said to its end; where that was cut, it
//!    goes on.
//! 5. **The answer never waits on the hands.** Alerts and answers take the floor from workers and
//!    other programs at the end of a clause, after [`GovernorConfig::preempt_max`] at the latest.
//!    What was cut goes on afterwards with the first word that was not heard.
//! 6. **Workers never starve.** After [`GovernorConfig::age`] they go before the responder, and
//!    from their first sample on they have until the end of a clause.
//! 7. **No dead air.** A holder of whom no frame leaves for [`GovernorConfig::stall`] gives way
//!    to a filler, is tried again, then with the fallback voice, and then ends `failed`.
//! 8. **The caller wins** over all but the operator and what is uninterruptible; **the operator
//!    wins** over all.
//! 9. **Paced.** Unrelated sayings keep [`GovernorConfig::gap`], which delays no answer; waiting
//!    updates of one thing are one saying, see [`Coalescing`].
//! 10. **Bounded.** Claims, texts, keys and memory have maxima, and a refusal says which. Every
//!     `handle` is O(live claims).
//!
//! # What survives a crash
//!
//! [`Output::Journal`] says what to write down, before the output that may only follow when it is
//! safe. [`Book`] folds the records, and [`Governor::recover`] goes on from it. The feature `serde`
//! makes records that can be stored.
//!
//! # Text
//!
//! [`Checkpoint`] is the same for messages: what leaves as text is tagged, leaves once, and has one
//! ending.
//!
//! # What it does not do
//!
//! It stores nothing itself, and it does not hear: onset, verdict and turn are told.
//! Panics here are our own bugs; nothing that a producer submits or an engine reports causes one.
#![forbid(unsafe_code)]

mod barge_in;
mod checkpoint;
mod claim;
mod config;
mod dedup;
mod entry;
mod floor;
mod governor;
mod io;
mod journal;
mod ledger;
mod queue;
mod reason;
mod text;

pub use checkpoint::{
    Channel, Checkpoint, CheckpointConfig, Message, MessageBook, MessageEnding, MessageFailure,
    MessageId, MessageInput, MessageOutput, MessageRecord, Outgoing,
};
pub use claim::{Claim, ClaimId, Content, OnInterrupt, Source, Tag, TurnId};
pub use config::{Coalescing, GovernorConfig};
pub use governor::Governor;
pub use io::{Briefing, Ending, Heard, Input, LedgerWord, Output, Voice};
pub use journal::{Book, Record, Unfinished};
pub use reason::{FailReason, FloorReason, RefusalReason};
