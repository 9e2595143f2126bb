//! Codecs: exactness of G.711, quality of G.722, and that nothing allocates or panics.

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use media_core::Codec;
use media_core::codec::{Decoder, Encoder, silence_byte};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const ALL: [Codec; 3] = [Codec::Pcmu, Codec::Pcma, Codec::G722];

fn sine(hz: f32, rate: f32, dbov: f32, samples: usize) -> Vec<i16> {
    let amplitude = 32_767.0 * 10f32.powf((dbov + 3.01) / 20.0);
    (0..samples)
        .map(|n| ((n as f32 * hz / rate * std::f32::consts::TAU).sin() * amplitude) as i16)
        .collect()
}

fn through(codec: Codec, pcm: &[i16]) -> Vec<i16> {
    let (mut bytes, mut out) = (vec![0; pcm.len()], vec![0; pcm.len()]);
    let count = Encoder::new(codec).encode(pcm, &mut bytes);
    let count = Decoder::new(codec).decode(&bytes[..count], &mut out);
    out.truncate(count);
    out
}

fn snr_db(sent: &[i16], got: &[i16]) -> f64 {
    let signal: f64 = sent.iter().map(|&s| f64::from(s).powi(2)).sum();
    let error: f64 =
        sent.iter().zip(got).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum();
    10.0 * (signal / error.max(1e-9)).log10()
}

#[test]
fn g711_decodes_and_encodes_every_byte_to_itself() {
    for codec in [Codec::Pcmu, Codec::Pcma] {
        for byte in 0..=255u8 {
            let (mut pcm, mut back) = ([0i16], [0u8]);
            Decoder::new(codec).decode(&[byte], &mut pcm);
            Encoder::new(codec).encode(&pcm, &mut back);
            // µ-law has two zeros; the negative one is not sent.
            let expected = if codec == Codec::Pcmu && byte == 0x7F { 0xFF } else { byte };
            assert_eq!(back[0], expected, "{codec:?} {byte:#04x} is {}", pcm[0]);
        }
    }
}

#[test]
fn g711_has_the_values_of_the_recommendation() {
    let table = |codec, bytes: &[u8]| {
        let mut pcm = vec![0; bytes.len()];
        Decoder::new(codec).decode(bytes, &mut pcm);
        pcm
    };
    assert_eq!(
        table(Codec::Pcmu, &[0x00, 0x80, 0xFF, 0x7F, 0x0F, 0xEF]),
        [-32124, 32124, 0, 0, -16764, 132]
    );
    assert_eq!(table(Codec::Pcma, &[0x55, 0xD5, 0x2A, 0xAA, 0x80]), [-8, 8, -32256, 32256, 5504]);
}

#[test]
fn g711_is_monotonic_and_odd() {
    for codec in [Codec::Pcmu, Codec::Pcma] {
        let all: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        let out = through(codec, &all);
        assert!(out.is_sorted(), "{codec:?}");
    }
}

#[test]
fn g711_noise_is_as_low_as_the_law_allows() {
    for codec in [Codec::Pcmu, Codec::Pcma] {
        for dbov in [-6.0, -16.0, -26.0] {
            let sent = sine(1_020.0, 8_000.0, dbov, 8_000);
            let snr = snr_db(&sent, &through(codec, &sent));
            println!("{codec:?} at {dbov} dBov: {snr:.1} dB");
            assert!(snr >= 35.0, "{codec:?} {dbov}: {snr}");
        }
    }
}

#[test]
fn silence_stays_silent() {
    for codec in ALL {
        let out = through(codec, &[0; 320]);
        assert!(out.iter().all(|s| s.abs() <= 8), "{codec:?}");
        if let Some(byte) = silence_byte(codec) {
            let mut bytes = [0; 4];
            Encoder::new(codec).encode(&[0; 4], &mut bytes);
            assert_eq!(bytes, [byte; 4], "{codec:?}");
        }
    }
}

#[test]
fn g722_carries_seven_kilohertz() {
    for hz in [300.0, 1_000.0, 3_400.0, 5_000.0, 6_500.0] {
        let sent = sine(hz, 16_000.0, -16.0, 16_000);
        let got = through(Codec::G722, &sent);
        assert_eq!(got.len(), sent.len());
        // 22 samples of filter delay, and the predictor needs a moment to adapt.
        let best = (0..48)
            .map(|delay| snr_db(&sent[1_600..15_000], &got[1_600 + delay..15_000 + delay]))
            .fold(f64::MIN, f64::max);
        println!("G.722 at {hz} Hz: {best:.1} dB");
        assert!(best >= 12.0, "{hz} Hz: {best}");
    }
}

#[test]
fn twenty_milliseconds_are_160_bytes_for_all_three() {
    for codec in ALL {
        let frame = vec![100; codec.sample_rate().samples_in_ms(20)];
        let mut bytes = [0; 400];
        assert_eq!(Encoder::new(codec).encode(&frame, &mut bytes), 160);
        let mut out = [0; 400];
        assert_eq!(Decoder::new(codec).decode(&bytes[..160], &mut out), frame.len());
    }
}

#[test]
fn too_small_an_output_is_filled_and_the_rest_left_out() {
    for codec in ALL {
        let mut bytes = [0; 7];
        assert_eq!(Encoder::new(codec).encode(&[1_000; 320], &mut bytes), 7);
        let mut pcm = [0; 7];
        let count = Decoder::new(codec).decode(&[0x12; 160], &mut pcm);
        assert!(count == 7 || codec == Codec::G722 && count == 6);
        assert_eq!(Decoder::new(codec).decode(&[], &mut pcm), 0);
        assert_eq!(Encoder::new(codec).encode(&[], &mut bytes), 0);
    }
}

#[test]
fn any_bytes_decode_without_panic() {
    let mut seed = 1u32;
    for codec in ALL {
        let mut decoder = Decoder::new(codec);
        let mut encoder = Encoder::new(codec);
        for length in 0..2_000 {
            let mut payload = [0u8; 200];
            for byte in &mut payload {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *byte = (seed >> 24) as u8;
            }
            let mut pcm = [0; 400];
            let count = decoder.decode(&payload[..length % 201], &mut pcm);
            // What came out, at full scale and with any sign, goes in again.
            for sample in &mut pcm[..count] {
                *sample = if *sample < 0 { i16::MIN } else { i16::MAX };
            }
            encoder.encode(&pcm[..count], &mut payload);
        }
    }
}

#[test]
fn the_tick_allocates_nothing() {
    for codec in ALL {
        let (mut encoder, mut decoder) = (Encoder::new(codec), Decoder::new(codec));
        let pcm = vec![1_234; codec.sample_rate().samples_in_ms(20)];
        let (mut bytes, mut out) = ([0; 320], [0; 960]);
        assert_no_alloc(|| {
            for _ in 0..50 {
                let count = encoder.encode(&pcm, &mut bytes);
                decoder.decode(&bytes[..count], &mut out);
            }
        });
    }
}
