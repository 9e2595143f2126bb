//! Lines come and go, and leave nothing behind. One test, because it counts what the process has.

mod support;

use std::time::{Duration, Instant};

use media_core::{Codec, Generation, SampleRate};
use media_engine::{
    Carrier, Engine, EngineConfig, Engines, LineEvent, LineMode, OpenError, Speech,
};
use support::phone::Phone;
use support::{config, eventually, media, open, open_recording};

media_engine::install_alloc_check!();

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("Linux").count()
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("Linux").count()
}

fn resident_kb() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = statm.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("pages");
    pages * 4
}

#[test]
fn everything_is_back_at_the_baseline_after_lines_and_after_the_engine() {
    let phone = Phone::new(Codec::Pcmu);
    let peer = media(phone.addr(), Codec::Pcmu);
    let at_start = (descriptors(), threads());
    let engine = Engine::start(config(), Engines::default()).expect("an engine");
    // Threads take their stacks, and the allocator its arenas, with the first lines.
    fleet(&engine, &peer, 50);
    fleet(&engine, &peer, 50);
    phone.forget();
    let baseline = (descriptors(), threads(), resident_kb());
    for _ in 0..10 {
        fleet(&engine, &peer, 50);
        phone.forget();
    }
    println!("baseline {baseline:?}, now {:?}", (descriptors(), threads(), resident_kb()));
    come_back_to((baseline.0, baseline.1));
    assert!(resident_kb() < baseline.2 + 2_048, "{} kB over {}", resident_kb(), baseline.2);
    assert_eq!(engine.metrics().ports_in_use, 0);
    eventually(|| engine.metrics().ports_resting == 0, || format!("{:?}", engine.metrics()));

    memory_of_echo_lines(&engine, &peer);
    a_full_engine_refuses_and_recovers(&peer);
    shutdown_ends_open_lines(&peer);

    engine.shutdown();
    come_back_to(at_start);
}

/// The kernel shows a thread for a moment after it was joined.
fn come_back_to(held: (usize, usize)) {
    let now = || (descriptors(), threads());
    eventually(|| now() == held, || format!("{:?} descriptors and threads, not {held:?}", now()));
}

/// Opens lines of every kind, talks on them, drops them without a word.
fn fleet(engine: &Engine, peer: &media_core::NegotiatedMedia, lines: usize) {
    let dir = tempfile::tempdir().expect("a directory");
    let modes = [LineMode::Echo, LineMode::Player, LineMode::Agent];
    let calls: Vec<_> = (0..lines)
        .map(|n| {
            let record = (n % 5 == 0).then(|| dir.path().join(format!("{n}.wav")));
            let call = open_recording(engine, modes[n % 3], peer.clone(), record);
            let samples = vec![1_000; 8_000].into();
            call.line.grant(Generation(1), Speech::Shared { samples, rate: SampleRate::Hz16000 });
            call
        })
        .collect();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(engine.metrics().lines, lines);
    for call in calls {
        drop(call);
    }
    eventually(|| engine.metrics().lines == 0, || format!("lines stay: {:?}", engine.metrics()));
}

fn memory_of_echo_lines(engine: &Engine, peer: &media_core::NegotiatedMedia) {
    let before = resident_kb();
    let calls: Vec<_> = (0..60).map(|_| open(engine, LineMode::Echo, peer.clone())).collect();
    std::thread::sleep(Duration::from_millis(300));
    let each = resident_kb().saturating_sub(before) / calls.len();
    println!("{each} kB for an echo line (resident, after others had been there)");
    assert!(each < 60, "{each} kB for an echo line");
    drop(calls);
    eventually(|| engine.metrics().lines == 0, || format!("{:?}", engine.metrics()));
}

fn a_full_engine_refuses_and_recovers(peer: &media_core::NegotiatedMedia) {
    let config = EngineConfig { lines_max: 2, port_range: 30_000..=30_999, ..config() };
    let engine = Engine::start(config, Engines::default()).expect("an engine");
    let calls = [LineMode::Echo, LineMode::Agent].map(|mode| open(&engine, mode, peer.clone()));
    let port = engine.reserve_port().expect("a port");
    let spec = media_engine::LineSpec {
        id: media_core::LineId(3),
        carrier: Carrier::Rtp { port, media: peer.clone() },
        mode: LineMode::Echo,
        record: None,
        ear: media_core::hearing::EarConfig::default(),
    };
    let refused = engine.open_line(spec, Box::new(|_| {}));
    assert!(matches!(refused, Err(OpenError::Full { max: 2 })), "{refused:?}");
    for call in calls {
        assert!(matches!(call.close(), LineEvent::Closed { .. }));
    }
    eventually(|| engine.metrics().lines == 0, || format!("{:?}", engine.metrics()));
    open(&engine, LineMode::Echo, peer.clone()).close();
}

fn shutdown_ends_open_lines(peer: &media_core::NegotiatedMedia) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("call.wav");
    let config = EngineConfig { port_range: 31_000..=31_999, ..config() };
    let engine = Engine::start(config, Engines::default()).expect("an engine");
    let call = open_recording(&engine, LineMode::Agent, peer.clone(), Some(path.clone()));
    std::thread::sleep(Duration::from_millis(100));
    let asked = Instant::now();
    engine.shutdown();
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    let recording = call.wait_for("the end", |event| match event {
        LineEvent::Closed { recording, .. } => Some(recording.clone()),
        _ => None,
    });
    assert_eq!(recording, Some(Ok(path)));
    // A handle that outlives the engine does nothing.
    call.line.revoke(Generation(1));
    call.line.grant(Generation(2), Speech::Text("hello".to_owned()));
    let _ = call.line.close();
}
