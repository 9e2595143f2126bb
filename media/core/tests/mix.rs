//! Everybody hears the others, nobody hears themselves, nothing clicks, nothing rasps.

use std::f64::consts::TAU;
use std::time::Duration;

use media_core::mix::{Ducker, DuckerConfig, Fader, Limiter, MixBus, db_to_gain};
use proptest::prelude::*;

const FRAME: usize = 160;
const RATE: f64 = 8_000.0;

fn tone(hz: f64, amplitude: f64, from: usize, samples: usize) -> Vec<i16> {
    let sample = |n: usize| ((n as f64 * hz * TAU / RATE).sin() * amplitude).round() as i16;
    (from..from + samples).map(sample).collect()
}

/// The steepest step from one sample to the next.
fn steepest(samples: &[i16]) -> i32 {
    let step = |pair: &[i16]| (i32::from(pair[1]) - i32::from(pair[0])).abs();
    samples.windows(2).map(step).max().unwrap_or(0)
}

proptest! {
    #[test]
    fn each_hears_exactly_the_sum_of_the_others(
        parts in prop::collection::vec(prop::collection::vec(-4_000..4_000_i16, FRAME), 1..8)
    ) {
        let mut bus = MixBus::<320>::new();
        bus.begin(FRAME);
        parts.iter().for_each(|part| bus.add(part));
        for (me, own) in parts.iter().enumerate() {
            let mut out = [0; FRAME];
            bus.without(own, &mut Limiter::new(), &mut out);
            for (n, heard) in out.iter().enumerate() {
                let others = parts.iter().enumerate().filter(|(who, _)| *who != me);
                let sum: i32 = others.map(|(_, part)| i32::from(part[n])).sum();
                prop_assert_eq!(i32::from(*heard), sum.clamp(-32_768, 32_767));
            }
        }
    }

    #[test]
    fn no_sum_overflows_and_silence_stays_silence(
        frames in prop::collection::vec(prop::collection::vec(-400_000..400_000_i32, FRAME), 1..20)
    ) {
        let mut limiter = Limiter::new();
        for frame in frames {
            let mut out = [0; FRAME];
            limiter.limit(&frame, &mut out);
            for (out, sample) in out.iter().zip(&frame) {
                prop_assert!(i32::from(*out).signum() == sample.signum() || *out == 0);
                prop_assert!(i32::from(*out).abs() <= sample.abs() + 1);
            }
            let mut out = [1; FRAME];
            limiter.limit(&[0; FRAME], &mut out);
            prop_assert_eq!(out, [0; FRAME]);
        }
    }
}

#[test]
fn a_crowd_is_turned_down_as_a_whole_instead_of_cut_off() {
    let crowd: Vec<i32> =
        tone(440.0, 30_000.0, 0, 50 * FRAME).iter().map(|sample| i32::from(*sample) * 3).collect();
    let mut limiter = Limiter::new();
    let mut out = vec![0; crowd.len()];
    for (sum, out) in crowd.chunks(FRAME).zip(out.chunks_mut(FRAME)) {
        limiter.limit(sum, out);
    }
    let settled = &out[FRAME..];
    let flat = settled.windows(2).filter(|pair| pair[0] == pair[1] && pair[0].abs() > 32_000);
    assert!(flat.count() < 2, "peaks are round");
    assert!(settled.iter().any(|sample| sample.abs() > 32_000), "and not needlessly low");
}

#[test]
fn after_the_crowd_one_is_as_loud_as_before() {
    let mut limiter = Limiter::new();
    let mut out = [0; FRAME];
    limiter.limit(&[100_000; FRAME], &mut out);
    for _ in 0..25 {
        limiter.limit(&[1_000; FRAME], &mut out);
    }
    assert_eq!(out, [1_000; FRAME]);
}

#[test]
fn who_joins_and_leaves_does_not_click() {
    let voice = tone(300.0, 10_000.0, 0, 4 * FRAME);
    let smooth = steepest(&voice);
    let mut fader = Fader::silent();
    let mut heard = Vec::new();
    for (n, frame) in voice.chunks(FRAME).enumerate() {
        fader.set(if n == 1 || n == 2 { 1.0 } else { 0.0 });
        let mut frame = frame.to_vec();
        fader.apply(&mut frame);
        heard.extend(frame);
    }
    assert!(heard[..FRAME].iter().all(|sample| *sample == 0));
    assert_eq!(heard[2 * FRAME..3 * FRAME], voice[2 * FRAME..3 * FRAME], "whole in between");
    assert!(steepest(&heard) <= smooth + 100, "{} beside {smooth}", steepest(&heard));
    assert!(!fader.is_silent() || heard[4 * FRAME - 1].abs() < 100);
}

#[test]
fn a_gain_that_makes_no_sense_changes_nothing() {
    let mut fader = Fader::open();
    fader.set(f32::NAN);
    let mut frame = [1_000; FRAME];
    fader.apply(&mut frame);
    assert_eq!(frame, [1_000; FRAME]);
    fader.set(1e9);
    fader.apply(&mut frame);
    fader.apply(&mut frame);
    assert_eq!(frame[FRAME - 1], i16::MAX, "20 dB twice");
}

#[test]
fn others_make_room_at_once_stay_down_between_words_and_come_back() {
    let frame = Duration::from_millis(20);
    let config = DuckerConfig::default();
    let mut ducker = Ducker::new(config);
    let down = db_to_gain(config.depth_db);
    assert_eq!(ducker.gain(false, frame), 1.0);
    assert_eq!(ducker.gain(true, frame), down);
    let gains: Vec<f32> = (0..40).map(|_| ducker.gain(false, frame)).collect();
    assert!(gains[..20].iter().all(|gain| *gain == down), "held for 400 ms");
    assert!(gains.windows(2).all(|pair| pair[0] <= pair[1]), "back, never down again");
    assert_eq!(gains[39], 1.0);
}

#[test]
fn decibels_are_factors() {
    assert!((db_to_gain(-6.0) - 0.501).abs() < 0.001);
    assert_eq!((db_to_gain(0.0), db_to_gain(-100.0)), (1.0, 0.0));
}
