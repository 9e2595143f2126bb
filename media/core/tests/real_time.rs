//! What the tick may not do, and what it costs.

use core::time::Duration;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Instant;

use media_core::codec::Decoder;
use media_core::jitter::JitterConfig;
use media_core::playout::Playout;
use media_core::rtp::{DtmfReceiver, ReceiverStatistics, RtcpSession, RtpPacket, RtpStream};
use media_core::{Codec, MonoTime, PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

/// Counts what this thread allocates.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged; the counters are plain cells
// without destructors, so touching them neither allocates nor fails.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        BYTES.set(BYTES.get() + layout.size());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and `pointer` came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_leg_takes_its_memory_when_it_is_built_and_at_most_40_kib() {
    let before = BYTES.get();
    let playout = Playout::new(JitterConfig::default(), SampleRate::Hz16000, 1);
    let bytes = BYTES.get() - before + size_of_val(&playout);
    println!("a leg at 16 kHz: {bytes} bytes");
    assert!(bytes <= 40 * 1_024, "{bytes} bytes");
}

#[test]
fn receiving_allocates_nothing_whatever_comes() {
    let mut playout = Playout::new(JitterConfig::default(), SampleRate::Hz8000, 1);
    let mut decoder = Decoder::new(Codec::Pcmu);
    let mut statistics = ReceiverStatistics::new(8_000);
    let mut dtmf = DtmfReceiver::new();
    let mut rtcp = RtcpSession::new(Ssrc(1), "line@xenline", 8_000, MonoTime::ZERO);
    let mut stream = RtpStream::new(Ssrc(1), SequenceNumber(65_000), RtpTimestamp(u32::MAX - 9));
    let (mut out, mut wire, mut report) = ([0; 160], [0; 200], [0; 256]);
    let payload: [u8; 160] = core::array::from_fn(|n| (n * 37) as u8);
    let before = ALLOCATIONS.get();
    for n in 0..5_000u64 {
        let now = MonoTime::from_millis(n * 20);
        if n % 500 == 499 {
            stream = RtpStream::new(Ssrc(n as u32), SequenceNumber(n as u16), RtpTimestamp(77));
        }
        let payload_type = if n % 97 == 0 { PayloadType(13) } else { PayloadType(0) };
        let packet = stream.packet(payload_type, false, &payload);
        stream.advance(160);
        let length = packet.write(&mut wire).expect("room");
        if n % 7 != 0 && n % 300 > 20 {
            let packet = RtpPacket::parse(&wire[..length]).expect("own packet");
            statistics.on_packet(now, &packet);
            playout.insert(now, &packet);
            playout.insert(now, &packet);
            let _ = dtmf.on_event(now, packet.timestamp, &packet.payload[n as usize % 150..]);
        }
        playout.pull(now, &mut out, &mut decoder);
        rtcp.on_sent(now, packet.timestamp, 160);
        if rtcp.is_due(now) {
            let length = rtcp.write_report(now, &mut statistics, &mut report).expect("room");
            rtcp.on_rtcp(now, &report[..length]).expect("own report");
        }
    }
    assert_eq!(ALLOCATIONS.get(), before, "the tick allocated");
}

/// A figure, not a verdict: machines differ. Two hundred calls must fit a core many times over.
#[test]
fn two_hundred_calls_take_a_small_part_of_a_tick() {
    const CALLS: usize = 200;
    const TICKS: usize = 500;
    let config = JitterConfig::default();
    let build = |n| Playout::new(config, SampleRate::Hz8000, n);
    let mut calls: Vec<_> =
        (0..CALLS as u64).map(|n| (build(n), Decoder::new(Codec::Pcmu))).collect();
    let payload = [0x2A; 160];
    let mut out = [0; 160];
    let mut spent = [[Duration::ZERO; TICKS]; 2];
    for (round, (spent, lossy)) in spent.iter_mut().zip([false, true]).enumerate() {
        for (n, spent) in spent.iter_mut().enumerate() {
            let number = (round * TICKS + n) as u64;
            let now = MonoTime::from_millis(1_000 + number * 20);
            #[expect(clippy::disallowed_methods, reason = "the figure is a real one")]
            let start = Instant::now();
            for (call, (playout, decoder)) in calls.iter_mut().enumerate() {
                let packet = RtpPacket {
                    marker: false,
                    payload_type: PayloadType(0),
                    sequence: SequenceNumber(number as u16),
                    timestamp: RtpTimestamp(number as u32 * 160),
                    ssrc: Ssrc(7),
                    payload: &payload,
                };
                // In each tick as many as in any other.
                if !(lossy && (number + call as u64).is_multiple_of(20)) {
                    playout.insert(now, &packet);
                }
                playout.pull(now, &mut out, decoder);
            }
            *spent = start.elapsed();
        }
    }
    // Of a tick that the machine leaves alone, which most are.
    let per_tick = spent.map(|mut ticks| {
        ticks.sort_unstable();
        ticks[TICKS / 2]
    });
    let per_call = per_tick.map(|tick| tick / CALLS as u32);
    println!("insert, pop, decode, per call and tick: {per_call:?} clean, 5 % loss");
    println!("200 calls, per tick: {per_tick:?} clean, 5 % loss");
    assert!(per_tick[1] < Duration::from_millis(10), "half of a tick: {per_tick:?}");
}
