//! What was heard and written down, against what was promised. Ready sound is read off the
//! recordings, step by step. Of words for the voice the recording says when a voice was heard and
//! for how long; which words those were, the journal says, and both must agree.

use std::collections::BTreeMap;

use queue_governor::Ending;

use crate::claims::{Claim, Claims, Kind};
use crate::gateway::{Gateway, Messages};
use crate::journal::Ledger;
use crate::recording::Recording;
use crate::sounds::Sounded;

/// What a voice may have said in a call after what was written down last before the kill that ended
/// it: a long word, and what may be unwritten of any sound.
const UNKNOWN_VOICE_MS: u64 = 1_000;
/// The first and last packet of each piece of a sound may pass for a voice.
const EDGES_MS: u64 = 2 * 20;
/// And those of the words: in a call that ends well nothing else does.
const WORDS_EDGES_MS: u64 = 200;
/// Between and within words a voice is silent, for half of the time at most.
const VOICED: f64 = 0.5;
/// A few words may be all pauses and soft sounds.
const HARDLY_MS: u64 = 400;

#[derive(Debug, Default)]
pub struct Audit {
    handed_in: BTreeMap<Kind, usize>,
    acknowledged: usize,
    refused: usize,
    /// Sounds that went on in a call after the one that they began in.
    resumed: usize,
    packets: usize,
    voice_ms: u64,
    /// What the journal says of words, in the same calls.
    words_ms: u64,
    /// What was heard of a voice in one call beyond what the journal says, at most.
    unwritten_ms: u64,
    entries: usize,
    endings: BTreeMap<String, usize>,
    messages: usize,
    /// What was acknowledged and not heard whole, or did not arrive.
    lost: Vec<String>,
    /// What was heard again beyond what a kill hides, or arrived as two.
    twice: Vec<String>,
    /// Packets with two sounds.
    overlaps: usize,
    /// What the journal says that must not be.
    journal: Vec<String>,
}

impl Audit {
    /// What was heard of ready sound, and of the voice.
    pub fn of_sound(claims: &Claims, ledger: &Ledger, recordings: &[Recording]) -> Self {
        let all = claims.all();
        let mut audit = Audit {
            handed_in: claims.kinds(),
            acknowledged: all.iter().filter(|claim| claim.accepted).count(),
            refused: all.iter().filter(|claim| claim.refused).count(),
            overlaps: recordings.iter().map(|it| it.overlaps).sum(),
            packets: recordings.iter().map(|it| it.packets).sum(),
            ..Audit::default()
        };
        let mut heard_by_key = BTreeMap::<usize, Vec<&str>>::new();
        for claim in all.iter().filter(|claim| claim.sound.is_some()) {
            let sounded = Sounded::of(claim, ledger, recordings);
            let told = |what: String| format!("{}: {what}", claim.words);
            audit.twice.extend(sounded.heard_again().into_iter().map(told));
            audit.lost.extend(sounded.lost(ledger).map(told));
            audit.resumed += sounded.resumed();
            if let Some(key) = claim.key.filter(|_| sounded.packets() > 0) {
                heard_by_key.entry(key).or_default().push(&claim.words);
            }
        }
        let twice = heard_by_key.into_values().filter(|heard| heard.len() > 1);
        audit.twice.extend(twice.map(|heard| format!("{heard:?}: both were heard")));
        audit.hear_the_voice(&all, ledger, recordings);
        audit
    }

    fn hear_the_voice(&mut self, all: &[Claim], ledger: &Ledger, recordings: &[Recording]) {
        let spoken: Vec<_> = all
            .iter()
            .filter(|claim| claim.sound.is_none())
            .filter_map(|claim| ledger.account_of(&claim.words))
            .collect();
        for (life, recording) in recordings.iter().enumerate() {
            let voice_ms = recording.voice as u64 * 20;
            let words_ms = spoken.iter().map(|(_, account)| account.heard_ms_in(life)).sum::<u64>();
            if ((voice_ms + HARDLY_MS) as f64) < words_ms as f64 * VOICED {
                self.lost.push(format!(
                    "call {life}: {words_ms} ms of words are written down as heard, and {voice_ms} \
                     ms of a voice were"
                ));
            }
            let was_killed = life + 1 < recordings.len();
            let unknown_ms = if was_killed { UNKNOWN_VOICE_MS } else { WORDS_EDGES_MS };
            let edges_ms = recording.pieces.values().sum::<usize>() as u64 * EDGES_MS;
            if voice_ms > words_ms + edges_ms + unknown_ms {
                self.twice.push(format!(
                    "call {life}: a voice was heard for {voice_ms} ms, and {words_ms} ms of words are \
                     written down"
                ));
            }
            let beyond_ms = voice_ms.saturating_sub(words_ms + edges_ms);
            self.unwritten_ms = self.unwritten_ms.max(beyond_ms);
            self.voice_ms += voice_ms;
            self.words_ms += words_ms;
        }
    }

    /// And what was written down of it; `log`: what the line said, where the endings are that
    /// came over a claim while nothing ran.
    #[must_use]
    pub fn with_journal(mut self, claims: &Claims, ledger: &Ledger, log: &str) -> Self {
        self.journal.extend(ledger.wrong.iter().cloned());
        self.entries = ledger.entries;
        self.endings = ledger.endings();
        let left = |id: &str| {
            log.lines().any(|line| {
                line.contains("the last run left has ended") && line.contains(&format!("={id} "))
            })
        };
        for claim in claims.all().iter().filter(|claim| claim.accepted) {
            let Some((id, account)) = ledger.account_of(&claim.words) else {
                self.lost.push(format!("{}: accepted and not written down", claim.words));
                continue;
            };
            match &account.ending {
                None if claim.bound || !left(id) => {
                    self.lost.push(format!("{}: accepted and never ended", claim.words));
                }
                Some(ending) if claim.has_its_endings() && !claim.may_end(ending) => {
                    self.lost.push(format!("{}: ended {ending:?}", claim.words));
                }
                _ => {}
            }
            self.compare_with_what_was_told(claim, account.ending.as_ref());
        }
        self.count_twins(&claims.all(), ledger);
        self
    }

    /// Of those that are the same one was said, if one was accepted; which one is nobody's business.
    fn count_twins(&mut self, all: &[Claim], ledger: &Ledger) {
        let mut by_key = BTreeMap::<usize, (bool, usize)>::new();
        for (key, claim) in all.iter().filter_map(|claim| Some((claim.key?, claim))) {
            let ending = ledger.account_of(&claim.words).and_then(|(_, it)| it.ending.as_ref());
            let (accepted, said) = by_key.entry(key).or_default();
            *accepted |= claim.accepted;
            *said += usize::from(ending == Some(&Ending::Spoken));
        }
        for (key, (accepted, said)) in by_key {
            if said > 1 || accepted && said == 0 {
                self.journal.push(format!("twins {key}: {said} of them were said"));
            }
        }
    }

    /// An ending is told when it is written down, and not otherwise.
    fn compare_with_what_was_told(&mut self, claim: &Claim, written: Option<&Ending>) {
        let waits = matches!(claim.kind, Kind::Withdrawn | Kind::Notice);
        let Some(told) = claim.ended.as_ref().filter(|_| waits) else { return };
        let written = written.map(|ending| format!("{ending:?}").to_lowercase());
        if written.as_ref() != Some(told) {
            self.journal.push(format!("{}: told {told}, written {written:?}", claim.words));
        }
    }

    /// And what was to be sent in writing.
    #[must_use]
    pub fn with_messages(mut self, messages: &Messages, gateway: &Gateway) -> Self {
        self.messages = messages.accepted().len();
        self.lost.extend(messages.lost(gateway));
        self.twice.extend(messages.twice(gateway));
        self
    }

    /// And another house's.
    pub fn add(&mut self, other: Audit) {
        for (kind, count) in other.handed_in {
            *self.handed_in.entry(kind).or_default() += count;
        }
        for (ending, count) in other.endings {
            *self.endings.entry(ending).or_default() += count;
        }
        self.acknowledged += other.acknowledged;
        self.refused += other.refused;
        self.resumed += other.resumed;
        self.packets += other.packets;
        self.voice_ms += other.voice_ms;
        self.words_ms += other.words_ms;
        self.unwritten_ms = self.unwritten_ms.max(other.unwritten_ms);
        self.entries += other.entries;
        self.messages += other.messages;
        self.overlaps += other.overlaps;
        self.lost.extend(other.lost);
        self.twice.extend(other.twice);
        self.journal.extend(other.journal);
    }

    pub fn holds(&self) -> bool {
        let nothing_wrong =
            self.lost.is_empty() && self.twice.is_empty() && self.journal.is_empty();
        self.acknowledged > 0 && self.messages > 0 && nothing_wrong && self.overlaps == 0
    }

    /// Two lines: the figures, and what they are of.
    pub fn report(&self, crashes: &str) -> [String; 2] {
        let figures = format!(
            "audit: {crashes} acknowledged={} refused={} messages={} packets={} resumed={} \
             journal_entries={} journal_wrong={} lost={} twice={} overlaps={}",
            self.acknowledged,
            self.refused,
            self.messages,
            self.packets,
            self.resumed,
            self.entries,
            self.journal.len(),
            self.lost.len(),
            self.twice.len(),
            self.overlaps,
        );
        let of = format!(
            "audit of: accepted {:?}, ended {:?}. Sounds are read off the recordings by their \
             steps; words are judged by the journal, and by a voice that was heard for {} ms where \
             {} ms of words are written down; in no call for more than {} ms beyond them",
            self.handed_in, self.endings, self.voice_ms, self.words_ms, self.unwritten_ms
        );
        [figures, of]
    }
}

impl Claim {
    /// Whether not every ending will do: it must be delivered, or has a time in which it is.
    fn has_its_endings(&self) -> bool {
        self.bound || self.kind == Kind::Timed
    }

    /// Whether one of those may end so.
    fn may_end(&self, ending: &Ending) -> bool {
        matches!(
            (ending, self.kind),
            (Ending::Spoken, _)
                | (Ending::Duplicate, Kind::Twin)
                | (Ending::Withdrawn, Kind::Withdrawn)
                | (Ending::Superseded, Kind::Superseded)
                | (Ending::Expired, Kind::Timed)
                // The caller may speak into it, and it is not bound.
                | (Ending::Interrupted, Kind::Timed)
        )
    }
}
