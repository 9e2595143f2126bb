//! Builds a line: everything it will ever need is taken here, outside the tick.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use media_core::codec::Codecs;
use media_core::hearing::{Ear, EarConfig, EarshotVad};
use media_core::{LineId, SampleRate};
use rtrb::RingBuffer;

use crate::audio::{AudioLine, EventPort, Player, Seat, SeatParts, Silence};
use crate::carrier::Equipped;
use crate::clock::Clock;
use crate::control::Control;
use crate::event::LineEventSink;
use crate::floor::SharedFloor;
use crate::leg::Company;
use crate::line::{Line, LineMode, LineShared};
use crate::pump::{Feeder, Hearing, Levels, PumpLine, PumpLineParts, Recording, SPEECH_MS_MAX};
use crate::recorder::RecorderPort;
use crate::rings::{EVENT_DEPTH, LineKey, SPEECH_DEPTH};
use crate::speech::{SpeechPool, SttLane};
use crate::statistics::Counters;
use crate::tap::tap;

/// What all lines of an engine have in common.
pub(crate) struct Surroundings {
    pub speech: Arc<SpeechPool>,
    pub recorder: RecorderPort,
    pub tick_ms: u32,
    pub silence: Silence,
    pub codecs: Codecs,
}

/// A line in its three parts.
pub(crate) struct Built {
    pub audio: Box<AudioLine>,
    pub pump: Box<PumpLine>,
    pub handle: Line,
}

/// A line's spec, with its carrier equipped.
pub(crate) struct ToOpen {
    pub id: LineId,
    pub carrier: Equipped,
    pub mode: LineMode,
    pub record: Option<PathBuf>,
    pub ear: EarConfig,
}

/// Builds a line for a place on an audio thread.
pub(crate) fn build(
    spec: ToOpen,
    sink: LineEventSink,
    key: LineKey,
    control: &Arc<Control>,
    around: &Surroundings,
) -> Built {
    let ToOpen { id, carrier, mode, record, ear } = spec;
    let (rate, agreed) = (carrier.carrier.sample_rate(), carrier.carrier.media().cloned());
    let speaks = mode != LineMode::Echo;
    let place = Place {
        key,
        shared: shared(id, rate),
        control,
        around,
        sink,
        carrier,
        taps: speaks || record.is_some(),
    };
    let (feeder, player) = speaks
        .then(|| {
            let (frames_in, frames_out) = RingBuffer::new(SPEECH_DEPTH);
            let frame_samples = rate.samples_in_ms(around.tick_ms);
            let feeder = Feeder::new(frames_in, frame_samples, rate.samples_in_ms(SPEECH_MS_MAX));
            (feeder, Player::new(frames_out))
        })
        .unzip();
    let shared = Arc::clone(&place.shared);
    let recording = record.map(|path| {
        let frame_samples = rate.samples_in_ms(around.tick_ms);
        Recording::new(around.recorder.clone(), path, rate, frame_samples, Arc::clone(&shared))
    });
    let (seat, parts) = place.furnish((mode == LineMode::Agent).then_some(ear));
    let pump = PumpLine::new(PumpLineParts {
        feeder,
        recording,
        levels: speaks.then(|| Levels::new(rate)),
        ..parts
    });
    let handle = Line {
        shared,
        key,
        control: Arc::clone(control),
        speech: Arc::clone(&around.speech),
        media: Mutex::new(agreed),
        mode,
        company: Arc::new(Company::new(rate, around.tick_ms, around.codecs.clone())),
    };
    Built { audio: Box::new(AudioLine::new(seat, player)), pump: Box::new(pump), handle }
}

/// A leg in its parts.
pub(crate) struct BuiltLeg {
    pub seat: Seat,
    pub pump: Box<PumpLine>,
    pub shared: Arc<LineShared>,
}

/// Builds a leg that is to join `line`, with a place of its own beside the pump.
pub(crate) fn build_leg(
    (carrier, ear): (Equipped, Option<EarConfig>),
    sink: LineEventSink,
    key: LineKey,
    line: &Line,
    around: &Surroundings,
) -> BuiltLeg {
    let rate = carrier.carrier.sample_rate();
    let shared = shared(line.id(), rate);
    let place = Place {
        key,
        shared: Arc::clone(&shared),
        control: &line.control,
        around,
        sink,
        carrier,
        taps: true,
    };
    let (seat, parts) = place.furnish(ear);
    let pump = PumpLine::new(PumpLineParts { levels: Some(Levels::new(rate)), ..parts });
    BuiltLeg { seat, pump: Box::new(pump), shared }
}

fn shared(id: LineId, rate: SampleRate) -> Arc<LineShared> {
    let (floor, counters) = (SharedFloor::default(), Counters::default());
    Arc::new(LineShared { id, floor, counters, rate })
}

/// Where a leg is to sit, and what comes with it.
struct Place<'a> {
    key: LineKey,
    shared: Arc<LineShared>,
    control: &'a Arc<Control>,
    around: &'a Surroundings,
    sink: LineEventSink,
    carrier: Equipped,
    /// Somebody listens to what is heard and sent.
    taps: bool,
}

impl Place<'_> {
    /// The seat for the tick, and the pump's half, which does nothing yet but report and hear.
    fn furnish(self, ear: Option<EarConfig>) -> (Seat, PumpLineParts) {
        let Place { key, shared, control, around, sink, carrier, taps } = self;
        let (rate, tick_ms) = (shared.rate, around.tick_ms);
        let ptime_ms = carrier.carrier.media().map_or(tick_ms, |media| media.ptime.ms());
        let (event_ring, events) = RingBuffer::new(EVENT_DEPTH);
        let (tap_in, tap_out) = taps.then(|| tap(rate.samples_in_ms(tick_ms))).unzip();
        let hearing = ear.map(|ear| {
            let ear = Ear::new(EarConfig { sample_rate: rate, ..ear }, Box::new(EarshotVad::new()));
            Hearing::new(ear, Arc::new(SttLane::new(key, Arc::clone(control))))
        });
        let now = Clock::new().now();
        let seat = Seat::new(SeatParts {
            key,
            shared: Arc::clone(&shared),
            leg: carrier.mount(rate, tick_ms, now),
            events: EventPort::new(event_ring, Arc::clone(&shared)),
            tap: tap_in,
            silence: around.silence,
            tick_ms,
        });
        let pump = PumpLineParts {
            key,
            shared,
            control: Arc::clone(control),
            sink,
            events,
            tap: tap_out,
            feeder: None,
            hearing,
            levels: None,
            recording: None,
            ptime_ms,
        };
        (seat, pump)
    }
}
