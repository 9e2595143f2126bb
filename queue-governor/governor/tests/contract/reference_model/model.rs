//! The contract as a few rules over a flat list of claims.

use queue_governor::{Claim, ClaimId, Input, OnInterrupt, Source};

use super::ideal_line::{Ended, WORD_MS};

mod crash;

#[derive(Clone, Debug)]
struct M {
    claim: Claim,
    words: Vec<String>,
    number: usize,
    since: u64,
    expires: Option<u64>,
    /// Words heard; the next word to say; how often it was granted.
    heard: u64,
    next: u64,
    grants: u32,
    /// On the floor: milliseconds sent, of which the journal knows so many, granted when, paused, aged, and since
    /// when a successor waits.
    sent_ms: u64,
    known_ms: u64,
    granted_at: u64,
    paused: bool,
    paused_at: u64,
    aged: bool,
    superseded_since: Option<u64>,
}

#[derive(Default)]
pub struct Model {
    waiting: Vec<M>,
    holder: Option<M>,
    undecided_until: Option<u64>,
    gap_until: Option<u64>,
    /// The turn of the worker's report that was said last; the next report on it goes on with it.
    said_turn: Option<u64>,
    open_until: Option<u64>,
    reply_until: Option<u64>,
    turn: Option<u64>,
    operator: bool,
    said: Vec<(M, u64)>,
    accepted: usize,
    pub ended: Vec<Ended>,
}

use Source::{External, Operator, Responder, System, Worker};

impl M {
    fn id(&self) -> &ClaimId {
        &self.claim.id
    }
    fn total_ms(&self) -> u64 {
        (self.words.len() as u64 - self.next) * WORD_MS
    }
    fn protected(&self) -> bool {
        self.claim.uninterruptible || self.claim.source == Operator
    }
    fn dropped(&self) -> bool {
        self.claim.on_interrupt == OnInterrupt::Drop && !self.claim.must_deliver
    }
    fn same(&self, other: &Claim) -> bool {
        let (a, b) = (self.claim.turn, other.turn);
        self.claim.content == other.content && (a.is_none() || b.is_none() || a == b)
    }
}

fn stale(claim: &Claim, turn: Option<u64>) -> bool {
    claim.turn.is_some_and(|it| Some(it.0) < turn)
        && matches!(claim.source, Responder | Worker)
        && !claim.must_deliver
}

impl Model {
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
        let until = [&mut self.undecided_until, &mut self.open_until, &mut self.reply_until];
        for until in until.into_iter().chain([&mut self.gap_until]) {
            *until = until.filter(|it| *it > now);
        }
        self.settle(now);
        self.expire(now);
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
                    holder.known_ms = holder.sent_ms;
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
                    if let Some(holder) = self.holder.take_if(|it| gone(it)) {
                        self.leave(now, holder, Some("Stale"));
                    }
                    self.end_waiting(now, "Stale", |it| stale(&it.claim, turn));
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
        let said = self.said.iter().any(|(it, until)| *until > now && it.same(claim));
        let new = claim;
        let outranked = |it: &M| new.source < it.claim.source && it.heard == 0 && it.same(new);
        let replaced = |it: &M| (Some(it.id()) == old && it.heard == 0) || outranked(it);
        let waiting = self.waiting.iter_mut().filter(|it| !replaced(it));
        let twin = waiting.chain(&mut self.holder).find(|it| it.same(claim));
        if let (false, Some(twin)) = (said, twin) {
            twin.claim.must_deliver |= claim.must_deliver;
            twin.claim.priority = twin.claim.priority.max(claim.priority);
            twin.expires = twin.expires.zip(expires).map(|(a, b)| a.max(b));
            return self.ended.push(turned_away("Duplicate"));
        }
        if said {
            return self.ended.push(turned_away("Duplicate"));
        }
        if let Some(old) = old {
            self.end_waiting(now, "Superseded", |it| it.id() == old);
            let holder = self.holder.as_mut().filter(|it| it.id() == old);
            if let Some(holder) = holder.filter(|it| !it.claim.uninterruptible) {
                holder.superseded_since.get_or_insert(now);
            }
        }
        let (mut claim, mut expires) = (claim.clone(), expires);
        for twin in self.waiting.extract_if(.., |it| outranked(it)).collect::<Vec<_>>() {
            claim.must_deliver |= twin.claim.must_deliver;
            claim.priority = claim.priority.max(twin.claim.priority);
            expires = twin.expires.zip(expires).map(|(a, b)| a.max(b));
            self.end(now, twin, "Duplicate");
        }
        if claim.source == Responder {
            self.reply_until = None;
        }
        self.accepted += 1;
        self.waiting.push(M {
            words: claim.content.words().split(' ').map(str::to_owned).collect(),
            claim,
            number: self.accepted,
            since: now,
            expires,
            heard: 0,
            next: 0,
            grants: 0,
            sent_ms: 0,
            known_ms: 0,
            granted_at: 0,
            paused: false,
            paused_at: 0,
            aged: false,
            superseded_since: None,
        });
    }

    fn interrupt(&mut self, now: u64) {
        if let Some(holder) = self.holder.take_if(|it| !it.protected()) {
            let ending = holder.dropped().then_some("Interrupted");
            // Every word is a clause here, so `Restate` differs from `Resume` by nothing.
            self.leave(now, holder, ending);
        }
        if !self.operator {
            let cut_off = |it: &M| it.claim.turn.is_some() && it.dropped() && !it.protected();
            self.end_waiting(now, "Interrupted", cut_off);
        }
    }

    fn settle(&mut self, now: u64) {
        if let Some(holder) = &self.holder {
            let talking = self.talking();
            let higher: Vec<&M> = self
                .waiting
                .iter()
                .filter(|it| self.may_speak(it, now) && preempts(it, holder))
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
                resume(now, self.holder.as_mut().unwrap());
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

    fn grant(&mut self, now: u64, mut claim: M) {
        claim.aged = aged(&claim, now);
        (claim.granted_at, claim.grants) = (now, claim.grants + 1);
        (claim.sent_ms, claim.known_ms, claim.paused) = (0, 0, false);
        self.holder = Some(claim);
    }

    /// Off the floor: with an ending, or back among those that wait.
    fn leave(&mut self, now: u64, mut claim: M, ending: Option<&str>) {
        self.gap_until = Some(now + 250);
        let turn = claim.claim.turn.filter(|_| claim.claim.source == Worker);
        self.said_turn = turn.map(|turn| turn.0);
        let words = (claim.sent_ms + 40) / WORD_MS;
        claim.next = (claim.next + words).min(claim.words.len() as u64);
        claim.heard = claim.next;
        claim.since = if claim.aged { now.saturating_sub(6_000) } else { now };
        let all = claim.next == claim.words.len() as u64;
        let ending = ending.or(claim.superseded_since.map(|_| "Superseded"));
        match if all { Some("Spoken") } else { ending } {
            Some(ending) => self.end(now, claim, ending),
            None if stale(&claim.claim, self.turn) => self.end(now, claim, "Stale"),
            None => self.waiting.push(claim),
        }
    }

    fn end(&mut self, now: u64, claim: M, ending: &str) {
        let heard = claim.words[..claim.heard as usize].join(" ");
        self.ended.push((now, claim.id().to_string(), ending.to_owned(), heard));
        if claim.heard > 0 {
            self.said.push((claim, now + 30_000));
        }
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

    fn expire(&mut self, now: u64) {
        self.end_waiting(now, "Expired", |it| it.expires.is_some_and(|at| at <= now));
    }

    fn talking(&self) -> bool {
        self.undecided_until.is_some() || self.open_until.is_some()
    }

    fn may_speak(&self, it: &M, now: u64) -> bool {
        match it.claim.source {
            source if self.operator => source == Operator,
            _ if self.talking() => it.protected(),
            Worker | External if self.reply_until.is_some() => false,
            Worker | External if self.gap_until.is_some() => {
                it.grants > 0 || self.goes_on(it) || aged(it, now)
            }
            _ => true,
        }
    }

    fn goes_on(&self, it: &M) -> bool {
        let turn = it.claim.turn.filter(|_| it.claim.source == Worker);
        turn.is_some_and(|turn| Some(turn.0) == self.said_turn)
    }
}

/// At the sample, or after a long pause with the word that was cut.
fn resume(now: u64, holder: &mut M) {
    let (words, missing) = (holder.sent_ms / WORD_MS, WORD_MS - holder.sent_ms % WORD_MS);
    let cut = !holder.sent_ms.is_multiple_of(WORD_MS) && missing > 40;
    if holder.paused && now - holder.paused_at >= 400 && cut {
        holder.next += words;
        holder.heard = holder.next;
        (holder.granted_at, holder.grants) = (now, holder.grants + 1);
        (holder.sent_ms, holder.known_ms) = (0, 0);
    }
    holder.paused = false;
}

fn preempts(it: &M, holder: &M) -> bool {
    match (it.claim.source, holder.claim.source) {
        (_, Operator) => false,
        (Operator, _) => true,
        (System | Responder, Worker | External) => !holder.claim.uninterruptible,
        _ => false,
    }
}

/// At the end of a word, each of which is a clause; or after 400 ms; a pause is as good.
fn may_cut(holder: &M, since: u64, now: u64) -> bool {
    let between_words = holder.sent_ms > 0 && holder.sent_ms.is_multiple_of(WORD_MS);
    holder.paused || between_words || now >= since.max(holder.granted_at) + 400
}

fn aged(it: &M, now: u64) -> bool {
    matches!(it.claim.source, Worker | External) && now >= it.since + 8_000
}

fn order(it: &M, now: u64, goes_on: bool) -> (u8, u64, bool, bool, i16, usize) {
    let rank = match it.claim.source {
        Operator => 0,
        System => 1,
        _ if aged(it, now) => {
            return (
                2,
                it.since,
                it.grants == 0,
                !goes_on,
                -i16::from(it.claim.priority),
                it.number,
            );
        }
        Responder => 3,
        Worker => 4,
        External => 5,
    };
    (rank, 0, it.grants == 0, !goes_on, -i16::from(it.claim.priority), it.number)
}
