//! Sounds that tell who is heard: each claim has a pair of tones of its own, one of a low and one
//! of a high group, on a grid of 100 Hz. In a packet of 20 ms the grid's tones do not disturb
//! each other, whatever their phase, so a packet in which two claims sound shows three tones or
//! four.

use std::f64::consts::TAU;

use crate::support::sound::FRAME;

pub const RATE_HZ: u32 = 8_000;
const STEP_HZ: usize = 100;
const LOW: std::ops::Range<usize> = 3..16;
const HIGH: std::ops::Range<usize> = 17..34;
/// How many sounds there are.
pub const CODES: usize = (LOW.end - LOW.start) * (HIGH.end - HIGH.start);

const AMPLITUDE: f64 = 8_000.0;
/// Half of what a tone that fills its packet has. Comfort noise and the codec's own noise have a
/// hundredth.
const HEARD: f64 = AMPLITUDE / 2.0;
/// A second tone of a group from this on is a second voice. The codec's noise stays below a
/// twentieth, also where a tone begins or ends within the packet.
const SECOND: f64 = AMPLITUDE / 4.0;

/// What is heard in a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Heard {
    Nothing,
    /// Less than half a packet of a sound, or no sound of ours.
    Unsure,
    Code(usize),
    TwoAtOnce,
}

/// The sound `code`, `ms` long.
pub fn sound(code: usize, ms: usize) -> Vec<i16> {
    let width = HIGH.end - HIGH.start;
    let tones = [LOW.start + code / width % (LOW.end - LOW.start), HIGH.start + code % width];
    let samples = ms * RATE_HZ as usize / 1_000;
    let at = |n: usize| {
        let wave = |tone: usize| (TAU * (tone * STEP_HZ * n) as f64 / f64::from(RATE_HZ)).sin();
        (AMPLITUDE * (wave(tones[0]) + wave(tones[1]))) as i16
    };
    (0..samples).map(at).collect()
}

/// What a packet of sound has in it.
pub fn heard(packet: &[i16]) -> Heard {
    if packet.len() < FRAME {
        return Heard::Nothing;
    }
    let of = |group: std::ops::Range<usize>| {
        let mut found: Vec<(usize, f64)> =
            group.clone().map(|tone| (tone - group.start, strength(packet, tone))).collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        (found[0], found[1].1)
    };
    let ((low, low_strength), low_second) = of(LOW);
    let ((high, high_strength), high_second) = of(HIGH);
    let whole = low_strength >= HEARD && high_strength >= HEARD;
    match (whole, low_second.max(high_second) >= SECOND) {
        (true, true) => Heard::TwoAtOnce,
        (true, false) => Heard::Code(low * (HIGH.end - HIGH.start) + high),
        (false, _) if low_strength.max(high_strength) >= SECOND => Heard::Unsure,
        (false, _) => Heard::Nothing,
    }
}

/// The amplitude of a tone of the grid (Goertzel).
fn strength(packet: &[i16], tone: usize) -> f64 {
    let step = TAU * (tone * STEP_HZ) as f64 / f64::from(RATE_HZ);
    let (mut one, mut two) = (0.0, 0.0);
    for sample in packet {
        (one, two) = (f64::from(*sample) + 2.0 * step.cos() * one - two, one);
    }
    let power = one * one + two * two - 2.0 * step.cos() * one * two;
    2.0 * power.max(0.0).sqrt() / packet.len() as f64
}

#[test]
fn each_sound_is_known_by_itself_and_two_are_known_as_two() {
    use crate::support::sound::{from_mu_law, to_mu_law};
    for code in 0..CODES {
        let wire = from_mu_law(&to_mu_law(&sound(code, 60)));
        assert!(wire.chunks(FRAME).all(|packet| heard(packet) == Heard::Code(code)), "{code}");
    }
    let both: Vec<i16> =
        sound(3, 20).iter().zip(sound(190, 20)).map(|(a, b)| a / 2 + b / 2).collect();
    assert!(matches!(heard(&both), Heard::TwoAtOnce | Heard::Unsure));
    let loud: Vec<i16> =
        sound(3, 20).iter().zip(sound(190, 20)).map(|(a, b)| a.saturating_add(b)).collect();
    assert_eq!(heard(&loud), Heard::TwoAtOnce);
    assert_eq!(heard(&[7; FRAME]), Heard::Nothing);
}
