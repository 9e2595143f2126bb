use brain_protocol::TurnId;
use jiff::{Timestamp, ToSpan};

use super::heard::HeardLog;
use super::texts::ReplyTo;
use crate::tools::Question;

/// What the brain knows about one line, or about one who writes.
#[derive(Debug)]
pub struct Conversation {
    /// Who calls or writes, as the network says.
    pub caller: String,
    /// The network vouches in full for the number that the caller calls from.
    pub vouched: bool,
    /// Who said what is being answered, where several people are on the line; `None`: who called.
    pub speaker: Option<String>,
    /// As the caller said it.
    pub caller_name: Option<String>,
    /// When the brain first heard of the line.
    pub opened: Timestamp,
    pub(super) heard_log: HeardLog,
    /// Where answers go if this is somebody who writes.
    pub(super) reply_to: Option<ReplyTo>,
    pub(super) digits_due: Option<Timestamp>,
    /// The operator speaks; the brain keeps quiet.
    pub(super) operator: bool,
    /// What the operator said last, for everybody to hear.
    pub operator_said: Option<String>,
    /// Goodbye was said.
    pub(super) ending: bool,
    /// Utterances in a row that were not understood.
    pub(super) misses: usize,
    pub(super) last_turn: Option<TurnId>,
    /// Answers given so far, for replies that take turns.
    pub(super) answers: usize,
    answer_to: Option<(TurnId, u32)>,
    pending: Option<(Pending, Timestamp)>,
    digits: String,
    now: Timestamp,
}

/// What the next thing the caller says may belong to.
#[derive(Clone, Debug)]
pub(super) enum Pending {
    Question(Question),
    /// The follow-ups of the gene with this index.
    FollowUps(usize),
}

impl Conversation {
    pub(super) fn new(caller: String, now: Timestamp) -> Self {
        Self {
            caller,
            vouched: false,
            speaker: None,
            caller_name: None,
            opened: now,
            heard_log: HeardLog::default(),
            reply_to: None,
            digits_due: None,
            operator: false,
            operator_said: None,
            ending: false,
            misses: 0,
            last_turn: None,
            answers: 0,
            answer_to: None,
            pending: None,
            digits: String::new(),
            now,
        }
    }

    /// The same conversation on another line: whose it is and what it was about stays, what belonged
    /// to the call does not.
    pub(super) fn going_on(self, now: Timestamp) -> Self {
        let Self { caller, caller_name, pending, answers, heard_log, .. } = self;
        let heard_log = heard_log.in_another_call();
        Self { caller_name, pending, answers, heard_log, ..Self::new(caller, now) }
    }

    /// What the caller heard last.
    #[must_use]
    pub fn heard(&self) -> Option<&str> {
        self.heard_log.last()
    }

    /// What the caller did not hear of what was interrupted. Given once.
    pub fn take_rest(&mut self) -> Option<String> {
        self.heard_log.take_rest(self.now)
    }

    pub(super) fn begin_turn(&mut self, now: Timestamp, turn: TurnId) {
        self.now = now;
        self.last_turn = Some(turn);
    }

    pub(super) fn expect(&mut self, pending: Pending) {
        self.pending = until(self.now, PATIENCE_S).map(|until| (pending, until));
    }

    /// What was expected, unless that is long ago. It is expected once.
    pub(super) fn take_pending(&mut self) -> Option<Pending> {
        let (pending, until) = self.pending.take()?;
        (self.now <= until).then_some(pending)
    }

    /// Counts the answers to one turn.
    pub(super) fn next_answer(&mut self, turn: TurnId) -> u32 {
        let count = match self.answer_to {
            Some((last, count)) if last == turn => count + 1,
            _ => 1,
        };
        self.answer_to = Some((turn, count));
        count
    }

    pub(super) fn on_digit(&mut self, now: Timestamp, digit: char) {
        if self.digits.len() < DIGITS_MAX && digit.is_ascii_digit() {
            self.digits.push(digit);
        }
        if !self.digits.is_empty() {
            self.digits_due = until(now, DIGITS_PAUSE_S);
        }
    }

    pub(super) fn take_digits(&mut self, now: Timestamp) -> Option<String> {
        self.digits_due.filter(|due| *due <= now)?;
        self.digits_due = None;
        Some(std::mem::take(&mut self.digits))
    }
}

fn until(now: Timestamp, seconds: i64) -> Option<Timestamp> {
    now.checked_add(seconds.seconds()).ok()
}

/// A question that was not answered for so long is forgotten.
const PATIENCE_S: i64 = 60;

/// Whoever pauses so long has pressed all the keys.
const DIGITS_PAUSE_S: i64 = 2;

/// The longest number that anybody reads back.
const DIGITS_MAX: usize = 32;
