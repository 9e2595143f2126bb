//! The hand-off of the floor between the governor's thread, the pump that feeds speech and the
//! audio thread that plays it, in every interleaving that loom finds: the engine's own
//! `SharedFloor`, `Feeder` and `Player`, compiled here with loom's atomics.
//!
//! What must hold: once a revoke has returned, no frame of the revoked generation is played
//! beyond the one in hand; what is counted is what was played; two generations never mix; and
//! what has the floor is played to its end.

#[path = "../../../media/engine/src/floor.rs"]
mod floor;
#[allow(dead_code, reason = "the table of rings has more of them than speech")]
#[path = "../../../media/engine/src/rings.rs"]
mod rings;

#[allow(dead_code, reason = "the engine uses more of it than is explored here")]
mod audio;
mod event;
mod leg {
    /// Named by the table of rings; nothing is mixed here.
    pub struct LegMix;
}
mod pump;
mod sync;

use floor::SharedFloor;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use media_core::{Generation, MonoTime};

use audio::{EventPort, Player, Playout};
use event::AudioEvent;
use pump::Feeder;
use rings::{Note, SpeechFrame};

const ONE: Generation = Generation(1);
const TWO: Generation = Generation(2);
/// Samples of a frame.
const FRAME: usize = 4;

fn main() {
    explore("a revoke and the next grant", revoke_and_grant);
    explore("a revoke that overtakes its grant", overtaking_revoke);
    explore("a pause at the frame", pause_and_resume);
    explore("two owners revoke at once", two_owners);
}

/// Explores `model`, unless the command line names another one.
fn explore(name: &str, model: fn()) {
    if std::env::args().nth(1).is_some_and(|asked| asked != name) {
        return;
    }
    let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = count.clone();
    let mut builder = loom::model::Builder::new();
    // A bug that takes more than two unasked-for switches of thread to show has not been seen; a
    // third makes it minutes (set LOOM_MAX_PREEMPTIONS for them).
    builder.preemption_bound.get_or_insert(2);
    builder.check(move || {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        model();
    });
    println!("loom {name}: {} interleavings", count.load(std::sync::atomic::Ordering::Relaxed));
}

/// The audio thread, tick by tick.
struct Audio {
    player: Player,
    floor: Arc<SharedFloor>,
    events: EventPort,
    /// Which generations were played, frame by frame.
    played: Vec<u32>,
}

impl Audio {
    fn new(floor: &Arc<SharedFloor>, frames: rtrb::Consumer<SpeechFrame>) -> Self {
        let events = EventPort::default();
        Audio { player: Player::new(frames), floor: floor.clone(), events, played: Vec::new() }
    }

    /// As the engine's tick. Gives the generation that was played.
    fn tick(&mut self) -> Option<u32> {
        let mut out = [0; FRAME];
        self.player.follow(self.floor.load());
        let playout = self.player.next(&mut out);
        if let Playout::Speech { samples } = playout {
            assert!(out.iter().all(|sample| *sample == out[0]), "two generations in one frame");
            self.played.push(out[0] as u32);
            self.player.sent(MonoTime::ZERO, samples, &mut self.events);
        }
        self.player.take_end(MonoTime::ZERO, &mut self.events);
        matches!(playout, Playout::Speech { .. }).then_some(out[0] as u32)
    }

    fn frames_of(&self, generation: Generation) -> u64 {
        self.played.iter().filter(|it| **it == generation.0).count() as u64
    }

    /// As the engine does when it is told of the revoke: the count that becomes the ledger's.
    fn confirm_revoke(&mut self, generation: Generation) -> u64 {
        self.player.follow(self.floor.load());
        self.player.confirm(MonoTime::ZERO, Note::Revoked, generation, &mut self.events);
        let last = self.events.0.iter().rev().find_map(|event| match event {
            AudioEvent::Silenced { generation: of, samples, .. } if *of == generation => {
                Some(*samples)
            }
            _ => None,
        });
        last.expect("it is confirmed")
    }

    fn run_dry(&mut self) {
        while self.tick().is_some() {}
    }
}

/// Feeds two frames of each generation, one after the other.
fn feed(feeder: &mut Feeder, floor: &SharedFloor, generation: Generation) {
    feeder.begin(generation);
    let speech = [generation.0 as i16; 2 * FRAME];
    let _ = feeder.append(generation, &speech).expect("short");
    feeder.finish(generation);
    feeder.feed(floor);
}

fn line() -> (Arc<SharedFloor>, Feeder, Audio) {
    let floor = Arc::new(SharedFloor::default());
    // As deep as all that is fed; the real one is deeper.
    let (producer, consumer) = rtrb::ring(8);
    let audio = Audio::new(&floor, consumer);
    (floor, Feeder::new(producer, FRAME, 1_000), audio)
}

/// The governor revokes one generation and grants the next, while the pump feeds both.
fn revoke_and_grant() {
    let (floor, mut feeder, mut audio) = line();
    let revoked = Arc::new(AtomicBool::new(false));
    floor.grant(ONE);
    let pump = thread::spawn({
        let floor = floor.clone();
        move || {
            feed(&mut feeder, &floor, ONE);
            feed(&mut feeder, &floor, TWO);
            feeder
        }
    });
    let tick = thread::spawn({
        let revoked = revoked.clone();
        move || {
            for _ in 0..2 {
                let was_revoked = revoked.load(Ordering::Acquire);
                let played = audio.tick();
                assert!(!was_revoked || played != Some(ONE.0), "played after its revoke");
            }
            audio
        }
    });
    floor.revoke(ONE);
    revoked.store(true, Ordering::Release);
    floor.grant(TWO);
    let mut audio = tick.join().expect("no panic");
    let mut feeder = pump.join().expect("no panic");
    assert_eq!(audio.confirm_revoke(ONE), audio.frames_of(ONE) * FRAME as u64, "counted as played");
    feed(&mut feeder, &floor, TWO);
    audio.run_dry();
    assert!(audio.played.is_sorted(), "the old one comes back: {:?}", audio.played);
    assert!(audio.frames_of(TWO) >= 2, "what has the floor is played: {:?}", audio.played);
}

/// A revoke is published before the grant that it revokes.
fn overtaking_revoke() {
    let (floor, mut feeder, mut audio) = line();
    let other = thread::spawn({
        let floor = floor.clone();
        move || floor.revoke(ONE)
    });
    let pump = thread::spawn({
        let floor = floor.clone();
        move || feed(&mut feeder, &floor, ONE)
    });
    floor.grant(ONE);
    audio.tick();
    let _ = other.join().expect("no panic");
    pump.join().expect("no panic");
    let played = audio.played.len();
    audio.run_dry();
    assert_eq!(audio.played.len(), played, "played after its revoke");
    assert!(!floor.is_current(ONE), "a revoke is final, in whatever order it came");
}

/// A pause keeps the frames, and nothing is played until the resume.
fn pause_and_resume() {
    let (floor, mut feeder, mut audio) = line();
    floor.grant(ONE);
    let paused = Arc::new(AtomicBool::new(false));
    let pump = thread::spawn({
        let floor = floor.clone();
        move || feed(&mut feeder, &floor, ONE)
    });
    let tick = thread::spawn({
        let paused = paused.clone();
        move || {
            for _ in 0..2 {
                let was_paused = paused.load(Ordering::Acquire);
                let played = audio.tick();
                assert!(!was_paused || played.is_none(), "played while paused");
            }
            audio
        }
    });
    assert!(floor.pause(ONE));
    paused.store(true, Ordering::Release);
    let mut audio = tick.join().expect("no panic");
    pump.join().expect("no panic");
    assert!(floor.resume(ONE));
    audio.run_dry();
    assert_eq!(audio.played, [ONE.0, ONE.0], "each frame once");
}

/// Two that hold the line decide at once: neither decision is lost.
fn two_owners() {
    let (floor, _feeder, mut audio) = line();
    floor.grant(ONE);
    let other = thread::spawn({
        let floor = floor.clone();
        move || floor.pause(ONE)
    });
    floor.revoke(ONE);
    floor.grant(TWO);
    audio.tick();
    let _ = other.join().expect("no panic");
    let word = floor.load();
    assert!(word.granted && word.newest == TWO && !word.paused, "{word:?}");
}
