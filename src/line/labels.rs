//! The governor's and the media's words in the words of the record and of the brain.

use brain_protocol::ClaimEnding;
use media_core::Verdict;
use queue_governor::{Ending, FailReason, FloorReason, Source, TurnId};

use crate::report::{ClaimSource, EndingKind, VerdictKind};

pub(super) fn verdict(verdict: Verdict) -> VerdictKind {
    match verdict {
        Verdict::Speech => VerdictKind::Speech,
        Verdict::Backchannel => VerdictKind::Backchannel,
        Verdict::Noise => VerdictKind::Noise,
        Verdict::Echo => VerdictKind::Echo,
    }
}

pub(super) fn source(source: Source) -> ClaimSource {
    match source {
        Source::Operator => ClaimSource::Operator,
        Source::System => ClaimSource::System,
        Source::Responder => ClaimSource::Responder,
        Source::Worker => ClaimSource::Worker,
        Source::External => ClaimSource::External,
    }
}

pub(super) fn ending(ending: &Ending) -> EndingKind {
    match ending {
        Ending::Spoken => EndingKind::Spoken,
        Ending::Interrupted => EndingKind::Interrupted,
        Ending::Superseded => EndingKind::Superseded,
        Ending::Stale => EndingKind::Stale,
        Ending::Expired => EndingKind::Expired,
        Ending::Duplicate => EndingKind::Duplicate,
        Ending::Withdrawn => EndingKind::Withdrawn,
        Ending::Refused(_) => EndingKind::Refused,
        Ending::Failed(_) => EndingKind::Failed,
    }
}

pub(super) fn brain_ending(ending: &Ending) -> ClaimEnding {
    match ending {
        Ending::Spoken => ClaimEnding::Spoken,
        Ending::Interrupted => ClaimEnding::Interrupted,
        Ending::Superseded => ClaimEnding::Superseded,
        Ending::Stale => ClaimEnding::Stale,
        Ending::Expired => ClaimEnding::Expired,
        Ending::Duplicate => ClaimEnding::Duplicate,
        Ending::Withdrawn => ClaimEnding::Withdrawn,
        Ending::Refused(_) => ClaimEnding::Refused,
        Ending::Failed(_) => ClaimEnding::Failed,
    }
}

pub(super) fn ending_reason(ending: &Ending) -> Option<String> {
    match ending {
        Ending::Refused(reason) => Some(reason.to_string()),
        Ending::Failed(reason) => Some(reason.to_string()),
        _ => None,
    }
}

/// How a claim ends on a call that is over although the claim waits for another one, if there can
/// be one.
pub(super) fn carried(for_this_caller: bool, caller_is_named: bool) -> (Ending, String) {
    let reason = match (for_this_caller, caller_is_named) {
        (false, _) => "carried to the next call",
        (true, true) => "carried to this caller's next call",
        (true, false) => "the call is over, and a caller without a name does not call again",
    };
    (Ending::Failed(FailReason::LineClosed), reason.to_owned())
}

/// A few words for a picture. `holder`: who has the floor now, and what that claim answers.
pub(super) fn floor_reason(why: &FloorReason, holder: Option<(Source, Option<TurnId>)>) -> String {
    let words = match why {
        FloorReason::Granted => match holder {
            Some((Source::Operator, _)) => "operator",
            Some((Source::System, _)) => "the line itself",
            Some((Source::Responder, Some(_))) => "answer",
            Some((Source::Responder, None)) => "greeting",
            Some((Source::Worker, _)) => "worker report",
            Some((Source::External, _)) => "say",
            None => "granted",
        },
        FloorReason::Regranted => "goes on",
        FloorReason::Paused => "caller may be speaking",
        FloorReason::Resumed => "it was not speech",
        FloorReason::Spoken => "drained",
        FloorReason::Preempted { .. } => "preempted",
        FloorReason::BargeIn => "caller speaks",
        FloorReason::Superseded => "superseded",
        FloorReason::Stale => "stale",
        FloorReason::Withdrawn => "withdrawn",
        FloorReason::OperatorTook => "operator takes over",
        FloorReason::OperatorReleased => "operator hands back",
        FloorReason::StallFiller => "stalled: filler",
        FloorReason::StallRevoked => "stalled: revoked",
        FloorReason::Fallback => "fallback voice",
        FloorReason::Failed => "failed",
        FloorReason::LineClosed => "call over",
    };
    words.to_owned()
}

/// Whether the holder lost the floor before all of it was heard.
pub(super) fn takes_the_floor_away(why: &FloorReason) -> bool {
    !matches!(
        why,
        FloorReason::Granted
            | FloorReason::Regranted
            | FloorReason::Paused
            | FloorReason::Resumed
            | FloorReason::Spoken
    )
}
