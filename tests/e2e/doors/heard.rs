//! What a peer has heard, when, and which tones are in it.

use std::f64::consts::TAU;

/// Of everything that is looked at, in samples per ms.
const PER_MS: f64 = 8.0;
/// 10 ms, in which tones that are multiples of 100 Hz do not disturb each other, whatever their phase.
pub const HOP: usize = 80;
/// What each tone is made with.
pub const LOUD: f64 = 4_000.0;
/// 12 dB below: it is heard.
pub const PRESENT: f64 = LOUD / 4.0;
/// What a loudness has to reach for the moment at which it begins: half of the window is filled.
const BEGUN: f64 = LOUD / 2.0;
/// Steps in which a beginning is looked for, in samples.
const FINE: usize = 20;

/// What a receiver has counted it tells some time later, and hands out what it has made up later still.
const COUNTED_LATE_MS: f64 = 100.0;
const HEARD_LATE_MS: f64 = 100.0;

/// Sound at 8 kHz in the pieces in which it came.
#[derive(Clone, Default)]
pub struct Heard {
    pub samples: Vec<i16>,
    /// The first sample of each piece, and when it was heard, in ms since 1970.
    pieces: Vec<(usize, f64)>,
    /// From when to when the receiver made sound up, or left some out, by its own count.
    made_up: Vec<(f64, f64)>,
    counted: Option<(f64, f64)>,
}

impl Heard {
    /// The next piece, and when its first sample was heard.
    pub fn push(&mut self, unix_ms: f64, samples: &[i16]) {
        self.pieces.push((self.samples.len(), unix_ms));
        self.samples.extend(samples);
    }

    /// The same of sound at 48 kHz.
    pub fn push_wide(&mut self, unix_ms: f64, samples: &[i16]) {
        // A mean delays nothing, and the tones are far below what it would let through twice.
        let mean = |six: &[i16]| six.iter().map(|it| i32::from(*it)).sum::<i32>() / 6;
        let narrow: Vec<i16> = samples.chunks_exact(6).map(|six| mean(six) as i16).collect();
        self.push(unix_ms, &narrow);
    }

    /// How many samples the receiver had made up or left out by then: for a packet that was lost or
    /// late, and to have its buffer longer or shorter.
    pub fn count_made_up(&mut self, unix_ms: f64, total: f64) {
        let (since_ms, before) = self.counted.replace((unix_ms, total)).unwrap_or((unix_ms, 0.0));
        if total > before {
            self.made_up.push((since_ms - COUNTED_LATE_MS, unix_ms + HEARD_LATE_MS));
        }
    }

    /// When a sample was heard.
    pub fn unix_ms(&self, sample: usize) -> f64 {
        let after = self.pieces.partition_point(|(first, _)| *first <= sample);
        let Some((first, unix_ms)) = self.pieces.get(after.wrapping_sub(1)) else { return 0.0 };
        unix_ms + (sample - first) as f64 / PER_MS
    }

    /// The first sample that was heard then or later.
    pub fn sample_at(&self, unix_ms: f64) -> usize {
        let after = self.pieces.partition_point(|(_, at)| *at <= unix_ms);
        let Some((first, at)) = self.pieces.get(after.wrapping_sub(1)) else { return 0 };
        let end = self.pieces.get(after).map_or(self.samples.len(), |(next, _)| *next);
        (first + ((unix_ms - at) * PER_MS) as usize).min(end)
    }

    /// How loud each of these tones is, 10 ms after 10 ms, from one moment to another.
    pub fn hops(&self, tones: &[f64], from_ms: f64, to_ms: f64) -> Vec<Hop> {
        let from = self.sample_at(from_ms).next_multiple_of(HOP);
        let to = self.sample_at(to_ms).max(from);
        let hop = |at: usize| {
            let window = self.samples.get(at..at + HOP)?;
            let loud = tones.iter().map(|hz| amplitude(window, *hz)).collect();
            let unix_ms = self.unix_ms(at);
            let is_made_up = self.made_up.iter().any(|(a, b)| (*a..*b).contains(&unix_ms));
            Some(Hop { unix_ms, loud, is_made_up })
        };
        (from..to).step_by(HOP).map_while(hop).collect()
    }

    /// When a tone begins that was not there before, between two moments.
    pub fn begins(&self, hz: f64, from_ms: f64, to_ms: f64) -> Option<f64> {
        let (from, to) = (self.sample_at(from_ms), self.sample_at(to_ms));
        let loud = |at: usize| self.samples.get(at..at + HOP).map(|it| amplitude(it, hz));
        if loud(from)? >= PRESENT {
            return None;
        }
        let at = (from..to).step_by(FINE).find(|at| loud(*at).is_some_and(|it| it >= BEGUN))?;
        Some(self.unix_ms(at + HOP / 2))
    }
}

/// 10 ms of a recording.
pub struct Hop {
    pub unix_ms: f64,
    /// The amplitude of each tone that was asked for.
    pub loud: Vec<f64>,
    /// The receiver may have made it up.
    pub is_made_up: bool,
}

impl Hop {
    pub fn has(&self, tone: usize) -> bool {
        self.loud[tone] >= PRESENT
    }
}

/// The amplitude of a tone at 8 kHz (Goertzel).
fn amplitude(samples: &[i16], hz: f64) -> f64 {
    let turn = 2.0 * (hz * TAU / (PER_MS * 1_000.0)).cos();
    let (mut one, mut two) = (0.0, 0.0);
    for sample in samples {
        (one, two) = (f64::from(*sample) + turn * one - two, one);
    }
    let power = one * one + two * two - turn * one * two;
    2.0 * power.max(0.0).sqrt() / samples.len() as f64
}

/// A tone that can be repeated without a seam, where it is a multiple of 10 Hz and lasts for tenths
/// of a second.
pub fn tone(hz: f64, ms: usize, rate: u32) -> Vec<i16> {
    let at = |n: usize| (n as f64 * hz * TAU / f64::from(rate)).sin() * LOUD;
    (0..ms * rate as usize / 1_000).map(|n| at(n) as i16).collect()
}

#[test]
fn tones_are_told_apart_and_their_beginning_is_found() {
    let mut heard = Heard::default();
    let all = [600.0, 1_000.0, 2_800.0];
    let two: Vec<i16> =
        tone(600.0, 500, 8_000).iter().zip(tone(2_800.0, 500, 8_000)).map(|(a, b)| a + b).collect();
    let sound = [vec![0; 803], two].concat();
    for (n, piece) in sound.chunks(160).enumerate() {
        heard.push(1_000.0 + 20.0 * n as f64, piece);
    }
    let hops = heard.hops(&all, 1_200.0, 1_500.0);
    assert_eq!(hops.len(), 30);
    assert!(hops.iter().all(|it| it.has(0) && !it.has(1) && it.has(2)));
    let begins = heard.begins(2_800.0, 1_000.0, 1_500.0).expect("it begins");
    assert!((begins - 1_100.4).abs() <= 2.5, "{begins}");
    assert_eq!(heard.begins(600.0, 1_200.0, 1_500.0), None, "it has begun before");
}
