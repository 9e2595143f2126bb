//! An accepted claim, from its acceptance to its one ending.

use core::time::Duration;
use std::sync::Arc;

use media_core::MonoTime;

use crate::claim::{Claim, ClaimId, Content, OnInterrupt, Source, TurnId};
use crate::dedup::{Cut, Key, take_keys_over};
use crate::io::{Heard, Voice};
use crate::journal::{Record, Unfinished};
use crate::ledger::Ledger;
use crate::text;

/// A claim in hand, and how far it got.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) claim: Claim,
    /// Order of acceptance.
    pub(crate) number: u64,
    pub(crate) waiting_since: MonoTime,
    /// The caller's turn at its acceptance: what a claim that answers none counts from.
    pub(crate) since_turn: TurnId,
    pub(crate) expires_at: Option<MonoTime>,
    pub(crate) key: Key,
    /// The voice of its next grant.
    pub(crate) voice: Voice,
    /// How often it held the floor and no frame left.
    pub(crate) stalls: u8,
    /// How often it was granted the floor.
    pub(crate) grants: u32,
    /// Where its next grant begins: a byte of the text, or a sample of the audio.
    resume_at: usize,
    heard_bytes: usize,
    heard_samples: u64,
    heard_micros: u64,
    complete: bool,
    /// Where it goes on, and how much of it was heard, as the journal has it.
    written: (usize, u64),
}

/// Several claims can be updates of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Thing {
    /// A source's name for it.
    Named(Source, String),
    /// The caller's turn that workers answer.
    Turn(TurnId),
}

/// How far a claim got with a turn on the floor.
struct Position {
    resume_at: usize,
    heard_bytes: usize,
    complete: bool,
}

impl Entry {
    pub(crate) fn new(claim: Claim, number: u64, now: MonoTime) -> Self {
        Self {
            expires_at: claim.ttl.map(|ttl| now + ttl),
            key: Key::of(&claim),
            claim,
            number,
            waiting_since: now,
            since_turn: TurnId::default(),
            voice: Voice::Own,
            stalls: 0,
            grants: 0,
            resume_at: 0,
            heard_bytes: 0,
            heard_samples: 0,
            heard_micros: 0,
            complete: false,
            written: (0, 0),
        }
    }

    /// A claim that the journal says is unfinished, as far as it says.
    pub(crate) fn resumed(unfinished: Unfinished, number: u64, now: MonoTime) -> Self {
        let Unfinished { claim, expires_at, resume_at, heard_to, samples, ms } = unfinished;
        let mut entry = Self { expires_at, ..Self::new(claim, number, now) };
        match &entry.claim.content {
            Content::Text(text) => {
                entry.resume_at = text::next_word(text, resume_at);
                entry.heard_bytes = text.floor_char_boundary(heard_to.min(text.len()));
                entry.complete = entry.resume_at == text.len();
            }
            Content::Audio { samples, .. } => {
                entry.resume_at = resume_at.min(samples.len());
                entry.complete = entry.resume_at == samples.len();
            }
        }
        entry.heard_samples = samples;
        entry.heard_micros = ms.saturating_mul(1_000);
        entry.grants = u32::from(heard_to > 0);
        entry.written = (entry.resume_at, samples);
        entry
    }

    /// The same as sayings that were cut there: it goes on with what was not heard of them, if they
    /// are of its kind and one got further than this. What it goes on after was not sent in its own
    /// name. Says whether it does.
    pub(crate) fn go_on_after(&mut self, cuts: &[Cut]) -> bool {
        let furthest = cuts.iter().filter_map(|cut| match (cut, &self.claim.content) {
            (Cut::Words(heard), Content::Text(text)) => Some(text::end_of_word(text, *heard)),
            (Cut::Ms(ms), Content::Audio { samples, rate, .. }) => {
                let heard = u128::from(*ms) * u128::from(rate.hz()) / 1_000;
                Some(usize::try_from(heard).unwrap_or(usize::MAX).min(samples.len()))
            }
            _ => None,
        });
        let known = self.heard_bytes.max(self.resume_at);
        let Some(heard) = furthest.max().filter(|heard| *heard > known) else { return false };
        (self.resume_at, self.grants) = (heard, self.grants.max(1));
        if let Content::Text(text) = &self.claim.content {
            self.resume_at = text::next_word(text, heard);
            self.heard_bytes = heard;
        }
        self.complete = self.resume_at == self.length();
        true
    }

    fn length(&self) -> usize {
        match &self.claim.content {
            Content::Text(text) => text.len(),
            Content::Audio { samples, .. } => samples.len(),
        }
    }

    pub(crate) fn id(&self) -> &ClaimId {
        &self.claim.id
    }

    pub(crate) fn source(&self) -> Source {
        self.claim.source
    }

    /// Whether a grant goes on with something that was cut.
    pub(crate) fn was_granted(&self) -> bool {
        self.grants > 0
    }

    /// The rest of the text, as granted.
    pub(crate) fn granted_text(&self) -> &str {
        match &self.claim.content {
            Content::Text(text) => &text[self.resume_at..],
            Content::Audio { .. } => "",
        }
    }

    /// What is left to be heard.
    pub(crate) fn rest(&self) -> Content {
        match &self.claim.content {
            Content::Text(_) => Content::Text(self.granted_text().to_owned()),
            Content::Audio { label, samples, rate } => Content::Audio {
                label: label.clone(),
                samples: if self.resume_at == 0 {
                    Arc::clone(samples)
                } else {
                    Arc::from(&samples[self.resume_at..])
                },
                rate: *rate,
            },
        }
    }

    /// Takes down what one turn on the floor brought. `drained`: all of it was sent.
    pub(crate) fn record(&mut self, ledger: &Ledger, drained: bool) {
        let position = self.position(ledger, drained);
        self.resume_at = position.resume_at;
        self.heard_bytes = position.heard_bytes;
        self.complete = position.complete;
        (self.heard_samples, self.heard_micros) = self.heard_with(ledger);
    }

    fn heard_with(&self, ledger: &Ledger) -> (u64, u64) {
        let micros = ledger.audible().as_micros() as u64;
        (self.heard_samples.saturating_add(ledger.sent()), self.heard_micros.saturating_add(micros))
    }

    /// Where `ledger`, the turn on the floor that began at `resume_at`, brings it.
    fn position(&self, ledger: &Ledger, drained: bool) -> Position {
        match &self.claim.content {
            Content::Text(text) => {
                let granted = &text[self.resume_at..];
                let heard = if drained { granted.len() } else { ledger.heard_bytes(granted) };
                let cut = self.resume_at + heard;
                let resume_at = text::next_word(text, cut);
                Position {
                    resume_at,
                    heard_bytes: self.heard_bytes.max(cut),
                    complete: resume_at == text.len(),
                }
            }
            Content::Audio { samples, rate, .. } => {
                let sent = ledger.sent_at_rate(*rate);
                let all = drained || ledger.all_sent();
                let cut = if all { samples.len() } else { self.resume_at.saturating_add(sent) };
                let resume_at = cut.min(samples.len());
                Position { resume_at, heard_bytes: 0, complete: resume_at == samples.len() }
            }
        }
    }

    /// How far it is heard, if that is a word, or `audio_step` of ready audio, further than the
    /// journal has it.
    pub(crate) fn progress(&mut self, ledger: &Ledger, audio_step: Duration) -> Option<Record> {
        let at = self.position(ledger, false).resume_at;
        let step = match self.claim.content {
            Content::Text(_) => 1,
            Content::Audio { rate, .. } => rate.samples_in_ms(audio_step.as_millis() as u32),
        };
        if at < self.written.0.saturating_add(step) {
            return None;
        }
        let (samples, micros) = self.heard_with(ledger);
        Some(self.write_heard(at, samples, micros))
    }

    /// Where it goes on after a cut, if the journal does not have that yet.
    pub(crate) fn cut(&mut self) -> Option<Record> {
        let now = (self.resume_at, self.heard_samples);
        (now != self.written).then(|| self.write_heard(now.0, now.1, self.heard_micros))
    }

    fn write_heard(&mut self, resume_at: usize, samples: u64, micros: u64) -> Record {
        self.written = (resume_at, samples);
        Record::Heard { claim: self.id().clone(), resume_at, samples, ms: micros / 1_000 }
    }

    /// Moves the resumption back to the start of the clause that was cut, unless that is the
    /// start of the whole.
    pub(crate) fn restate(&mut self) {
        if let Content::Text(text) = &self.claim.content {
            let start = text::clause_start(text, self.resume_at);
            if start > 0 {
                self.resume_at = start;
            }
        }
    }

    /// Whether nothing is left to be heard.
    pub(crate) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether the caller heard enough of it to call it said: a word, or any ready audio.
    pub(crate) fn was_heard(&self) -> bool {
        match self.claim.content {
            Content::Text(_) => self.heard_bytes > 0,
            Content::Audio { .. } => self.resume_at > 0 || self.heard_samples > 0,
        }
    }

    /// Whether a beginning of it was heard that was sent in its own name. One that goes on where the
    /// same was cut is not begun before it is granted.
    pub(crate) fn was_begun(&self) -> bool {
        self.was_heard() && self.heard_samples > 0
    }

    pub(crate) fn heard(&self) -> Heard {
        let text = match &self.claim.content {
            Content::Text(text) => text[..self.heard_bytes].trim(),
            Content::Audio { label, .. } if self.complete => label,
            Content::Audio { .. } => "",
        };
        Heard { text: text.to_owned(), ms: self.heard_micros / 1_000, samples: self.heard_samples }
    }

    /// What of it was sent in its own name, and before it where that went on: nothing if all that was
    /// heard of it is what was heard of the same.
    pub(crate) fn heard_of_its_own(&self) -> Heard {
        if self.heard_samples == 0 { Heard::default() } else { self.heard() }
    }

    /// How it is known as said.
    pub(crate) fn said(&self) -> Key {
        self.key.clone().up_to((!self.complete).then(|| self.reached()))
    }

    /// How far it was heard, also where it went on after the same.
    pub(crate) fn reached(&self) -> Cut {
        match &self.claim.content {
            Content::Text(text) => Cut::Words(text::words(&text[..self.heard_bytes])),
            Content::Audio { rate, .. } => Cut::at_sample(self.resume_at, *rate),
        }
    }

    /// What it is an update of, if others can be that too.
    pub(crate) fn thing(&self) -> Option<Thing> {
        let claim = &self.claim;
        let turn = claim.turn.filter(|_| claim.source == Source::Worker);
        match (&claim.coalesce, turn) {
            (Some(name), _) => Some(Thing::Named(claim.source, name.clone())),
            (None, turn) => turn.map(Thing::Turn),
        }
    }

    /// Whether the caller's speech leaves it alone.
    pub(crate) fn outlasts_the_caller(&self) -> bool {
        self.claim.uninterruptible || self.source() == Source::Operator
    }

    /// Whether an interruption by the caller ends it.
    pub(crate) fn drops_on_interrupt(&self) -> bool {
        self.claim.on_interrupt == OnInterrupt::Drop && !self.claim.must_deliver
    }

    /// Takes over priority, time to live and keys of a claim that says the same, expires at
    /// `expires_at` and need not be delivered. Says whether that makes them more.
    pub(crate) fn absorb(&mut self, same: &Claim, expires_at: Option<MonoTime>) -> bool {
        let before = (self.claim.priority, self.expires_at);
        self.claim.priority = self.claim.priority.max(same.priority);
        self.expires_at = self.expires_at.zip(expires_at).map(|(own, other)| own.max(other));
        self.take_keys_of(same) || before != (self.claim.priority, self.expires_at)
    }

    /// Goes by the keys of a claim that says the same, too. Says whether that makes them more.
    pub(crate) fn take_keys_of(&mut self, same: &Claim) -> bool {
        let knows_more = take_keys_over(&mut self.claim, same);
        if knows_more {
            self.key = Key::of(&self.claim);
        }
        knows_more
    }

    /// The record that says which promises it has now.
    pub(crate) fn amended(&self) -> Record {
        Record::Amended {
            claim: self.id().clone(),
            must_deliver: self.claim.must_deliver,
            priority: self.claim.priority,
            expires_at: self.expires_at,
            also_keys: self.claim.also_keys.clone(),
        }
    }
}
