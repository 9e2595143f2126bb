use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use brain_protocol::LineMessage;
use lane_broker::LaneStore;
use media_core::{Generation, LineId, MonoTime};
use queue_governor::{
    Book, Claim, ClaimId, Governor, GovernorConfig, Input, Output, RefusalReason, Source, TurnId,
};

use sip_bridge::CallerIdentity;

use super::action::Action;
use super::backlog::Backlog;
use super::company::Company;
use super::dead_air::DeadAir;
use super::keys::Keys;
use super::memory::Context;
use super::operators_words::OperatorsWords;
use super::transfer::TransferTo;
use crate::config::ClaimDefaults;
use crate::replay::{Entry, GovernorStep};
use crate::report::CallEvent;

/// What a conversation is told about itself.
#[derive(Clone, Debug)]
pub struct ConversationConfig {
    /// Which line it is on.
    pub line: LineId,
    /// Who calls, as the network says.
    pub caller: String,
    /// What was dialled.
    pub called: String,
    /// What else is known of the caller.
    pub identity: CallerIdentity,
    /// When the call was answered; the record counts from here.
    pub answered: MonoTime,
    /// Said, once per outage, when the caller needs the brain and it is away.
    pub away_text: String,
    /// The governor's times and bounds.
    pub governor: GovernorConfig,
    /// What is taken for said where a claim of the brain leaves it out.
    pub defaults: ClaimDefaults,
}

/// One call's mind-to-mouth wiring. Sans-I/O: call a method for what happened, then drain
/// [`Conversation::poll_action`], then wait until [`Conversation::next_timeout`].
pub struct Conversation {
    pub(super) config: ConversationConfig,
    pub(super) governor: Governor,
    pub(super) actions: VecDeque<Action>,
    /// Claims between submission and ending. The governor's own bound holds for it too.
    pub(super) claims: BTreeMap<ClaimId, Known>,
    /// Who spoke under which generation; the last few, because a revoked one reports late.
    pub(super) generations: VecDeque<Spoken>,
    pub(super) backlog: Backlog,
    pub(super) turns: u64,
    pub(super) brain_is_up: bool,
    pub(super) brain_knows_line: bool,
    pub(super) away_said: bool,
    /// When the caller has waited long enough for a brain that has not come yet.
    pub(super) brain_due: Option<MonoTime>,
    pub(super) hang_up_after: Option<ClaimId>,
    pub(super) transfer_after: Option<(ClaimId, TransferTo)>,
    pub(super) company: Company,
    pub(super) keys: Keys,
    pub(super) figures: Figures,
    pub(super) context: Context,
    pub(super) operator_has_the_floor: bool,
    pub(super) operators_words: OperatorsWords,
    /// Why the governor did not pass the last whisper on, until that is told.
    pub(super) whisper_refused: Option<RefusalReason>,
    /// Both sides hear each other; before that the brain is told nothing.
    pub(super) established: bool,
    /// What is decided on goes out as [`Action::Log`].
    pub(super) is_logged: bool,
    /// What the governor began with, until a log has it.
    remembered: Option<Book>,
    own_claims: u64,
    closed: bool,
}

/// What the wiring remembers of a claim.
pub(super) struct Known {
    pub source: Source,
    pub turn: Option<TurnId>,
    pub text: String,
    pub origin: Origin,
    pub started: bool,
}

/// Who handed a claim in, and so who hears of its fate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Origin {
    Brain,
    Outside,
    Line,
}

/// What the call's record counts of the conversation.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Turns that the caller took.
    pub turns: u32,
    /// Times that the caller interrupted.
    pub barge_ins: u32,
    /// Times that the agent paused and it was not the caller speaking.
    pub false_barge_ins: u32,
    /// End of speech to first sample of the reply, one per answered turn, in order of time.
    pub reply_ms: Vec<u32>,
    /// When the turn that waits for its reply ended.
    pub(super) awaited: Option<(u64, MonoTime)>,
    pub(super) dead_air: DeadAir,
}

impl Figures {
    /// Time in which nobody was heard while an answer was due.
    #[must_use]
    pub fn dead_air(&self) -> Duration {
        self.dead_air.total()
    }
}

/// A generation and its claim.
pub(super) struct Spoken {
    pub generation: Generation,
    pub claim: ClaimId,
    pub synthesised: bool,
    pub revoked_at: Option<MonoTime>,
}

/// A caller is greeted at once, or told within this that somebody is coming.
const BRAIN_WITHIN: Duration = Duration::from_millis(1_500);
/// A revoked generation reports within 100 ms; in that time the floor changes hands a few times
/// at most.
const GENERATIONS_KEPT: usize = 16;

impl Conversation {
    /// A conversation that begins now. `lanes` keep what the caller said until a brain has dealt
    /// with it. Nothing is said to the brain before
    /// [`Conversation::established`].
    #[must_use]
    pub fn new(config: ConversationConfig, lanes: Arc<dyn LaneStore>) -> Self {
        Self::recovered(config, lanes, Book::new())
    }

    /// The same, remembering what an earlier run of the line said lately.
    #[must_use]
    pub fn recovered(config: ConversationConfig, lanes: Arc<dyn LaneStore>, said: Book) -> Self {
        let (line, answered) = (config.line, config.answered);
        let remembered = Some(said.clone()).filter(|said| !said.is_empty());
        let governor = Governor::recover(config.governor.clone(), line, said, answered);
        Self {
            governor,
            backlog: Backlog::new(lanes, config.line),
            config,
            actions: VecDeque::new(),
            claims: BTreeMap::new(),
            generations: VecDeque::new(),
            turns: 0,
            brain_is_up: false,
            brain_knows_line: false,
            away_said: false,
            brain_due: None,
            hang_up_after: None,
            transfer_after: None,
            company: Company::default(),
            keys: Keys::default(),
            figures: Figures::default(),
            context: Context::default(),
            operator_has_the_floor: false,
            operators_words: OperatorsWords::default(),
            whisper_refused: None,
            established: false,
            is_logged: false,
            remembered,
            own_claims: 0,
            closed: false,
        }
    }

    /// From now on everything that is decided on, and what is decided, goes into a log. To be
    /// called before anything happens.
    pub fn keep_log(&mut self) {
        self.is_logged = true;
        if let Some(book) = self.remembered.take() {
            let (at, book, audio) = (self.config.answered, Box::new(book), Vec::new());
            self.actions.push_back(Action::Log(Entry::Recovered { at, book, audio }));
        }
    }

    /// The next thing to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to call [`Conversation::timeout`] if nothing happens before.
    #[must_use]
    pub fn next_timeout(&self) -> Option<MonoTime> {
        self.governor.next_timeout().into_iter().chain(self.brain_due).min()
    }

    /// Nothing but time passed.
    pub fn timeout(&mut self, now: MonoTime) {
        if self.brain_due.is_some_and(|due| due <= now) {
            self.brain_due = None;
            self.say_that_the_brain_is_away(now);
        }
        self.govern(now, Input::Timeout);
    }

    /// The caller hears us and we hear the caller: the conversation begins.
    pub fn established(&mut self, now: MonoTime, brain_is_up: bool) {
        self.established = true;
        if brain_is_up {
            self.brain_up(now, None);
        } else {
            self.brain_due = Some(now + BRAIN_WITHIN);
        }
    }

    /// The call is over. Every claim ends, the brain is told.
    pub fn closed(&mut self, now: MonoTime, reason: &str) {
        if core::mem::replace(&mut self.closed, true) {
            return;
        }
        self.figures.dead_air.over(now);
        self.govern(now, Input::LineClosed);
        let line = self.brain_line();
        self.tell(LineMessage::LineClosed { line, reason: reason.to_owned() });
    }

    /// Whether a claim of this name is between submission and ending.
    pub(super) fn knows(&self, claim: &ClaimId) -> bool {
        self.claims.contains_key(claim)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn submit_from(&mut self, now: MonoTime, claim: Claim, origin: Origin) {
        self.know(&claim, origin);
        self.govern(now, Input::Submit(claim));
    }

    pub(super) fn know(&mut self, claim: &Claim, origin: Origin) {
        // A name in use is refused by the governor; the live claim's entry must survive that.
        self.claims.entry(claim.id.clone()).or_insert_with(|| Known {
            source: claim.source,
            turn: claim.turn,
            text: claim.content.words().to_owned(),
            origin,
            started: false,
        });
    }

    /// The line speaks for itself.
    pub(super) fn say_ourselves(&mut self, now: MonoTime, text: &str) {
        self.own_claims += 1;
        let id = format!("line-{}", self.own_claims);
        let mut claim = Claim::text(id, Source::System, text);
        claim.ttl = Some(Duration::from_secs(10));
        self.submit_from(now, claim, Origin::Line);
    }

    pub(super) fn say_that_the_brain_is_away(&mut self, now: MonoTime) {
        if !core::mem::replace(&mut self.away_said, true) {
            let text = self.config.away_text.clone();
            self.say_ourselves(now, &text);
        }
    }

    pub(super) fn govern(&mut self, now: MonoTime, input: Input) {
        let told = self.is_logged.then(|| input.clone());
        self.governor.handle(now, input);
        let outputs: Vec<Output> = std::iter::from_fn(|| self.governor.poll_output()).collect();
        if let Some(input) = told {
            self.log_step(now, input, outputs.clone());
        }
        for output in outputs {
            self.carry_out(now, output);
        }
    }

    fn log_step(&mut self, at: MonoTime, input: Input, outputs: Vec<Output>) {
        let next = self.governor.next_timeout();
        let step = GovernorStep { at, input, audio: Vec::new(), outputs, next };
        self.actions.push_back(Action::Log(Entry::Governor(Box::new(step))));
    }

    pub(super) fn remember(&mut self, generation: Generation, claim: ClaimId) {
        if self.generations.len() == GENERATIONS_KEPT {
            self.generations.pop_front();
        }
        self.generations.push_back(Spoken {
            generation,
            claim,
            synthesised: false,
            revoked_at: None,
        });
    }

    pub(super) fn spoken(&mut self, generation: Generation) -> Option<&mut Spoken> {
        self.generations.iter_mut().find(|spoken| spoken.generation == generation)
    }

    pub(super) fn record(&mut self, at: MonoTime, event: CallEvent) {
        let t_ms = self.record_ms(at);
        self.actions.push_back(Action::Record { t_ms, event });
    }

    /// Milliseconds since the answer, negative before it.
    pub(super) fn record_ms(&self, at: MonoTime) -> f64 {
        (at.as_micros() as f64 - self.config.answered.as_micros() as f64) / 1_000.0
    }

    pub(super) fn tell(&mut self, message: LineMessage) {
        if self.brain_is_up {
            self.actions.push_back(Action::Tell(message));
        }
    }

    pub(super) fn brain_line(&self) -> brain_protocol::LineId {
        brain_protocol::LineId(self.config.line.0)
    }
}
