//! The speech feeder: keeps what is still to be said, and hands it to the tick frame by frame.

use std::collections::VecDeque;

use media_core::Generation;
use rtrb::Producer;

use crate::floor::SharedFloor;
use crate::rings::{FRAME_SAMPLES, SpeechFrame};

/// Longest speech of one generation: ten minutes, 58 MB at 48 kHz. What is longer is not an
/// utterance but a mistake.
pub(crate) const SPEECH_MS_MAX: u32 = 10 * 60 * 1_000;

/// The only writer of a line's speech ring.
pub(crate) struct Feeder {
    ring: Producer<SpeechFrame>,
    frame_samples: usize,
    samples_max: usize,
    generation: Generation,
    waiting: VecDeque<i16>,
    /// Samples taken in for this generation.
    taken: u64,
    done: bool,
    ended: bool,
}

/// The speech is longer than what is fed of one generation.
#[derive(Debug, thiserror::Error)]
#[error("speech of more than ten minutes; split the claim")]
pub(crate) struct TooLong;

impl Feeder {
    /// Feeds frames of `frame_samples`, and at most `samples_max` of one generation.
    pub fn new(ring: Producer<SpeechFrame>, frame_samples: usize, samples_max: usize) -> Self {
        Self {
            ring,
            frame_samples: frame_samples.clamp(1, FRAME_SAMPLES),
            samples_max,
            generation: Generation::NONE,
            waiting: VecDeque::new(),
            taken: 0,
            done: false,
            ended: true,
        }
    }

    /// From now on `generation` is fed; what is left of another is thrown away.
    pub fn begin(&mut self, generation: Generation) {
        self.generation = generation;
        self.waiting = VecDeque::new();
        self.taken = 0;
        self.done = false;
        self.ended = false;
    }

    /// Appends speech of `generation`. Returns where it begins, or nothing if the generation is
    /// no longer the one that is fed.
    ///
    /// # Errors
    /// [`TooLong`]; what was taken in before is played.
    pub fn append(
        &mut self,
        generation: Generation,
        samples: &[i16],
    ) -> Result<Option<u64>, TooLong> {
        if generation != self.generation || self.done {
            return Ok(None);
        }
        if self.waiting.len() + samples.len() > self.samples_max {
            self.done = true;
            return Err(TooLong);
        }
        let first = self.taken;
        self.taken += samples.len() as u64;
        self.waiting.extend(samples);
        Ok(Some(first))
    }

    /// No more comes. Returns how much it was, or nothing if the generation is not fed any more.
    pub fn finish(&mut self, generation: Generation) -> Option<u64> {
        if generation != self.generation || self.done {
            return None;
        }
        self.done = true;
        Some(self.taken)
    }

    /// Moves as much into the ring as it takes. A generation that lost the floor is dropped.
    pub fn feed(&mut self, floor: &SharedFloor) {
        if self.ended {
            return;
        }
        if !floor.is_current(self.generation) {
            self.begin(Generation::NONE);
            self.ended = true;
            return;
        }
        while !self.ring.is_full() {
            let Some(frame) = self.next_frame() else { return };
            self.ended = frame.length == 0;
            if self.ring.push(frame).is_err() || self.ended {
                return;
            }
        }
    }

    /// A whole frame; at the end a short one, and then the mark behind it.
    fn next_frame(&mut self) -> Option<SpeechFrame> {
        let length = self.waiting.len().min(self.frame_samples);
        if length < self.frame_samples && !self.done {
            return None;
        }
        let mut samples = [0; FRAME_SAMPLES];
        for (to, from) in samples.iter_mut().zip(self.waiting.drain(..length)) {
            *to = from;
        }
        Some(SpeechFrame { generation: self.generation, length, samples })
    }
}

#[cfg(test)]
mod tests {
    use rtrb::{Consumer, RingBuffer};

    use super::*;
    use crate::rings::SPEECH_DEPTH;

    const ONE: Generation = Generation(1);
    const TWO: Generation = Generation(2);

    fn feeder() -> (Feeder, Consumer<SpeechFrame>, SharedFloor) {
        let (ring, frames) = RingBuffer::new(SPEECH_DEPTH);
        (Feeder::new(ring, 160, 10 * 60 * 8_000), frames, SharedFloor::default())
    }

    fn drain(frames: &mut Consumer<SpeechFrame>) -> Vec<(u32, usize)> {
        std::iter::from_fn(|| frames.pop().ok()).map(|f| (f.generation.0, f.length)).collect()
    }

    #[test]
    fn frames_are_whole_until_the_end_is_known_and_then_marked() {
        let (mut feeder, mut frames, floor) = feeder();
        floor.grant(ONE);
        feeder.begin(ONE);
        assert_eq!(feeder.append(ONE, &[1; 200]).expect("short"), Some(0));
        feeder.feed(&floor);
        assert_eq!(drain(&mut frames), [(1, 160)]);
        assert_eq!(feeder.append(ONE, &[1; 150]).expect("short"), Some(200));
        assert_eq!(feeder.finish(ONE), Some(350));
        assert_eq!(feeder.finish(ONE), None, "it finishes once");
        feeder.feed(&floor);
        assert_eq!(drain(&mut frames), [(1, 160), (1, 30), (1, 0)]);
    }

    #[test]
    fn nothing_of_a_generation_without_the_floor_is_fed() {
        let (mut feeder, mut frames, floor) = feeder();
        floor.grant(ONE);
        feeder.begin(ONE);
        feeder.append(ONE, &[1; 1_600]).expect("short");
        floor.revoke(ONE);
        feeder.feed(&floor);
        assert_eq!(drain(&mut frames), []);
        floor.grant(TWO);
        feeder.begin(TWO);
        assert_eq!(feeder.append(ONE, &[1; 160]).expect("short"), None, "a stale chunk");
        assert_eq!(feeder.finish(ONE), None);
        feeder.append(TWO, &[2; 160]).expect("short");
        feeder.feed(&floor);
        assert_eq!(drain(&mut frames), [(2, 160)]);
    }

    #[test]
    fn a_full_ring_keeps_the_rest_for_later() {
        let (mut feeder, mut frames, floor) = feeder();
        floor.grant(ONE);
        feeder.begin(ONE);
        feeder.append(ONE, &vec![1; 160 * (SPEECH_DEPTH + 3)]).expect("short");
        feeder.finish(ONE);
        feeder.feed(&floor);
        assert_eq!(drain(&mut frames).len(), SPEECH_DEPTH);
        feeder.feed(&floor);
        assert_eq!(drain(&mut frames).len(), 3 + 1);
        feeder.feed(&floor);
        assert_eq!(drain(&mut frames), [], "the end is marked once");
    }

    #[test]
    fn endless_speech_is_cut_off_with_an_error() {
        let (mut feeder, _frames, floor) = feeder();
        floor.grant(ONE);
        feeder.begin(ONE);
        let minute = vec![1; 60 * 8_000];
        for _ in 0..10 {
            feeder.append(ONE, &minute).expect("ten minutes");
        }
        assert!(feeder.append(ONE, &minute).is_err());
    }
}
