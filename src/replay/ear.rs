//! The ear's steps in a log: a row of whole numbers for each tick of sound, because there are fifty
//! of them a second, and words for the few others.

use media_core::HearingEvent;
use media_core::MonoTime;
use media_core::hearing::{
    Completeness, DecodeJobId, EarDecision, EarFacts, EarInput, EarStep, Reaction, SoundFrame,
    Understanding,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A run of steps. Times count from the step before, the first from `at`.
#[derive(Serialize, Deserialize)]
struct Run {
    at: u64,
    steps: Vec<Item>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Item {
    /// A tick of sound: microseconds since the step before; whether our voice explains it (a
    /// [`flag`]); whether we spoke; samples; then for each frame its samples, probability, level,
    /// pitch, and whether it is echo (a [`flag`]).
    Sound(Vec<i64>),
    Other(Other),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Other {
    /// The recogniser has answered.
    Decoded {
        after: i64,
        job: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        explained: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        understood: Option<Understood>,
    },
    /// What the step before this line decided.
    Decided(Vec<Decision>),
}

#[derive(Serialize, Deserialize)]
struct Understood {
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confidence: Option<f32>,
    completeness: Completeness,
    reaction: Reaction,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Decision {
    Event(HearingEvent),
    Decode { job: u64, samples: usize },
}

pub(super) fn serialize<S: Serializer>(
    steps: &[EarStep],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let at = steps.first().map_or(0, |step| step.input.at.as_micros());
    let mut before = at;
    let mut items = Vec::with_capacity(steps.len());
    for EarStep { input, decided } in steps {
        let now = input.at.as_micros();
        let after = now.wrapping_sub(before) as i64;
        before = now;
        items.push(written(input, after));
        if !decided.is_empty() {
            let decided = decided.iter().map(Decision::from).collect();
            items.push(Item::Other(Other::Decided(decided)));
        }
    }
    Run { at, steps: items }.serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<EarStep>, D::Error> {
    let run = Run::deserialize(deserializer)?;
    let mut before = run.at;
    let mut steps: Vec<EarStep> = Vec::with_capacity(run.steps.len());
    for item in run.steps {
        let input = match item {
            Item::Sound(row) => sound(&row, &mut before)
                .ok_or_else(|| de::Error::custom("a row of sound that has no meaning"))?,
            Item::Other(Other::Decoded { after, job, explained, understood }) => {
                let understood = understood.map(Understanding::from);
                let facts = EarFacts::Decoded { job: DecodeJobId(job), understood };
                EarInput { at: later(&mut before, after), facts, explained }
            }
            Item::Other(Other::Decided(decided)) => {
                let step = steps.last_mut();
                let step = step.ok_or_else(|| de::Error::custom("a decision before any step"))?;
                step.decided = decided.into_iter().map(EarDecision::from).collect();
                continue;
            }
        };
        steps.push(EarStep { input, decided: Vec::new() });
    }
    Ok(steps)
}

fn written(input: &EarInput, after: i64) -> Item {
    match &input.facts {
        EarFacts::Sound { samples, agent_speaking, frames } => {
            let explained = flag(input.explained);
            let mut row = vec![after, explained, i64::from(*agent_speaking), i64::from(*samples)];
            row.extend(frames.iter().flat_map(|frame| {
                let SoundFrame { samples, probability, level, pitch, echo } = *frame;
                [samples.into(), probability.into(), level.into(), pitch.into(), flag(echo)]
            }));
            Item::Sound(row)
        }
        EarFacts::Decoded { job, understood } => Item::Other(Other::Decoded {
            after,
            job: job.0,
            explained: input.explained,
            understood: understood.as_ref().map(Understood::from),
        }),
    }
}

fn sound(row: &[i64], before: &mut u64) -> Option<EarInput> {
    let (head, rest) = row.split_first_chunk::<4>()?;
    let (rows, left_over) = rest.as_chunks::<5>();
    if !left_over.is_empty() {
        return None;
    }
    let frames: Option<Vec<SoundFrame>> = rows.iter().map(frame).collect();
    let [after, explained, agent_speaking, samples] = *head;
    let facts = EarFacts::Sound {
        samples: samples.try_into().ok()?,
        agent_speaking: agent_speaking != 0,
        frames: frames?,
    };
    Some(EarInput { at: later(before, after), facts, explained: unflag(explained) })
}

fn frame(row: &[i64; 5]) -> Option<SoundFrame> {
    let [samples, probability, level, pitch, echo] = *row;
    Some(SoundFrame {
        samples: samples.try_into().ok()?,
        probability: probability.try_into().ok()?,
        level: level.try_into().ok()?,
        pitch: pitch.try_into().ok()?,
        echo: unflag(echo),
    })
}

fn later(before: &mut u64, after: i64) -> MonoTime {
    *before = before.wrapping_add_signed(after);
    MonoTime::from_micros(*before)
}

/// 0: was not asked; 1: no; 2: yes.
fn flag(answer: Option<bool>) -> i64 {
    answer.map_or(0, |yes| 1 + i64::from(yes))
}

fn unflag(flag: i64) -> Option<bool> {
    (flag > 0).then_some(flag == 2)
}

impl From<&Understanding> for Understood {
    fn from(said: &Understanding) -> Self {
        let Understanding { text, confidence, completeness, reaction } = said.clone();
        Self { text, confidence, completeness, reaction }
    }
}

impl From<Understood> for Understanding {
    fn from(said: Understood) -> Self {
        let Understood { text, confidence, completeness, reaction } = said;
        Self { text, confidence, completeness, reaction }
    }
}

impl From<&EarDecision> for Decision {
    fn from(decision: &EarDecision) -> Self {
        match decision {
            EarDecision::Event(event) => Self::Event(event.clone()),
            EarDecision::Decode { job, samples } => Self::Decode { job: job.0, samples: *samples },
        }
    }
}

impl From<Decision> for EarDecision {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Event(event) => Self::Event(event),
            Decision::Decode { job, samples } => Self::Decode { job: DecodeJobId(job), samples },
        }
    }
}
