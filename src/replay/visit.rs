//! Where words and sound stand in what the governor is told and says. Every kind of input and
//! output is named here, so that one that is added cannot slip into a log with its words.

use std::sync::Arc;

use media_core::HearingEvent;
use media_core::hearing::{EarDecision, EarFacts, EarStep};
use queue_governor::{
    Book, Briefing, Claim, Content, Ending, FailReason, GovernorConfig, Input, Output, Record,
};

/// What is done to them.
pub(super) trait Visitor {
    /// Words that somebody said or is to say, or that name what is said.
    fn words(&mut self, _words: &mut String) {}
    /// What an engine said of its failure: it may quote words, and decides nothing.
    fn reason(&mut self, _reason: &mut String) {}
    /// Ready audio, which is decided on by its length alone.
    fn audio(&mut self, _samples: &mut Arc<[i16]>) {}
}

pub(super) fn config(config: &mut GovernorConfig, visitor: &mut impl Visitor) {
    if let Some(filler) = &mut config.filler {
        content(filler, visitor);
    }
}

pub(super) fn input(input: &mut Input, visitor: &mut impl Visitor) {
    match input {
        Input::Submit(claim) => self::claim(claim, visitor),
        Input::CarryOver(unfinished) => self::claim(&mut unfinished.claim, visitor),
        Input::SpeechFailed { reason, .. } => visitor.reason(reason),
        Input::OperatorWhisper(text) => visitor.words(text),
        Input::Withdraw(_)
        | Input::CallerOnset
        | Input::HoldExternal(_)
        | Input::CallerVerdict(_)
        | Input::CallerTurn(_)
        | Input::CallerSilent
        | Input::SpeechChunk { .. }
        | Input::SpeechDone { .. }
        | Input::FirstSample { .. }
        | Input::Played { .. }
        | Input::Drained { .. }
        | Input::Silenced { .. }
        | Input::LineRate(_)
        | Input::OperatorTake
        | Input::OperatorRelease
        | Input::LineClosed
        | Input::Timeout => {}
    }
}

pub(super) fn book(book: &mut Book, visitor: &mut impl Visitor) {
    for unfinished in book.unfinished_mut() {
        claim(&mut unfinished.claim, visitor);
    }
    book.said_words_mut().for_each(|words| visitor.words(words));
}

pub(super) fn output(output: &mut Output, visitor: &mut impl Visitor) {
    match output {
        Output::Journal(record) => self::record(record, visitor),
        Output::Grant { speech, .. } => content(speech, visitor),
        Output::Ended { ending, heard, .. } => {
            self::ending(ending, visitor);
            visitor.words(&mut heard.text);
        }
        Output::Brief(Briefing::Whisper(text) | Briefing::OperatorSaid(text)) => {
            visitor.words(text);
        }
        Output::Brief(Briefing::OperatorTook | Briefing::OperatorReleased)
        | Output::WhisperRefused(_)
        | Output::Accepted(_)
        | Output::Revoke(_)
        | Output::Pause(_)
        | Output::Resume(_)
        | Output::Carried(_)
        | Output::FloorChanged { .. } => {}
    }
}

pub(super) fn step(step: &mut EarStep, visitor: &mut impl Visitor) {
    if let EarFacts::Decoded { understood: Some(understood), .. } = &mut step.input.facts {
        visitor.words(&mut understood.text);
    }
    for decision in &mut step.decided {
        match decision {
            EarDecision::Event(
                HearingEvent::Partial { text, .. } | HearingEvent::Final { text, .. },
            ) => visitor.words(text),
            EarDecision::Event(
                HearingEvent::Onset { .. }
                | HearingEvent::Verdict { .. }
                | HearingEvent::NotUnderstood { .. },
            )
            | EarDecision::Decode { .. } => {}
        }
    }
}

fn record(record: &mut Record, visitor: &mut impl Visitor) {
    match record {
        Record::Accepted { claim, .. } => self::claim(claim, visitor),
        Record::Ended { ending, heard, .. } => {
            self::ending(ending, visitor);
            visitor.words(&mut heard.text);
        }
        Record::Amended { also_keys, .. } => {
            also_keys.iter_mut().for_each(|key| visitor.words(key));
        }
        Record::Heard { .. } => {}
    }
}

fn claim(claim: &mut Claim, visitor: &mut impl Visitor) {
    content(&mut claim.content, visitor);
    let names = [&mut claim.dedup_key, &mut claim.coalesce, &mut claim.to].into_iter().flatten();
    names.chain(&mut claim.also_keys).for_each(|name| visitor.words(name));
}

fn content(content: &mut Content, visitor: &mut impl Visitor) {
    match content {
        Content::Text(text) => visitor.words(text),
        Content::Audio { label, samples, .. } => {
            visitor.words(label);
            visitor.audio(samples);
        }
    }
}

fn ending(ending: &mut Ending, visitor: &mut impl Visitor) {
    if let Ending::Failed(FailReason::Synthesis(reason)) = ending {
        visitor.reason(reason);
    }
}

/// Takes out what a log never holds: an engine's own words, and samples. Of those the lengths
/// remain.
#[derive(Default)]
pub(super) struct Strip {
    pub(super) lengths: Vec<usize>,
}

impl Visitor for Strip {
    fn reason(&mut self, reason: &mut String) {
        reason.clear();
    }

    fn audio(&mut self, samples: &mut Arc<[i16]>) {
        self.lengths.push(samples.len());
        *samples = Arc::from([]);
    }
}

/// Puts silence of the lengths in again.
pub(super) struct Fill<'a> {
    pub(super) lengths: &'a [usize],
}

impl Visitor for Fill<'_> {
    fn audio(&mut self, samples: &mut Arc<[i16]>) {
        if let Some((first, rest)) = self.lengths.split_first() {
            *samples = vec![0; (*first).min(SAMPLES_MAX)].into();
            self.lengths = rest;
        }
    }
}

/// Ten minutes at 48 kHz, twice what a claim may have by default: a file is not to be believed.
const SAMPLES_MAX: usize = 600 * 48_000;

impl Visitor for super::Redactor {
    fn words(&mut self, words: &mut String) {
        *words = self.text(words);
    }
}
