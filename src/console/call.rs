//! A call as the operator sees it, put together from its events.

use std::collections::{BTreeMap, VecDeque};

use super::news::{OpenCall, clean};
use crate::report::{CallEvent, CallStats, ClaimSource, EndingKind, PartKind, VerdictKind};

/// Who a line of the transcript is from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Who {
    /// A peer of the line, by its label.
    Caller(String),
    /// The line's voice, and for whom it spoke.
    Voice(ClaimSource),
    /// Nobody: what happened.
    Note {
        /// Whether somebody should look at it.
        bad: bool,
    },
}

/// A line of the transcript.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// Milliseconds since the answer.
    pub t_ms: f64,
    /// Who.
    pub who: Who,
    /// What was said, as far as it was heard.
    pub text: String,
    /// What was to be said and was not heard.
    pub unheard: String,
    /// How it ended, where that is worth a word.
    pub mark: &'static str,
    claim: Option<String>,
}

/// Something that somebody wants said, and that has not ended.
#[derive(Clone, PartialEq, Debug)]
pub struct Claim {
    /// Its id.
    pub id: String,
    /// Whose.
    pub source: ClaimSource,
    /// What.
    pub text: String,
    /// When it was accepted.
    pub since_ms: f64,
}

/// A peer at the line.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Peer {
    /// Whose words these are.
    pub label: String,
    /// How loud, in dBov.
    pub heard_dbov: i8,
    /// Whether it speaks.
    pub speech: bool,
}

/// A call.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Call {
    /// Its line.
    pub line: u64,
    /// The trunk, or the door.
    pub trunk: String,
    /// Who calls.
    pub caller: String,
    /// Who is called.
    pub called: String,
    /// Milliseconds since the answer, as far as is known.
    pub t_ms: f64,
    /// How it ended.
    pub ended: Option<String>,
    /// Who said what, oldest first.
    pub entries: VecDeque<Entry>,
    /// Who is just saying something, and what.
    pub partial: Option<(String, String)>,
    /// Accepted and not ended; the order is that of acceptance.
    pub claims: Vec<Claim>,
    /// The claim that has the floor.
    pub holder: Option<String>,
    /// Why the floor is where it is.
    pub why: String,
    /// Playout stands still: somebody may be interrupting.
    pub paused: bool,
    /// Whether the operator has the floor.
    pub operator: bool,
    /// Who is there; 0 came first.
    pub peers: BTreeMap<u64, Peer>,
    /// How loud the line's voice is, in dBov.
    pub sent_dbov: i8,
    /// What the network did to it.
    pub stats: Option<CallStats>,
    /// Whether the brain listens.
    pub brain_away: Option<String>,
}

impl Call {
    /// A call of which nothing is known but its line.
    #[must_use]
    pub fn new(line: u64) -> Self {
        let first = Peer { label: "caller".into(), heard_dbov: SILENT, speech: false };
        let peers = BTreeMap::from([(0, first)]);
        Self { line, peers, sent_dbov: SILENT, why: "nobody speaks".into(), ..Self::default() }
    }

    /// What the line says of it.
    pub fn is(&mut self, open: OpenCall) {
        self.trunk = clean(&open.trunk);
        self.caller = clean(&open.caller);
        self.called = clean(&open.called);
        self.t_ms = self.t_ms.max(open.seconds as f64 * 1_000.0);
        self.stats = open.stats.or(self.stats.take());
    }

    /// How loud a leg is.
    pub fn level(&mut self, leg: u64, heard_dbov: i8, sent_dbov: i8, speech: bool) {
        if leg == 0 {
            self.sent_dbov = sent_dbov;
        }
        if self.peers.len() < PEERS_MAX || self.peers.contains_key(&leg) {
            let peer = self.peers.entry(leg).or_default();
            if peer.label.is_empty() {
                peer.label = format!("leg {leg}");
            }
            (peer.heard_dbov, peer.speech) = (heard_dbov, speech);
        }
    }

    /// The claims that wait behind the one that has the floor.
    pub fn waiting(&self) -> impl Iterator<Item = &Claim> {
        self.claims.iter().filter(|claim| self.holder.as_ref() != Some(&claim.id))
    }

    /// The claim that has the floor.
    #[must_use]
    pub fn speaking(&self) -> Option<&Claim> {
        self.claims.iter().find(|claim| self.holder.as_ref() == Some(&claim.id))
    }

    /// An event.
    pub fn event(&mut self, t_ms: f64, what: CallEvent) {
        self.t_ms = self.t_ms.max(t_ms);
        match what {
            CallEvent::CallOpened(opened) => {
                self.caller = clean(&opened.caller);
                self.called = clean(&opened.called);
                self.trunk = clean(&opened.trunk);
                self.note(t_ms, &format!("the call is answered ({})", opened.codec), false);
            }
            CallEvent::Partial { text, speaker } => {
                self.partial = Some((named(speaker), clean(&text)));
            }
            CallEvent::CallerTurn { text, barged_in, speaker, .. } => {
                self.turn(t_ms, &named(speaker), &text, barged_in);
            }
            CallEvent::OperatorSaid { text, .. } => self.turn(t_ms, OPERATOR, &text, false),
            CallEvent::NotUnderstood { .. } => {
                self.partial = None;
                self.note(t_ms, "something was said and not understood", false);
            }
            CallEvent::Dtmf { digit } => self.note(t_ms, &format!("key {digit}"), false),
            CallEvent::Verdict { verdict, .. } if verdict != VerdictKind::Speech => {
                self.note(t_ms, &format!("not an interruption: {verdict}"), false);
            }
            CallEvent::BrainDown { reason } => {
                self.note(t_ms, &format!("the brain is gone: {reason}"), true);
                self.brain_away = Some(clean(&reason));
            }
            CallEvent::BrainUp { .. } => {
                if self.brain_away.take().is_some() {
                    self.note(t_ms, "the brain is back", false);
                }
            }
            CallEvent::JobStarted { label, .. } => {
                self.note(t_ms, &format!("at work: {label}"), false);
            }
            CallEvent::JobFinished { outcome, .. } => {
                self.note(t_ms, &format!("work done: {outcome}"), false);
            }
            CallEvent::Note { text } => self.note(t_ms, &text, false),
            CallEvent::CallClosed(closed) => {
                let how = format!("{} ({})", closed.reason, closed.hangup_by);
                self.note(t_ms, &format!("the call is over: {how}"), false);
                self.ended = Some(clean(&how));
                (self.holder, self.partial, self.operator) = (None, None, false);
                self.why = "the call is over".into();
                self.claims.clear();
                self.stats = Some(closed.stats);
            }
            other => self.of_the_floor(t_ms, other),
        }
    }

    fn of_the_floor(&mut self, t_ms: f64, what: CallEvent) {
        match what {
            CallEvent::ClaimAccepted { claim, source, text, .. } => {
                if self.claims.len() < CLAIMS_MAX {
                    let text = clean(&text);
                    self.claims.push(Claim { id: claim, source, text, since_ms: t_ms });
                }
            }
            CallEvent::Floor { holder, source, why, .. } => {
                self.operator = source == Some(ClaimSource::Operator) || why.contains("takes over");
                self.why = clean(&why);
                self.paused = false;
                self.holder = holder;
            }
            CallEvent::FirstSample { claim } => self.begins(t_ms, &claim),
            CallEvent::Paused { .. } => self.paused = true,
            CallEvent::Resumed { .. } => self.paused = false,
            CallEvent::ClaimEnded { claim, ending, reason, heard_text } => {
                self.ends(t_ms, &claim, ending, reason.as_deref(), &heard_text);
            }
            other => self.of_the_legs(t_ms, other),
        }
    }

    fn of_the_legs(&mut self, t_ms: f64, what: CallEvent) {
        match what {
            CallEvent::LegJoined { leg, label, door, part } => {
                let label = clean(&label);
                self.note(t_ms, &format!("{label} came by {door}, {}", does(part)), false);
                self.level(leg, SILENT, self.sent_dbov, false);
                if let Some(peer) = self.peers.get_mut(&leg) {
                    peer.label = label;
                }
            }
            CallEvent::LegPart { leg, part, muted } => {
                let name = self.peers.get(&leg).map_or("somebody", |it| &it.label);
                let muted = if muted { ", muted" } else { "" };
                self.note(t_ms, &format!("{name} {}{muted}", does(part)), false);
            }
            CallEvent::LegLeft { leg, reason } => {
                let name = self.peers.remove(&leg).map_or_else(|| "somebody".into(), |it| it.label);
                self.note(t_ms, &format!("{name} left: {reason}"), false);
            }
            // For the picture of the call, and not for the moment.
            _ => {}
        }
    }

    fn turn(&mut self, t_ms: f64, label: &str, text: &str, barged_in: bool) {
        self.partial = None;
        let mark = if barged_in { "interrupts" } else { "" };
        self.push(Entry {
            t_ms,
            who: Who::Caller(clean(label)),
            text: clean(text),
            unheard: String::new(),
            mark,
            claim: None,
        });
    }

    /// The first sound of a claim: it is being said.
    fn begins(&mut self, t_ms: f64, claim: &str) {
        let Some(found) = self.claims.iter().find(|it| it.id == claim) else { return };
        let (who, unheard) = (Who::Voice(found.source), found.text.clone());
        if self.entries.iter().any(|it| it.claim.as_deref() == Some(claim)) {
            return;
        }
        let claim = Some(claim.to_owned());
        self.push(Entry { t_ms, who, text: String::new(), unheard, mark: SPEAKING, claim });
    }

    fn ends(&mut self, t_ms: f64, id: &str, ending: EndingKind, why: Option<&str>, heard: &str) {
        let claim = self.claims.iter().position(|it| it.id == id).map(|at| self.claims.remove(at));
        let said = self.entries.iter_mut().rev().find(|it| it.claim.as_deref() == Some(id));
        if let Some(entry) = said {
            let heard = clean(heard);
            entry.unheard = entry.unheard.strip_prefix(&heard).unwrap_or_default().to_owned();
            entry.text = heard;
            entry.mark = mark(ending);
            if ending == EndingKind::Spoken {
                entry.unheard.clear();
            }
        } else if let Some(claim) = claim.filter(|_| ending != EndingKind::Spoken) {
            let because = why.map_or_else(String::new, |why| format!(", {why}"));
            let text = format!("not said ({ending}{because}): {}", claim.text);
            self.note(t_ms, &text, ending == EndingKind::Failed);
        }
    }

    /// What happened.
    pub fn note(&mut self, t_ms: f64, text: &str, bad: bool) {
        self.push(Entry {
            t_ms,
            who: Who::Note { bad },
            text: clean(text),
            unheard: String::new(),
            mark: "",
            claim: None,
        });
    }

    fn push(&mut self, entry: Entry) {
        if self.entries.len() == ENTRIES_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }
}

/// Whose words they are; those of nobody in particular are the first peer's.
fn named(speaker: Option<String>) -> String {
    speaker.map_or_else(|| "caller".to_owned(), |it| clean(&it))
}

/// What somebody does who takes part so.
fn does(part: PartKind) -> &'static str {
    match part {
        PartKind::Caller => "talks",
        PartKind::Listen => "listens",
        PartKind::Whisper => "whispers to the agent",
        PartKind::BargeIn => "speaks to everybody",
        PartKind::Other => "does something new",
    }
}

fn mark(ending: EndingKind) -> &'static str {
    match ending {
        EndingKind::Spoken => "",
        EndingKind::Interrupted => "interrupted",
        EndingKind::Superseded => "superseded",
        EndingKind::Withdrawn => "withdrawn",
        EndingKind::Failed => "failed",
        _ => "cut",
    }
}

/// What is being said.
pub(super) const SPEAKING: &str = "speaking";
/// As the line calls whoever comes by a console.
const OPERATOR: &str = "operator";
/// Below the quantisation of 16 bits.
const SILENT: i8 = -96;
/// Some hours of talk; the whole of it is in the call's record.
const ENTRIES_MAX: usize = 600;
/// As many as a governor holds.
const CLAIMS_MAX: usize = 128;
/// More than a line seats.
const PEERS_MAX: usize = 16;
