//! Who may speak, when, and what became of it. A pure core.
#![forbid(unsafe_code)]

mod claim;
mod config;
mod governor;
mod io;

pub use claim::{Claim, ClaimId, Content, OnInterrupt, Source, Tag, TurnId};
pub use config::GovernorConfig;
pub use governor::Governor;
pub use io::{
    Ending, FailReason, FloorReason, Heard, Input, LedgerWord, Output, RefusalReason, Voice,
};
