//! The operator's loudspeaker as a leg's sink.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use media_core::plugin::AudioSink;
use media_core::{SampleRate, level};
use rtrb::{Consumer, Producer, RingBuffer};

use crate::bend::{Bend, rounded};
use crate::device::{Direction, SoundError, choose, id_of};
use crate::drift::{Bent, Drift};
use crate::figures::{Counters, Figures};
use crate::microphone::{RATE, RING_MS, STEP};
use crate::stream;

/// An open loudspeaker: the device runs until this is dropped.
pub struct OpenSpeaker {
    _stream: cpal::Stream,
    name: String,
    counters: Arc<Counters>,
}

impl OpenSpeaker {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it goes.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.counters.figures()
    }
}

impl std::fmt::Debug for OpenSpeaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenSpeaker").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The end of the loudspeaker that an audio thread feeds. 48 kHz.
pub struct Speaker {
    ring: Producer<i16>,
    bend: Bend,
    drift: Drift,
    played: Producer<i16>,
    counters: Arc<Counters>,
    /// Samples at the device's rate that are to be left out.
    skip: usize,
    /// There was no room for what came last.
    stands: bool,
}

impl Speaker {
    /// Opens the loudspeaker that `name` means, or the system's own choice. The third is what it is
    /// going to be given, for whoever must know it from what a microphone hears.
    ///
    /// # Errors
    /// [`SoundError`].
    pub fn open(name: Option<&str>) -> Result<(OpenSpeaker, Speaker, Consumer<i16>), SoundError> {
        let device = choose(Direction::Out, name)?;
        let terms = stream::terms(Direction::Out, &device)?;
        let hz = terms.config.sample_rate;
        let (ring, from_us) = RingBuffer::new((hz / 1_000 * RING_MS) as usize);
        let counters = Counters::new(hz);
        let stream = stream::play(&device, terms, from_us, &counters)?;
        let (speaker, played) = Speaker::new(hz, ring, Arc::clone(&counters));
        let name = id_of(&device);
        Ok((OpenSpeaker { _stream: stream, name, counters }, speaker, played))
    }

    fn new(hz: u32, ring: Producer<i16>, counters: Arc<Counters>) -> (Self, Consumer<i16>) {
        let (played, playing) = RingBuffer::new(PLAYED_STEPS * STEP);
        let (bend, drift) = (Bend::outward(RATE, hz), Drift::new(hz));
        let mut speaker = Self { ring, bend, drift, played, counters, skip: 0, stands: false };
        // The first block of the device finds what a late one may eat into.
        let margin = speaker.drift.margin_samples();
        if let Ok(chunk) = speaker.ring.write_chunk(margin) {
            chunk.commit_all();
        }
        (speaker, playing)
    }

    fn step(&mut self, samples: &[i16]) {
        let made = self.bend.step(samples.iter().copied());
        let skipped = self.skip.min(made.len());
        let made = &made[skipped..];
        let room = self.ring.slots().min(made.len());
        let (lost, stands) = (skipped + made.len() - room, room < made.len());
        if let Ok(chunk) = self.ring.write_chunk_uninit(room) {
            chunk.fill_from_iter(made.iter().map(|&sample| rounded(sample)));
        }
        self.skip -= skipped;
        if self.counters.is_settled() {
            self.counters.skipped.fetch_add(lost as u64, Relaxed);
        }
        self.counters.moves(!stands);
        self.catch_up(stands);
        // Full only where nobody listens: then nobody needs to know.
        if let Ok(chunk) = self.played.write_chunk_uninit(samples.len().min(self.played.slots())) {
            chunk.fill_from_iter(samples.iter().copied());
        }
        self.follow();
    }

    /// A device that stood still goes on with what is new: all but a margin is left out. `stands`:
    /// there is no room for what comes.
    fn catch_up(&mut self, stands: bool) {
        if std::mem::replace(&mut self.stands, stands) && !stands {
            let lying = self.ring.buffer().capacity() - self.ring.slots();
            // Twice: it may ask for some blocks at once.
            self.skip = lying.saturating_sub(2 * self.drift.margin_samples());
        }
    }

    /// Keeps up with the device's clock.
    fn follow(&mut self) {
        let least = self.counters.least.swap(usize::MAX, Relaxed);
        let least = (least != usize::MAX).then_some(least);
        if let Some(least) = least {
            self.counters.lying(least);
        }
        match self.drift.step(least) {
            Some(Bent::Ratio(ratio)) => self.bend.set(ratio),
            // Unless it is being done.
            Some(Bent::Skip(samples)) if self.skip == 0 => self.skip = samples,
            Some(Bent::Skip(_)) => {}
            None => return,
        }
        // It takes as the microphone gives: the other way round.
        self.counters.drift_ppm.store(-self.drift.difference_ppm(), Relaxed);
    }
}

impl AudioSink for Speaker {
    fn sample_rate(&self) -> SampleRate {
        RATE
    }

    /// `frame`: a multiple of 10 ms; what is left over is not played.
    fn push(&mut self, frame: &[i16]) {
        self.counters.level_dbov.store(level::dbov_i8(frame), Relaxed);
        frame.chunks_exact(STEP).for_each(|step| self.step(step));
    }

    fn pass(&mut self, samples: usize) {
        self.counters.level_dbov.store(level::SILENCE_DBOV as i8, Relaxed);
        for _ in 0..samples / STEP {
            self.step(&[0; STEP]);
        }
    }
}

/// What was played waits for the microphone's next pull; more than a few ticks is nobody's.
const PLAYED_STEPS: usize = 8;

#[cfg(test)]
mod tests {
    use assert_no_alloc::assert_no_alloc;

    use super::*;

    #[test]
    fn a_slow_device_is_followed_and_nothing_of_a_minute_is_lost() {
        let (ring, mut device) = RingBuffer::new(48_000 * 2 / 5);
        let counters = Counters::new(48_000);
        let (mut speaker, mut played) = Speaker::new(48_000, ring, Arc::clone(&counters));
        let (mut taken, mut starved) = (0u64, 0);
        for tick in 0..3_000u32 {
            assert_no_alloc(|| speaker.push(&[1_000; 2 * STEP]));
            let due = f64::from(tick + 1) * 960.0 * (1.0 - 200e-6);
            while ((taken + 480) as f64) < due {
                let there = device.slots().min(480);
                device.read_chunk(there).expect("it is there").commit_all();
                starved += u32::from(there < 480 && tick > 100);
                counters.least.fetch_min(device.slots(), Relaxed);
                counters.blocks.fetch_add(1, Relaxed);
                taken += 480;
            }
            let said = played.slots();
            played.read_chunk(said).expect("it is there").commit_all();
            assert_eq!(said, 2 * STEP, "the microphone is told all of it");
        }
        let figures = counters.figures();
        assert_eq!((starved, figures.skipped_ms), (0, 0), "{figures:?}");
        assert!((-320..-80).contains(&figures.drift_ppm), "{figures:?}");
    }

    #[test]
    fn a_device_that_stands_still_costs_nothing_but_what_it_did_not_play() {
        let (ring, _device) = RingBuffer::new(48_000 * 2 / 5);
        let counters = Counters::new(48_000);
        let (mut speaker, _played) = Speaker::new(48_000, ring, Arc::clone(&counters));
        let mut second = || (0..50).for_each(|_| speaker.push(&[1_000; 2 * STEP]));
        second();
        assert_eq!(counters.figures().skipped_ms, 0, "it has not begun to play");
        counters.blocks.store(1_000, Relaxed);
        second();
        assert!(!counters.figures().gone, "it may come back");
        let lost = counters.figures().skipped_ms;
        assert!((950..=1_000).contains(&lost), "{lost} ms of a second had no room");
    }

    #[test]
    fn a_device_that_stands_still_for_seconds_is_gone_until_it_goes_on() {
        let (ring, mut device) = RingBuffer::new(48_000 * 2 / 5);
        let counters = Counters::new(48_000);
        let (mut speaker, _played) = Speaker::new(48_000, ring, Arc::clone(&counters));
        counters.blocks.store(1_000, Relaxed);
        (0..200).for_each(|_| speaker.push(&[1_000; 2 * STEP]));
        assert!(counters.figures().gone);
        device.read_chunk(4_800).expect("it is there").commit_all();
        speaker.push(&[1_000; 2 * STEP]);
        assert!(!counters.figures().gone);
    }

    #[test]
    fn a_device_that_goes_on_after_a_standstill_plays_what_is_new() {
        let (ring, mut device) = RingBuffer::new(48_000 * 2 / 5);
        let counters = Counters::new(48_000);
        let (mut speaker, _played) = Speaker::new(48_000, ring, Arc::clone(&counters));
        (0..100).for_each(|_| speaker.push(&[1_000; 2 * STEP]));
        let mut lay = Vec::new();
        for _ in 0..40 {
            for _ in 0..2 {
                let there = device.slots().min(480);
                device.read_chunk(there).expect("it is there").commit_all();
                counters.least.fetch_min(device.slots(), Relaxed);
                counters.blocks.fetch_add(1, Relaxed);
            }
            assert_no_alloc(|| speaker.push(&[1_000; 2 * STEP]));
            lay.push(device.slots() / 48);
        }
        let last = &lay[25..];
        assert!(last.iter().all(|ms| (1..60).contains(ms)), "{lay:?} ms lay there");
    }
}
