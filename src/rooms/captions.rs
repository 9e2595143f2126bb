//! What a room is shown of the line: what the agent does, and what is said. Pure: the line's events
//! in, captions out.

use std::collections::{BTreeMap, VecDeque};

use plugin_livekit::AgentState;

use crate::report::CallEvent;

/// Who said it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Speaker {
    /// The line's one voice.
    Agent,
    /// Somebody at the line, by the label of their leg; the peer it was opened with has none where
    /// that is a telephone.
    Caller(Option<String>),
}

/// What is to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caption {
    /// What the agent does.
    State(AgentState),
    /// What was said, or what it is taken for so far.
    Words {
        /// The same for all versions of one piece.
        id: String,
        /// The words.
        text: String,
        /// No other version follows.
        is_final: bool,
        /// Whose they are.
        speaker: Speaker,
    },
}

/// What is known of one line.
#[derive(Debug)]
pub struct Captions {
    /// Tells the pieces of this line from those of others in the same room.
    line: u64,
    /// What claims want to say, until they end. Oldest first.
    claims: VecDeque<Said>,
    /// Of each speaker the piece that is open, and how many there were.
    open: BTreeMap<Speaker, (u64, bool)>,
    state: AgentState,
}

#[derive(Debug)]
struct Said {
    claim: String,
    text: String,
    begun: bool,
}

impl Captions {
    /// Nothing was said yet.
    #[must_use]
    pub fn new(line: u64) -> Self {
        let state = AgentState::Listening;
        Self { line, claims: VecDeque::new(), open: BTreeMap::new(), state }
    }

    /// What `event` gives to be shown.
    pub fn take(&mut self, event: &CallEvent) -> Vec<Caption> {
        let mut shown = Vec::new();
        match event {
            CallEvent::ClaimAccepted { claim, text, .. } => self.claims(claim, text),
            CallEvent::FirstSample { claim } => {
                shown.extend(self.begins(claim));
                shown.extend(self.is(AgentState::Speaking));
            }
            CallEvent::ClaimEnded { claim, heard_text, .. } => {
                shown.extend(self.ends(claim, heard_text));
                if !self.claims.iter().any(|said| said.begun) {
                    shown.extend(self.falls_silent());
                }
            }
            CallEvent::Partial { text, speaker } => {
                shown.push(self.hears(Speaker::Caller(speaker.clone()), text, false));
            }
            CallEvent::CallerTurn { text, speaker, .. } => {
                shown.push(self.hears(Speaker::Caller(speaker.clone()), text, true));
                shown.extend(self.is(AgentState::Thinking));
            }
            CallEvent::OperatorSaid { text, leg, .. } => {
                // Who said it is told by the leg; everybody heard it.
                let speaker = Speaker::Caller(Some(format!("operator {leg}")));
                shown.push(self.hears(speaker, text, true));
            }
            CallEvent::NotUnderstood { .. } => shown.extend(self.withdraw()),
            _ => {}
        }
        shown
    }

    fn claims(&mut self, claim: &str, text: &str) {
        if self.claims.len() == CLAIMS_MAX {
            self.claims.pop_front();
        }
        let (claim, text) = (claim.to_owned(), text.to_owned());
        self.claims.push_back(Said { claim, text, begun: false });
    }

    fn begins(&mut self, claim: &str) -> Option<Caption> {
        let said = self.claims.iter_mut().find(|said| said.claim == claim)?;
        said.begun = true;
        let text = said.text.clone();
        Some(self.words(claim, text, false, Speaker::Agent))
    }

    /// What was heard of it stays; of what was never begun there is nothing to show.
    fn ends(&mut self, claim: &str, heard: &str) -> Option<Caption> {
        let index = self.claims.iter().position(|said| said.claim == claim)?;
        let said = self.claims.remove(index).filter(|said| said.begun)?;
        Some(self.words(&said.claim, heard.to_owned(), true, Speaker::Agent))
    }

    fn hears(&mut self, speaker: Speaker, text: &str, is_final: bool) -> Caption {
        let (number, is_open) = self.open.entry(speaker.clone()).or_default();
        *number += u64::from(!*is_open);
        *is_open = !is_final;
        let name = match &speaker {
            Speaker::Caller(Some(label)) => format!("{label}-{number}"),
            _ => format!("caller-{number}"),
        };
        self.words(&name, text.to_owned(), is_final, speaker)
    }

    /// What was taken for words was none. It is not told whose: all that is open is closed.
    fn withdraw(&mut self) -> Vec<Caption> {
        let is_open =
            |(speaker, (_, open)): (&Speaker, &(u64, bool))| open.then(|| speaker.clone());
        let open: Vec<Speaker> = self.open.iter().filter_map(is_open).collect();
        open.into_iter().map(|speaker| self.hears(speaker, "", true)).collect()
    }

    fn falls_silent(&mut self) -> Option<Caption> {
        // Who spoke last was the agent: an answer that is not there yet is still thought about.
        if self.state == AgentState::Thinking { None } else { self.is(AgentState::Listening) }
    }

    fn is(&mut self, state: AgentState) -> Option<Caption> {
        let before = std::mem::replace(&mut self.state, state);
        (before != state).then_some(Caption::State(state))
    }

    fn words(&self, name: &str, text: String, is_final: bool, speaker: Speaker) -> Caption {
        Caption::Words { id: format!("{}-{name}", self.line), text, is_final, speaker }
    }
}

/// As many as a governor keeps.
const CLAIMS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{ClaimSource, EndingKind, TurnTimes};

    fn accepted(claim: &str, text: &str) -> CallEvent {
        let (claim, text) = (claim.to_owned(), text.to_owned());
        CallEvent::ClaimAccepted { claim, source: ClaimSource::Responder, turn: Some(1), text }
    }

    fn first(claim: &str) -> CallEvent {
        CallEvent::FirstSample { claim: claim.to_owned() }
    }

    fn ended(claim: &str, ending: EndingKind, heard: &str) -> CallEvent {
        let (claim, heard_text) = (claim.to_owned(), heard.to_owned());
        CallEvent::ClaimEnded { claim, ending, reason: None, heard_text }
    }

    fn words(id: &str, text: &str, is_final: bool, speaker: Speaker) -> Caption {
        Caption::Words { id: id.to_owned(), text: text.to_owned(), is_final, speaker }
    }

    fn show(captions: &mut Captions, events: &[CallEvent]) -> Vec<Caption> {
        events.iter().flat_map(|event| captions.take(event)).collect()
    }

    #[test]
    fn what_the_agent_says_is_shown_as_far_as_it_was_heard() {
        let mut captions = Captions::new(7);
        let events = [
            accepted("c1", "Good morning. What is it?"),
            first("c1"),
            ended("c1", EndingKind::Interrupted, "Good morning."),
        ];
        let shown = [
            words("7-c1", "Good morning. What is it?", false, Speaker::Agent),
            Caption::State(AgentState::Speaking),
            words("7-c1", "Good morning.", true, Speaker::Agent),
            Caption::State(AgentState::Listening),
        ];
        assert_eq!(show(&mut captions, &events), shown);
        let never = [accepted("c2", "Never mind."), ended("c2", EndingKind::Stale, "")];
        assert_eq!(show(&mut captions, &never), [], "what nobody heard was not said");
    }

    #[test]
    fn what_is_heard_has_one_piece_for_each_turn() {
        let mut captions = Captions::new(7);
        let caller = || Speaker::Caller(None);
        let partial = |text: &str| CallEvent::Partial { text: text.into(), speaker: None };
        let turn = CallEvent::CallerTurn {
            turn: 1,
            text: "Is it done?".into(),
            barged_in: false,
            times: TurnTimes::default(),
            speaker: None,
        };
        let shown = show(&mut captions, &[partial("is"), partial("is it"), turn]);
        assert_eq!(
            shown,
            [
                words("7-caller-1", "is", false, caller()),
                words("7-caller-1", "is it", false, caller()),
                words("7-caller-1", "Is it done?", true, caller()),
                Caption::State(AgentState::Thinking),
            ]
        );
        let noise = CallEvent::NotUnderstood { speech_end_ms: 1.0 };
        assert_eq!(
            show(&mut captions, &[partial("hm"), noise.clone()]),
            [words("7-caller-2", "hm", false, caller()), words("7-caller-2", "", true, caller())]
        );
        assert_eq!(show(&mut captions, &[noise]), [], "nothing was shown of it");
    }

    #[test]
    fn between_two_claims_the_agent_still_speaks() {
        let mut captions = Captions::new(7);
        let begin = [accepted("c1", "One."), accepted("c2", "Two."), first("c1"), first("c2")];
        show(&mut captions, &begin);
        let shown = show(&mut captions, &[ended("c1", EndingKind::Spoken, "One.")]);
        assert_eq!(shown, [words("7-c1", "One.", true, Speaker::Agent)]);
    }
}
