//! The contract as a few rules over a flat list of claims.

use queue_governor::{Claim, ClaimId, Coalescing, Input, Source};

use super::ideal_line::Ended;
use item::{M, Thing, aged, begins_a_word_again, may_cut, order, preempts, stale};

mod calls;
mod crash;
mod item;
mod twins;

pub use item::are_the_same;

#[derive(Default)]
pub struct Model {
    coalescing: Coalescing,
    waiting: Vec<M>,
    holder: Option<M>,
    /// What was just cut: the same does not speak before it is silent.
    falling_silent: Option<Claim>,
    undecided_until: Option<u64>,
    gap_until: Option<u64>,
    /// What was spoken of last; the next one on it goes on with it.
    said_thing: Option<Thing>,
    open_until: Option<u64>,
    reply_until: Option<u64>,
    turn: Option<u64>,
    operator: bool,
    external_is_held: bool,
    said: Vec<(M, u64)>,
    accepted: usize,
    /// What earlier calls left.
    left: Vec<M>,
    pub ended: Vec<Ended>,
}

/// So many that say the same, and must be delivered, has one source at once.
const SAME_MAX: usize = 4;

use Source::{External, Operator, Responder, Worker};

impl Model {
    pub fn new(coalescing: Coalescing) -> Self {
        Self { coalescing, ..Self::default() }
    }

    pub fn holder(&self) -> Option<&str> {
        self.holder.as_ref().map(|it| it.id().as_str())
    }

    pub fn millisecond(&mut self, now: u64, input: Option<&Input>) {
        self.expire(now);
        match (input, &mut self.holder) {
            (Some(input), _) => self.apply(now, input),
            (None, Some(holder)) if !holder.paused => {
                holder.sent_ms += 1;
                if holder.sent_ms == holder.total_ms() {
                    let holder = self.holder.take().unwrap();
                    self.leave(now, holder, Some("Spoken"));
                }
            }
            _ => {}
        }
        self.settle_down(now);
    }

    fn settle_down(&mut self, now: u64) {
        let until = [&mut self.undecided_until, &mut self.open_until, &mut self.reply_until];
        for until in until.into_iter().chain([&mut self.gap_until]) {
            *until = until.filter(|it| *it > now);
        }
        self.settle_all(now);
        // The contract says nothing about the order of endings at one moment.
        self.ended.sort_unstable();
    }

    fn apply(&mut self, now: u64, input: &Input) {
        match input {
            Input::Submit(claim) => self.submit(now, claim),
            Input::Withdraw(id) => self.end_one(now, id, "Withdrawn"),
            Input::CallerOnset => {
                self.undecided_until.get_or_insert(now + 500);
                for holder in self.holder.iter_mut().filter(|it| !it.protected() && !it.paused) {
                    (holder.paused, holder.paused_at) = (true, now);
                    holder.report();
                }
            }
            Input::CallerVerdict(media_core::Verdict::Speech) => {
                self.undecided_until = None;
                self.open_until = Some(now + 12_000);
                self.interrupt(now);
            }
            Input::CallerVerdict(_) => self.undecided_until = None,
            Input::CallerSilent => self.open_until = None,
            Input::CallerTurn(turn) => {
                self.open_until = None;
                if self.turn.is_none_or(|it| it < turn.0) {
                    self.turn = Some(turn.0);
                    self.reply_until = Some(now + 300);
                    let turn = self.turn;
                    let gone = |it: &M| stale(&it.claim, turn) && !it.claim.uninterruptible;
                    // What is cut is counted, and told, after what waits.
                    let holder = self.holder.take_if(|it| gone(it));
                    self.end_waiting(now, "Stale", |it| stale(&it.claim, turn));
                    holder.into_iter().for_each(|it| self.leave(now, it, Some("Stale")));
                }
            }
            Input::OperatorTake => {
                let yields = |it: &mut M| it.claim.source != Operator;
                if !self.operator
                    && let Some(holder) = self.holder.take_if(yields)
                {
                    self.leave(now, holder, None);
                }
                self.operator = true;
            }
            Input::OperatorRelease => self.operator = false,
            Input::HoldExternal(hold) => self.external_is_held = *hold,
            other => unreachable!("{other:?}"),
        }
    }

    fn submit(&mut self, now: u64, claim: &Claim) {
        let id = &claim.id;
        let turned_away = |ending: &str| (now, id.to_string(), ending.to_owned(), String::new());
        let live = || self.waiting.iter().chain(&self.holder);
        let old = claim.supersedes.as_ref();
        if live().any(|it| it.id() == id) {
            return self.ended.push(turned_away("Refused(IdInUse)"));
        }
        if live().any(|it| Some(it.id()) == old && it.claim.source < claim.source) {
            return self.ended.push(turned_away("Refused(SupersedesHigherSource)"));
        }
        if stale(claim, self.turn) {
            return self.ended.push(turned_away("Stale"));
        }
        let expires = claim.ttl.map(|ttl| now + ttl.as_millis() as u64);
        let mut entry = M::new(claim.clone(), 0, now, expires);
        let same = self.said.iter().filter(|(it, until)| *until > now && it.same(claim));
        let same: Vec<&M> = same.map(|(it, _)| it).collect();
        let goes_on = claim.must_deliver && entry.goes_on_after(&same);
        let said = !same.is_empty() && !goes_on;
        let new = claim;
        let outranked = |it: &M| new.source < it.claim.source && it.heard == 0 && it.same(new);
        let replaced = |it: &M| (Some(it.id()) == old && it.heard == 0) || outranked(it);
        let waiting = self.waiting.iter_mut().filter(|it| !replaced(it));
        // What must be delivered waits beside the same, which may be taken back.
        let twin = waiting.chain(&mut self.holder).find(|it| it.same(claim) && !claim.must_deliver);
        if let (false, Some(twin)) = (said, twin) {
            twin.absorb(claim, expires);
            return self.ended.push(turned_away("Duplicate"));
        }
        if said {
            return self.ended.push(turned_away("Duplicate"));
        }
        let gone = |it: &M| outranked(it) && !it.claim.must_deliver;
        let takes_a_place = self.waiting.iter().any(|it| Some(it.id()) == old || gone(it));
        let live = self.waiting.iter().chain(&self.holder);
        let repeated = live.filter(|it| it.same(claim) && it.claim.source == claim.source).count();
        if !takes_a_place && repeated >= SAME_MAX {
            return self.ended.push(turned_away("Refused(QueueFull { max: 4 })"));
        }
        if let Some(old) = old {
            self.end_waiting(now, "Superseded", |it| it.id() == old);
            let holder = self.holder.as_mut().filter(|it| it.id() == old);
            if let Some(holder) = holder.filter(|it| !it.claim.uninterruptible) {
                holder.superseded_since.get_or_insert(now);
            }
        }
        for twin in self.waiting.extract_if(.., |it| gone(it)).collect::<Vec<_>>() {
            entry.absorb(&twin.claim, twin.expires);
            self.end(now, twin, "Duplicate");
        }
        self.make_known(claim, &mut entry);
        if claim.source == Responder {
            self.reply_until = None;
        }
        self.accepted += 1;
        let new = M { number: self.accepted, ..entry };
        if self.coalescing == Coalescing::Latest && new.claim.coalesce.is_some() {
            let thing = new.thing();
            let old = |it: &M| it.thing() == thing && it.heard == 0 && !it.claim.must_deliver;
            self.end_waiting(now, "Superseded", old);
        }
        if self.said.iter().any(|(it, until)| *until > now && it.same(&new.claim)) {
            return self.end_as_said(now, new);
        }
        self.waiting.push(new);
    }

    fn interrupt(&mut self, now: u64) {
        let holder = self.holder.take_if(|it| !it.protected());
        if !self.operator {
            let cut_off = |it: &M| it.claim.turn.is_some() && it.dropped() && !it.protected();
            self.end_waiting(now, "Interrupted", cut_off);
        }
        if let Some(holder) = holder {
            let ending = holder.dropped().then_some("Interrupted");
            // Every word is a clause here, so `Restate` differs from `Resume` by nothing.
            self.leave(now, holder, ending);
        }
    }

    fn settle(&mut self, now: u64) {
        if let Some(holder) = &self.holder {
            let talking = self.talking();
            let higher: Vec<&M> = self
                .waiting
                .iter()
                .filter(|it| self.may_speak(it, now) && preempts(it, holder))
                .filter(|it| !it.same(&holder.claim))
                .filter(|it| it.claim.source == Operator || !(holder.paused && talking))
                .collect();
            let at_once = higher.iter().any(|it| it.claim.source == Operator);
            let since = higher.iter().map(|it| it.since).min();
            let by =
                higher.into_iter().min_by_key(|it| order(it, now, false)).map(|it| it.id().clone());
            let superseded = holder.superseded_since.filter(|_| !(holder.paused && talking));
            if at_once || since.is_some_and(|since| may_cut(holder, since, now)) {
                let (holder, by) = (self.holder.take().unwrap(), by.unwrap());
                self.leave(now, holder, None);
                let at = self.waiting.iter().position(|it| *it.id() == by).unwrap();
                let next = self.waiting.remove(at);
                self.grant(now, next);
            } else if superseded.is_some_and(|since| may_cut(holder, since, now)) {
                let holder = self.holder.take().unwrap();
                self.leave(now, holder, None);
            } else if !talking {
                self.resume(now);
            }
        }
        if self.holder.is_none() {
            let next = self.waiting.iter().filter(|it| self.may_speak(it, now));
            let next = next.min_by_key(|it| order(it, now, self.goes_on(it))).map(|it| it.number);
            if let Some(at) = self.waiting.iter().position(|it| Some(it.number) == next) {
                let next = self.waiting.remove(at);
                self.grant(now, next);
            }
        }
    }

    fn resume(&mut self, now: u64) {
        let mut holder = self.holder.take().unwrap();
        if begins_a_word_again(&holder, now) {
            holder.is_cut();
            if !self.has_more_to_say(now, &mut holder) {
                return self.end(now, holder, "Duplicate");
            }
            holder.begin(now);
        }
        self.holder = Some(M { paused: false, ..holder });
    }

    fn grant(&mut self, now: u64, mut claim: M) {
        if !self.has_more_to_say(now, &mut claim) {
            return self.end(now, claim, "Duplicate");
        }
        claim.aged = aged(&claim, now);
        claim.begin(now);
        claim.paused = false;
        self.holder = Some(claim);
    }

    /// Off the floor: with an ending, or back among those that wait.
    fn leave(&mut self, now: u64, mut claim: M, ending: Option<&str>) {
        self.gap_until = Some(now + 250);
        self.said_thing = claim.thing().filter(|_| self.coalescing != Coalescing::Off);
        claim.next = claim.reached();
        claim.heard = claim.next;
        claim.own_ms += claim.sent_ms;
        claim.own_known_ms = claim.own_ms;
        claim.since = if claim.aged { now.saturating_sub(6_000) } else { now };
        let all = claim.next == claim.length();
        self.falling_silent = Some(claim.claim.clone()).filter(|_| !all);
        let ending = ending.or(claim.superseded_since.map(|_| "Superseded"));
        match if all { Some("Spoken") } else { ending } {
            Some(ending) => self.end(now, claim, ending),
            None if stale(&claim.claim, self.turn) => self.end(now, claim, "Stale"),
            None if self.was_said_elsewhere(now, &claim) => self.end_as_said(now, claim),
            None => self.waiting.push(claim),
        }
    }

    fn end(&mut self, now: u64, claim: M, ending: &str) {
        let own = if claim.own_ms > 0 { claim.heard_text() } else { String::new() };
        self.ended.push((now, claim.id().to_string(), ending.to_owned(), own));
        if !claim.begun() {
            return;
        }
        let whole = claim.heard == claim.length();
        let is_said = |it: &M| (whole || !it.begun()) && it.same(&claim.claim);
        let same: Vec<M> = self.waiting.extract_if(.., |it| is_said(it)).collect();
        self.said.push((claim, now + 30_000));
        same.into_iter().for_each(|it| self.end_as_said(now, it));
    }

    fn end_one(&mut self, now: u64, id: &ClaimId, ending: &str) {
        if let Some(holder) = self.holder.take_if(|it| it.id() == id) {
            self.leave(now, holder, Some(ending));
        }
        self.end_waiting(now, ending, |it| it.id() == id);
    }

    fn end_waiting(&mut self, now: u64, ending: &str, gone: impl Fn(&M) -> bool) {
        let gone: Vec<M> = self.waiting.extract_if(.., |it| gone(it)).collect();
        gone.into_iter().for_each(|it| self.end(now, it, ending));
    }

    /// What was cut falls silent, and what expires leaves room, until the floor is where it belongs.
    fn settle_all(&mut self, now: u64) {
        loop {
            let ended = self.ended.len();
            self.settle(now);
            if self.falling_silent.take().is_some() {
                continue;
            }
            self.expire(now);
            if self.ended.len() == ended {
                break;
            }
        }
        self.holder.iter_mut().for_each(|it| it.sounds = true);
    }

    fn expire(&mut self, now: u64) {
        self.end_waiting(now, "Expired", |it| it.expires.is_some_and(|at| at <= now));
    }

    fn talking(&self) -> bool {
        self.undecided_until.is_some() || self.open_until.is_some()
    }

    fn may_speak(&self, it: &M, now: u64) -> bool {
        let goes_on =
            |other: &M| other.begun() && other.same(&it.claim) && self.may_speak(other, now);
        let waits_for_it = !it.begun() && self.waiting.iter().any(goes_on);
        if waits_for_it || self.falling_silent.as_ref().is_some_and(|cut| it.same(cut)) {
            return false;
        }
        match it.claim.source {
            source if self.operator => source == Operator,
            External if self.external_is_held => false,
            _ if self.talking() => it.protected(),
            Worker | External if self.reply_until.is_some() => false,
            Worker | External if self.gap_until.is_some() => {
                it.grants > 0 || self.goes_on(it) || aged(it, now)
            }
            _ => true,
        }
    }

    fn goes_on(&self, it: &M) -> bool {
        self.said_thing.is_some() && it.thing() == self.said_thing
    }
}
