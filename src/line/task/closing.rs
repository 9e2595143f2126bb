//! The last that a line takes in: what its media report, and what it can do nothing about any more.

use std::time::Duration;

use media_engine::{LineEvent, LineStatistics};
use tokio::sync::mpsc;

use crate::line::inputs::{LegInput, LineInput, Untaken};
use crate::line::logs::LogSender;
use crate::replay::Entry;

/// The media line reports its end within a few ticks; a disk may hold the recording up longer.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// Waits for the media line's last event: ports are free and the recording is on disk. What the
/// ear did last comes before it. Then nothing comes in any more, and whoever offers something is told
/// so; what the house offered before that, and nobody took, is given back.
pub(super) async fn last_inputs(
    inputs: &mut mpsc::Receiver<LineInput>,
    log: &mut Option<LogSender>,
) -> (Option<LineStatistics>, Vec<Untaken>) {
    let mut untaken = Vec::new();
    let closed = async {
        while let Some(input) = inputs.recv().await {
            match input {
                LineInput::Media(LineEvent::Closed { statistics, .. }) => return Some(*statistics),
                LineInput::Media(LineEvent::Listened { steps }) => put(log, Entry::Ear(steps)),
                LineInput::Leg(leg, LegInput::Media(LineEvent::Listened { steps })) => {
                    put(log, Entry::LegHeard { leg: leg.0, steps });
                }
                input => untaken.extend(Untaken::of(input)),
            }
        }
        None
    };
    let statistics = tokio::time::timeout(CLOSE_WITHIN, closed).await.ok().flatten();
    inputs.close();
    while let Some(input) = inputs.recv().await {
        untaken.extend(Untaken::of(input));
    }
    (statistics, untaken)
}

fn put(log: &mut Option<LogSender>, entry: Entry) {
    if let Some(log) = log {
        log.put(entry);
    }
}

#[cfg(test)]
mod tests {
    use queue_governor::{Claim, ClaimId, Source, Unfinished};

    use super::*;
    use crate::config::ClaimDefaults;
    use crate::line::LineHandle;

    fn carried(id: &str) -> LineInput {
        let claim = Claim::text(id, Source::External, "the kettle boils");
        let unfinished =
            Unfinished { claim, expires_at: None, resume_at: 0, heard_to: 0, samples: 0, ms: 0 };
        LineInput::CarryOver(unfinished)
    }

    #[tokio::test]
    async fn what_is_offered_to_a_line_that_closes_comes_back_or_is_refused() {
        let (inputs, mut inbox) = LineInput::channel();
        let (caller, defaults) = ("ann".to_owned(), ClaimDefaults::default());
        let handle = LineHandle { inputs, caller, defaults };
        assert!(handle.offer(carried("say-1")), "the line is still there");
        assert!(handle.offer(LineInput::Say(Claim::text("say-2", Source::External, "hello"))));
        let mut no_log = None;
        let last = last_inputs(&mut inbox, &mut no_log);
        let beside = async {
            assert!(handle.offer(LineInput::Withdraw(ClaimId::new("say-1"))));
            let statistics = Box::default();
            let at = media_core::MonoTime::ZERO;
            let closed = LineEvent::Closed { at, statistics, recording: None };
            assert!(handle.offer(LineInput::Media(closed)));
        };
        let ((statistics, untaken), ()) = tokio::join!(last, beside);
        assert!(statistics.is_some());
        let [Untaken::CarryOver(carried), Untaken::Say(said), Untaken::Withdraw(withdrawn)] =
            &untaken[..]
        else {
            panic!("all of it, in order: {untaken:?}")
        };
        assert_eq!((carried.claim.id.as_str(), said.as_str()), ("say-1", "say-2"));
        assert_eq!(withdrawn.as_str(), "say-1");
        assert!(!handle.offer(LineInput::HoldExternal(true)), "nobody takes anything any more");
    }
}
