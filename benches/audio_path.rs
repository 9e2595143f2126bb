//! What each part of the audio path costs, for one packet of 20 ms.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use media_core::codec::{Decoder, Encoder};
use media_core::concealment::Concealment;
use media_core::jitter::{JitterBuffer, JitterConfig, Popped};
use media_core::playout::Playout;
use media_core::resample::Resampler;
use media_core::rtp::RtpPacket;
use media_core::{Codec, MonoTime, PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

const CODECS: [Codec; 3] = [Codec::Pcmu, Codec::Pcma, Codec::G722];
const PACKET_MS: u64 = 20;

fn codecs(c: &mut Criterion) {
    let mut group = c.benchmark_group("codec");
    group.throughput(Throughput::Elements(1));
    for codec in CODECS {
        let pcm = voice(codec.sample_rate());
        let mut payload = vec![0; 160];
        let mut encoder = Encoder::new(codec);
        let name = codec.encoding_name();
        group.bench_with_input(BenchmarkId::new("encode", name), &pcm, |b, pcm| {
            b.iter(|| encoder.encode(black_box(pcm), &mut payload));
        });
        let mut decoder = Decoder::new(codec);
        let mut out = vec![0; pcm.len()];
        group.bench_with_input(BenchmarkId::new("decode", name), &payload, |b, payload| {
            b.iter(|| decoder.decode(black_box(payload), &mut out));
        });
    }
    group.finish();
}

fn jitter_buffer(c: &mut Criterion) {
    let mut group = c.benchmark_group("jitter buffer");
    group.throughput(Throughput::Elements(1));
    for (name, swapped) in [("in order", false), ("every pair swapped", true)] {
        group.bench_function(name, |b| {
            let mut buffer = JitterBuffer::new(JitterConfig::default());
            let mut n = 0;
            b.iter(|| {
                let sent = if swapped { n ^ 1 } else { n };
                buffer.insert(arrival(n), &packet(sent, &PAYLOAD));
                let got = matches!(buffer.pop(arrival(n)), Popped::Frame { .. });
                n += 1;
                black_box(got)
            });
        });
    }
    group.finish();
}

fn receiving(c: &mut Criterion) {
    let mut group = c.benchmark_group("receiving leg");
    group.throughput(Throughput::Elements(1));
    for (name, loss) in [("no loss", 0), ("one in twenty lost", 20)] {
        group.bench_function(name, |b| {
            let mut playout = Playout::new(JitterConfig::default(), SampleRate::Hz8000, 1);
            let mut decoder = Decoder::new(Codec::Pcmu);
            let mut out = [0; 160];
            let mut n = 0;
            b.iter(|| {
                if loss == 0 || n % loss != loss - 1 {
                    playout.insert(arrival(n), &packet(n, &PAYLOAD));
                }
                n += 1;
                playout.pull(arrival(n), &mut out, |payload, pcm| decoder.decode(payload, pcm))
            });
        });
    }
    group.finish();
}

fn concealment(c: &mut Criterion) {
    let mut frame = voice(SampleRate::Hz8000);
    let mut concealment = Concealment::new(SampleRate::Hz8000);
    c.bench_function("concealment/good then lost", |b| {
        b.iter(|| {
            concealment.good(black_box(&mut frame));
            concealment.conceal(black_box(&mut frame));
        });
    });
}

fn resampling(c: &mut Criterion) {
    let mut group = c.benchmark_group("resampling");
    let rates = [SampleRate::Hz8000, SampleRate::Hz16000, SampleRate::Hz48000];
    for (from, to) in [(rates[0], rates[1]), (rates[1], rates[0]), (rates[1], rates[2])] {
        let input = voice(from);
        let mut resampler = Resampler::new(from, to);
        let mut out = vec![0; 2 * to.samples_in_ms(PACKET_MS as u32)];
        let name = format!("{} to {} Hz", from.hz(), to.hz());
        group.bench_function(name, |b| {
            b.iter(|| resampler.process(black_box(&input), &mut out));
        });
    }
    group.finish();
}

fn rings(c: &mut Criterion) {
    let frame = voice(SampleRate::Hz8000);
    let (mut producer, mut consumer) = rtrb::RingBuffer::<i16>::new(8_000);
    c.bench_function("ring/one frame in and out", |b| {
        b.iter(|| {
            let pushed = producer.push_entire_slice(black_box(&frame)).is_ok();
            let chunk = consumer.read_chunk(frame.len()).expect("it was pushed");
            let sum: i32 = chunk.as_slices().0.iter().map(|sample| i32::from(*sample)).sum();
            chunk.commit_all();
            (pushed, sum)
        });
    });
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

const PAYLOAD: [u8; 160] = [0x55; 160];

criterion_group! {
    name = benches;
    config = Criterion::default()
        .measurement_time(Duration::from_secs(2))
        .warm_up_time(Duration::from_millis(500));
    targets = codecs, jitter_buffer, receiving, concealment, resampling, rings
}
criterion_main!(benches);
