//! Builds a line: everything it will ever need is taken here, outside the tick.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use media_core::hearing::{Ear, EarConfig, EarshotVad};
use rtrb::RingBuffer;

use crate::audio::{AudioLine, AudioLineParts, EventPort, Leg, LegParts, Player};
use crate::clock::Clock;
use crate::control::Control;
use crate::event::LineEventSink;
use crate::floor::SharedFloor;
use crate::line::{Line, LineMode, LineShared, LineSpec};
use crate::pump::{Feeder, Hearing, Levels, PumpLine, PumpLineParts, Recording};
use crate::recorder::RecorderPort;
use crate::rings::{EVENT_DEPTH, LineKey, SPEECH_DEPTH, TAP_DEPTH};
use crate::speech::{SpeechPool, SttLane};
use crate::statistics::Counters;

/// What all lines of an engine have in common.
pub(crate) struct Surroundings {
    pub speech: Arc<SpeechPool>,
    pub recorder: RecorderPort,
    pub tick_ms: u32,
    pub media_timeout: Duration,
}

/// A line in its three parts.
pub(crate) struct Built {
    pub audio: Box<AudioLine>,
    pub pump: Box<PumpLine>,
    pub handle: Line,
}

/// Builds a line for a place on an audio thread.
pub(crate) fn build(
    spec: LineSpec,
    sink: LineEventSink,
    key: LineKey,
    control: &Arc<Control>,
    around: &Surroundings,
) -> Built {
    let LineSpec { id, port, media, mode, record, ear } = spec;
    let rate = media.codec.sample_rate();
    let tick_ms = around.tick_ms;
    let frame_samples = rate.samples_in_ms(tick_ms);
    let shared = Arc::new(LineShared {
        id,
        floor: SharedFloor::default(),
        counters: Counters::default(),
        rate,
    });
    let speaks = mode != LineMode::Echo;
    let (event_ring, events) = RingBuffer::new(EVENT_DEPTH);
    let (tap_in, tap_out) =
        (speaks || record.is_some()).then(|| RingBuffer::new(TAP_DEPTH)).unzip();
    let (feeder, player) = speaks
        .then(|| {
            let (frames_in, frames_out) = RingBuffer::new(SPEECH_DEPTH);
            (Feeder::new(frames_in, frame_samples), Player::new(frames_out))
        })
        .unzip();
    let hearing = (mode == LineMode::Agent).then(|| {
        let ear = Ear::new(EarConfig { sample_rate: rate, ..ear }, Box::new(EarshotVad::new()));
        Hearing::new(ear, Arc::new(SttLane::new(key, Arc::clone(control))))
    });
    let recording = record.map(|path| {
        let recorder = around.recorder.clone();
        Recording::new(recorder, path, rate, frame_samples, Arc::clone(&shared))
    });
    let leg = Leg::new(LegParts { port, media, line_rate: rate, tick_ms, now: Clock::new().now() });
    let audio = AudioLine::new(AudioLineParts {
        key,
        shared: Arc::clone(&shared),
        leg,
        events: EventPort::new(event_ring, Arc::clone(&shared)),
        player,
        tap: tap_in,
        media_timeout: around.media_timeout,
        tick_ms,
    });
    let pump = PumpLine::new(PumpLineParts {
        key,
        shared: Arc::clone(&shared),
        control: Arc::clone(control),
        sink,
        events,
        tap: tap_out,
        feeder,
        hearing,
        levels: speaks.then(|| Levels::new(rate)),
        recording,
        ptime_ms: media.ptime.ms(),
    });
    let handle = Line {
        shared,
        key,
        control: Arc::clone(control),
        speech: Arc::clone(&around.speech),
        media: Mutex::new(media),
        mode,
        tick_ms,
    };
    Built { audio: Box::new(audio), pump: Box::new(pump), handle }
}
