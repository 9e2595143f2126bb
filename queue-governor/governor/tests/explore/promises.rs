//! What must hold, checked by what a listener and a bookkeeper know: they see what the governor
//! is told and what it says, and hear the line, and know nothing of how it decides.

use std::collections::BTreeSet;

use media_core::Verdict;
use queue_governor::{Claim, ClaimId, Ending, Heard, OnInterrupt, Record, Source, TurnId};

use crate::mouth::Mouth;
use crate::words::{Halt, Holder, Word, promise};
use crate::worlds::{STEP_MS, World};

mod time;

#[derive(Clone, Debug, Default)]
struct Watched {
    /// What is written down of it, and what its producer was told.
    written: bool,
    accepted: bool,
    /// It must be delivered, by its own will or that of a claim that said the same.
    promised: bool,
    end_written: bool,
    ended: bool,
    /// The line closed, and it is left to the next call.
    carried: bool,
    granted: bool,
    /// While the floor was free for it or could have been.
    waited_ms: u64,
    /// The words of it that were sent, and those of them that nobody has heard of yet.
    heard: u16,
    fresh: u16,
}

#[derive(Clone, Debug)]
pub struct Promises {
    claims: Vec<Watched>,
    contents: Vec<Option<u8>>,
    own: BTreeSet<ClaimId>,
    /// What was heard of each content, and what of that nobody has heard of yet.
    heard: [u16; 10],
    fresh: [u16; 10],
    undecided_for_ms: Option<u64>,
    open_for_ms: Option<u64>,
    pub turns: u64,
    pub operator: bool,
    silent_ms: u64,
    behind_hands_ms: u64,
}

impl Promises {
    pub fn new(world: &World) -> Self {
        Promises {
            claims: vec![Watched::default(); world.claims.len()],
            contents: world
                .claims
                .iter()
                .map(|it| Word::parse(it.content.words()).content)
                .collect(),
            own: BTreeSet::new(),
            heard: [0; 10],
            fresh: [0; 10],
            undecided_for_ms: None,
            open_for_ms: None,
            turns: 0,
            operator: false,
            silent_ms: 0,
            behind_hands_ms: 0,
        }
    }

    pub fn caller_is_undecided(&self) -> bool {
        self.undecided_for_ms.is_some()
    }

    pub fn utterance_is_open(&self) -> bool {
        self.open_for_ms.is_some()
    }

    fn caller_may_be_speaking(&self) -> bool {
        self.caller_is_undecided() || self.utterance_is_open()
    }

    pub fn on_onset(&mut self) {
        self.undecided_for_ms.get_or_insert(0);
    }

    pub fn on_verdict(&mut self, verdict: Verdict) {
        self.undecided_for_ms = None;
        if verdict == Verdict::Speech {
            self.open_for_ms = Some(0);
        }
    }

    pub fn on_utterance_end(&mut self) {
        self.open_for_ms = None;
    }

    pub fn may_answer(&self, claim: &Claim) -> bool {
        claim.turn.is_none_or(|turn| turn.0 <= self.turns)
    }

    pub fn is_alive(&self, claim: usize) -> bool {
        let it = &self.claims[claim];
        it.written && !it.end_written && !it.carried
    }

    /// How many claims are alive, by what is written down.
    pub fn alive(&self) -> usize {
        (0..self.claims.len()).filter(|claim| self.is_alive(*claim)).count() + self.own.len()
    }

    /// 3. At most one acceptance and one ending are written.
    pub fn on_record(&mut self, world: &World, record: &Record) -> Result<(), Halt> {
        let id = record.claim();
        let number = world.number_of(id);
        let watched = number.map(|number| &mut self.claims[number]);
        let watched = watched.ok_or_else(|| Halt::Broken(format!("a record of {id}")))?;
        let new = match record {
            Record::Accepted { .. } => !std::mem::replace(&mut watched.written, true),
            Record::Ended { .. } => {
                watched.written && !std::mem::replace(&mut watched.end_written, true)
            }
            Record::Heard { .. } | Record::Amended { .. } => {
                watched.written && !watched.end_written
            }
        };
        promise(new, || format!("written out of order: {record:?}"))?;
        match record {
            Record::Accepted { claim, .. } => watched.promised = claim.must_deliver,
            Record::Amended { must_deliver, .. } => watched.promised = *must_deliver,
            Record::Heard { .. } | Record::Ended { .. } => {}
        }
        if let Record::Heard { .. } | Record::Ended { .. } = record {
            self.on_progress_written(number);
        }
        Ok(())
    }

    fn on_progress_written(&mut self, number: Option<usize>) {
        let Some(watched) = number.map(|number| &mut self.claims[number]) else { return };
        let known = std::mem::take(&mut watched.fresh);
        if let Some(content) = number.and_then(|number| self.contents[number]) {
            self.fresh[usize::from(content)] &= !known;
        }
    }

    /// 5. An acceptance is told when it is written down.
    pub fn on_accepted(&mut self, world: &World, id: &ClaimId) -> Result<(), Halt> {
        let Some(claim) = world.number_of(id) else {
            let new = self.own.insert(id.clone());
            return promise(new, || format!("{id} is accepted a second time"));
        };
        let watched = &mut self.claims[claim];
        promise(watched.written, || format!("never lost: {id} is accepted and not written down"))?;
        let new = !std::mem::replace(&mut watched.accepted, true);
        promise(new, || format!("{id} is accepted a second time"))
    }

    /// The next call has it from now on.
    pub fn on_carried_over(&mut self, world: &World, id: &ClaimId) -> Result<(), Halt> {
        let number = world.number_of(id).filter(|number| self.claims[*number].carried);
        let number = number.ok_or_else(|| Halt::Broken(format!("{id} was not left to a call")))?;
        self.claims[number].carried = false;
        Ok(())
    }

    pub fn on_carried(&mut self, world: &World, id: &ClaimId) -> Result<(), Halt> {
        let number = world.number_of(id).filter(|it| self.claims[*it].promised);
        let number = number.ok_or_else(|| Halt::Broken(format!("{id} is carried over")))?;
        promise(self.is_alive(number), || format!("{id} is carried over and not alive"))?;
        self.claims[number].carried = true;
        Ok(())
    }

    /// 3. Exactly one ending, of a kind that the claim may have, which says what was heard.
    pub fn on_ended(
        &mut self,
        world: &World,
        id: &ClaimId,
        ending: &Ending,
        heard: &Heard,
        submitted: Option<usize>,
    ) -> Result<(), Halt> {
        let Some(number) = world.number_of(id) else {
            return promise(self.own.remove(id), || format!("{id} ends and is not alive"));
        };
        let watched = &mut self.claims[number];
        let claim = &world.claims[number];
        if !watched.written {
            let at_the_door =
                matches!(ending, Ending::Duplicate | Ending::Refused(_) | Ending::Stale);
            return promise(at_the_door && submitted == Some(number), || {
                format!("{id} ends {ending:?} and was never accepted")
            });
        }
        promise(watched.end_written, || format!("{id} ends and that is not written down"))?;
        promise(!std::mem::replace(&mut watched.ended, true), || {
            format!("one ending: {id} ends a second time, {ending:?}")
        })?;
        let given_up = matches!(ending, Ending::Stale | Ending::Interrupted);
        promise(!(watched.promised && given_up), || {
            format!("{id} must be delivered and ends {ending:?}")
        })?;
        let words = words_in(&heard.text);
        // What goes on where the same was cut is told as one saying with it, as far as it came itself.
        // Of one that waited all the while nothing is told.
        let all = self.contents[number].map_or(watched.heard, |it| self.heard[usize::from(it)]);
        let (own, told) = (watched.heard, (1_u16 << words) - 1);
        let goes_on = watched.granted && told & !all == 0 && own & !told == 0;
        let sent = if goes_on { words } else { own.count_ones() };
        let exact = words == sent || world.is_unsure() && words < sent;
        promise(exact, || format!("ledger: {words} words of {id} are told, {sent} were sent"))?;
        let whole = sent == words_in(claim.content.words());
        promise(*ending != Ending::Spoken || whole, || format!("{id} is called spoken and was not"))
    }

    /// 9 and 10, and no answer to what is no longer asked.
    pub fn on_grant(&mut self, world: &World, holder: Holder) -> Result<(), Halt> {
        (self.silent_ms, self.behind_hands_ms) = (0, 0);
        promise(!self.operator || holder.source == Source::Operator, || {
            format!("operator: the floor goes to {holder:?} while the operator has it")
        })?;
        promise(!self.caller_may_be_speaking() || holder.outlasts_the_caller(), || {
            format!("caller wins: the floor goes to {holder:?} while the caller may be speaking")
        })?;
        let Some(number) = holder.claim else { return Ok(()) };
        self.claims[number].granted = true;
        let claim = &world.claims[number];
        let answers = matches!(claim.source, Source::Responder | Source::Worker);
        let older = claim.turn.is_some_and(|turn| turn < TurnId(self.turns));
        promise(!(answers && older) || self.claims[number].promised, || {
            format!("stale: {} gets the floor and answers an older turn", claim.id)
        })
    }

    pub fn on_revoke(&mut self) {
        (self.silent_ms, self.behind_hands_ms) = (0, 0);
    }

    /// 4. No word of a content is heard a second time.
    pub fn on_word(
        &mut self,
        holder: Holder,
        on_interrupt: OnInterrupt,
        word: Word,
    ) -> Result<(), Halt> {
        let Some(content) = word.content else { return Ok(()) };
        let bit = 1 << word.place;
        let heard = &mut self.heard[usize::from(content)];
        let new = *heard & bit == 0;
        *heard |= bit;
        self.fresh[usize::from(content)] |= bit;
        if let Some(claim) = holder.claim {
            self.claims[claim].heard |= bit;
            self.claims[claim].fresh |= bit;
        }
        let again = on_interrupt == OnInterrupt::Restate && word.place > 0;
        promise(new || again, || format!("never twice: word {} of content {content}", word.place))
    }

    /// Everything that was sent is known.
    pub fn on_known(&mut self) {
        self.fresh = [0; 10];
        self.claims.iter_mut().for_each(|claim| claim.fresh = 0);
    }

    /// Another caller is on the line, who has said nothing yet, and to whom no turn is old.
    pub fn on_next_call(&mut self) {
        (self.undecided_for_ms, self.open_for_ms) = (None, None);
        (self.turns, self.operator) = (0, false);
        self.claims.iter_mut().for_each(|claim| (claim.granted, claim.waited_ms) = (false, 0));
        self.on_known();
        self.on_revoke();
    }

    /// The process is killed. What it sent since the last report, nobody can know.
    pub fn on_killed(&mut self) {
        for (heard, fresh) in self.heard.iter_mut().zip(self.fresh) {
            *heard &= !fresh;
        }
        for claim in &mut self.claims {
            claim.heard &= !claim.fresh;
            (claim.granted, claim.carried) = (false, false);
            claim.waited_ms = 0;
        }
        self.on_known();
        self.own.clear();
        (self.undecided_for_ms, self.open_for_ms) = (None, None);
        self.operator = false;
        self.on_revoke();
    }

    /// What must hold whenever nothing is being decided.
    pub fn at_rest(&self, mouth: &Mouth) -> Result<(), Halt> {
        let paused = mouth.playing.as_ref().is_some_and(|it| it.paused);
        promise(!paused || self.caller_may_be_speaking() || self.operator, || {
            "paused, and the caller is silent".to_owned()
        })
    }

    /// Whether claims may wait for as long as this lasts.
    pub fn may_wait_for_ever(&self) -> bool {
        self.operator
    }
}

fn words_in(text: &str) -> u32 {
    text.split_whitespace().count() as u32
}

const _: () = assert!(STEP_MS * 2 == crate::mouth::WORD_MS, "a word can be cut in its middle");
