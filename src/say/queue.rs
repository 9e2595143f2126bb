//! What other programs want said, from acceptance to ending. Pure: time is passed in.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use media_core::{LineId, MonoTime};
use queue_governor::{Claim, ClaimId, Content, Source, Unfinished};

use super::NOBODY;
use crate::control::{ClaimState, QueuedClaim};

/// Claims that ended and can still be asked about.
const ENDED_KEPT: usize = 256;
/// Claims that waited for a call are given to it a few at a time, so that what comes in
/// meanwhile finds a place in its governor, and what is urgent need not wait for the last of them.
const ON_ONE_LINE_MAX: usize = 16;

/// How a claim ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HowItEnded {
    /// `spoken`, `interrupted`, …
    pub ending: String,
    /// Why, where the ending alone does not say.
    pub reason: Option<String>,
    /// What the caller heard of it.
    pub heard: String,
}

/// What can be done about a claim that is to be taken back.
#[derive(Clone, PartialEq, Debug)]
pub enum Withdrawal {
    /// It waited for a call; it has ended.
    Waited(Box<Unfinished>),
    /// The governor of this line has it, and is to be told.
    OnLine(LineId),
    /// It has ended already.
    TooLate(HowItEnded),
    /// Nobody knows it.
    Unknown,
}

/// The claims of the say-queue. `A` is whoever wants to hear what becomes of one.
#[derive(Debug)]
pub struct SayQueue<A> {
    live: BTreeMap<ClaimId, Item<A>>,
    ended: VecDeque<(ClaimId, About, HowItEnded)>,
    accepted: u64,
    paused: bool,
}

#[derive(Debug)]
struct Item<A> {
    about: About,
    place: Place,
    /// Its ready sound, which several claims may share.
    sound: Option<Arc<[i16]>>,
    asker: Option<A>,
}

/// What is told of a claim.
#[derive(Clone, Debug)]
struct About {
    /// Order of acceptance.
    number: u64,
    source: Source,
    text: String,
    must_deliver: bool,
    /// Whose it is; `None`: anybody's.
    to: Option<String>,
    since: MonoTime,
    expires_at: Option<MonoTime>,
}

#[derive(Debug)]
enum Place {
    Waiting(Box<Unfinished>),
    OnLine(LineId),
}

impl<A> Default for SayQueue<A> {
    fn default() -> Self {
        Self { live: BTreeMap::new(), ended: VecDeque::new(), accepted: 0, paused: false }
    }
}

impl<A> SayQueue<A> {
    /// Whether a claim of this name is live, or ended lately.
    #[must_use]
    pub fn knows(&self, id: &ClaimId) -> bool {
        self.live.contains_key(id) || self.ended.iter().any(|(ended, ..)| ended == id)
    }

    /// Live claims: waiting, or with a governor.
    #[must_use]
    pub fn live(&self) -> usize {
        self.live.len()
    }

    /// Claims that wait for a call.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.live.values().filter(|item| item.waits()).count()
    }

    /// Those of them that programs handed in, not a mind in a call.
    #[must_use]
    pub fn waiting_for_programs(&self) -> usize {
        let waiting = self.live.values().filter(|item| item.waits());
        waiting.filter(|item| !item.about.source.answers_the_caller()).count()
    }

    /// What all ready sounds take in memory; one that is to be heard on several lines counts once.
    #[must_use]
    pub fn sound_bytes(&self) -> usize {
        let sounds = self.live.values().filter_map(|item| item.sound.as_ref());
        let each: BTreeMap<_, _> =
            sounds.map(|sound| (sound.as_ptr(), size_of_val(&**sound))).collect();
        each.values().sum()
    }

    /// Whether nothing is said for other programs at present.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Pauses or goes on. `false`: it was so already.
    pub fn pause(&mut self, paused: bool) -> bool {
        core::mem::replace(&mut self.paused, paused) != paused
    }

    /// The claim waits for the next call, with what was not heard of it yet.
    pub fn wait(&mut self, now: MonoTime, unfinished: Unfinished, asker: Option<A>) {
        let mut about = self.about(now, &unfinished.claim);
        about.expires_at = unfinished.expires_at;
        let (id, sound) = (unfinished.claim.id.clone(), sound_of(&unfinished.claim));
        let place = Place::Waiting(Box::new(unfinished));
        self.live.insert(id, Item { about, place, sound, asker });
    }

    /// The claim is handed to a line that is open.
    pub fn hand_over(&mut self, now: MonoTime, claim: &Claim, line: LineId, asker: Option<A>) {
        let about = self.about(now, claim);
        let item = Item { about, place: Place::OnLine(line), sound: sound_of(claim), asker };
        self.live.insert(claim.id.clone(), item);
    }

    /// What the line is given of the claims that wait, what was begun and then oldest first, as far
    /// as it has room for: those for this caller (see [`super::caller_name`]), and those for anybody.
    pub fn give(&mut self, line: LineId, caller: &str) -> Vec<Unfinished> {
        let there = self.live.values().filter(|item| item.is_on(line)).count();
        let may_hear = |item: &&mut Item<A>| item.waits() && item.about.is_for(caller);
        let mut waiting: Vec<_> = self.live.values_mut().filter(may_hear).collect();
        waiting.sort_by_key(|item| (!item.was_begun(), item.about.number));
        let room = ON_ONE_LINE_MAX.saturating_sub(there);
        let given = waiting.into_iter().take(room).filter_map(|item| {
            match core::mem::replace(&mut item.place, Place::OnLine(line)) {
                Place::Waiting(unfinished) => Some(*unfinished),
                Place::OnLine(_) => None,
            }
        });
        given.collect()
    }

    /// The line closed before it was said: it waits again, with its asker. While it was there it may
    /// have taken over what another one of the same words was promised.
    pub fn carry(&mut self, now: MonoTime, unfinished: Unfinished) {
        let id = unfinished.claim.id.clone();
        match self.live.get_mut(&id) {
            Some(item) => {
                item.about.expires_at = unfinished.expires_at;
                item.about.must_deliver = unfinished.claim.must_deliver;
                item.place = Place::Waiting(Box::new(unfinished));
            }
            None => self.wait(now, unfinished, None),
        }
    }

    /// Whoever asked for the claim.
    #[must_use]
    pub fn asker(&self, id: &ClaimId) -> Option<&A> {
        self.live.get(id)?.asker.as_ref()
    }

    /// Somebody else wants to hear of the claim, instead of whoever did.
    pub fn ask(&mut self, id: &ClaimId, asker: A) {
        if let Some(item) = self.live.get_mut(id) {
            item.asker = Some(asker);
        }
    }

    /// Whoever asked for the claim wants to hear no more of it.
    pub fn forget_asker(&mut self, id: &ClaimId) {
        if let Some(item) = self.live.get_mut(id) {
            item.asker = None;
        }
    }

    /// It came to its one ending. Gives back whoever asked.
    pub fn ended(&mut self, id: &ClaimId, how: HowItEnded) -> Option<A> {
        let item = self.live.remove(id)?;
        if self.ended.len() == ENDED_KEPT {
            self.ended.pop_front();
        }
        self.ended.push_back((id.clone(), item.about, how));
        item.asker
    }

    /// It was not accepted, and may be handed in again under its name: nothing of it is remembered.
    /// Gives back whoever asked.
    pub fn not_accepted(&mut self, id: &ClaimId) -> Option<A> {
        self.live.remove(id)?.asker
    }

    /// What is on this line.
    #[must_use]
    pub fn on_line(&self, line: LineId) -> Vec<ClaimId> {
        self.live.iter().filter(|(_, item)| item.is_on(line)).map(|(id, _)| id.clone()).collect()
    }

    /// When to call [`SayQueue::expired`].
    #[must_use]
    pub fn next_expiry(&self) -> Option<MonoTime> {
        let waiting = self.live.values().filter(|item| item.waits());
        waiting.filter_map(|item| item.about.expires_at).min()
    }

    /// What waited for a call until its time was over. To be told with [`SayQueue::ended`].
    #[must_use]
    pub fn expired(&self, now: MonoTime) -> Vec<Unfinished> {
        let over = |item: &Item<A>| item.about.expires_at.is_some_and(|at| at <= now);
        let waiting =
            self.live.values().filter(|item| over(item)).filter_map(|item| match &item.place {
                Place::Waiting(unfinished) => Some((**unfinished).clone()),
                Place::OnLine(_) => None,
            });
        waiting.collect()
    }

    /// What is to be done to take `id` back. What waited is to be told with [`SayQueue::ended`].
    #[must_use]
    pub fn withdraw(&self, id: &ClaimId) -> Withdrawal {
        if let Some(item) = self.live.get(id) {
            return match &item.place {
                Place::Waiting(unfinished) => Withdrawal::Waited(unfinished.clone()),
                Place::OnLine(line) => Withdrawal::OnLine(*line),
            };
        }
        match self.ended.iter().rev().find(|(ended, ..)| ended == id) {
            Some((_, _, how)) => Withdrawal::TooLate(how.clone()),
            None => Withdrawal::Unknown,
        }
    }

    /// Everything, in order of acceptance: the last that ended, what is with a line, what waits.
    #[must_use]
    pub fn list(&self, now: MonoTime) -> Vec<QueuedClaim> {
        let ended = self.ended.iter().map(|(id, about, how)| {
            let HowItEnded { ending, reason, heard } = how.clone();
            (about.number, about.told(id, now, ClaimState::Ended { ending, reason, heard }))
        });
        let live = self.live.iter().map(|(id, item)| {
            let state = match item.place {
                Place::Waiting(_) => ClaimState::Waiting,
                Place::OnLine(line) => ClaimState::OnLine { line: line.0 },
            };
            (item.about.number, item.about.told(id, now, state))
        });
        let mut all: Vec<_> = ended.chain(live).collect();
        all.sort_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, claim)| claim).collect()
    }

    fn about(&mut self, now: MonoTime, claim: &Claim) -> About {
        self.accepted += 1;
        About {
            number: self.accepted,
            source: claim.source,
            text: claim.content.words().to_owned(),
            must_deliver: claim.must_deliver,
            to: claim.to.clone(),
            since: now,
            expires_at: claim.ttl.map(|ttl| now + ttl),
        }
    }
}

fn sound_of(claim: &Claim) -> Option<Arc<[i16]>> {
    match &claim.content {
        Content::Audio { samples, .. } => Some(samples.clone()),
        Content::Text(_) => None,
    }
}

impl<A> Item<A> {
    fn waits(&self) -> bool {
        matches!(self.place, Place::Waiting(_))
    }

    /// Whether it waits to go on with what was begun in an earlier call.
    fn was_begun(&self) -> bool {
        matches!(&self.place, Place::Waiting(unfinished) if unfinished.samples > 0)
    }

    fn is_on(&self, line: LineId) -> bool {
        matches!(self.place, Place::OnLine(on) if on == line)
    }
}

impl About {
    fn is_for(&self, caller: &str) -> bool {
        self.to.as_ref().is_none_or(|to| to == caller && to != NOBODY)
    }

    fn told(&self, id: &ClaimId, now: MonoTime, state: ClaimState) -> QueuedClaim {
        let over = matches!(state, ClaimState::Ended { .. });
        QueuedClaim {
            claim: id.to_string(),
            source: format!("{:?}", self.source).to_lowercase(),
            text: self.text.clone(),
            state,
            age_s: now.since(self.since).as_secs(),
            expires_in_s: self.expires_at.filter(|_| !over).map(|at| at.since(now).as_secs()),
            must_deliver: self.must_deliver,
            to: self.to.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
