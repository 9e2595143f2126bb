//! A call as text: `transcript.jsonl`, one utterance a line.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::{ClaimSource, EndingKind};
use super::story::Story;

/// What was said, inside a call's folder.
pub const TRANSCRIPT_FILE: &str = "transcript.jsonl";

/// One utterance.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "who", rename_all = "snake_case")]
pub enum Utterance {
    /// The caller's.
    Caller {
        /// When it began.
        t_ms: f64,
        /// Number of the turn.
        turn: u64,
        /// What was understood.
        text: String,
        /// Whether it interrupted the line.
        interrupts: bool,
        /// Who said it; absent: who was on the line first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        speaker: Option<String>,
    },
    /// The operator's, by the operator's own voice.
    Operator {
        /// When it began.
        t_ms: f64,
        /// What was understood.
        text: String,
    },
    /// The line's.
    Line {
        /// When its first sample left.
        t_ms: f64,
        /// Who spoke.
        source: ClaimSource,
        /// The turn that it answered.
        turn: Option<u64>,
        /// What was to be said.
        text: String,
        /// What the caller heard of it.
        heard: String,
        /// How it ended.
        ending: Option<EndingKind>,
    },
}

impl Utterance {
    fn t_ms(&self) -> f64 {
        match self {
            Utterance::Caller { t_ms, .. }
            | Utterance::Operator { t_ms, .. }
            | Utterance::Line { t_ms, .. } => *t_ms,
        }
    }
}

/// What was said, in the order of time. A claim that was never heard is not in it.
pub(crate) fn of(story: &Story) -> Vec<Utterance> {
    let caller = story.turns.iter().map(|turn| Utterance::Caller {
        t_ms: turn.times.speech_start_ms,
        turn: turn.turn,
        text: turn.text.clone(),
        interrupts: turn.barged_in,
        speaker: turn.speaker.clone(),
    });
    let operator = story
        .operator
        .iter()
        .map(|(t_ms, text)| Utterance::Operator { t_ms: *t_ms, text: text.clone() });
    let line = story.claims.iter().filter_map(|claim| {
        Some(Utterance::Line {
            t_ms: claim.first_sample_ms?,
            source: claim.source,
            turn: claim.turn,
            text: claim.text.clone(),
            heard: claim.heard_text.clone(),
            ending: claim.ending,
        })
    });
    let mut all: Vec<Utterance> = caller.chain(operator).chain(line).collect();
    all.sort_by(|a, b| a.t_ms().total_cmp(&b.t_ms()));
    all
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn the_transcript_has_what_was_heard_and_not_what_was_meant() {
        let all = of(&Story::of(&sample::record()));
        let report = all.iter().find_map(|said| match said {
            Utterance::Line { source: ClaimSource::Worker, heard, text, .. } => Some((heard, text)),
            _ => None,
        });
        let (heard, text) = report.unwrap();
        assert!(text.starts_with(heard.as_str()) && heard.len() < text.len());
        assert!(matches!(&all[1], Utterance::Caller { text, .. } if text == "what time is it"));
    }
}
