//! A leg that somebody else carries: it pulls what the peer says and pushes what it is sent.

use std::sync::atomic::Ordering;
use std::time::Duration;

use media_core::plugin::{AudioSink, AudioSource, Circle};
use media_core::resample::Resampler;
use media_core::{MonoTime, SampleRate};

use crate::rings::FRAME_SAMPLES;
use crate::statistics::{Counters, add, count};

/// Both ends of a peer whose packets cross no socket of ours. Real-time safe once built, as far as
/// the ends are.
pub(crate) struct Ends {
    source: Box<dyn AudioSource>,
    sink: Box<dyn AudioSink>,
    /// The source's, and so the seat's.
    rate: SampleRate,
    sink_rate: SampleRate,
    /// To the sink's rate, if that is another.
    down: Option<Box<Resampler>>,
    /// The last pull had audio of the peer's in it.
    arrived: bool,
}

impl Ends {
    /// Takes the memory that converting needs.
    pub fn new(source: Box<dyn AudioSource>, sink: Box<dyn AudioSink>) -> Self {
        let (rate, sink_rate) = (source.sample_rate(), sink.sample_rate());
        let down = (rate != sink_rate).then(|| Box::new(Resampler::new(rate, sink_rate)));
        Self { source, sink, rate, sink_rate, down, arrived: false }
    }

    /// Whom the peer hears anyway.
    pub fn circle(&self) -> Option<Circle> {
        self.sink.circle()
    }

    /// Whether the peer has been heard since the last question. What is pulled in a tick counts in
    /// the next one.
    pub fn take_arrived(&mut self) -> bool {
        std::mem::take(&mut self.arrived)
    }

    /// Fills `out`, at the seat's rate, with what the peer said.
    pub fn pull(&mut self, deadline: MonoTime, out: &mut [i16], counters: &Counters) {
        let pulled = self.source.pull(deadline, out);
        if pulled.received > 0 {
            self.arrived = true;
            count(&counters.rtp_received);
        }
        if pulled.concealed > 0 {
            let micros = pulled.concealed as u64 * 1_000_000 / u64::from(self.rate.hz());
            add(&counters.concealed_us, micros);
        }
    }

    /// When the audio of [`Ends::pull`] arrived that is given out at `deadline`.
    pub fn arrival_of(&self, deadline: MonoTime) -> MonoTime {
        deadline - Duration::from_millis(u64::from(self.source.delay_ms()))
    }

    /// Sends one tick of audio at the seat's rate.
    pub fn send(&mut self, pcm: &[i16]) {
        let Some(down) = &mut self.down else { return self.sink.push(pcm) };
        let mut converted = [0; FRAME_SAMPLES];
        let length = pcm.len() * self.sink_rate.hz() as usize / self.rate.hz() as usize;
        let converted = &mut converted[..length.min(FRAME_SAMPLES)];
        let made = down.process(pcm, converted);
        converted[made..].fill(0);
        self.sink.push(converted);
    }

    /// Ticks were left out.
    pub fn skip(&mut self, ms: u32) {
        self.sink.pass(self.sink_rate.samples_in_ms(ms));
    }

    /// Publishes figures.
    pub fn publish(&mut self, counters: &Counters) {
        let delay_us = self.source.delay_ms().saturating_mul(1_000);
        counters.playout_delay_us.store(delay_us, Ordering::Relaxed);
    }
}
