//! What must survive a crash: the governors' records, written to the lane `xen-out:journal` before
//! anybody is told of what they say.
//!
//! A [`Keeper`] is a thread that writes whatever waits in one go (group commit), and then says up
//! to where it is safe. A line asks nothing of the disk itself: it hands records over, and holds
//! acknowledgements, endings and grants back until they are safe, for a bounded time ([`HoldBack`]).
//! A store that refuses (a full disk) is tried again; meanwhile the line stays up, and says that it
//! is not safe.
//!
//! [`Keeper::start`] first folds what an earlier run left: what is unfinished, what was said
//! lately. A store that is away then is read when it is back, before anything is written. The lane is kept short: now and then the fold itself is written, and what lies before it
//! is dropped.
//!
//! Whether the queue is paused is kept in the same lane, because it too must outlive the process.
//!
//! All claims share one book here, so their names must differ: those that the house gave do, and
//! a brain's are [`qualified`] with run and line.

mod entry;
mod fold;
mod hold_back;
mod keeper;
mod sounds;
mod way;
mod whole;
mod writer;

pub use entry::Clocks;
pub use fold::Fold;
pub use hold_back::{HoldBack, Kind, LATE, LetGo, UNKEPT};
pub use keeper::{Account, Keeper, KeeperState, LANE, Progress, Recovered};
pub use sounds::Sounds;
pub use whole::write_whole;

use media_core::LineId;
use queue_governor::{ClaimId, Record};

/// The record with names that no other line's claims have. `run`: this process's own; `is_ours`:
/// names that the house gave.
#[must_use]
pub fn qualified(
    mut record: Record,
    run: &str,
    line: LineId,
    is_ours: impl Fn(&ClaimId) -> bool,
) -> Record {
    let name = |id: &mut ClaimId| {
        if !is_ours(id) {
            *id = ClaimId::new(format!("{run}/{line}/{id}"));
        }
    };
    match &mut record {
        Record::Accepted { claim, .. } => {
            name(&mut claim.id);
            claim.supersedes.iter_mut().for_each(name);
        }
        Record::Amended { claim, .. }
        | Record::Heard { claim, .. }
        | Record::Ended { claim, .. } => name(claim),
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use queue_governor::{Claim, Source};

    #[test]
    fn a_brains_names_are_told_apart_by_run_and_line_and_ours_stay() {
        let record =
            |id: &str| Record::Heard { claim: ClaimId::new(id), resume_at: 1, samples: 2, ms: 3 };
        let ours = |id: &ClaimId| id.as_str() == "say-1";
        let named = |id: &str| qualified(record(id), "r1", LineId(4), ours).claim().to_string();
        assert_eq!(named("say-1"), "say-1");
        assert!(named("c-1").starts_with("r1/") && named("c-1").ends_with("/c-1"));
        let mut claim = Claim::text("c-2", Source::Worker, "done");
        claim.supersedes = Some(ClaimId::new("c-1"));
        let accepted = Record::Accepted { claim, expires_at: None };
        let Record::Accepted { claim, .. } = qualified(accepted, "r1", LineId(4), ours) else {
            panic!("the same kind of record")
        };
        assert_eq!(claim.supersedes.expect("it is kept").to_string(), named("c-1"));
    }
}
