//! What must survive a crash: the records that a governor writes, and the book that they fold
//! into.
//!
//! A governor says [`crate::Output::Journal`] *before* the output that may only follow when the
//! record is durable: a claim is recorded before it is acknowledged, and its ending before the
//! ending is told. Whoever owns the governor appends the records to a durable log, in order, and
//! holds acknowledgements, endings and grants back until the records before them are safe. A
//! revoke or a pause is never held back.
//!
//! After a crash the log is folded into a [`Book`], and [`crate::Governor::recover`] goes on from
//! it: each claim that was accepted and had no ending waits again, once, from where the caller had
//! heard it; what was said is not said again.

use media_core::MonoTime;

use crate::claim::{Claim, ClaimId, Content};
use crate::dedup::{Cut, Key, Said};
use crate::io::{Ending, Heard};
use crate::text;

/// One entry of the journal. Times are of the clock that the governor is told; whoever stores
/// records translates them to and from the clock on the wall.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Record {
    /// A claim is taken in. Written before [`crate::Output::Accepted`].
    Accepted {
        /// The claim.
        claim: Claim,
        /// When it expires if it does not have the floor.
        expires_at: Option<MonoTime>,
    },
    /// A claim took over the promises of another one that says the same.
    Amended {
        /// Which one.
        claim: ClaimId,
        /// It is now bound to be delivered.
        must_deliver: bool,
        /// Its priority now.
        priority: i8,
        /// When it now expires.
        expires_at: Option<MonoTime>,
        /// The keys of others that it goes by now.
        #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
        also_keys: Vec<String>,
    },
    /// How far the caller has heard a claim: written when a further word was heard, every 200 ms
    /// of ready audio, and when the claim was cut and waits again. Never once per packet.
    Heard {
        /// Which one.
        claim: ClaimId,
        /// Where the rest begins: a byte of the text, or a sample of the ready audio.
        resume_at: usize,
        /// Samples sent so far, at the line's rate.
        samples: u64,
        /// How long it was audible so far.
        ms: u64,
    },
    /// The one ending. Written before [`crate::Output::Ended`].
    Ended {
        /// Which one.
        claim: ClaimId,
        /// How it ended.
        ending: Ending,
        /// What the caller heard of it.
        heard: Heard,
        /// Until when the same is not said again. `None`: nothing was heard of it.
        remember_until: Option<MonoTime>,
    },
}

impl Record {
    /// The claim that it is about.
    #[must_use]
    pub fn claim(&self) -> &ClaimId {
        match self {
            Record::Accepted { claim, .. } => &claim.id,
            Record::Amended { claim, .. }
            | Record::Heard { claim, .. }
            | Record::Ended { claim, .. } => claim,
        }
    }
}

/// A claim that was accepted and has no ending yet, and how far it got.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Unfinished {
    /// The claim, with the promises that it took over.
    pub claim: Claim,
    /// When it expires if it does not have the floor.
    pub expires_at: Option<MonoTime>,
    /// Where the rest begins: a byte of the text, or a sample of the ready audio.
    pub resume_at: usize,
    /// How far it was heard, in the same unit. Lies behind `resume_at` only if a clause that was
    /// cut is said again.
    pub heard_to: usize,
    /// Samples sent so far, at the line's rate.
    pub samples: u64,
    /// How long it was audible so far.
    pub ms: u64,
}

impl Unfinished {
    fn new(claim: Claim, expires_at: Option<MonoTime>) -> Self {
        Self { claim, expires_at, resume_at: 0, heard_to: 0, samples: 0, ms: 0 }
    }

    /// What the caller heard of it, and before it of the same where it went on after that. Nothing if
    /// that is all.
    #[must_use]
    pub fn heard(&self) -> Heard {
        if self.samples == 0 {
            return Heard::default();
        }
        let text = match &self.claim.content {
            Content::Text(text) => text.get(..self.heard_to).unwrap_or(text).trim(),
            Content::Audio { label, samples, .. } if self.heard_to >= samples.len() => label,
            Content::Audio { .. } => "",
        };
        Heard { text: text.to_owned(), ms: self.ms, samples: self.samples }
    }

    /// Whether a beginning of it was heard that was sent in its own name.
    #[must_use]
    pub fn was_begun(&self) -> bool {
        self.heard_to > 0 && self.samples > 0
    }

    /// How far it came if in the end `heard` was heard of it. Of ready audio that tells how much was
    /// sent, and not where that began.
    fn reached(&self, heard: &Heard) -> Cut {
        match &self.claim.content {
            Content::Text(_) => Cut::Words(text::words(&heard.text)),
            Content::Audio { rate, .. } => {
                let since = u64::from(rate.hz()).saturating_mul(heard.ms.saturating_sub(self.ms));
                let since = usize::try_from(since / 1_000).unwrap_or(usize::MAX);
                Cut::at_sample(self.resume_at.saturating_add(since), *rate)
            }
        }
    }

    /// The record that ends it, for a claim that no governor will go on with. If it was heard,
    /// the same is not said again until `remember_until`.
    #[must_use]
    pub fn ended(&self, ending: Ending, remember_until: MonoTime) -> Record {
        Record::Ended {
            claim: self.claim.id.clone(),
            ending,
            heard: self.heard(),
            remember_until: self.was_begun().then_some(remember_until),
        }
    }
}

/// The fold of a line's records: what is unfinished, and what was said lately.
///
/// As bounded as the governor that wrote the records: it holds no more unfinished claims than
/// were alive at once, and of what was said as much as a governor remembers. Records can be
/// applied twice, and records of claims that it does not know change nothing; so a log can be
/// folded from anywhere before the oldest unfinished claim.
#[derive(Clone, PartialEq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Book {
    /// In order of acceptance.
    unfinished: Vec<Unfinished>,
    said: Said,
}

impl Book {
    /// An empty book.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing is unfinished and nothing was said lately.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.unfinished.is_empty() && self.said.is_empty()
    }

    /// Takes one record in.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Accepted { claim, expires_at } => {
                if self.find(&claim.id).is_none() {
                    self.unfinished.push(Unfinished::new(claim.clone(), *expires_at));
                }
            }
            Record::Amended { claim, must_deliver, priority, expires_at, also_keys } => {
                if let Some(unfinished) = self.find(claim) {
                    unfinished.claim.must_deliver = *must_deliver;
                    unfinished.claim.priority = *priority;
                    unfinished.expires_at = *expires_at;
                    unfinished.claim.also_keys.clone_from(also_keys);
                }
            }
            Record::Heard { claim, resume_at, samples, ms } => {
                if let Some(unfinished) = self.find(claim) {
                    unfinished.resume_at = *resume_at;
                    unfinished.heard_to = unfinished.heard_to.max(*resume_at);
                    unfinished.samples = *samples;
                    unfinished.ms = *ms;
                }
            }
            Record::Ended { claim, ending, heard, remember_until } => {
                self.end(claim, ending, heard, *remember_until);
            }
        }
    }

    /// What was accepted and has no ending, in order of acceptance.
    pub fn unfinished(&self) -> impl Iterator<Item = &Unfinished> {
        self.unfinished.iter()
    }

    /// The unfinished claims, for a log that keeps other words in the place of theirs. Lengths
    /// must stay, or the positions in them mean something else.
    pub fn unfinished_mut(&mut self) -> impl Iterator<Item = &mut Unfinished> {
        self.unfinished.iter_mut()
    }

    /// The words and names by which what was said lately is known again, for a log that keeps
    /// others.
    pub fn said_words_mut(&mut self) -> impl Iterator<Item = &mut String> {
        self.said.words_mut()
    }

    /// Takes out the unfinished claims that `which` picks, in order of acceptance.
    pub fn take_unfinished(&mut self, which: impl Fn(&Unfinished) -> bool) -> Vec<Unfinished> {
        self.unfinished.extract_if(.., |unfinished| which(unfinished)).collect()
    }

    /// Puts an unfinished claim in, as if it had been accepted last.
    pub fn put(&mut self, unfinished: Unfinished) {
        self.unfinished.retain(|other| other.claim.id != unfinished.claim.id);
        self.unfinished.push(unfinished);
    }

    /// The book goes on with another conversation, in which the caller's turns count from the
    /// start again: what is unfinished answers none of them, and what answered an earlier turn is
    /// not what answers a later one in the same words.
    pub fn begin_conversation(&mut self) {
        self.unfinished.iter_mut().for_each(|unfinished| unfinished.claim.turn = None);
        self.said.forget_turns();
    }

    pub(crate) fn into_parts(self) -> (Vec<Unfinished>, Said) {
        (self.unfinished, self.said)
    }

    fn find(&mut self, id: &ClaimId) -> Option<&mut Unfinished> {
        self.unfinished.iter_mut().find(|unfinished| unfinished.claim.id == *id)
    }

    fn end(
        &mut self,
        id: &ClaimId,
        ending: &Ending,
        heard: &Heard,
        remember_until: Option<MonoTime>,
    ) {
        let at = self.unfinished.iter().position(|unfinished| unfinished.claim.id == *id);
        let Some(ended) = at.map(|at| self.unfinished.remove(at)) else { return };
        if let Some(until) = remember_until {
            let cut = ended.reached(heard);
            let said = Key::of(&ended.claim).up_to((*ending != Ending::Spoken).then_some(cut));
            self.said.remember(said, until);
        }
    }
}
