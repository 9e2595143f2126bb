//! The audio side: one current generation, a frame every tick, reports with a delay.

use std::collections::VecDeque;
use std::time::Duration;

use media_core::{Generation, MonoTime};
use queue_governor::{ClaimId, Content, Input, LedgerWord, Voice};

use super::voice::{Clause, clauses};
use super::{PER_MS, Tts};

const FRAME: u64 = 20 * PER_MS;

/// A frame of speech that went out.
#[derive(Clone, Debug)]
pub struct Frame {
    pub at: MonoTime,
    pub claim: ClaimId,
}

/// A word that was heard.
#[derive(Clone, Debug)]
pub struct Word {
    pub at: MonoTime,
    pub claim: ClaimId,
    pub word: String,
}

/// The line and everything that it sent.
#[derive(Debug)]
pub struct Line {
    pub tts: Tts,
    pub fallback: Tts,
    /// How late reports are.
    pub report_delay: Duration,
    /// Whether the confirmation of a revoke gets lost.
    pub loses_silenced: bool,
    /// The recording, speech only.
    pub wire: Vec<Frame>,
    /// Words that were heard, in order.
    pub words_sent: Vec<Word>,
    playing: Option<Playing>,
    reports: VecDeque<(MonoTime, Input)>,
}

#[derive(Debug)]
struct Playing {
    claim: ClaimId,
    generation: Generation,
    text: String,
    to_make: VecDeque<(MonoTime, Clause)>,
    complete: bool,
    words: VecDeque<LedgerWord>,
    made: u64,
    sent: u64,
    reported_at: MonoTime,
    paused: bool,
    done: bool,
}

impl Default for Line {
    fn default() -> Self {
        Line {
            tts: Tts::Speaks { after_ms: 60 },
            fallback: Tts::Speaks { after_ms: 20 },
            report_delay: Duration::from_millis(2),
            loses_silenced: false,
            wire: Vec::new(),
            words_sent: Vec::new(),
            playing: None,
            reports: VecDeque::new(),
        }
    }
}

impl Line {
    pub fn grant(
        &mut self,
        now: MonoTime,
        claim: ClaimId,
        generation: Generation,
        speech: &Content,
        voice: Voice,
    ) {
        assert!(self.playing.is_none(), "a grant while another generation is current");
        let tts = if voice == Voice::Own { self.tts } else { self.fallback };
        let (text, mut made) = match speech {
            Content::Text(text) => (text.clone(), clauses(text)),
            Content::Audio { samples, rate, .. } => {
                let samples = samples.len() as u64 * PER_MS * 1_000 / u64::from(rate.hz());
                (String::new(), vec![Clause { samples, words: Vec::new() }])
            }
        };
        let after_ms = if let Tts::Speaks { after_ms } = tts { after_ms } else { 60 };
        match tts {
            Tts::Hangs => made.clear(),
            Tts::HangsAfterOneClause => made.truncate(1),
            Tts::Fails => {
                made.clear();
                let reason = "no voice".to_owned();
                self.report(now, Input::SpeechFailed { generation, reason });
            }
            Tts::SpeaksWithoutWords => made.iter_mut().for_each(|clause| clause.words.clear()),
            Tts::Speaks { .. } => {}
        }
        let first = now + Duration::from_millis(after_ms);
        let due = |n: usize| first + Duration::from_millis(20 * n as u64);
        self.playing = Some(Playing {
            claim,
            generation,
            text,
            to_make: made.into_iter().enumerate().map(|(n, clause)| (due(n), clause)).collect(),
            complete: matches!(tts, Tts::Speaks { .. } | Tts::SpeaksWithoutWords),
            words: VecDeque::new(),
            made: 0,
            sent: 0,
            reported_at: now,
            paused: false,
            done: false,
        });
    }

    pub fn revoke(&mut self, now: MonoTime, generation: Generation) {
        let Some(playing) = self.playing.take() else { return };
        assert_eq!(playing.generation, generation, "only the current generation is revoked");
        // The contract's tolerance: a word of which no more than 40 ms are missing was heard.
        if let Some(word) = playing.words.front()
            && playing.sent + 40 * PER_MS >= word.samples.end
        {
            let word = playing.text[word.text.clone()].to_owned();
            self.words_sent.push(Word { at: now, claim: playing.claim.clone(), word });
        }
        if !self.loses_silenced {
            self.report(now, Input::Silenced { generation, samples: playing.sent });
        }
    }

    pub fn pause(&mut self, now: MonoTime, generation: Generation, paused: bool) {
        let Some(playing) = &mut self.playing else { return };
        assert_eq!(playing.generation, generation, "only the current generation is paused");
        assert_ne!(playing.paused, paused, "paused or resumed twice");
        playing.paused = paused;
        let samples = playing.sent;
        self.report(now, Input::Played { generation, samples });
    }

    pub fn tick(&mut self, now: MonoTime) {
        let Some(mut playing) = self.playing.take() else { return };
        self.make(now, &mut playing);
        let drained = self.send(now, &mut playing);
        self.playing = Some(playing).filter(|_| !drained);
    }

    fn make(&mut self, now: MonoTime, playing: &mut Playing) {
        let generation = playing.generation;
        while playing.to_make.front().is_some_and(|(at, _)| *at <= now) {
            let (_, clause) = playing.to_make.pop_front().unwrap();
            playing.made += clause.samples;
            playing.words.extend(clause.words.iter().cloned());
            let Clause { samples, words } = clause;
            self.report(now, Input::SpeechChunk { generation, samples, words });
        }
        if playing.to_make.is_empty() && playing.complete && !playing.done {
            playing.done = true;
            self.report(now, Input::SpeechDone { generation, samples: playing.made });
        }
    }

    /// Sends a frame if there is one. Says whether that was the last.
    fn send(&mut self, now: MonoTime, playing: &mut Playing) -> bool {
        if playing.paused || playing.sent == playing.made {
            return false;
        }
        let generation = playing.generation;
        self.wire.push(Frame { at: now, claim: playing.claim.clone() });
        if playing.sent == 0 {
            self.report(now, Input::FirstSample { generation });
            playing.reported_at = now;
        }
        playing.sent = (playing.sent + FRAME).min(playing.made);
        while playing.words.front().is_some_and(|word| word.samples.end <= playing.sent) {
            let word = playing.words.pop_front().unwrap();
            let word = playing.text[word.text].to_owned();
            self.words_sent.push(Word { at: now, claim: playing.claim.clone(), word });
        }
        if playing.done && playing.sent == playing.made {
            self.report(now, Input::Drained { generation, samples: playing.sent });
            return true;
        }
        if now.since(playing.reported_at) >= Duration::from_millis(100) {
            playing.reported_at = now;
            self.report(now, Input::Played { generation, samples: playing.sent });
        }
        false
    }

    fn report(&mut self, now: MonoTime, input: Input) {
        self.reports.push_back((now + self.report_delay, input));
    }

    pub fn next_report(&self) -> Option<MonoTime> {
        self.reports.front().map(|(at, _)| *at)
    }

    pub fn take_report(&mut self, now: MonoTime) -> Option<Input> {
        self.reports.pop_front_if(|(at, _)| *at <= now).map(|(_, input)| input)
    }

    /// Everything of `id` that went out, word by word.
    pub fn words_of(&self, id: &str) -> Vec<&str> {
        self.words_of_until(id, self.words_sent.last().map_or(MonoTime::ZERO, |word| word.at))
    }

    /// Everything of `id` that had gone out at `until`, word by word.
    pub fn words_of_until(&self, id: &str, until: MonoTime) -> Vec<&str> {
        let of = self.words_sent.iter().filter(|it| it.claim.as_str() == id && it.at <= until);
        of.map(|it| it.word.as_str()).collect()
    }

    /// When frames of `id` went out.
    pub fn frames_of(&self, id: &str) -> Vec<MonoTime> {
        self.wire.iter().filter(|it| it.claim.as_str() == id).map(|it| it.at).collect()
    }
}
