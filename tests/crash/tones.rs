//! Sounds that tell who is heard, and where in the sound: four tones at once, one of each of four
//! groups on a grid of 100 Hz. Three of them are the sound's own, so that no two claims of a run are
//! alike; the fourth climbs a step every five packets, so that a recording says how far a sound had
//! come, whether it went on there, and whether it began again. In a packet of 20 ms the grid's tones
//! do not disturb each other, whatever their phase, so a packet in which two claims sound shows a
//! group with two tones.

use std::f64::consts::TAU;

use crate::support::sound::{FRAME, rms};

pub const RATE_HZ: u32 = 8_000;
const STEP_HZ: usize = 100;
/// Where the groups begin, in steps of the grid: 200 Hz to 3.7 kHz. The first is the climbing one.
const GROUPS: [usize; 4] = [2, 11, 20, 29];
const TONES: usize = 9;
/// How many sounds there are.
pub const CODES: usize = TONES * TONES * TONES;
/// How many packets a step lasts.
pub const STEP_PACKETS: usize = 5;
/// The longest sound.
pub const STEPS_MAX: usize = TONES;

const AMPLITUDE: f64 = 4_000.0;
/// Half of what a tone that fills its packet has. Comfort noise and the codec's own noise have a
/// hundredth.
const HEARD: f64 = AMPLITUDE / 2.0;
/// A second tone of a group from this on is a second voice. The codec's noise stays below a
/// twentieth, also where a tone begins or ends within the packet.
const SECOND: f64 = AMPLITUDE / 4.0;
/// Louder than comfort noise.
const SOUND_RMS: f64 = 200.0;
/// So much of a packet's power is in its four tones, or somebody speaks over them.
const PURE: f64 = 0.97;

/// What is heard in a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Heard {
    Nothing,
    /// Less than half a packet of a sound, or no sound of ours: a voice.
    Other,
    Step {
        code: usize,
        step: usize,
    },
    TwoAtOnce,
}

impl Heard {
    /// Whose sound it is, if it is one's alone.
    pub fn code(self) -> Option<usize> {
        match self {
            Heard::Step { code, .. } => Some(code),
            _ => None,
        }
    }
}

/// The sound `code`, `ms` long.
pub fn sound(code: usize, ms: usize) -> Vec<i16> {
    let own = [code / (TONES * TONES) % TONES, code / TONES % TONES, code % TONES];
    let samples = ms * RATE_HZ as usize / 1_000;
    let at = |n: usize| {
        let step = (n / (STEP_PACKETS * FRAME)).min(STEPS_MAX - 1);
        let tones = [step, own[0], own[1], own[2]];
        let wave = |(group, tone): (usize, usize)| {
            (TAU * ((group + tone) * STEP_HZ * n) as f64 / f64::from(RATE_HZ)).sin()
        };
        (AMPLITUDE * GROUPS.into_iter().zip(tones).map(wave).sum::<f64>()) as i16
    };
    (0..samples).map(at).collect()
}

/// A tone of a group, and how loud it is.
type Tone = (usize, f64);

/// What a packet of sound has in it.
pub fn heard(packet: &[i16]) -> Heard {
    if packet.len() < FRAME || rms(packet) < SOUND_RMS {
        return Heard::Nothing;
    }
    let [climbing, own @ ..] = GROUPS.map(|group| loudest(packet, group));
    let is_whole = |(first, _): &(Tone, Tone)| first.1 >= HEARD;
    let is_alone = |(_, second): &(Tone, Tone)| second.1 < SECOND;
    // Where it climbs within a packet both steps are in it, each for a part.
    let (lower, higher) = (climbing.0.0.min(climbing.1.0), climbing.0.0.max(climbing.1.0));
    let climbs = !is_alone(&climbing) && higher == lower + 1;
    if !own.iter().all(is_whole) || !(is_whole(&climbing) || climbs) {
        return Heard::Other;
    }
    let alone = own.iter().all(is_alone) && (is_alone(&climbing) || climbs);
    let all = own.iter().chain([&climbing]).map(|(first, _)| first.1.powi(2) / 2.0).sum::<f64>();
    if !alone || (!climbs && all < PURE * rms(packet).powi(2)) {
        return Heard::TwoAtOnce;
    }
    let code = own.iter().fold(0, |code, (first, _)| code * TONES + first.0);
    Heard::Step { code, step: if climbs { lower } else { climbing.0.0 } }
}

/// The two loudest tones of a group.
fn loudest(packet: &[i16], group: usize) -> (Tone, Tone) {
    let mut found: Vec<Tone> = (0..TONES).map(|it| (it, strength(packet, group + it))).collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    (found[0], found[1])
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
fn each_sound_is_known_by_itself_with_its_steps_and_two_are_known_as_two() {
    use crate::support::sound::{from_mu_law, to_mu_law};
    let on_the_wire = |sound: &[i16]| from_mu_law(&to_mu_law(sound));
    for code in (0..CODES).step_by(11) {
        let wire = on_the_wire(&sound(code, 900));
        for (n, packet) in wire.chunks(FRAME).enumerate() {
            let step = n / STEP_PACKETS;
            assert_eq!(heard(packet), Heard::Step { code, step }, "packet {n}");
        }
        let held: Vec<_> = wire[60..].chunks_exact(FRAME).map(heard).collect();
        assert!(held.iter().all(|it| it.code() == Some(code)), "between packets: {held:?}");
    }
    let both = |n: usize| -> Vec<i16> {
        let (one, other) = (sound(3, 60), sound(190 + n, 60));
        one.iter().zip(&other).map(|(a, b)| a.saturating_add(*b)).collect()
    };
    for n in 0..9 {
        let wire = on_the_wire(&both(n));
        assert!(wire.chunks(FRAME).all(|packet| heard(packet) == Heard::TwoAtOnce), "{n}");
    }
    let spoken = crate::support::sound::synthesised("what time is it");
    let over: Vec<i16> =
        spoken[2_000..].iter().zip(sound(77, 900)).map(|(a, b)| a / 2 + b).collect();
    let twos = on_the_wire(&over).chunks(FRAME).filter(|p| heard(p) == Heard::TwoAtOnce).count();
    assert!(twos > 5, "a voice over a sound: {twos} packets");
    assert_eq!(heard(&[7; FRAME]), Heard::Nothing);
}
