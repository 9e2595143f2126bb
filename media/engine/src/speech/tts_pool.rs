//! The voice's threads.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use media_core::plugin::{SpeechChunk, SpeechSink, TextToSpeech};
use media_core::{Generation, SampleRate};

use super::convert::Converter;
use crate::control::Control;
use crate::line::{LineShared, Speech};
use crate::pump::{PumpMessage, Samples};
use crate::rings::LineKey;

/// Something to be synthesised or converted for a generation.
pub(crate) struct SpeechJob {
    pub key: LineKey,
    pub generation: Generation,
    pub speech: Speech,
    pub shared: Arc<LineShared>,
    pub control: Arc<Control>,
}

/// Jobs for the voice, first come, first served. A line has one live job at a time, because a
/// grant takes the floor from the one before; so the queue is as long as there are lines, plus
/// what a worker will find revoked.
pub(crate) struct SpeechPool {
    queue: Mutex<Queue>,
    ready: Condvar,
    jobs_max: usize,
    voice: Option<Arc<dyn TextToSpeech>>,
    fallback: Option<Arc<dyn TextToSpeech>>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<SpeechJob>,
    stopped: bool,
}

impl SpeechPool {
    pub fn new(
        voice: Option<Arc<dyn TextToSpeech>>,
        fallback: Option<Arc<dyn TextToSpeech>>,
        lines_max: usize,
    ) -> Self {
        Self {
            queue: Mutex::default(),
            ready: Condvar::new(),
            jobs_max: 2 * lines_max,
            voice,
            fallback,
        }
    }

    /// Takes a job. What lost the floor while it waited makes room.
    pub fn submit(&self, job: SpeechJob) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.jobs.retain(|job| job.shared.floor.is_current(job.generation));
        if queue.jobs.len() >= self.jobs_max || queue.stopped {
            drop(queue);
            job.fail("too many claims wait for the voice; raise tts_workers".to_owned());
            return;
        }
        queue.jobs.push_back(job);
        drop(queue);
        self.ready.notify_one();
    }

    /// Jobs that wait.
    pub fn waiting(&self) -> usize {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).jobs.len()
    }

    /// Ends all workers.
    pub fn stop(&self) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.stopped = true;
        queue.jobs.clear();
        drop(queue);
        self.ready.notify_all();
    }

    /// One worker's life. It outlives whatever a job does to it: a line whose workers are dead
    /// would be mute for good.
    pub fn run(&self) {
        while let Some(job) = self.next() {
            if !job.shared.floor.is_current(job.generation) {
                continue;
            }
            if catch_unwind(AssertUnwindSafe(|| self.speak(&job))).is_err() {
                job.fail("the voice panicked".to_owned());
            }
        }
    }

    fn next(&self) -> Option<SpeechJob> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if queue.stopped {
                return None;
            }
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            queue = self.ready.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn speak(&self, job: &SpeechJob) {
        let own = self.voice.as_ref();
        match &job.speech {
            Speech::Audio { samples, rate } => job.convert(samples, *rate),
            Speech::Shared { samples, rate } => job.convert(samples, *rate),
            Speech::Text(text) => job.synthesise(own, text),
            Speech::FallbackText(text) => job.synthesise(self.fallback.as_ref().or(own), text),
        }
    }
}

impl SpeechJob {
    fn convert(&self, samples: &[i16], rate: SampleRate) {
        let mut sink = self.sink(rate);
        let _ = sink.chunk(SpeechChunk { samples, words: &[] });
        sink.end();
    }

    fn synthesise(&self, voice: Option<&Arc<dyn TextToSpeech>>, text: &str) {
        let Some(voice) = voice else {
            self.fail("no voice is configured".to_owned());
            return;
        };
        let mut sink = self.sink(voice.capabilities().sample_rate);
        match voice.speak(text, &mut sink) {
            Ok(()) => sink.end(),
            Err(error) => self.fail(error.to_string()),
        }
    }

    fn sink(&self, from: SampleRate) -> Sink<'_> {
        Sink { job: self, converter: Converter::new(from, self.shared.rate) }
    }

    fn fail(&self, error: String) {
        let (key, generation) = (self.key, self.generation);
        self.control.send(PumpMessage::Failed { key, generation, error });
    }
}

/// Passes clauses on until the floor is lost.
struct Sink<'j> {
    job: &'j SpeechJob,
    converter: Converter,
}

impl SpeechSink for Sink<'_> {
    fn chunk(&mut self, chunk: SpeechChunk<'_>) -> ControlFlow<()> {
        let SpeechJob { key, generation, shared, control, .. } = self.job;
        if !shared.floor.is_current(*generation) {
            return ControlFlow::Break(());
        }
        let (samples, words) = self.converter.chunk(chunk);
        let (key, generation) = (*key, *generation);
        let samples = Samples::Own(samples);
        control.send(PumpMessage::Chunk { key, generation, samples, words });
        ControlFlow::Continue(())
    }
}

impl Sink<'_> {
    fn end(mut self) {
        let SpeechJob { key, generation, control, .. } = self.job;
        let (key, generation) = (*key, *generation);
        let samples = self.converter.rest();
        if !samples.is_empty() {
            let words = Vec::new();
            let samples = Samples::Own(samples);
            control.send(PumpMessage::Chunk { key, generation, samples, words });
        }
        control.send(PumpMessage::Done { key, generation });
    }
}
