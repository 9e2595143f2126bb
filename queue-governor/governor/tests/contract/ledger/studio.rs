//! A line that counts every sample: voices that speak each word in its own time, packets of any
//! length, reports that come late, and the truth about what was sent.

use std::collections::{BTreeMap, VecDeque};

use media_core::{Generation, LineId, MonoTime, SampleRate};
use proptest::prelude::*;
use queue_governor::{
    ClaimId, Content, Ending, Governor, GovernorConfig, Heard, Input, LedgerWord, Output,
};

/// How the line behaves, drawn at random.
#[derive(Clone, Debug)]
pub struct Conditions {
    pub rate: SampleRate,
    pub ptime_ms: u64,
    pub report_every_ms: u64,
    pub report_delay_ms: u64,
    /// From a grant to the first clause, and from each clause to the next.
    pub synthesis_ms: u64,
    /// How far from the truth a voice's word ends are.
    pub voice_error_ms: u64,
    /// Decides how long each word and each silence takes.
    pub voice: u64,
}

pub fn conditions() -> impl Strategy<Value = Conditions> {
    use SampleRate::{Hz8000, Hz16000, Hz48000};
    let line = (prop::sample::select(vec![Hz8000, Hz16000, Hz48000]), 1..7_u64);
    let reports = (20..200_u64, 0..60_u64);
    let voice = (0..250_u64, 0..=30_u64, any::<u64>());
    (line, reports, voice).prop_map(
        |((rate, packet), (every, delay), (synthesis, error, voice))| Conditions {
            rate,
            ptime_ms: packet * 10,
            report_every_ms: every,
            report_delay_ms: delay,
            synthesis_ms: synthesis,
            voice_error_ms: error,
            voice,
        },
    )
}

/// A word's end: in the whole text, and in the generation's samples.
#[derive(Clone, Debug)]
struct Word {
    text_end: usize,
    sample_end: u64,
}

/// One turn of a claim on the floor.
#[derive(Clone, Debug)]
struct Take {
    words: Vec<Word>,
    sent: u64,
}

struct Playing {
    claim: ClaimId,
    generation: Generation,
    chunks: VecDeque<(MonoTime, u64, Vec<LedgerWord>)>,
    words: Vec<Word>,
    made: u64,
    sent: u64,
    paused: bool,
    reported_at: MonoTime,
}

pub struct Studio {
    pub governor: Governor,
    pub now: MonoTime,
    /// The largest difference between what the ledger says and what was sent, in ms.
    pub error_ms_max: f64,
    /// How many cuts and endings were compared.
    pub compared: u32,
    conditions: Conditions,
    texts: BTreeMap<ClaimId, String>,
    /// Samples sent, over all turns on the floor.
    sent: BTreeMap<ClaimId, u64>,
    /// The last turn on the floor, not yet compared.
    takes: BTreeMap<ClaimId, Take>,
    playing: Option<Playing>,
    reports: VecDeque<(MonoTime, Input)>,
    random: u64,
}

impl Studio {
    pub fn new(conditions: Conditions) -> Self {
        let config = GovernorConfig { line_rate: conditions.rate, ..GovernorConfig::default() };
        Studio {
            governor: Governor::new(config, LineId(1)),
            now: MonoTime::ZERO,
            error_ms_max: 0.0,
            compared: 0,
            random: conditions.voice | 1,
            conditions,
            texts: BTreeMap::new(),
            sent: BTreeMap::new(),
            takes: BTreeMap::new(),
            playing: None,
            reports: VecDeque::new(),
        }
    }

    pub fn tell(&mut self, input: Input) {
        if let Input::Submit(claim) = &input {
            self.texts.insert(claim.id.clone(), claim.content.words().to_owned());
        }
        self.governor.handle(self.now, input);
        while let Some(output) = self.governor.poll_output() {
            self.obey(output);
        }
    }

    /// Time passes, a millisecond at a time.
    pub fn run(&mut self, ms: u64) {
        for _ in 0..ms {
            self.now = self.now + core::time::Duration::from_millis(1);
            while let Some((_, report)) = self.reports.pop_front_if(|(at, _)| *at <= self.now) {
                self.tell(report);
            }
            self.make();
            self.send();
            if self.governor.next_timeout().is_some_and(|at| at <= self.now) {
                self.tell(Input::Timeout);
            }
        }
    }

    /// Until all is said. Twenty-nine long claims one after the other take some ten minutes.
    pub fn run_until_quiet(&mut self) {
        for _ in 0..1_800 {
            if self.governor.alive() == 0 {
                return;
            }
            self.run(1_000);
        }
        panic!("claims are alive after half an hour: {:?}", self.governor);
    }

    fn obey(&mut self, output: Output) {
        match output {
            Output::Grant { claim, generation, speech: Content::Text(text), .. } => {
                self.grant(claim, generation, &text);
            }
            Output::Grant { .. } => unreachable!("only text is submitted"),
            Output::Revoke(generation) => self.revoke(generation),
            Output::Pause(generation) => {
                let Some(playing) = self.playing(generation) else { return };
                playing.paused = true;
                let samples = playing.sent;
                self.report(Input::Played { generation, samples });
            }
            Output::Resume(generation) => {
                if let Some(playing) = self.playing(generation) {
                    playing.paused = false;
                }
            }
            Output::Ended { claim, ending, heard, .. } => self.ended(&claim, &ending, &heard),
            _ => {}
        }
    }

    /// What plays, if it is `generation`: its last sample may be out, and the report of that still
    /// on its way to the governor, which then speaks of a generation that plays no more.
    fn playing(&mut self, generation: Generation) -> Option<&mut Playing> {
        self.playing.as_mut().inspect(|it| assert_eq!(it.generation, generation, "one voice"))
    }

    fn revoke(&mut self, generation: Generation) {
        if self.playing(generation).is_none() {
            return;
        }
        if let Some(playing) = self.playing.take() {
            self.report(Input::Silenced { generation, samples: playing.sent });
            self.keep(playing);
        }
    }

    fn ended(&mut self, claim: &ClaimId, ending: &Ending, heard: &Heard) {
        if matches!(ending, Ending::Refused(_)) {
            return;
        }
        let text = self.texts.get(claim).cloned().unwrap_or_default();
        assert!(text.trim().starts_with(&heard.text), "{claim} heard {:?}", heard.text);
        assert_eq!(heard.samples, self.sent.get(claim).copied().unwrap_or(0), "sent of {claim}");
        self.compare(claim, heard.text.len());
    }

    fn grant(&mut self, claim: ClaimId, generation: Generation, granted: &str) {
        // A filler is the governor's own.
        let whole = self.texts.entry(claim.clone()).or_insert_with(|| granted.to_owned()).len();
        let offset = whole - granted.len();
        self.compare(&claim, offset);
        let (mut at, mut words, mut chunks) = (0, Vec::new(), VecDeque::new());
        let (mut chunk, mut chunk_start) = (Vec::new(), 0);
        let mut due = self.now + self.synthesis();
        for word in granted.split_whitespace() {
            let start = word.as_ptr() as usize - granted.as_ptr() as usize;
            let end = start + word.len();
            let silence_ms = self.draw(0, 60);
            let from = at + self.samples(silence_ms);
            let word_ms = self.draw(70, 650);
            at = from + self.samples(word_ms);
            words.push(Word { text_end: offset + end, sample_end: at });
            let error_ms = self.draw(0, self.conditions.voice_error_ms);
            let said = at.saturating_sub(self.samples(error_ms)).max(from + 1);
            chunk.push(LedgerWord { text: start..end, samples: from..said });
            if word.ends_with([',', '.']) || end == granted.len() {
                let pause_ms = self.draw(0, 300);
                at += self.samples(pause_ms);
                chunks.push_back((due, at - chunk_start, std::mem::take(&mut chunk)));
                due = due + self.synthesis();
                chunk_start = at;
            }
        }
        self.playing = Some(Playing {
            claim,
            generation,
            chunks,
            words,
            made: 0,
            sent: 0,
            paused: false,
            reported_at: self.now,
        });
    }

    fn make(&mut self) {
        let now = self.now;
        let Some(playing) = &mut self.playing else { return };
        let generation = playing.generation;
        let mut made = Vec::new();
        while let Some((_, samples, words)) = playing.chunks.pop_front_if(|(at, ..)| *at <= now) {
            playing.made += samples;
            made.push(Input::SpeechChunk { generation, samples, words });
            if playing.chunks.is_empty() {
                made.push(Input::SpeechDone { generation, samples: playing.made });
            }
        }
        made.into_iter().for_each(|input| self.report(input));
    }

    fn send(&mut self) {
        let packet = self.samples(self.conditions.ptime_ms);
        let tick = self.now.as_micros().is_multiple_of(self.conditions.ptime_ms * 1_000);
        let Some(playing) = self.playing.as_mut().filter(|it| tick && !it.paused) else { return };
        let generation = playing.generation;
        if playing.sent == playing.made {
            return;
        }
        let first = playing.sent == 0;
        playing.sent = (playing.sent + packet).min(playing.made);
        let samples = playing.sent;
        let drained = playing.chunks.is_empty() && samples == playing.made;
        let since = self.now.since(playing.reported_at).as_millis() as u64;
        let due = since >= self.conditions.report_every_ms;
        if due {
            playing.reported_at = self.now;
        }
        if first {
            self.report(Input::FirstSample { generation });
        }
        if drained {
            let playing = self.playing.take().expect("it plays");
            self.report(Input::Drained { generation, samples });
            self.keep(playing);
        } else if due {
            self.report(Input::Played { generation, samples });
        }
    }

    fn keep(&mut self, playing: Playing) {
        let Playing { claim, words, sent, .. } = playing;
        *self.sent.entry(claim.clone()).or_default() += sent;
        let unread = self.takes.insert(claim, Take { words, sent });
        assert!(unread.is_none(), "each turn on the floor is compared before the next");
    }

    /// The ledger says that the last turn of `claim` brought it to `byte` of its text.
    fn compare(&mut self, claim: &ClaimId, byte: usize) {
        let Some(take) = self.takes.remove(claim) else { return };
        self.compared += 1;
        for word in &take.words {
            let claimed = word.text_end <= byte;
            let error = match claimed {
                true => word.sample_end.saturating_sub(take.sent),
                false => take.sent.saturating_sub(word.sample_end),
            };
            let ms = error as f64 * 1_000.0 / f64::from(self.conditions.rate.hz());
            self.error_ms_max = self.error_ms_max.max(ms);
        }
    }

    fn report(&mut self, input: Input) {
        let at = self.now + core::time::Duration::from_millis(self.conditions.report_delay_ms);
        self.reports.push_back((at, input));
    }

    fn samples(&self, ms: u64) -> u64 {
        ms * u64::from(self.conditions.rate.hz()) / 1_000
    }

    fn synthesis(&mut self) -> core::time::Duration {
        core::time::Duration::from_millis(self.draw(0, self.conditions.synthesis_ms))
    }

    /// A number from `low` to `high`: xorshift, so that a run can be repeated.
    fn draw(&mut self, low: u64, high: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        low + self.random % (high - low + 1)
    }
}
