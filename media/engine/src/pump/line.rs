//! A line as its pump sees it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use media_core::plugin::WordSpan;
use media_core::{Generation, MonoTime};
use rtrb::Consumer;

use super::PumpMessage;
use super::feeder::Feeder;
use super::hearing::Hearing;
use super::levels::Levels;
use super::recording::Recording;
use crate::control::Control;
use crate::event::{AudioEvent, LineEvent, LineEventSink};
use crate::line::LineShared;
use crate::rings::LineKey;
use crate::speech::SttPool;
use crate::tap::TapReader;

/// How long the recorder may take to finish a file before the line is closed without it.
const RECORDER_PATIENCE: Duration = Duration::from_secs(10);

/// How often losses are reported.
const DROPPED_EVERY: Duration = Duration::from_secs(1);

/// What a pump line is made of.
pub(crate) struct PumpLineParts {
    pub key: LineKey,
    pub shared: Arc<LineShared>,
    pub control: Arc<Control>,
    pub sink: LineEventSink,
    pub events: Consumer<AudioEvent>,
    pub tap: Option<TapReader>,
    pub feeder: Option<Feeder>,
    pub hearing: Option<Hearing>,
    pub levels: Option<Levels>,
    pub recording: Option<Recording>,
    pub ptime_ms: u32,
}

/// A line's off-tick half.
pub(crate) struct PumpLine {
    parts: PumpLineParts,
    dropped: [Dropped; 3],
    dropped_due: MonoTime,
    closing: Option<Closing>,
}

struct Dropped {
    what: &'static str,
    reported: u64,
}

/// The audio thread has let go; what remains is the recording.
struct Closing {
    since: MonoTime,
    asked: bool,
    recording: Option<Result<PathBuf, String>>,
}

impl PumpLine {
    pub fn new(parts: PumpLineParts) -> Self {
        let dropped = ["events", "hearing", "recording"].map(|what| Dropped { what, reported: 0 });
        Self { parts, dropped, dropped_due: MonoTime::ZERO, closing: None }
    }

    /// Does what has come up since the last round. Bounded by the rings' depths.
    pub fn service(&mut self, now: MonoTime, stt: &SttPool) {
        self.forward_events();
        self.take_audio(stt);
        if let Some(feeder) = &mut self.parts.feeder {
            feeder.feed(&self.parts.shared.floor);
        }
        if now >= self.dropped_due {
            self.dropped_due = now + DROPPED_EVERY;
            self.report_dropped(now);
        }
    }

    /// Takes a message about this line.
    pub fn take(&mut self, now: MonoTime, message: PumpMessage, stt: &SttPool) {
        match message {
            PumpMessage::Begin { generation, .. } => {
                if let Some(feeder) = &mut self.parts.feeder {
                    feeder.begin(generation);
                }
            }
            PumpMessage::Chunk { generation, samples, words, .. } => {
                self.append(now, generation, &samples, words);
            }
            PumpMessage::Done { generation, .. } => self.finish(now, generation),
            PumpMessage::Failed { generation, error, .. } => self.fail(now, generation, error),
            PumpMessage::Decoded { job, result, .. } => {
                let sink = &self.parts.sink;
                if let Some(hearing) = &mut self.parts.hearing {
                    hearing.decoded(now, job, result, stt, &mut |event| sink(event));
                }
            }
            PumpMessage::Recorded { result, .. } => {
                if let Some(closing) = &mut self.closing {
                    closing.recording = Some(result);
                }
            }
            PumpMessage::Open { .. } | PumpMessage::Cancel { .. } => {}
        }
    }

    /// The line is new: let the recogniser get ready.
    pub fn opened(&self, stt: &SttPool) {
        if let Some(hearing) = &self.parts.hearing {
            stt.warm_up(hearing.lane());
        }
    }

    /// The audio thread has let go of the line.
    pub fn retired(&mut self, now: MonoTime, stt: &SttPool) {
        self.service(now, stt);
        self.report_dropped(now);
        if let Some(mut hearing) = self.parts.hearing.take() {
            hearing.last_steps(&mut |event| (self.parts.sink)(event));
        }
        self.parts.feeder = None;
        self.closing = Some(Closing { since: now, asked: false, recording: None });
    }

    /// Whether a retired line is done with. Reports [`LineEvent::Closed`] when it is.
    pub fn finished(&mut self, now: MonoTime) -> bool {
        let Some(closing) = &mut self.closing else { return false };
        let parts = &mut self.parts;
        if let Some(recording) = &mut parts.recording {
            if !closing.asked {
                closing.asked = recording.try_close(parts.key, &parts.control);
            }
            if closing.recording.is_none() {
                if now.since(closing.since) < RECORDER_PATIENCE {
                    return false;
                }
                closing.recording = Some(Err("the disk did not answer for 10 s".to_owned()));
            }
        }
        let statistics = Box::new(parts.shared.counters.snapshot(parts.ptime_ms));
        let recording = closing.recording.take();
        (parts.sink)(LineEvent::Closed { at: now, statistics, recording });
        true
    }

    fn forward_events(&mut self) {
        while let Ok(event) = self.parts.events.pop() {
            (self.parts.sink)(event.into());
        }
    }

    fn take_audio(&mut self, stt: &SttPool) {
        let parts = &mut self.parts;
        let Some(tap) = &mut parts.tap else { return };
        let sink = &parts.sink;
        while let Some(frame) = tap.pop() {
            if let Some(hearing) = &mut parts.hearing {
                hearing.push(frame, stt, &mut |event| sink(event));
            }
            if let Some(levels) = &mut parts.levels {
                let speech = parts.hearing.as_ref().is_some_and(Hearing::is_speech);
                let (at, heard, sent) = (frame.head.at, frame.heard(), frame.sent());
                if let Some(event) = levels.push(at, heard, sent, speech) {
                    sink(event);
                }
            }
            if let Some(recording) = &mut parts.recording {
                recording.push(frame);
            }
        }
    }

    fn append(&mut self, at: MonoTime, whose: Generation, samples: &[i16], words: Vec<WordSpan>) {
        let Some(feeder) = &mut self.parts.feeder else { return };
        match feeder.append(whose, samples) {
            Ok(Some(first_sample)) => {
                // At once, not in the next round: this may be the first sound of an answer.
                feeder.feed(&self.parts.shared.floor);
                let (generation, samples) = (whose, samples.len() as u64);
                let event = LineEvent::SpeechChunk { at, generation, first_sample, samples, words };
                (self.parts.sink)(event);
            }
            Ok(None) => {}
            Err(error) => self.fail(at, whose, error.to_string()),
        }
    }

    fn finish(&mut self, at: MonoTime, generation: Generation) {
        let Some(feeder) = &mut self.parts.feeder else { return };
        if let Some(samples) = feeder.finish(generation) {
            feeder.feed(&self.parts.shared.floor);
            (self.parts.sink)(LineEvent::SpeechDone { at, generation, samples });
        }
    }

    fn fail(&mut self, at: MonoTime, generation: Generation, error: String) {
        if let Some(feeder) = &mut self.parts.feeder {
            let _ = feeder.finish(generation);
        }
        (self.parts.sink)(LineEvent::SpeechFailed { at, generation, error });
    }

    fn report_dropped(&mut self, at: MonoTime) {
        let counters = &self.parts.shared.counters;
        let totals: [&AtomicU64; 3] =
            [&counters.events_dropped, &counters.tap_dropped, &counters.recording_dropped];
        for (dropped, total) in self.dropped.iter_mut().zip(totals) {
            let total = total.load(Ordering::Relaxed);
            let count = total - dropped.reported;
            if count > 0 {
                dropped.reported = total;
                (self.parts.sink)(LineEvent::Dropped { at, what: dropped.what, count });
            }
        }
    }
}
