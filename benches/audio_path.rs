//! What each part of the audio path costs, for one packet of 20 ms: the time, by criterion, and
//! how many times a plain copy of the same samples that is.

mod method;
mod turns;

use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;
use media_core::codec::{Decoder, Encoder};
use media_core::concealment::Concealment;
use media_core::jitter::{JitterBuffer, JitterConfig, Popped};
use media_core::playout::Playout;
use media_core::resample::Resampler;
use media_core::rtp::RtpPacket;
use media_core::{Codec, MonoTime, PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};
use media_engine::bench::{SpeechRing, TapRing};
use turns::Work;

const CODECS: [Codec; 3] = [Codec::Pcmu, Codec::Pcma, Codec::G722];
const PACKET_MS: u64 = 20;
const NARROW: usize = 160;
/// Packets after which every buffer plays.
const SETTLED: u64 = 100;

/// A part of the path.
struct Part {
    name: String,
    /// Samples of the frame that it handles, in bytes: what a copy of it would move.
    frame_bytes: usize,
    work: Work,
}

fn main() {
    method::print(
        "one frame of 20 ms; times by criterion; the ratio is the median of 41 rounds in which \
         the part and a memcpy of its frame take turns, with quartiles",
    );
    let mut criterion = Criterion::default()
        .measurement_time(Duration::from_secs(1))
        .warm_up_time(Duration::from_millis(300))
        .without_plots()
        .configure_from_args();
    for Part { name, mut work, .. } in parts() {
        criterion.bench_function(&name, |b| b.iter(&mut work));
    }
    criterion.final_summary();
    println!("\n{:<50} {:>9} {:>8} {:>8}", "part", "ns", "memcpy", "ratio");
    for Part { name, frame_bytes, mut work } in parts() {
        let ratio = turns::compare(&mut work, &mut copy(frame_bytes));
        let [low, middle, high] = ratio.times;
        println!(
            "{name:<50} {:>9.1} {:>8.1} {middle:>8.1} ({low:.1}-{high:.1})",
            ratio.subject, ratio.baseline
        );
    }
}

fn parts() -> Vec<Part> {
    let groups = [codecs(), jitter_buffer(), receiving(), concealment(), resampling(), rings()];
    groups.into_iter().flatten().collect()
}

fn part(name: impl Into<String>, frame_bytes: usize, work: impl FnMut() + 'static) -> Part {
    Part { name: name.into(), frame_bytes, work: Box::new(work) }
}

/// Copies whole cache lines side by side in memory: where a frame happens to lie can make a copy
/// of it four times as slow.
fn copy(bytes: usize) -> Work {
    #[derive(Clone, Copy)]
    #[repr(align(64))]
    struct CacheLine([u8; 64]);
    let lines = bytes.div_ceil(64);
    let mut memory = vec![CacheLine([0x55; 64]); 2 * lines];
    Box::new(move || {
        let (from, to) = memory.split_at_mut(lines);
        to.copy_from_slice(black_box(from));
        black_box(to[0].0[0]);
    })
}

fn codecs() -> Vec<Part> {
    let both = |codec: Codec| {
        let name = codec.encoding_name();
        let pcm = voice(codec.sample_rate());
        let bytes = pcm.len() * 2;
        let mut payload = vec![0; NARROW];
        Encoder::new(codec).encode(&pcm, &mut payload);
        let (mut encoder, mut encoded) = (Encoder::new(codec), payload.clone());
        let (mut decoder, mut decoded) = (Decoder::new(codec), pcm.clone());
        [
            part(format!("codec/encode {name}"), bytes, move || {
                black_box(encoder.encode(black_box(&pcm), &mut encoded));
            }),
            part(format!("codec/decode {name}"), bytes, move || {
                black_box(decoder.decode(black_box(&payload), &mut decoded));
            }),
        ]
    };
    CODECS.into_iter().flat_map(both).collect()
}

fn jitter_buffer() -> Vec<Part> {
    let kind = |(name, swapped): (&str, bool)| {
        let mut buffer = JitterBuffer::new(JitterConfig::default());
        let mut n = 0;
        let mut turn = move || {
            let sent = if swapped { n ^ 1 } else { n };
            let now = arrival(n);
            n += 1;
            buffer.insert(now, &packet(sent, &PAYLOAD));
            matches!(buffer.pop(now, now), Popped::Frame { .. })
        };
        assert!((0..SETTLED).map(|_| turn()).last() == Some(true), "it plays what it is given");
        part(format!("jitter buffer/{name}"), NARROW, move || {
            black_box(turn());
        })
    };
    [("in order", false), ("every pair swapped", true)].into_iter().map(kind).collect()
}

fn receiving() -> Vec<Part> {
    let kind = |(name, loss): (&str, u64)| {
        let mut playout = Playout::new(JitterConfig::default(), SampleRate::Hz8000, 1);
        let mut decoder = Decoder::new(Codec::Pcmu);
        let mut out = [0; NARROW];
        let mut n = 0;
        let mut turn = move || {
            let now = arrival(n);
            if loss == 0 || n % loss != loss - 1 {
                playout.insert(now, &packet(n, &PAYLOAD));
            }
            n += 1;
            playout.pull(now, &mut out, &mut decoder).silent
        };
        assert!((0..SETTLED).map(|_| turn()).last() == Some(0), "it plays what it is given");
        let name = format!("jitter buffer to linear audio/{name}");
        part(name, NARROW * 2, move || {
            black_box(turn());
        })
    };
    [("no loss", 0), ("one in twenty lost", 20)].into_iter().map(kind).collect()
}

fn concealment() -> Vec<Part> {
    let mut frame = voice(SampleRate::Hz8000);
    let mut concealment = Concealment::new(SampleRate::Hz8000);
    vec![part("concealment/good then lost", frame.len() * 2, move || {
        concealment.good(black_box(&mut frame));
        concealment.conceal(black_box(&mut frame));
    })]
}

fn resampling() -> Vec<Part> {
    let kind = |(from, to): (SampleRate, SampleRate)| {
        let input = voice(from);
        let mut resampler = Resampler::new(from, to);
        let mut out = vec![0; 2 * to.samples_in_ms(PACKET_MS as u32)];
        let name = format!("resampling/{} to {} Hz", from.hz(), to.hz());
        part(name, input.len() * 2, move || {
            black_box(resampler.process(black_box(&input), &mut out));
        })
    };
    let [narrow, wide, full] = [SampleRate::Hz8000, SampleRate::Hz16000, SampleRate::Hz48000];
    [(narrow, wide), (wide, narrow), (wide, full), (full, wide)].into_iter().map(kind).collect()
}

fn rings() -> Vec<Part> {
    let (mut speech, mut tap) = (SpeechRing::new(), TapRing::new());
    vec![
        part("ring/speech frame in and out", SpeechRing::FRAME_BYTES, move || {
            black_box(speech.pass());
        }),
        part("ring/heard and sent frame in and out", TapRing::FRAME_BYTES, move || {
            black_box(tap.pass());
        }),
    ]
}

/// Something with the rise and fall of speech.
fn voice(rate: SampleRate) -> Vec<i16> {
    let samples = rate.samples_in_ms(PACKET_MS as u32);
    let wave = |n: usize| (n as f64 * 0.13).sin() * (n as f64 * 0.011).cos() * 9_000.0;
    (0..samples).map(|n| wave(n) as i16).collect()
}

fn packet(n: u64, payload: &[u8]) -> RtpPacket<'_> {
    RtpPacket {
        marker: n == 0,
        payload_type: PayloadType(0),
        sequence: SequenceNumber(n as u16),
        timestamp: RtpTimestamp((n * 160) as u32),
        ssrc: Ssrc(1),
        payload,
    }
}

fn arrival(n: u64) -> MonoTime {
    MonoTime::from_millis(1_000 + n * PACKET_MS)
}

const PAYLOAD: [u8; NARROW] = [0x55; NARROW];
