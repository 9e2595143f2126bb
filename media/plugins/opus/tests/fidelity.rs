//! What a caller would hear: sound through encoder, network and decoder, held against what went in.

use std::f64::consts::TAU;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use media_core::codec::{CodecPlugin, PacketDecoder, PacketEncoder, opus};
use media_core::jitter::{JitterConfig, PacketLength};
use media_core::playout::{Decode, Playout};
use media_core::rtp::RtpPacket;
use media_core::{
    MonoTime, OpusFormat, PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc,
};
use plugin_opus::Opus;

#[global_allocator]
static ALLOC_CHECK: AllocDisabler = AllocDisabler;

const FRAME: usize = 960;

#[test]
fn a_voice_comes_through_at_every_packet_length() {
    for ms in [10, 20, 40, 60] {
        let length = SampleRate::Hz48000.samples_in_ms(ms);
        let (mut encoder, mut decoder) = pair(OpusFormat::default());
        let sent = voice(48_000);
        let mut heard = Vec::new();
        let (mut packet, mut pcm) = ([0; 1_275], vec![0; length]);
        for frame in sent.chunks_exact(length) {
            assert_no_alloc(|| {
                let bytes = encoder.encode(frame, &mut packet);
                assert_eq!(opus::packet_ticks(&packet[..bytes]), Some(length as u32));
                assert_eq!(decoder.decode(&packet[..bytes], &mut pcm), length);
            });
            heard.extend_from_slice(&pcm);
        }
        let r = likeness(&sent, &heard);
        println!("opus, {ms} ms: r = {r:.3}");
        assert!(r > 0.8, "{ms} ms: r = {r:.3}");
    }
}

#[test]
fn a_tenth_of_the_packets_lost_is_repaired_from_those_that_came() {
    let asked = OpusFormat { forward_error_correction: true, ..OpusFormat::default() };
    let corrected = likeness_with_loss(asked, Repair::All);
    let invented = likeness_with_loss(asked, Repair::Concealment);
    println!("opus, 10 % loss: r = {corrected:.3}, without the repetitions {invented:.3}");
    assert!(corrected > 0.85, "r = {corrected:.3}");
    assert!(corrected > invented + 0.02, "{corrected:.3} with, {invented:.3} without");
}

#[test]
fn silence_is_packets_too() {
    let (mut encoder, _) = pair(OpusFormat::default());
    let mut packet = [0; 1_275];
    for _ in 0..500 {
        let bytes = encoder.encode(&[0; FRAME], &mut packet);
        assert!(bytes > 2, "{bytes} bytes: the encoder has stopped sending");
    }
}

#[test]
fn a_peer_that_asks_for_little_gets_little() {
    let asked = OpusFormat {
        bitrate_max: Some(12_000),
        playback_hz_max: 16_000,
        constant_bitrate: true,
        ..OpusFormat::default()
    };
    let (mut encoder, _) = pair(asked);
    let mut packet = [0; 1_275];
    for frame in voice(48_000).chunks_exact(FRAME) {
        assert_eq!(encoder.encode(frame, &mut packet), 12_000 / 8 / 50);
        // SILK alone, wideband at the most: configurations 0 to 11.
        assert!(packet[0] >> 3 < 12, "configuration {}", packet[0] >> 3);
    }
}

#[test]
fn what_is_no_packet_is_no_sound_and_no_harm() {
    let (_, mut decoder) = pair(OpusFormat::default());
    let mut pcm = [0; 5_760];
    let mut dice = 1_u64;
    for length in (0..300).cycle().take(20_000) {
        let bytes: Vec<u8> = (0..length)
            .map(|_| {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (dice >> 56) as u8
            })
            .collect();
        assert!(decoder.decode(&bytes, &mut pcm) <= pcm.len());
        assert!(decoder.recover(&bytes, &mut pcm[..FRAME]) <= FRAME);
    }
    assert_eq!(decoder.decode(&[], &mut pcm), 0);
    assert_eq!(decoder.conceal(&mut pcm[..7]), 0, "not a length that the library conceals");
    assert_eq!(decoder.conceal(&mut pcm[..FRAME]), FRAME);
}

enum Repair {
    All,
    Concealment,
}

struct Through(Box<dyn PacketDecoder>, Repair);

impl Decode for Through {
    fn decode(&mut self, payload: &[u8], out: &mut [i16]) -> usize {
        self.0.decode(payload, out)
    }

    fn recover(&mut self, next: &[u8], out: &mut [i16]) -> usize {
        match self.1 {
            Repair::All => self.0.recover(next, out),
            Repair::Concealment => 0,
        }
    }

    fn conceal(&mut self, out: &mut [i16]) -> usize {
        self.0.conceal(out)
    }
}

/// A call's way in, of which every tenth packet is lost.
fn likeness_with_loss(asked: OpusFormat, repair: Repair) -> f64 {
    let (mut encoder, decoder) = pair(asked);
    let mut decoder = Through(decoder, repair);
    let config = JitterConfig {
        clock_rate_hz: 48_000,
        payload_bytes_max: 1_275,
        packet_length: PacketLength::Opus,
        ..JitterConfig::default()
    };
    let mut playout = Playout::new(config, SampleRate::Hz48000, 1);
    let sent = syllables(48_000 * 6);
    let mut heard = Vec::new();
    let (mut packet, mut pcm) = ([0; 1_275], [0; FRAME]);
    for (n, frame) in sent.chunks_exact(FRAME).enumerate() {
        let at = MonoTime::from_millis(1_000 + 20 * n as u64);
        assert_no_alloc(|| {
            let bytes = encoder.encode(frame, &mut packet);
            if n % 10 != 7 {
                playout.insert(at, &rtp(n, &packet[..bytes]));
            }
            playout.pull(at, &mut pcm, &mut decoder);
        });
        heard.extend_from_slice(&pcm);
    }
    likeness_of_loudness(&sent, &heard)
}

fn rtp(n: usize, payload: &[u8]) -> RtpPacket<'_> {
    RtpPacket {
        marker: n == 0,
        payload_type: PayloadType(111),
        sequence: SequenceNumber(n as u16),
        timestamp: RtpTimestamp((n * FRAME) as u32),
        ssrc: Ssrc(7),
        payload,
    }
}

fn pair(format: OpusFormat) -> (Box<dyn PacketEncoder>, Box<dyn PacketDecoder>) {
    (Opus.encoder(format).expect("an encoder"), Opus.decoder().expect("a decoder"))
}

/// A buzz that glides and swells as a voice does.
fn voice(samples: usize) -> Vec<i16> {
    buzz(samples, |t| {
        (140.0 + 40.0 * (TAU * 0.9 * t).sin(), 3_000.0 + 2_500.0 * (TAU * 2.3 * t).sin())
    })
}

/// Syllables of 60 ms, no two alike, with pauses among them: what nobody can guess.
fn syllables(samples: usize) -> Vec<i16> {
    buzz(samples, |t| {
        let dice = ((t / 0.06) as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let loud = [0.0, 1_500.0, 3_000.0, 6_000.0][(dice % 4) as usize];
        (110.0 + (dice / 4 % 120) as f64, loud)
    })
}

/// `at`: pitch in Hz and loudness at a time in seconds.
fn buzz(samples: usize, at: impl Fn(f64) -> (f64, f64)) -> Vec<i16> {
    let mut phase = 0.0;
    let sample = |n| {
        let (hz, loud) = at(n as f64 / 48_000.0);
        phase += hz / 48_000.0;
        let buzz: f64 = (1..=8).map(|k| (TAU * phase * f64::from(k)).sin() / f64::from(k)).sum();
        (buzz * loud) as i16
    };
    (0..samples).map(sample).collect()
}

/// The correlation of what was heard with what was sent, at the delay that fits best, up to 150 ms.
fn likeness(sent: &[i16], heard: &[i16]) -> f64 {
    let window = sent.len() - DELAY_MAX;
    let r = |delay: usize| {
        let pairs = sent[2_400..window].iter().zip(&heard[2_400 + delay..]);
        correlation(pairs.map(|(a, b)| (f64::from(*a), f64::from(*b))))
    };
    (0..DELAY_MAX).step_by(2).map(r).fold(0.0, f64::max)
}

/// The same of how loud each 5 ms are.
fn likeness_of_loudness(sent: &[i16], heard: &[i16]) -> f64 {
    let loudness = |sound: &[i16]| -> Vec<f64> {
        let energy = |piece: &[i16]| piece.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>();
        sound.chunks_exact(240).map(|piece| energy(piece).sqrt()).collect()
    };
    let (sent, heard) = (loudness(sent), loudness(heard));
    let window = sent.len() - DELAY_MAX / 240;
    let r = |delay: usize| {
        let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
        let (one, other) = (mean(&sent), mean(&heard));
        let pairs = sent[..window].iter().zip(&heard[delay..]);
        correlation(pairs.map(|(a, b)| (a - one, b - other)))
    };
    (0..DELAY_MAX / 240).map(r).fold(0.0, f64::max)
}

fn correlation(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (mut both, mut one, mut other) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        both += a * b;
        one += a * a;
        other += b * b;
    }
    both / (one * other).sqrt().max(1.0)
}

/// The codec, the jitter buffer's delay, and some.
const DELAY_MAX: usize = 7_200;
