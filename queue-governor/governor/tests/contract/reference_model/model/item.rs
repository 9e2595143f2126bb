//! A claim as the model knows it, and the rules that look at one or two of them.

use queue_governor::{Claim, ClaimId, Content, OnInterrupt, Source, TurnId};

use super::super::ideal_line::WORD_MS;

use Source::{External, Operator, Responder, System, Worker};

/// A word of which no more than this is missing was heard.
const TAIL_MS: u64 = 40;
/// How far ready audio goes on between two entries of the journal.
const SOUND_STEP_MS: u64 = 200;

/// What is to be heard.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// Heard word by word.
    Words(Vec<String>),
    /// Heard millisecond by millisecond, and told of when it is over.
    Sound { label: String, ms: u64 },
}

#[derive(Clone, Debug)]
pub(super) struct M {
    pub claim: Claim,
    pub what: What,
    pub number: usize,
    pub since: u64,
    pub expires: Option<u64>,
    /// In words or milliseconds: how much was heard; the next to say; as far as the journal knows.
    pub heard: u64,
    pub next: u64,
    pub known: u64,
    /// How often it was granted.
    pub grants: u32,
    /// Milliseconds that were sent of it in its own name before its last grant, and as many as the
    /// journal knows of.
    pub own_ms: u64,
    pub own_known_ms: u64,
    /// On the floor: milliseconds sent, granted when, paused, aged, and since when a successor
    /// waits.
    pub sent_ms: u64,
    pub granted_at: u64,
    /// It has sounded, be it for no time at all: what has not is cut at once.
    pub sounds: bool,
    pub paused: bool,
    pub paused_at: u64,
    pub aged: bool,
    pub superseded_since: Option<u64>,
}

/// What several claims can be updates of.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Thing {
    /// A name that its source gave it.
    Named(Source, String),
    /// What workers report on the caller's question.
    Question(TurnId),
}

/// Whether the caller would hear the same thing twice: their author says so, or it is the same
/// words, and not the answer to two questions.
pub fn are_the_same(a: &Claim, b: &Claim) -> bool {
    let names = |claim: &Claim| claim.dedup_key.iter().chain(&claim.also_keys).cloned().collect();
    let (one, other): (Vec<String>, Vec<String>) = (names(a), names(b));
    let by_name = one.iter().any(|name| other.contains(name));
    let one_question = a.turn.is_none() || b.turn.is_none() || a.turn == b.turn;
    by_name || one_question && a.content.words() == b.content.words()
}

impl M {
    pub fn new(claim: Claim, number: usize, now: u64, expires: Option<u64>) -> Self {
        let what = match &claim.content {
            Content::Text(text) => What::Words(text.split(' ').map(str::to_owned).collect()),
            Content::Audio { label, samples, rate } => What::Sound {
                label: label.clone(),
                ms: samples.len() as u64 * 1_000 / u64::from(rate.hz()),
            },
        };
        M {
            what,
            claim,
            number,
            since: now,
            expires,
            heard: 0,
            next: 0,
            known: 0,
            grants: 0,
            own_ms: 0,
            own_known_ms: 0,
            sent_ms: 0,
            granted_at: 0,
            sounds: false,
            paused: false,
            paused_at: 0,
            aged: false,
            superseded_since: None,
        }
    }

    pub fn id(&self) -> &ClaimId {
        &self.claim.id
    }

    /// In words or milliseconds.
    pub fn length(&self) -> u64 {
        match &self.what {
            What::Words(words) => words.len() as u64,
            What::Sound { ms, .. } => *ms,
        }
    }

    fn unit_ms(&self) -> u64 {
        if matches!(self.what, What::Words(_)) { WORD_MS } else { 1 }
    }

    fn tail_ms(&self) -> u64 {
        if matches!(self.what, What::Words(_)) { TAIL_MS } else { 0 }
    }

    pub fn total_ms(&self) -> u64 {
        (self.length() - self.next) * self.unit_ms()
    }

    /// How far it is heard with what was sent since it has the floor.
    pub fn reached(&self) -> u64 {
        let sent = (self.sent_ms + self.tail_ms()) / self.unit_ms();
        (self.next + sent).min(self.length())
    }

    /// The line tells how far it is. That is written down if it is worth it.
    pub fn report(&mut self) {
        let step = if matches!(self.what, What::Words(_)) { 1 } else { SOUND_STEP_MS };
        if self.reached() >= self.known + step {
            self.known = self.reached();
            self.own_known_ms = self.own_ms + self.sent_ms;
        }
    }

    /// Another one that says the same, and need not be delivered, is not said: this one is both.
    pub fn absorb(&mut self, other: &Claim, expires: Option<u64>) {
        self.claim.priority = self.claim.priority.max(other.priority);
        self.expires = self.expires.zip(expires).map(|(a, b)| a.max(b));
        self.is_known_as(other);
    }

    /// It goes by the names of another one that says the same, too.
    pub fn is_known_as(&mut self, other: &Claim) {
        let claim = &mut self.claim;
        for name in other.dedup_key.iter().chain(&other.also_keys) {
            if claim.dedup_key.as_ref() != Some(name) && !claim.also_keys.contains(name) {
                claim.also_keys.push(name.clone());
            }
        }
    }

    /// The same was heard before, and not to its end: what must be delivered goes on from there. It
    /// does if there is something left of it.
    pub fn goes_on_after(&mut self, same: &[&M]) -> bool {
        if same.iter().any(|it| it.heard == it.length()) {
            return false;
        }
        let is_alike = |it: &&&M| {
            it.unit_ms() == self.unit_ms() && it.claim.content.words() == self.claim.content.words()
        };
        let heard = same.iter().filter(is_alike).map(|it| it.heard).max().unwrap_or(0);
        if heard > self.heard {
            self.next = heard.min(self.length());
            (self.heard, self.known, self.grants) = (self.next, self.next, 1);
        }
        self.heard < self.length()
    }

    /// A beginning of it was heard, and not only of the same.
    pub fn begun(&self) -> bool {
        self.heard > 0 && self.own_ms > 0
    }

    /// Up to its last whole word, for all that comes.
    pub fn is_cut(&mut self) {
        self.own_ms += self.sent_ms;
        self.own_known_ms = self.own_ms;
        self.next += self.sent_ms / self.unit_ms();
        self.heard = self.next;
    }

    /// It has the floor from now on, with what is left of it.
    pub fn begin(&mut self, now: u64) {
        (self.granted_at, self.grants) = (now, self.grants + 1);
        (self.sent_ms, self.known, self.sounds) = (0, self.next, false);
    }

    pub fn heard_text(&self) -> String {
        match &self.what {
            What::Words(words) => words[..self.heard as usize].join(" "),
            What::Sound { label, ms } if self.heard == *ms => label.clone(),
            What::Sound { .. } => String::new(),
        }
    }

    pub fn protected(&self) -> bool {
        self.claim.uninterruptible || self.claim.source == Operator
    }

    pub fn dropped(&self) -> bool {
        self.claim.on_interrupt == OnInterrupt::Drop && !self.claim.must_deliver
    }

    pub fn same(&self, other: &Claim) -> bool {
        are_the_same(&self.claim, other)
    }

    pub fn thing(&self) -> Option<Thing> {
        let named = self.claim.coalesce.clone().map(|name| Thing::Named(self.claim.source, name));
        let question = self.claim.turn.filter(|_| self.claim.source == Worker);
        named.or(question.map(Thing::Question))
    }
}

pub(super) fn stale(claim: &Claim, turn: Option<u64>) -> bool {
    claim.turn.is_some_and(|it| Some(it.0) < turn)
        && matches!(claim.source, Responder | Worker)
        && !claim.must_deliver
}

/// After a long pause it goes on with the word that was cut, and not at the sample.
pub(super) fn begins_a_word_again(holder: &M, now: u64) -> bool {
    let unit_ms = holder.unit_ms();
    let missing_ms = unit_ms - holder.sent_ms % unit_ms;
    let cut = !holder.sent_ms.is_multiple_of(unit_ms) && missing_ms > holder.tail_ms();
    holder.paused && now - holder.paused_at >= 400 && cut
}

pub(super) fn preempts(it: &M, holder: &M) -> bool {
    match (it.claim.source, holder.claim.source) {
        (_, Operator) => false,
        (Operator, _) => true,
        (System | Responder, Worker | External) => !holder.claim.uninterruptible,
        _ => false,
    }
}

/// At the end of a word, each of which is a clause; or after 400 ms; a pause is as good.
pub(super) fn may_cut(holder: &M, since: u64, now: u64) -> bool {
    let has_words = matches!(holder.what, What::Words(_));
    let between_words = has_words && holder.sent_ms > 0 && holder.sent_ms.is_multiple_of(WORD_MS);
    let is_silent = !holder.sounds && !holder.aged;
    holder.paused || is_silent || between_words || now >= since.max(holder.granted_at) + 400
}

pub(super) fn aged(it: &M, now: u64) -> bool {
    matches!(it.claim.source, Worker | External) && now >= it.since + 8_000
}

pub(super) fn order(it: &M, now: u64, goes_on: bool) -> (u8, u64, bool, bool, i16, usize) {
    let (rank, oldest) = match it.claim.source {
        Operator => (0, 0),
        System => (1, 0),
        _ if aged(it, now) => (2, it.since),
        Responder => (3, 0),
        Worker => (4, 0),
        External => (5, 0),
    };
    (rank, oldest, it.grants == 0, !goes_on, -i16::from(it.claim.priority), it.number)
}
