use brain_protocol::{BrainMessage, Source, TurnId};
use jiff::Zoned;

use super::conversation::{Conversation, Pending};
use super::template::Values;
use super::{Mind, Place, Utterance};
use crate::genes::{Action, Found, Slots, normalised};
use crate::memory::{Due, DueWhat};
use crate::speakable;
use crate::tools::{self, Desk, Question, Reply, Tool};

impl Mind {
    pub(super) fn on_turn(&mut self, now: &Zoned, place: Place, turn: TurnId, text: &str) {
        // A turn of a line whose opening was lost is answered all the same.
        let conversation = self
            .conversations
            .entry(place)
            .or_insert_with(|| Conversation::new(String::new(), now.timestamp()));
        let answered = conversation.last_turn.is_some_and(|last| turn <= last);
        if answered || conversation.operator || conversation.ending {
            return;
        }
        conversation.begin_turn(now.timestamp(), turn);
        let reply = self.decide(now, place, text);
        self.give(now, place, Some(turn), reply);
    }

    pub(super) fn on_not_understood(&mut self, place: Place) {
        let Some(conversation) = self.conversations.get_mut(&place) else { return };
        if conversation.operator || conversation.ending {
            return;
        }
        let text = fallback(conversation);
        // It may be the street. Somebody who wants something says it again anyway.
        if conversation.misses <= MISSES_SAID_MAX {
            self.say(place, Utterance::new(Source::Responder, text));
        }
    }

    fn decide(&mut self, now: &Zoned, place: Place, text: &str) -> (Reply, Slots) {
        let library = self.library.clone();
        let found = library.find(text);
        let tool = found.as_ref().and_then(|found| match found.gene.action {
            Action::Tool(tool) => Some(tool),
            _ => None,
        });
        let Some(conversation) = self.conversations.get_mut(&place) else {
            return (Reply::Nothing, Slots::default());
        };
        match conversation.take_pending() {
            Some(Pending::Question(question)) => {
                let slots = Slots::default();
                let mut desk = desk(self, now, place, &slots);
                let said = normalised(text).join(" ");
                let reply = desk.as_mut().and_then(|it| tools::answer(it, &question, &said, tool));
                if let Some(reply) = reply {
                    return (reply, slots);
                }
            }
            Some(Pending::FollowUps(gene)) if !wants_out(tool) => {
                let next = library.follow_ups_of(gene).and_then(|it| it.find_next(text));
                if let Some(next) = next {
                    return (self.act(now, place, &next), next.slots);
                }
            }
            Some(Pending::FollowUps(_)) | None => {}
        }
        let Some(found) = found else {
            let text = self.conversations.get_mut(&place).map(fallback).unwrap_or_default();
            return (Reply::Say(text), Slots::default());
        };
        let reply = self.act(now, place, &found);
        if let Some(conversation) = self.conversations.get_mut(&place) {
            conversation.misses = 0;
            if library.follow_ups_of(found.index).is_some() {
                conversation.expect(Pending::FollowUps(found.index));
            }
        }
        (reply, found.slots)
    }

    pub(super) fn act(&mut self, now: &Zoned, place: Place, found: &Found<'_>) -> Reply {
        match &found.gene.action {
            Action::Reply(replies) => {
                let count = self.conversations.get(&place).map_or(0, |it| it.answers);
                let reply = replies.get(count % replies.len().max(1)).map_or("", String::as_str);
                Reply::Say(Values::from_slots(&found.slots).fill(reply))
            }
            Action::Tool(tool) => desk(self, now, place, &found.slots)
                .map_or(Reply::Nothing, |mut desk| tool.apply(&mut desk)),
            Action::Command { name, label } if self.config.command(name).is_none() => {
                Reply::Say(format!("I cannot {label} yet. No command is set up for that."))
            }
            Action::Command { name, label } if !self.may_run(place, name) => Reply::Say(format!(
                "I cannot {label} for a number that the network does not vouch for."
            )),
            Action::Command { name, .. } => self.now_or_later(now, place, name, &found.slots),
            Action::Silent => Reply::Nothing,
        }
    }

    /// A command may be for callers alone whose number is theirs, as the network says.
    fn may_run(&self, place: Place, name: &str) -> bool {
        // The network vouches for who called, and for nobody who joined the call.
        let vouched =
            self.conversations.get(&place).is_some_and(|it| it.vouched && it.speaker.is_none());
        vouched || self.config.command(name).is_none_or(|command| !command.vouched)
    }

    fn now_or_later(&mut self, now: &Zoned, place: Place, name: &str, slots: &Slots) -> Reply {
        let at = desk(self, now, place, slots).and_then(|desk| tools::asked_for(&desk));
        let Some(at) = at else { return Reply::Run(name.to_owned()) };
        let label =
            self.config.command(name).map(crate::config::Command::label).unwrap_or_default();
        let due = Due { at: at.timestamp(), what: DueWhat::Command { name: name.to_owned() } };
        Reply::Say(match self.memory.schedule(due) {
            Ok(()) => {
                let label = speakable::capitalised(&label);
                format!("Okay. {label}, {}.", speakable::when(now, &at))
            }
            Err(_) => "I cannot keep more in mind. Please cancel something first.".into(),
        })
    }

    /// `turn`: what it answers, unless nobody asked aloud.
    pub(super) fn give(
        &mut self,
        now: &Zoned,
        place: Place,
        turn: Option<TurnId>,
        (reply, slots): (Reply, Slots),
    ) {
        match reply {
            Reply::Say(text) => {
                self.say_answer(place, turn, text, false);
            }
            Reply::Again(text) => {
                self.say_answer(place, turn, text, true);
            }
            Reply::Nothing => {}
            Reply::Ask(text, question) => {
                self.expect(place, question);
                self.say_answer(place, turn, text, false);
            }
            Reply::Hush => self.hush(place, turn),
            Reply::Farewell(text) => {
                let after = self.say_answer(place, turn, text, false);
                // Who writes may write again; who calls is let go.
                let Place::Line(line) = place else { return };
                if let Some(conversation) = self.conversations.get_mut(&place) {
                    conversation.ending = true;
                }
                self.send(BrainMessage::HangUp { line, after });
            }
            Reply::Run(command) => self.run_or_ask(now, place, turn, &command, slots),
            Reply::RunApproved(command, slots) => self.run(now, place, turn, &command, &slots),
            Reply::CancelJobs(text) => {
                self.say_answer(place, turn, text, false);
                self.cancel_all_jobs();
            }
        }
    }

    fn run_or_ask(
        &mut self,
        now: &Zoned,
        place: Place,
        turn: Option<TurnId>,
        name: &str,
        slots: Slots,
    ) {
        let config = self.config.clone();
        match config.command(name) {
            Some(command) if command.confirm => {
                self.expect(place, Question::MayRun(name.to_owned(), Box::new(slots)));
                let text =
                    format!("Really? Shall I run {}? Please say yes or no.", command.label());
                self.say_answer(place, turn, text, false);
            }
            _ => self.run(now, place, turn, name, &slots),
        }
    }

    fn run(&mut self, now: &Zoned, place: Place, turn: Option<TurnId>, name: &str, slots: &Slots) {
        let config = self.config.clone();
        let text = match config.command(name) {
            Some(command) => self.start_command(now, Some(place), command, slots),
            None => "That is not set up any more.".into(),
        };
        self.say_answer(place, turn, text, false);
    }

    /// Everything that waits to be said on the line is taken back. What was interrupted has ended
    /// already, and "continue" still finds its rest. Who writes cannot hear a silence, and is answered.
    fn hush(&mut self, place: Place, turn: Option<TurnId>) {
        let Place::Line(line) = place else {
            self.say_answer(place, turn, "Okay.".into(), false);
            return;
        };
        let open =
            self.conversations.get(&place).map(|it| it.heard_log.open_claims()).unwrap_or_default();
        for claim in open {
            self.send(BrainMessage::Withdraw { line, claim });
        }
    }

    fn expect(&mut self, place: Place, question: Question) {
        if let Some(conversation) = self.conversations.get_mut(&place) {
            conversation.expect(Pending::Question(question));
        }
    }

    fn say_answer(
        &mut self,
        place: Place,
        turn: Option<TurnId>,
        text: String,
        repeats: bool,
    ) -> Option<brain_protocol::ClaimId> {
        if let Some(conversation) = self.conversations.get_mut(&place) {
            conversation.answers += 1;
        }
        let utterance = Utterance { turn, repeats, ..Utterance::new(Source::Responder, text) };
        self.say(place, utterance)
    }
}

fn desk<'a>(
    mind: &'a mut Mind,
    now: &'a Zoned,
    place: Place,
    slots: &'a Slots,
) -> Option<Desk<'a>> {
    Some(Desk {
        now,
        slots,
        config: &mind.config,
        figures: &mind.figures,
        memory: &mut mind.memory,
        jobs: &mind.jobs,
        line: mind.conversations.get_mut(&place)?,
    })
}

/// Whether the caller leaves whatever was begun.
fn wants_out(tool: Option<Tool>) -> bool {
    matches!(tool, Some(Tool::Hush | Tool::Cancel | Tool::Goodbye | Tool::Repeat))
}

fn fallback(conversation: &mut Conversation) -> String {
    let text = FALLBACKS[conversation.misses.min(FALLBACKS.len() - 1)];
    conversation.misses += 1;
    text.to_owned()
}

/// Nothing is guessed. Who is not understood twice learns what works.
const FALLBACKS: [&str; 3] = [
    "I did not get that. Please say it again.",
    "I did not get that either. You can say, help.",
    "Sorry. I still did not get that.",
];

/// Sounds that are not understood are answered so many times in a row.
const MISSES_SAID_MAX: usize = 2;
