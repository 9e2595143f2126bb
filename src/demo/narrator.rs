//! Tells the conversation on the terminal while it happens, and remembers what the script asks.

use std::collections::BTreeMap;
use std::io::IsTerminal;

use crate::report::{CallEvent, ClaimSource, EndingKind};
use crate::softphone::CallReport;

/// A claim as far as the events told.
pub(super) struct Told {
    pub source: ClaimSource,
    pub turn: Option<u64>,
    pub text: String,
}

pub(super) struct Narrator {
    quiet: bool,
    colour: bool,
    claims: BTreeMap<String, Told>,
    turn: Option<(u64, f64)>,
    story: Vec<CallEvent>,
}

const GREY: &str = "90";
const CALLER: &str = "36";
const AGENT: &str = "32";
const WORKER: &str = "33";
const ALERT: &str = "31";

impl Narrator {
    pub fn new(quiet: bool) -> Self {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { quiet, colour, claims: BTreeMap::new(), turn: None, story: Vec::new() }
    }

    pub fn claim(&self, id: &str) -> Option<&Told> {
        self.claims.get(id)
    }

    pub fn last_turn(&self) -> Option<u64> {
        self.turn.map(|(turn, _)| turn)
    }

    /// Everything that happened so far.
    pub fn story(&self) -> &[CallEvent] {
        &self.story
    }

    pub fn caller_speaks(&self, words: &str) {
        self.print(None, GREY, "caller", &format!("(speaks: {words})"));
    }

    pub fn ended(&self, report: &CallReport) {
        let how = report.outcome.as_ref().map_or("the caller hung up".to_owned(), |outcome| {
            format!("{:?} hung up: {}", outcome.hangup_by, outcome.reason).to_lowercase()
        });
        self.print(None, GREY, "", &how);
    }

    pub fn take(&mut self, t_ms: f64, event: CallEvent) {
        self.tell(t_ms, &event);
        self.story.push(event);
    }

    fn tell(&mut self, t_ms: f64, event: &CallEvent) {
        match event {
            CallEvent::CallOpened(opened) => {
                let text = format!("answered, {} on {}", opened.codec, opened.trunk);
                self.print(Some(t_ms), GREY, "", &text);
            }
            CallEvent::CallerTurn { turn, text, times, barged_in, .. } => {
                self.turn = Some((*turn, times.speech_end_ms));
                let note = if *barged_in { "  (interrupting)" } else { "" };
                self.print(Some(times.speech_start_ms), CALLER, "caller", &format!("{text}{note}"));
            }
            CallEvent::ClaimAccepted { claim, source, turn, text } => {
                let told = Told { source: *source, turn: *turn, text: text.clone() };
                self.claims.insert(claim.clone(), told);
            }
            CallEvent::FirstSample { claim } => self.speaks(t_ms, claim),
            CallEvent::ClaimEnded { claim, ending, heard_text, reason } => {
                self.claim_ended(t_ms, claim, *ending, heard_text, reason.as_deref());
            }
            CallEvent::Silenced { revoke_to_silence_ms, .. } => {
                let text = format!("silent {revoke_to_silence_ms:.1} ms after the revoke");
                self.print(Some(t_ms), ALERT, "floor", &text);
            }
            CallEvent::JobStarted { label, .. } => {
                self.print(Some(t_ms), WORKER, "worker", &format!("(starts: {label})"));
            }
            CallEvent::JobFinished { outcome, .. } => {
                self.print(Some(t_ms), WORKER, "worker", &format!("({outcome})"));
            }
            CallEvent::BrainDown { reason } => self.print(Some(t_ms), ALERT, "brain", reason),
            CallEvent::NotUnderstood { .. } => {
                self.print(Some(t_ms), CALLER, "caller", "(not understood)");
            }
            CallEvent::Note { text } => self.print(Some(t_ms), ALERT, "note", text),
            _ => {}
        }
    }

    fn speaks(&self, t_ms: f64, claim: &str) {
        let Some(told) = self.claims.get(claim) else { return };
        let (colour, who) = match told.source {
            ClaimSource::Worker => (WORKER, "worker"),
            _ => (AGENT, "agent"),
        };
        let after = match (told.turn, self.turn) {
            (Some(turn), Some((last, speech_end))) if turn == last => {
                format!("  (+{:.0} ms)", t_ms - speech_end)
            }
            _ => String::new(),
        };
        self.print(Some(t_ms), colour, who, &format!("{}{after}", told.text));
    }

    fn claim_ended(
        &self,
        t_ms: f64,
        claim: &str,
        ending: EndingKind,
        heard: &str,
        reason: Option<&str>,
    ) {
        if ending == EndingKind::Spoken {
            return;
        }
        let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        let text = match ending {
            EndingKind::Interrupted => format!("interrupted; the caller heard: {heard:?}"),
            ending => format!("{claim} ended {ending}{reason}"),
        };
        self.print(Some(t_ms), ALERT, "floor", &text);
    }

    fn print(&self, t_ms: Option<f64>, colour: &str, who: &str, text: &str) {
        if self.quiet {
            return;
        }
        let time = t_ms.map_or(String::new(), |t_ms| format!("{:.2} s", t_ms / 1_000.0));
        if self.colour {
            println!("\x1b[{GREY}m{time:>9}\x1b[0m  \x1b[{colour}m{who:<7}{text}\x1b[0m");
        } else {
            println!("{time:>9}  {who:<7}{text}");
        }
    }
}
