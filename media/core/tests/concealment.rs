//! What is heard where packets are missing.

use media_core::SampleRate;
use media_core::comfort_noise::{ComfortNoise, NoiseDescription};
use media_core::concealment::Concealment;

fn tone(rate: SampleRate, hz: f64, n: usize) -> i16 {
    let t = n as f64 / f64::from(rate.hz());
    let turn = 2.0 * core::f64::consts::PI * hz * t;
    (8_000.0 * turn.sin() + 3_000.0 * (2.0 * turn).sin()) as i16
}

/// Runs frames of 20 ms through concealment; those in `lost` do not come.
fn run(rate: SampleRate, hz: f64, frames: usize, lost: &[usize]) -> Vec<i16> {
    let length = rate.samples_in_ms(20);
    let mut concealment = Concealment::new(rate);
    let mut out = Vec::new();
    for n in 0..frames {
        let mut frame: Vec<i16> = (0..length).map(|i| tone(rate, hz, n * length + i)).collect();
        if lost.contains(&n) {
            frame.fill(0x55);
            concealment.conceal(&mut frame);
        } else {
            concealment.good(&mut frame);
        }
        out.extend(frame);
    }
    out
}

#[test]
fn without_loss_nothing_is_changed() {
    for rate in [SampleRate::Hz8000, SampleRate::Hz16000, SampleRate::Hz48000] {
        let out = run(rate, 150.0, 50, &[]);
        assert!(out.iter().enumerate().all(|(n, &s)| s == tone(rate, 150.0, n)));
    }
}

#[test]
fn a_lost_frame_of_a_steady_voice_is_nearly_restored() {
    for rate in [SampleRate::Hz8000, SampleRate::Hz16000] {
        for hz in [80.0, 123.0, 190.0] {
            let frame = rate.samples_in_ms(20);
            let out = run(rate, hz, 10, &[5]);
            let lost = 5 * frame..5 * frame + frame / 2;
            let (mut signal, mut error) = (0.0, 0.0);
            for (n, &sample) in out.iter().enumerate().take(lost.end).skip(lost.start) {
                let wanted = f64::from(tone(rate, hz, n));
                signal += wanted.powi(2);
                error += (wanted - f64::from(sample)).powi(2);
            }
            let snr_db = 10.0 * (signal / error).log10();
            assert!(snr_db > 10.0, "{rate:?} {hz} Hz: {snr_db} dB");
        }
    }
}

#[test]
fn a_loss_begins_and_ends_without_a_click() {
    for hz in [80.0, 123.0, 190.0] {
        let out = run(SampleRate::Hz8000, hz, 20, &[5, 6, 10]);
        let step =
            |s: &[i16]| s.windows(2).map(|w| (i32::from(w[1]) - i32::from(w[0])).abs()).max();
        let natural = step(&out[..800]).expect("samples");
        let largest = step(&out).expect("samples");
        assert!(largest < natural * 2, "{hz} Hz: a step of {largest}, naturally {natural}");
    }
}

#[test]
fn a_long_loss_fades_to_silence_within_60_ms() {
    let out = run(SampleRate::Hz8000, 150.0, 20, &[5, 6, 7, 8, 9, 10]);
    let rms = |from_ms: usize| {
        let piece = &out[from_ms * 8..(from_ms + 10) * 8];
        (piece.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / 80.0).sqrt()
    };
    let levels: Vec<f64> = (10..17).map(|n| rms(n * 10)).collect();
    assert!(levels.windows(2).all(|w| w[1] < w[0] + 400.0), "{levels:?}");
    assert!(levels[4] < levels[0] * 0.5, "{levels:?}");
    assert!(out[160 * 8..220 * 8].iter().all(|&s| s == 0), "silence after 60 ms");
    assert_ne!(out[220 * 8 + 1], 0, "what comes after silence is not faded in");
}

#[test]
fn a_loss_before_anything_was_heard_is_silence() {
    let mut concealment = Concealment::new(SampleRate::Hz8000);
    let mut out = [1; 160];
    concealment.conceal(&mut out);
    assert_eq!(out, [0; 160]);
}

#[test]
fn odd_lengths_and_loud_signals_do_not_overflow() {
    let mut concealment = Concealment::new(SampleRate::Hz8000);
    for n in 0..400 {
        let mut frame = vec![if n % 3 == 0 { i16::MAX } else { i16::MIN }; n];
        if n % 2 == 0 {
            concealment.good(&mut frame);
        } else {
            concealment.conceal(&mut frame);
        }
    }
}

#[test]
fn comfort_noise_has_the_level_it_is_told() {
    for level_dbov in [-30i8, -45, -60] {
        for noise in [
            NoiseDescription::white(level_dbov),
            NoiseDescription::parse(&[level_dbov.unsigned_abs(), 40, 180, 127, 90])
                .expect("a description"),
        ] {
            let mut source = ComfortNoise::new(SampleRate::Hz8000, 7);
            let mut out = [0; 16_000];
            source.fill_as(&mut out, &noise);
            let power = out.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / out.len() as f64;
            let got = 20.0 * (power.sqrt() / 32_767.0).log10();
            assert!((got - f64::from(level_dbov)).abs() < 1.5, "{got} dBov, not {level_dbov}");
        }
    }
}

#[test]
fn any_noise_description_stays_bounded() {
    for fill in 0..=255u8 {
        let payload = [0, fill, 255 - fill, fill, 255, 0, fill, fill, 1, fill, fill, 9, fill, fill];
        let noise = NoiseDescription::parse(&payload).expect("a description");
        let mut out = [0; 4_000];
        ComfortNoise::new(SampleRate::Hz8000, 3).fill_as(&mut out, &noise);
        let power = out.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / out.len() as f64;
        assert!(power.is_finite());
    }
    assert_eq!(NoiseDescription::parse(&[]), None);
}
