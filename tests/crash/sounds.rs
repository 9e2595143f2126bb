//! Ready sound on the recordings of all calls: each step of it, against what was promised and what
//! was written down when the line died.

use queue_governor::Ending;

use crate::claims::{Claim, Kind};
use crate::journal::{Account, Ledger};
use crate::recording::Recording;
use crate::support::sound::FRAME;
use crate::tones::STEP_PACKETS;

/// Packets that may be heard a second time after a kill, because nobody had written down yet that
/// they were sent: ready audio is written down every 200 ms, from reports every 100 ms, and a
/// grant waits at most 50 ms for the disk.
const UNKNOWN_PACKETS: usize = (200 + 100 + 50) / 20 + 1;
/// Packets of a claim that may be missing in a recording for each piece in which it was heard: the
/// first and last of that may hold less than half a packet of it.
const EDGE_PACKETS: usize = 2;
/// Packets of a step that may be heard more than once in a call: where it was held, the one that it
/// was held in.
const HELD_PACKETS: usize = 2;

/// One claim's sound.
pub struct Sounded<'r> {
    claim: &'r Claim,
    account: Option<&'r Account>,
    /// The steps that were heard, by call.
    heard: Vec<(usize, &'r [usize])>,
    /// In how many pieces.
    pieces: usize,
}

impl<'r> Sounded<'r> {
    pub fn of(claim: &'r Claim, ledger: &'r Ledger, recordings: &'r [Recording]) -> Self {
        let code = claim.sound.map_or(0, |(code, _)| code);
        let in_call =
            |(life, it): (usize, &'r Recording)| Some((life, it.steps.get(&code)?.as_slice()));
        Self {
            claim,
            account: ledger.account_of(&claim.words).map(|(_, account)| account),
            heard: recordings.iter().enumerate().filter_map(in_call).collect(),
            pieces: recordings.iter().filter_map(|it| it.pieces.get(&code)).sum(),
        }
    }

    pub fn packets(&self) -> usize {
        self.heard.iter().map(|(_, steps)| steps.len()).sum()
    }

    /// How many calls it goes on in that it did not begin in.
    pub fn resumed(&self) -> usize {
        self.heard.len().saturating_sub(1)
    }

    /// What of it was heard again that may not be.
    pub fn heard_again(&self) -> Vec<String> {
        let mut again: Vec<String> = self.heard.iter().flat_map(|it| self.again_in(*it)).collect();
        let most = self.claim.packets() + self.resumed() * UNKNOWN_PACKETS;
        if self.packets() > most + self.heard.len() * HELD_PACKETS {
            again.push(format!("{} packets of {most} at most", self.packets()));
        }
        let ending = self.account.and_then(|it| it.ending.as_ref());
        if ending == Some(&Ending::Duplicate) && self.packets() > 0 {
            again.push("it was a duplicate, and was heard".to_owned());
        }
        again
    }

    fn again_in(&self, (life, steps): (usize, &[usize])) -> Vec<String> {
        let mut again = Vec::new();
        if let Some(pair) = steps.windows(2).find(|pair| pair[1] < pair[0]) {
            again.push(format!("call {life}: step {} after step {}", pair[1], pair[0]));
        }
        let most = STEP_PACKETS + HELD_PACKETS;
        let count = |step: usize| steps.iter().filter(|it| **it == step).count();
        if let Some(step) = steps.iter().find(|step| count(**step) > most) {
            again.push(format!("call {life}: step {step} {} times", count(*step)));
        }
        // What the caller had heard was written down; from there it goes on.
        let resumes_at = self.account.map_or(0, |it| it.resumes_at(life)) / FRAME / STEP_PACKETS;
        if steps[0] < resumes_at {
            again.push(format!("call {life}: from step {}, heard up to {resumes_at}", steps[0]));
        }
        if let Some(ended_in) = self.account.and_then(|it| it.ended_in).filter(|in_| *in_ < life) {
            again.push(format!("call {life}: it had ended in call {ended_in}"));
        }
        again
    }

    /// What of it was to be heard, or was written down as heard, and is on no recording.
    pub fn lost(&self, ledger: &Ledger) -> Option<String> {
        let whole = self.claim.packets();
        let must = self.claim.accepted && self.claim.bound && self.claim.is_always_said();
        let least = match must {
            true => whole,
            false => ledger.heard_ms_of(&self.claim.words, whole as u64 * 20) as usize / 20,
        };
        let edges = EDGE_PACKETS * self.pieces.max(1);
        if self.packets() + edges < least {
            return Some(format!("{} packets of {least}", self.packets()));
        }
        let steps = self.claim.sound.map_or(0, |(_, steps)| steps);
        let missing = (0..steps).find(|step| !self.heard.iter().any(|it| it.1.contains(step)));
        missing.filter(|_| least == whole).map(|step| format!("step {step} is missing"))
    }
}

impl Claim {
    /// Whether nothing but being heard to its end is the end of it.
    pub fn is_always_said(&self) -> bool {
        !matches!(self.kind, Kind::Twin | Kind::Withdrawn | Kind::Superseded | Kind::Timed)
    }
}

#[test]
fn what_was_heard_again_and_what_was_not_heard_are_noticed() {
    use queue_governor::{ClaimId, Heard, Record, Source};
    const WHOLE: usize = 9 * STEP_PACKETS;
    const CUT: usize = 25;
    let claim = Claim {
        kind: Kind::Sound,
        words: "sound 0".into(),
        sound: Some((0, 9)),
        key: None,
        bound: true,
        accepted: true,
        refused: false,
        ended: None,
    };
    let taken_in = queue_governor::Claim::text("say-1", Source::External, "sound 0");
    let id = ClaimId::new("say-1");
    let mut ledger = Ledger::default();
    ledger.take(&Record::Accepted { claim: taken_in, expires_at: None });
    let (resume_at, samples, ms) = (CUT * FRAME, (CUT * FRAME) as u64, CUT as u64 * 20);
    ledger.take(&Record::Heard { claim: id.clone(), resume_at, samples, ms });
    ledger.life_ends();
    let (ending, heard) = (Ending::Spoken, Heard::default());
    ledger.take(&Record::Ended { claim: id, ending, heard, remember_until: None });
    ledger.life_ends();
    let call = |&(from, to): &(usize, usize)| {
        let steps = (from..to).map(|packet| packet / STEP_PACKETS).collect();
        Recording { steps: [(0, steps)].into(), pieces: [(0, 1)].into(), ..Recording::default() }
    };
    let judged = |calls: &[(usize, usize)]| {
        let recordings: Vec<_> = calls.iter().map(call).collect();
        let sounded = Sounded::of(&claim, &ledger, &recordings);
        (sounded.heard_again().len(), sounded.lost(&ledger).is_some())
    };
    let first = (0, CUT);
    assert_eq!(judged(&[first, (CUT, WHOLE)]), (0, false));
    assert_eq!(judged(&[first, (0, WHOLE)]), (2, false), "from its start, and too much");
    assert_eq!(judged(&[first, (CUT - 6, WHOLE)]), (1, false), "what was known to be heard");
    assert_eq!(judged(&[first, (CUT + 6, WHOLE)]), (0, true));
    assert_eq!(judged(&[first, (CUT, WHOLE), (WHOLE - 1, WHOLE)]), (1, false), "after its end");
    assert_eq!(judged(&[first]), (0, true));
}
