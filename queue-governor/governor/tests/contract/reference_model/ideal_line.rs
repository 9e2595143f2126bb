//! The governor on a line without latency: a word takes 200 ms, every word is a clause, and all
//! reports come at once. Nothing is longer than the stall limit, so that nothing needs to be
//! reported between its first sample and its last.

use std::collections::VecDeque;

use media_core::{Generation, LineId, MonoTime};
use queue_governor::{
    Book, ClaimId, Coalescing, Content, Governor, GovernorConfig, Input, LedgerWord, Output,
    Unfinished,
};

pub const WORD_MS: u64 = 200;
const PER_MS: u64 = 8;

/// `(at_ms, claim, ending, heard text)`.
pub type Ended = (u64, String, String, String);

pub struct IdealLine {
    config: GovernorConfig,
    governor: Governor,
    book: Book,
    playing: Option<Playing>,
    /// What waits for this call, from earlier ones.
    pub left: Vec<Unfinished>,
    pub ended: Vec<Ended>,
}

struct Playing {
    generation: Generation,
    total_ms: u64,
    played_ms: u64,
    paused: bool,
}

impl IdealLine {
    pub fn new(coalescing: Coalescing) -> Self {
        let config = GovernorConfig { coalescing, ..GovernorConfig::default() };
        IdealLine {
            governor: Governor::new(config.clone(), LineId(1)),
            config,
            book: Book::new(),
            playing: None,
            left: Vec::new(),
            ended: Vec::new(),
        }
    }

    pub fn holder(&self) -> Option<&str> {
        self.governor.holder().map(|id| id.as_str())
    }

    pub fn is_alive(&self) -> bool {
        self.governor.alive() > 0
    }

    /// With an input, the time stands still since the last call.
    pub fn millisecond(&mut self, now_ms: u64, input: Option<&Input>) {
        if let Some(input) = input {
            return self.tell(now_ms, input.clone());
        }
        if let Some(playing) = self.playing.as_mut().filter(|it| !it.paused) {
            playing.played_ms += 1;
            if playing.played_ms == playing.total_ms {
                let (generation, samples) = (playing.generation, playing.total_ms * PER_MS);
                self.playing = None;
                self.tell(now_ms, Input::Drained { generation, samples });
            }
        }
        if self.governor.next_timeout().is_some_and(|at| at <= MonoTime::from_millis(now_ms)) {
            self.tell(now_ms, Input::Timeout);
        }
    }

    /// Everything but the journal is gone.
    pub fn crash(&mut self, now_ms: u64) {
        let now = MonoTime::from_millis(now_ms);
        let book = self.book.clone();
        self.governor = Governor::recover(self.config.clone(), LineId(1), book, now);
        self.playing = None;
        self.tell(now_ms, Input::Timeout);
    }

    /// The call is over, and another one begins, which knows what was said.
    pub fn next_call(&mut self, now_ms: u64) {
        if let Some(Playing { generation, played_ms, .. }) = self.playing {
            self.tell(now_ms, Input::Played { generation, samples: played_ms * PER_MS });
        }
        self.tell(now_ms, Input::LineClosed);
        self.book.begin_conversation();
        self.left.extend(self.book.take_unfinished(|_| true));
        let now = MonoTime::from_millis(now_ms);
        self.governor = Governor::recover(self.config.clone(), LineId(1), self.book.clone(), now);
    }

    /// What goes by a name that is used again meanwhile is dropped.
    pub fn carry_over(&mut self, now_ms: u64, number: usize) {
        let id = &self.left[number].claim.id;
        if self.book.unfinished().all(|it| it.claim.id != *id) {
            let left = self.left.remove(number);
            self.book.put(left.clone());
            self.tell(now_ms, Input::CarryOver(left));
        } else {
            self.left.remove(number);
        }
    }

    pub fn left(&self) -> impl Iterator<Item = &ClaimId> {
        self.left.iter().map(|it| &it.claim.id)
    }

    fn tell(&mut self, now_ms: u64, input: Input) {
        let now = MonoTime::from_millis(now_ms);
        let mut inputs = VecDeque::from([input]);
        self.obey_all(now_ms, &mut inputs);
        while let Some(input) = inputs.pop_front() {
            self.governor.handle(now, input);
            self.obey_all(now_ms, &mut inputs);
        }
        self.ended.sort_unstable();
    }

    fn obey_all(&mut self, now_ms: u64, inputs: &mut VecDeque<Input>) {
        while let Some(output) = self.governor.poll_output() {
            self.obey(now_ms, output, inputs);
        }
    }

    fn obey(&mut self, now_ms: u64, output: Output, inputs: &mut VecDeque<Input>) {
        match output {
            Output::Grant { generation, speech, .. } => {
                assert!(self.playing.is_none(), "one voice");
                let words = words(&speech);
                let samples = match &speech {
                    Content::Text(_) => words.len() as u64 * WORD_MS * PER_MS,
                    Content::Audio { samples, rate, .. } => {
                        samples.len() as u64 * PER_MS * 1_000 / u64::from(rate.hz())
                    }
                };
                let total_ms = samples / PER_MS;
                inputs.push_back(Input::SpeechChunk { generation, samples, words });
                inputs.push_back(Input::SpeechDone { generation, samples });
                inputs.push_back(Input::FirstSample { generation });
                self.playing = Some(Playing { generation, total_ms, played_ms: 0, paused: false });
            }
            Output::Revoke(generation) => {
                let playing = self.playing.take().expect("revoked what plays");
                let samples = playing.played_ms * PER_MS;
                inputs.push_front(Input::Silenced { generation, samples });
            }
            Output::Pause(generation) => {
                let playing = self.playing.as_mut().expect("paused what plays");
                playing.paused = true;
                let samples = playing.played_ms * PER_MS;
                inputs.push_back(Input::Played { generation, samples });
            }
            Output::Resume(_) => self.playing.as_mut().expect("resumed what plays").paused = false,
            Output::Ended { claim, ending, heard, .. } => {
                let ended = (now_ms, claim.to_string(), format!("{ending:?}"), heard.text);
                self.ended.push(ended);
            }
            Output::Journal(record) => self.book.apply(&record),
            Output::Accepted(_)
            | Output::Carried(_)
            | Output::Brief(_)
            | Output::WhisperRefused(_)
            | Output::FloorChanged { .. } => {}
        }
    }
}

/// Ready audio does not say where its words are.
fn words(speech: &Content) -> Vec<LedgerWord> {
    let Content::Text(text) = speech else { return Vec::new() };
    let mut at = 0;
    text.split(' ')
        .enumerate()
        .map(|(n, word)| {
            let range = at..at + word.len();
            at = range.end + 1;
            let start = n as u64 * WORD_MS * PER_MS;
            LedgerWord { text: range, samples: start..start + WORD_MS * PER_MS }
        })
        .collect()
}
