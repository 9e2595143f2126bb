//! A call's events, put together: what became of each turn and each claim, and when.

use std::collections::BTreeMap;

use super::event::{CallEvent, ClaimSource, EndingKind, TurnTimes, VerdictKind};
use super::record::CallRecord;

/// A span of the call, in milliseconds since the answer.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Span {
    pub from_ms: f64,
    pub to_ms: f64,
}

impl Span {
    pub(crate) fn new(from_ms: f64, to_ms: f64) -> Self {
        Self { from_ms, to_ms: to_ms.max(from_ms) }
    }
}

/// What the caller said, and the claim that answered first.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Turn {
    pub turn: u64,
    pub text: String,
    /// `None`: who was on the line first.
    pub speaker: Option<String>,
    pub barged_in: bool,
    pub times: TurnTimes,
    /// Index into [`Story::claims`].
    pub reply: Option<usize>,
}

/// A claim's way from its acceptance to its end.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Claim {
    pub id: String,
    pub source: ClaimSource,
    pub turn: Option<u64>,
    pub text: String,
    pub accepted_ms: f64,
    pub granted_ms: Option<f64>,
    pub first_synth_ms: Option<f64>,
    pub first_sample_ms: Option<f64>,
    pub revoked_ms: Option<f64>,
    pub silenced_after_ms: Option<f64>,
    pub ended_ms: Option<f64>,
    pub ending: Option<EndingKind>,
    pub reason: Option<String>,
    pub heard_text: String,
}

/// A time during which the floor was in one hand, or in nobody's.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Tenure {
    pub span: Span,
    pub holder: Option<String>,
    pub source: Option<ClaimSource>,
    pub why: String,
}

/// Possible speech of the caller while the agent spoke, and what it turned out to be.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Overlap {
    pub span: Span,
    pub verdict: Option<VerdictKind>,
}

/// The brain's hands at work.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Job {
    pub label: String,
    pub span: Span,
}

/// A word in the margin: the brain went, a key was pressed.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Remark {
    pub t_ms: f64,
    pub text: String,
    pub bad: bool,
}

/// The whole call, put together.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Story {
    pub end_ms: f64,
    pub turns: Vec<Turn>,
    pub not_understood: usize,
    pub claims: Vec<Claim>,
    pub partials: Vec<(f64, String)>,
    /// When the operator began to speak, and what everybody heard.
    pub operator: Vec<(f64, String)>,
    pub voiced: Vec<Span>,
    pub paused: Vec<Span>,
    pub overlaps: Vec<Overlap>,
    pub tenures: Vec<Tenure>,
    pub jobs: Vec<Job>,
    pub remarks: Vec<Remark>,
    pub brain_losses: usize,
}

impl Story {
    pub(crate) fn of(record: &CallRecord) -> Self {
        let end_ms = record.end_ms().max(1.0);
        let mut open = Open::default();
        let mut story = Story { end_ms, ..Story::default() };
        for event in &record.events {
            story.tell(&mut open, event.t_ms, &event.what);
        }
        story.close(open);
        story.find_replies();
        story
    }

    /// Whose voice the line had at a moment.
    pub(crate) fn source_at(&self, t_ms: f64) -> Option<ClaimSource> {
        let index = self.tenures.partition_point(|tenure| tenure.span.from_ms <= t_ms);
        self.tenures.get(index.checked_sub(1)?).filter(|tenure| t_ms < tenure.span.to_ms)?.source
    }

    fn tell(&mut self, open: &mut Open, t_ms: f64, what: &CallEvent) {
        match what {
            CallEvent::CallerVad { on } => toggle(&mut open.voice, &mut self.voiced, *on, t_ms),
            CallEvent::Paused { .. } => toggle(&mut open.pause, &mut self.paused, true, t_ms),
            CallEvent::Resumed { .. } => toggle(&mut open.pause, &mut self.paused, false, t_ms),
            CallEvent::Onset => open.onset = Some(t_ms),
            CallEvent::Verdict { verdict, .. } => self.decide(open, t_ms, Some(*verdict)),
            CallEvent::Partial { text, .. } => self.partials.push((t_ms, text.clone())),
            CallEvent::CallerTurn { turn, text, barged_in, times, speaker } => {
                self.turns.push(Turn {
                    turn: *turn,
                    text: text.clone(),
                    speaker: speaker.clone(),
                    barged_in: *barged_in,
                    times: *times,
                    reply: None,
                })
            }
            CallEvent::NotUnderstood { .. } => self.not_understood += 1,
            CallEvent::Floor { holder, source, why, .. } => {
                self.hand_over(open, t_ms, holder.as_deref(), *source, why);
            }
            CallEvent::JobStarted { job, label } => {
                open.jobs.insert(job.clone(), (t_ms, label.clone()));
            }
            CallEvent::JobFinished { job, outcome } => self.finish_job(open, t_ms, job, outcome),
            other => self.tell_of_claims_and_brain(open, t_ms, other),
        }
    }

    fn tell_of_claims_and_brain(&mut self, open: &mut Open, t_ms: f64, what: &CallEvent) {
        match what {
            CallEvent::ClaimAccepted { claim, source, turn, text } => {
                open.claims.insert(claim.clone(), self.claims.len());
                self.claims.push(Claim::accepted(t_ms, claim, *source, *turn, text));
            }
            CallEvent::FirstSynth { claim } => {
                self.on(open, claim, |claim| _ = claim.first_synth_ms.get_or_insert(t_ms));
            }
            CallEvent::FirstSample { claim } => {
                self.on(open, claim, |claim| _ = claim.first_sample_ms.get_or_insert(t_ms));
            }
            CallEvent::Revoked { claim, .. } => {
                self.on(open, claim, |claim| claim.revoked_ms = Some(t_ms));
            }
            CallEvent::Silenced { claim, revoke_to_silence_ms } => {
                self.on(open, claim, |claim| claim.silenced_after_ms = Some(*revoke_to_silence_ms));
            }
            CallEvent::ClaimEnded { claim, ending, reason, heard_text } => {
                toggle(&mut open.pause, &mut self.paused, false, t_ms);
                self.on(open, claim, |claim| {
                    claim.ended_ms = Some(t_ms);
                    claim.ending = Some(*ending);
                    claim.reason.clone_from(reason);
                    claim.heard_text.clone_from(heard_text);
                });
            }
            CallEvent::BrainUp { .. } if open.brain_lost => {
                self.remark(t_ms, "brain is back", false)
            }
            CallEvent::BrainDown { reason } => {
                open.brain_lost = true;
                self.brain_losses += 1;
                self.remark(t_ms, &format!("brain gone: {reason}"), true);
            }
            CallEvent::Dtmf { digit } => self.remark(t_ms, &format!("key {digit}"), false),
            CallEvent::Note { text } => self.remark(t_ms, text, false),
            other => self.tell_of_legs(t_ms, other),
        }
    }

    fn tell_of_legs(&mut self, t_ms: f64, what: &CallEvent) {
        match what {
            CallEvent::LegJoined { leg, label, door, part } => {
                self.remark(t_ms, &format!("{label} joins as {part} ({door}, leg {leg})"), false);
            }
            CallEvent::LegPart { leg, part, muted } => {
                let muted = if *muted { ", muted" } else { "" };
                self.remark(t_ms, &format!("leg {leg}: {part}{muted}"), false);
            }
            CallEvent::LegLeft { leg, reason } => {
                self.remark(t_ms, &format!("leg {leg} leaves: {reason}"), false);
            }
            CallEvent::OperatorSaid { text, speech_start_ms, .. } => {
                self.operator.push((*speech_start_ms, text.clone()));
                self.remark(*speech_start_ms, &format!("operator: “{text}”"), false);
            }
            _ => {}
        }
    }

    fn on(&mut self, open: &Open, id: &str, change: impl FnOnce(&mut Claim)) {
        if let Some(index) = open.claims.get(id) {
            change(&mut self.claims[*index]);
        }
    }

    fn remark(&mut self, t_ms: f64, text: &str, bad: bool) {
        self.remarks.push(Remark { t_ms, text: text.to_owned(), bad });
    }

    fn decide(&mut self, open: &mut Open, t_ms: f64, verdict: Option<VerdictKind>) {
        if let Some(onset) = open.onset.take() {
            self.overlaps.push(Overlap { span: Span::new(onset, t_ms), verdict });
        }
    }

    fn hand_over(
        &mut self,
        open: &mut Open,
        t_ms: f64,
        holder: Option<&str>,
        source: Option<ClaimSource>,
        why: &str,
    ) {
        self.end_tenure(t_ms);
        if let Some(id) = holder {
            self.on(open, id, |claim| _ = claim.granted_ms.get_or_insert(t_ms));
        }
        self.tenures.push(Tenure {
            span: Span::new(t_ms, self.end_ms),
            holder: holder.map(str::to_owned),
            source,
            why: why.to_owned(),
        });
    }

    fn end_tenure(&mut self, t_ms: f64) {
        if let Some(last) = self.tenures.last_mut() {
            last.span = Span::new(last.span.from_ms, t_ms);
        }
    }

    fn finish_job(&mut self, open: &mut Open, t_ms: f64, job: &str, outcome: &str) {
        if let Some((from, label)) = open.jobs.remove(job) {
            let label = if outcome.is_empty() { label } else { format!("{label}: {outcome}") };
            self.jobs.push(Job { label, span: Span::new(from, t_ms) });
        }
    }

    /// What was still open when the record ended ends with it.
    fn close(&mut self, mut open: Open) {
        let end_ms = self.end_ms;
        toggle(&mut open.voice, &mut self.voiced, false, end_ms);
        toggle(&mut open.pause, &mut self.paused, false, end_ms);
        self.decide(&mut open, end_ms, None);
        for (_, (from, label)) in open.jobs {
            self.jobs.push(Job { label, span: Span::new(from, end_ms) });
        }
        self.jobs.sort_by(|a, b| a.span.from_ms.total_cmp(&b.span.from_ms));
    }

    /// A turn's reply is the claim for it that was heard first.
    fn find_replies(&mut self) {
        for turn in &mut self.turns {
            let answers = self.claims.iter().enumerate();
            let answers = answers.filter(|(_, claim)| claim.turn == Some(turn.turn));
            let heard = answers.filter_map(|(index, claim)| Some((index, claim.first_sample_ms?)));
            turn.reply = heard.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(index, _)| index);
        }
    }
}

impl Claim {
    fn accepted(t_ms: f64, id: &str, source: ClaimSource, turn: Option<u64>, text: &str) -> Self {
        Self {
            id: id.to_owned(),
            source,
            turn,
            text: text.to_owned(),
            accepted_ms: t_ms,
            granted_ms: None,
            first_synth_ms: None,
            first_sample_ms: None,
            revoked_ms: None,
            silenced_after_ms: None,
            ended_ms: None,
            ending: None,
            reason: None,
            heard_text: String::new(),
        }
    }
}

/// What has begun and not ended while the events are gone through.
#[derive(Default)]
struct Open {
    voice: Option<f64>,
    pause: Option<f64>,
    onset: Option<f64>,
    jobs: BTreeMap<String, (f64, String)>,
    claims: BTreeMap<String, usize>,
    brain_lost: bool,
}

fn toggle(since: &mut Option<f64>, spans: &mut Vec<Span>, on: bool, t_ms: f64) {
    match (on, since.take()) {
        (true, before) => *since = before.or(Some(t_ms)),
        (false, Some(from)) => spans.push(Span::new(from, t_ms)),
        (false, None) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn the_reply_to_a_turn_is_what_was_heard_first() {
        let story = Story::of(&sample::record());
        let backup = story.turns.iter().find(|turn| turn.text == "run the backup").unwrap();
        let reply = &story.claims[backup.reply.unwrap()];
        assert_eq!(reply.source, ClaimSource::Responder);
    }

    #[test]
    fn what_is_open_at_the_end_of_a_torn_record_ends_with_it() {
        let mut record = sample::record();
        record.events.truncate(record.events.len() / 2);
        let story = Story::of(&record);
        let end = record.end_ms();
        assert!(story.tenures.iter().all(|tenure| tenure.span.to_ms <= end));
        assert!(story.voiced.iter().all(|span| span.to_ms <= end));
    }

    #[test]
    fn the_floor_is_in_one_hand_at_any_time() {
        let story = Story::of(&sample::record());
        assert!(story.tenures.windows(2).all(|two| two[0].span.to_ms <= two[1].span.from_ms));
    }

    #[test]
    fn a_voice_that_is_told_twice_to_be_on_is_on_once() {
        let (mut since, mut spans) = (None, Vec::new());
        for (on, t_ms) in [(true, 1.0), (true, 2.0), (false, 3.0), (false, 4.0)] {
            toggle(&mut since, &mut spans, on, t_ms);
        }
        assert_eq!(spans, [Span::new(1.0, 3.0)]);
    }
}
