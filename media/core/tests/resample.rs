//! Sample rate conversion: flat, clean, exact in length, without allocation.

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use media_core::SampleRate::{self, Hz8000, Hz16000, Hz48000};
use media_core::resample::{Resampler, convert_all};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const PAIRS: [(SampleRate, SampleRate); 6] = [
    (Hz8000, Hz16000),
    (Hz16000, Hz8000),
    (Hz8000, Hz48000),
    (Hz48000, Hz8000),
    (Hz16000, Hz48000),
    (Hz48000, Hz16000),
];

fn sine(hz: f32, rate: SampleRate, ms: u32) -> Vec<i16> {
    let step = f64::from(hz) / f64::from(rate.hz()) * std::f64::consts::TAU;
    (0..rate.samples_in_ms(ms)).map(|n| ((n as f64 * step).sin() * 10_000.0) as i16).collect()
}

/// Level of one frequency in `samples`, in dB relative to the sine above.
fn level_db(samples: &[i16], hz: f32, rate: SampleRate) -> f64 {
    let step = f64::from(hz) / f64::from(rate.hz()) * std::f64::consts::TAU;
    let (mut re, mut im, mut weight) = (0.0, 0.0, 0.0);
    for (n, &s) in samples.iter().enumerate() {
        let x = n as f64 / samples.len() as f64 * std::f64::consts::TAU;
        // Blackman-Harris: side lobes 92 dB down, so that a loud neighbour does not count.
        let window =
            0.35875 - 0.48829 * x.cos() + 0.14128 * (2.0 * x).cos() - 0.01168 * (3.0 * x).cos();
        re += window * f64::from(s) * (n as f64 * step).cos();
        im += window * f64::from(s) * (n as f64 * step).sin();
        weight += window;
    }
    20.0 * (2.0 * re.hypot(im) / weight / 10_000.0).max(1e-9).log10()
}

fn convert(hz: f32, from: SampleRate, to: SampleRate) -> Vec<i16> {
    let out = convert_all(&sine(hz, from, 1_000), from, to);
    let edge = to.samples_in_ms(50);
    out[edge..out.len() - edge].to_vec()
}

#[test]
fn the_telephone_band_is_flat() {
    for (from, to) in PAIRS {
        let mut worst: f64 = 0.0;
        for hz in [100.0, 300.0, 1_000.0, 2_000.0, 3_000.0, 3_400.0] {
            worst = worst.max(level_db(&convert(hz, from, to), hz, to).abs());
        }
        println!("{from:?} to {to:?}: within {worst:.2} dB to 3.4 kHz");
        assert!(worst <= 0.3, "{from:?} {to:?}: {worst}");
    }
}

#[test]
fn wideband_is_flat_to_six_point_eight_kilohertz() {
    for (from, to) in [(Hz16000, Hz48000), (Hz48000, Hz16000)] {
        for hz in [5_000.0, 6_800.0] {
            assert!(level_db(&convert(hz, from, to), hz, to).abs() <= 0.3, "{from:?} {to:?} {hz}");
        }
    }
}

#[test]
fn images_and_aliases_are_far_below() {
    for hz in [1_000.0, 2_500.0, 3_400.0] {
        let up = convert(hz, Hz8000, Hz16000);
        let image = level_db(&up, 8_000.0 - hz, Hz16000);
        assert!(image <= -60.0, "image of {hz}: {image}");
    }
    for hz in [4_600.0, 5_000.0, 7_000.0] {
        let down = convert(hz, Hz16000, Hz8000);
        let alias = level_db(&down, 8_000.0 - hz, Hz8000);
        assert!(alias <= -60.0, "alias of {hz}: {alias}");
    }
}

#[test]
fn the_delay_is_a_few_milliseconds() {
    for (from, to) in PAIRS {
        let resampler = Resampler::new(from, to);
        let ms = resampler.delay_samples() as f64 * 1_000.0 / f64::from(to.hz());
        println!("{from:?} to {to:?}: {ms:.2} ms");
        assert!(ms <= 4.5, "{from:?} {to:?}: {ms} ms");
    }
}

#[test]
fn a_recording_keeps_its_place_and_length() {
    for (from, to) in PAIRS {
        let sent = sine(440.0, from, 500);
        let there = convert_all(&sent, from, to);
        assert_eq!(there.len(), to.samples_in_ms(500));
        let expected = sine(440.0, to, 500);
        let edge = to.samples_in_ms(20);
        for n in edge..there.len() - edge {
            let error = i32::from(there[n]) - i32::from(expected[n]);
            assert!(error.abs() <= 300, "{from:?} {to:?} at {n}: {error}");
        }
    }
}

#[test]
fn every_tick_yields_exactly_its_time_also_after_an_hour() {
    for (from, to) in PAIRS {
        let mut resampler = Resampler::new(from, to);
        let frame = sine(1_000.0, from, 20);
        let mut out = [0; 960];
        for tick in 0..20_000 {
            let count = resampler.process(&frame, &mut out);
            assert_eq!(count, to.samples_in_ms(20), "{from:?} {to:?} tick {tick}");
        }
    }
}

#[test]
fn ticks_and_the_whole_give_the_same() {
    let sent = sine(700.0, Hz8000, 600);
    let mut whole = vec![0; Hz16000.samples_in_ms(600)];
    Resampler::new(Hz8000, Hz16000).process(&sent, &mut whole);
    let (mut resampler, mut parts) = (Resampler::new(Hz8000, Hz16000), Vec::new());
    for frame in sent.chunks(80 * 3) {
        let mut out = [0; 960];
        let count = resampler.process(frame, &mut out);
        parts.extend_from_slice(&out[..count]);
    }
    assert_eq!(whole, parts);
}

#[test]
fn equal_rates_copy() {
    let mut out = [0; 160];
    assert_eq!(Resampler::new(Hz8000, Hz8000).process(&[7; 160], &mut out), 160);
    assert_eq!(out, [7; 160]);
}

#[test]
fn full_scale_does_not_wrap() {
    let square: Vec<i16> =
        (0..8_000).map(|n| if n / 10 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
    let out = convert_all(&square, Hz8000, Hz16000);
    for (n, pair) in out.windows(2).enumerate() {
        let step = (i32::from(pair[1]) - i32::from(pair[0])).abs();
        assert!(step < 60_000, "at {n}: {pair:?}");
    }
}

#[test]
fn too_small_an_output_is_no_panic() {
    let mut resampler = Resampler::new(Hz8000, Hz48000);
    let mut out = [0; 100];
    for length in [0, 1, 79, 80, 160, 480, 1_000] {
        assert!(resampler.process(&vec![5; length], &mut out) <= 100);
        assert_eq!(resampler.process(&vec![5; length], &mut []), 0);
    }
}

#[test]
fn the_tick_allocates_nothing() {
    for (from, to) in PAIRS {
        let mut resampler = Resampler::new(from, to);
        let frame = sine(1_000.0, from, 20);
        let mut out = [0; 960];
        assert_no_alloc(|| {
            for _ in 0..20 {
                resampler.process(&frame, &mut out);
            }
        });
    }
}
