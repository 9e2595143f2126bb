//! The door: what is taken in, what is turned away, and what is taken back.

use crate::claim::{Claim, ClaimId, Content, Source};
use crate::config::{Coalescing, knows};
use crate::dedup::{KEY_BYTES_MAX, Key, Same};
use crate::entry::{Entry, Thing};
use crate::floor::Then;
use crate::io::{Ending, Heard, Output};
use crate::reason::{FloorReason, RefusalReason};

use super::Governor;

/// Of what must be delivered, and waits beside the same, one source has no more at once: a program
/// that repeats itself leaves places for others, and what it was refused is said all the same.
const SAME_MAX: usize = 4;

impl Governor {
    pub(super) fn on_submit(&mut self, mut claim: Claim) {
        claim.also_keys.clear();
        if let Err(reason) = self.examine(&claim) {
            return self.turn_away(claim, Ending::Refused(reason));
        }
        if self.is_stale_at_the_door(&claim) {
            return self.turn_away(claim, Ending::Stale);
        }
        let key = Key::of(&claim);
        if self.is_duplicate(&claim, &key) {
            return self.turn_away(claim, Ending::Duplicate);
        }
        let superseded = claim.supersedes.as_ref().and_then(|id| self.queue.take(id));
        let outranked = self
            .queue
            .take_all(|entry| is_outranked(entry, &claim, &key) && !entry.claim.must_deliver);
        let max = self.config.claims_max_for(claim.source);
        let takes_a_place = superseded.is_some() || !outranked.is_empty();
        if !takes_a_place && self.alive() >= max {
            return self.turn_away(claim, Ending::Refused(RefusalReason::QueueFull { max }));
        }
        if !takes_a_place && self.repeated(claim.source, &key) >= SAME_MAX {
            let full = RefusalReason::QueueFull { max: SAME_MAX };
            return self.turn_away(claim, Ending::Refused(full));
        }
        self.accepted += 1;
        let mut entry = Entry::new(claim, self.accepted, self.now);
        entry.since_turn = self.turn.unwrap_or_default();
        for old in &outranked {
            entry.absorb(&old.claim, old.expires_at);
        }
        self.takes_keys_of_the_same(&key, &mut entry);
        // Before the endings of those whose place it takes, or a crash in between would lose both.
        self.write_accepted(&entry);
        if let Some(old) = superseded {
            self.end(old, Ending::Superseded);
        }
        for old in outranked {
            self.end(old, Ending::Duplicate);
        }
        self.end_what_is_outdated_by(&entry);
        self.make_known_to(&key, &entry.claim);
        self.accept(entry);
    }

    pub(super) fn refuse_closed(&mut self, claim: Claim) {
        self.turn_away(claim, Ending::Refused(RefusalReason::LineClosed));
    }

    pub(super) fn on_withdraw(&mut self, id: &ClaimId) {
        if let Some(entry) = self.queue.take(id) {
            self.end(entry, Ending::Withdrawn);
        } else if self.floor.holds(id) {
            self.revoke_to_end(Ending::Withdrawn, FloorReason::Withdrawn);
        } else {
            self.settle_silencing(id, Ending::Withdrawn);
        }
    }

    fn accept(&mut self, entry: Entry) {
        if let Some(old) = &entry.claim.supersedes {
            self.supersede_on_the_floor(old);
        }
        if entry.source() == Source::Responder {
            self.reply_window_until = None;
        }
        self.outputs.push_back(Output::Accepted(entry.id().clone()));
        // Perhaps only now, by what it took the place of.
        if self.said.has(&entry.key, self.now) {
            return self.end_as_said(entry);
        }
        self.queue.push(entry);
    }

    /// Of several updates of one thing only the latest is said, if that is the policy.
    fn end_what_is_outdated_by(&mut self, new: &Entry) {
        let thing = new.thing().filter(|thing| matches!(thing, Thing::Named(..)));
        let latest = self.config.coalescing == Coalescing::Latest;
        let Some(thing) = thing.filter(|_| latest) else { return };
        let outdated = self.queue.take_all(|old| {
            old.thing().as_ref() == Some(&thing) && !old.was_heard() && !old.claim.must_deliver
        });
        for old in outdated {
            self.end(old, Ending::Superseded);
        }
    }

    pub(super) fn supersede_on_the_floor(&mut self, id: &ClaimId) {
        let now = self.now;
        let holder = self.floor.holder.as_mut().filter(|holder| holder.entry.id() == id);
        match holder {
            Some(holder) if holder.entry.claim.uninterruptible => {}
            Some(holder) => {
                holder.superseded_since.get_or_insert(now);
            }
            None => self.settle_silencing(id, Ending::Superseded),
        }
    }

    /// A claim that is just being silenced, and would wait again, ends instead.
    fn settle_silencing(&mut self, id: &ClaimId, ending: Ending) {
        let mut silencing = self.floor.silencing.iter_mut();
        if let Some(silencing) = silencing.find(|silencing| silencing.entry.id() == id)
            && matches!(silencing.then, Then::Wait { .. })
        {
            silencing.then = Then::End(ending);
        }
    }

    fn examine(&self, claim: &Claim) -> Result<(), RefusalReason> {
        self.examine_names(claim)?;
        self.examine_content(&claim.content)?;
        if self.live(&claim.id).is_some() {
            return Err(RefusalReason::IdInUse);
        }
        let old = claim.supersedes.as_ref().and_then(|id| self.live(id));
        if old.is_some_and(|old| old.source() < claim.source) {
            return Err(RefusalReason::SupersedesHigherSource);
        }
        Ok(())
    }

    fn examine_names(&self, claim: &Claim) -> Result<(), RefusalReason> {
        let id = claim.id.as_str();
        if id.is_empty() || id.len() > ClaimId::BYTES_MAX || id.starts_with(ClaimId::OWN_PREFIX) {
            return Err(RefusalReason::BadId);
        }
        knows(&self.config.registered_tags, &claim.tag)?;
        let keys = [&claim.dedup_key, &claim.coalesce, &claim.to].into_iter().flatten();
        match keys.map(String::len).max() {
            Some(got) if got > KEY_BYTES_MAX => {
                Err(RefusalReason::KeyTooLong { got, max: KEY_BYTES_MAX })
            }
            _ => Ok(()),
        }
    }

    fn examine_content(&self, content: &Content) -> Result<(), RefusalReason> {
        let (got, max) = (content.words().len(), self.config.text_bytes_max);
        if got > max {
            return Err(RefusalReason::TextTooLong { got, max });
        }
        if content.words().trim().is_empty() {
            return Err(RefusalReason::Empty);
        }
        let Content::Audio { samples, rate, .. } = content else { return Ok(()) };
        let got_ms = samples.len() as u64 * 1_000 / u64::from(rate.hz());
        let max_ms = self.config.audio_max.as_millis() as u64;
        match samples.len() {
            0 => Err(RefusalReason::Empty),
            _ if got_ms > max_ms => Err(RefusalReason::AudioTooLong { got_ms, max_ms }),
            _ => Ok(()),
        }
    }

    /// Whether the same was said, is being said, or waits. A live claim that is the same takes over
    /// what the new one asked for. One that must be delivered is the duplicate of what was said to
    /// its end alone: what lives may be taken back.
    fn is_duplicate(&mut self, claim: &Claim, key: &Key) -> bool {
        let now = self.now;
        if self.said.has(key, now) && !self.is_to_be_said_to_its_end(claim) {
            return true;
        }
        if claim.must_deliver {
            return false;
        }
        let replaced = claim.supersedes.as_ref();
        let is_replaced = |entry: &Entry| {
            let named = Some(entry.id()) == replaced && !entry.was_heard();
            named || is_outranked(entry, claim, key)
        };
        let waiting = self.queue.iter_mut().filter(|entry| !is_replaced(entry));
        let holder = self.floor.holder.iter_mut().map(|holder| &mut holder.entry);
        let silencing = self.floor.silencing.iter_mut().filter(|silencing| {
            let was_heard = || {
                silencing.entry.was_heard()
                    || silencing.ledger.heard_bytes(silencing.entry.granted_text()) > 0
            };
            matches!(silencing.then, Then::Wait { .. }) || was_heard()
        });
        let same = waiting
            .chain(holder)
            .chain(silencing.map(|silencing| &mut silencing.entry))
            .find(|entry| entry.key.is_same(key));
        let Some(same) = same else { return false };
        if same.absorb(claim, claim.ttl.map(|ttl| now + ttl)) {
            let record = same.amended();
            self.write(record);
        }
        true
    }

    /// Live claims that say the same, beside which the new one waits.
    fn same<'a>(&'a self, key: &'a Key) -> impl Iterator<Item = &'a Entry> {
        self.queue.iter().chain(self.floor.entries()).filter(|entry| entry.key.is_same(key))
    }

    /// How many live claims of `source` say the same.
    fn repeated(&self, source: Source, key: &Key) -> usize {
        self.same(key).filter(|entry| entry.source() == source).count()
    }

    /// Says whether that makes them more.
    pub(super) fn takes_keys_of_the_same(&self, key: &Key, entry: &mut Entry) -> bool {
        self.same(key).filter(|same| entry.take_keys_of(&same.claim)).count() > 0
    }

    /// Whichever of those that say the same is said, it is known by the keys of all.
    pub(super) fn make_known_to(&mut self, key: &Key, new: &Claim) {
        let live = self.queue.iter_mut().chain(self.floor.entries_mut());
        let same = live.filter(|entry| entry.key.is_same(key));
        let more = same.filter_map(|entry| entry.take_keys_of(new).then(|| entry.amended()));
        let records: Vec<_> = more.collect();
        records.into_iter().for_each(|record| self.write(record));
    }

    /// Whether it must be delivered, and of the same only a beginning was heard.
    fn is_to_be_said_to_its_end(&self, claim: &Claim) -> bool {
        let mut entry = Entry::new(claim.clone(), 0, self.now);
        self.goes_on_after_the_same(&mut entry)
    }

    pub(super) fn live(&self, id: &ClaimId) -> Option<&Entry> {
        self.queue.get(id).or_else(|| self.floor.entries().find(|entry| entry.id() == id))
    }

    fn turn_away(&mut self, claim: Claim, ending: Ending) {
        self.outputs.push_back(Output::Ended {
            claim: claim.id,
            source: claim.source,
            turn: claim.turn,
            ending,
            heard: Heard::default(),
        });
    }
}

/// Whether the waiting `entry` says the same as `claim`, whose source is higher: then the new one
/// is taken in, or the operator would wait as long as a worker.
fn is_outranked(entry: &Entry, claim: &Claim, key: &Key) -> bool {
    claim.source < entry.source() && !entry.was_heard() && entry.key.is_same(key)
}
