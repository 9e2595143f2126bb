//! A line in virtual time: recordings mixed into ticks, a recogniser that answers late, and a
//! record of what the ear said.
#![allow(dead_code)]

use media_core::codec::Decoder;
use media_core::hearing::{DecodeJobId, Ear, EarConfig, EarOutput, EarStep, EarshotVad};
use media_core::plugin::{SttError, Transcript};
use media_core::{Codec, EndReason, HearingEvent, MonoTime, UtteranceTimes, Verdict, level};

pub const TICK_MS: u64 = 20;
pub const RATE: usize = 8_000;

/// A recording of `tests/data` as linear audio at 8 kHz.
pub fn recording(name: &str) -> Vec<i16> {
    let path = format!("{}/tests/data/{name}.wav", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).expect("the recording is there");
    let mut at = 12;
    while at + 8 <= bytes.len() {
        let length = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
        let body = &bytes[at + 8..(at + 8 + length).min(bytes.len())];
        if &bytes[at..at + 4] == b"data" {
            let mut linear = vec![0; body.len()];
            Decoder::new(Codec::Pcmu).decode(body, &mut linear);
            return linear;
        }
        at += 8 + length + length % 2;
    }
    panic!("{path} has no data chunk");
}

pub fn silence(ms: u64) -> Vec<i16> {
    vec![0; ms as usize * RATE / 1_000]
}

/// Background of about `dbov`, the same for the same seed.
pub fn noise(ms: u64, dbov: f32, mut seed: u32) -> Vec<i16> {
    let amplitude = 32_768.0 * 10f32.powf(dbov / 20.0) * 3f32.sqrt();
    (0..ms as usize * RATE / 1_000)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (((seed >> 8) as f32 / 8_388_608.0 - 1.0) * amplitude) as i16
        })
        .collect()
}

/// `samples` at the level `dbov`, measured over its louder half.
pub fn at_level(samples: &[i16], dbov: f32) -> Vec<i16> {
    let mut powers: Vec<f32> = samples.chunks(160).map(level::power).collect();
    powers.sort_by(f32::total_cmp);
    let loud = &powers[powers.len() / 2..];
    let now = level::power_to_dbov(loud.iter().sum::<f32>() / loud.len() as f32);
    scaled(samples, dbov - now)
}

pub fn scaled(samples: &[i16], db: f32) -> Vec<i16> {
    let gain = 10f32.powf(db / 20.0);
    samples.iter().map(|&s| (f32::from(s) * gain).clamp(-32_768.0, 32_767.0) as i16).collect()
}

/// Adds `sound` to `track`, beginning at `at_ms`; the track grows as needed.
pub fn mix(track: &mut Vec<i16>, at_ms: u64, sound: &[i16]) {
    let begin = at_ms as usize * RATE / 1_000;
    if track.len() < begin + sound.len() {
        track.resize(begin + sound.len(), 0);
    }
    for (to, from) in track[begin..].iter_mut().zip(sound) {
        *to = to.saturating_add(*from);
    }
}

/// First and last moment of speech in a recording, in ms, by its energy: the reference that does
/// not depend on any detector.
pub fn spoken_span_ms(samples: &[i16]) -> (i64, i64) {
    let levels: Vec<f32> = samples.chunks_exact(80).map(level::dbov).collect();
    let mut sorted = levels.clone();
    sorted.sort_by(f32::total_cmp);
    let noise = sorted[sorted.len() / 20].max(-75.0);
    let threshold = (noise + 8.0).max(sorted[sorted.len() - 1] - 30.0);
    let first = levels.iter().position(|&l| l > threshold).unwrap_or(0) as i64 * 10;
    let last = levels.iter().rposition(|&l| l > threshold).unwrap_or(0) as i64 * 10 + 10;
    (first, last)
}

/// What the ear said, with the time at which it said so, in ms.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    Onset { began_ms: i64 },
    Verdict(Verdict),
    Partial(String),
    Final { text: String, times: UtteranceTimes, reason: EndReason },
    NotUnderstood,
    Decode { ms: u64 },
}

/// Answers decode jobs: how much sound in, text or failure out. `None` never answers.
pub type Recogniser = Box<dyn FnMut(&[i16]) -> Option<Result<String, SttError>>>;

pub fn always(text: &'static str) -> Recogniser {
    Box::new(move |_| Some(Ok(text.to_owned())))
}

/// Answers the first decode with the first text, and so on; the last one for ever.
pub fn in_turn(texts: &'static [&'static str]) -> Recogniser {
    let mut index = 0;
    Box::new(move |_| {
        let text = texts[index.min(texts.len() - 1)];
        index += 1;
        Some(Ok(text.to_owned()))
    })
}

pub struct Line {
    pub ear: Ear,
    pub decode_ms: u64,
    pub confidence: Option<f32>,
    pub said: Vec<(u64, Said)>,
    /// What the ear decided on, and what it decided.
    pub steps: Vec<EarStep>,
    recogniser: Recogniser,
    pending: Option<(u64, DecodeJobId, Result<String, SttError>)>,
    now_ms: u64,
    /// Longest utterance that was offered for decoding.
    pub longest_decode_ms: u64,
}

impl Line {
    pub fn new(recogniser: Recogniser) -> Self {
        Self::with_config(EarConfig::default(), recogniser)
    }

    pub fn with_config(config: EarConfig, recogniser: Recogniser) -> Self {
        Self {
            ear: Ear::new(EarConfig { traced: true, ..config }, Box::new(EarshotVad::new())),
            decode_ms: 25,
            confidence: None,
            said: Vec::new(),
            steps: Vec::new(),
            recogniser,
            pending: None,
            now_ms: 0,
            longest_decode_ms: 0,
        }
    }

    /// Plays `heard` to the ear, with `sent` as what we transmitted. `speaking` tells for a time
    /// in ms whether a voice of ours has the floor.
    pub fn run(&mut self, heard: &[i16], sent: &[i16], speaking: impl Fn(u64) -> bool) {
        let tick = RATE * TICK_MS as usize / 1_000;
        for (index, frame) in heard.chunks_exact(tick).enumerate() {
            self.now_ms += TICK_MS;
            self.answer_when_due();
            let sent = sent.get(index * tick..).map_or(&[][..], |s| &s[..tick.min(s.len())]);
            let at = MonoTime::from_millis(self.now_ms);
            self.ear.push(at, frame, sent, speaking(self.now_ms));
            self.drain(self.now_ms);
        }
    }

    fn answer_when_due(&mut self) {
        if let Some((due, job, result)) = self.pending.take_if(|(due, ..)| *due <= self.now_ms) {
            let result = result.map(|text| Transcript { text, confidence: self.confidence });
            self.ear.decoded(MonoTime::from_millis(due), job, result);
            self.drain(due);
        }
    }

    fn drain(&mut self, at: u64) {
        let input = self.ear.take_note().expect("every step leaves its note");
        let outputs: Vec<EarOutput> = std::iter::from_fn(|| self.ear.poll_output()).collect();
        self.steps.push(EarStep { input, decided: outputs.iter().map(Into::into).collect() });
        for output in outputs {
            let said = match output {
                EarOutput::Decode { job, samples } => {
                    let ms = samples.len() as u64 / 16;
                    self.longest_decode_ms = self.longest_decode_ms.max(ms);
                    self.pending = (self.recogniser)(&samples)
                        .map(|result| (at + self.decode_ms, job, result));
                    Said::Decode { ms }
                }
                EarOutput::Event(HearingEvent::Onset { at }) => {
                    Said::Onset { began_ms: at.as_micros() as i64 / 1_000 }
                }
                EarOutput::Event(HearingEvent::Verdict { verdict, .. }) => Said::Verdict(verdict),
                EarOutput::Event(HearingEvent::Partial { text, .. }) => Said::Partial(text),
                EarOutput::Event(HearingEvent::Final { text, times, reason }) => {
                    Said::Final { text, times, reason }
                }
                EarOutput::Event(HearingEvent::NotUnderstood { .. }) => Said::NotUnderstood,
            };
            self.said.push((at, said));
        }
    }

    pub fn verdicts(&self) -> Vec<Verdict> {
        let verdict = |(_, said): &(u64, Said)| match said {
            Said::Verdict(v) => Some(*v),
            _ => None,
        };
        self.said.iter().filter_map(verdict).collect()
    }

    pub fn finals(&self) -> Vec<(u64, String, UtteranceTimes, EndReason)> {
        let last = |(at, said): &(u64, Said)| match said {
            Said::Final { text, times, reason } => Some((*at, text.clone(), *times, *reason)),
            _ => None,
        };
        self.said.iter().filter_map(last).collect()
    }

    pub fn onsets(&self) -> Vec<(u64, i64)> {
        let onset = |(at, said): &(u64, Said)| match said {
            Said::Onset { began_ms } => Some((*at, *began_ms)),
            _ => None,
        };
        self.said.iter().filter_map(onset).collect()
    }

    /// Every onset has exactly one verdict after it, in time, and before the next onset.
    pub fn check_verdicts(&self, decide_ms: u64) {
        let mut open: Option<u64> = None;
        for (at, said) in &self.said {
            match said {
                Said::Onset { .. } => {
                    assert!(open.is_none(), "an onset at {at} while one waits: {:?}", self.said);
                    open = Some(*at);
                }
                Said::Verdict(_) => {
                    let since = open.take().expect("a verdict has an onset");
                    assert!(at - since <= decide_ms, "verdict after {} ms", at - since);
                }
                _ => {}
            }
        }
        assert!(open.is_none(), "an onset without a verdict: {:?}", self.said);
    }
}
