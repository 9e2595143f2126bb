//! The floor gate: one generation speaks, a revoke is final, in whatever order things arrive.

use media_core::Generation;
use media_core::floor::{Admission, FloorGate, FloorWord, Spoken};

const ONE: Generation = Generation(1);
const TWO: Generation = Generation(2);

#[test]
fn nobody_speaks_before_a_grant() {
    let gate = FloorGate::new();
    assert_eq!(gate.current(), None);
    assert_eq!(gate.admit(Generation::NONE), Admission::Discard);
    assert_eq!(gate.admit(ONE), Admission::Hold, "its grant may be on the way");
}

#[test]
fn only_the_current_generation_is_played() {
    let mut gate = FloorGate::new();
    assert!(gate.grant(ONE));
    assert!(gate.grant(TWO));
    assert_eq!(gate.admit(ONE), Admission::Discard);
    assert_eq!(gate.admit(TWO), Admission::Play);
    assert!(!gate.grant(ONE), "an older grant comes too late");
    assert!(!gate.grant(TWO), "and so does the same one");
}

#[test]
fn a_revoked_generation_never_speaks_again() {
    let mut gate = FloorGate::new();
    gate.grant(ONE);
    gate.played(160);
    gate.played(160);
    assert_eq!(gate.revoke(ONE), Some(Spoken { generation: ONE, samples: 320 }));
    assert_eq!(gate.admit(ONE), Admission::Discard);
    assert!(!gate.grant(ONE));
    assert!(!gate.resume(ONE));
    assert_eq!(gate.revoke(ONE), None, "once");
}

#[test]
fn a_revoke_that_overtakes_its_grant_wins() {
    let mut gate = FloorGate::new();
    gate.grant(ONE);
    gate.played(80);
    assert_eq!(gate.revoke(TWO), Some(Spoken { generation: ONE, samples: 80 }));
    assert!(!gate.grant(TWO));
    assert_eq!(gate.admit(TWO), Admission::Discard);
}

#[test]
fn a_pause_holds_and_a_resume_goes_on_with_the_count_kept() {
    let mut gate = FloorGate::new();
    gate.grant(ONE);
    gate.played(160);
    assert!(gate.pause(ONE));
    assert!(!gate.pause(ONE), "twice is once");
    assert_eq!(gate.admit(ONE), Admission::Hold);
    assert!(!gate.resume(TWO));
    assert!(gate.resume(ONE));
    assert_eq!(gate.admit(ONE), Admission::Play);
    gate.played(160);
    assert_eq!(gate.samples_played(), 320);
}

#[test]
fn the_counter_wraps() {
    let mut gate = FloorGate::new();
    assert!(gate.grant(Generation(u32::MAX)));
    let next = Generation(u32::MAX).next();
    assert!(gate.grant(next));
    assert_eq!(gate.admit(Generation(u32::MAX)), Admission::Discard);
    assert_eq!(gate.admit(next), Admission::Play);
}

#[test]
fn a_word_carries_the_whole_state() {
    let mut gate = FloorGate::new();
    gate.grant(Generation(u32::MAX));
    gate.pause(Generation(u32::MAX));
    let word = FloorWord::from_bits(gate.word().to_bits());
    assert_eq!(word, gate.word());
    let mut follower = FloorGate::new();
    assert_eq!(follower.follow(word), None);
    assert_eq!(follower.admit(Generation(u32::MAX)), Admission::Hold);
}

#[test]
fn a_follower_that_missed_words_ends_in_the_same_state() {
    let (mut gate, mut follower) = (FloorGate::new(), FloorGate::new());
    gate.grant(ONE);
    follower.follow(gate.word());
    follower.played(160);
    gate.revoke(ONE);
    gate.grant(TWO);
    let lost = follower.follow(gate.word());
    assert_eq!(lost, Some(Spoken { generation: ONE, samples: 160 }));
    assert_eq!(follower.admit(TWO), Admission::Play);
    assert_eq!(follower.samples_played(), 0);
}

#[test]
fn an_old_word_changes_nothing() {
    let mut gate = FloorGate::new();
    gate.grant(ONE);
    let old = gate.word();
    gate.grant(TWO);
    assert_eq!(gate.follow(old), None);
    assert_eq!(gate.current(), Some(TWO));
    gate.revoke(TWO);
    let granted = FloorWord { newest: TWO, granted: true, paused: false };
    assert_eq!(gate.follow(granted), None);
    assert_eq!(gate.admit(TWO), Admission::Discard, "a revoke is final");
}

/// Random calls against a model of five lines.
#[test]
fn after_any_calls_at_most_the_newest_ungone_generation_plays() {
    for seed in 0..200u32 {
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
        let mut random = move |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        let mut gate = FloorGate::new();
        let (mut newest, mut gone) = (0u32, Vec::new());
        for _ in 0..200 {
            let generation = random(12) + 1;
            match random(4) {
                0 if generation > newest && !gone.contains(&generation) => {
                    assert!(gate.grant(Generation(generation)), "seed {seed}");
                    newest = generation;
                }
                0 => assert!(!gate.grant(Generation(generation)), "seed {seed}"),
                1 => {
                    gate.revoke(Generation(generation));
                    gone.push(generation);
                    if generation > newest {
                        gone.push(newest);
                        newest = generation;
                    }
                }
                2 => {
                    gate.pause(Generation(generation));
                }
                _ => {
                    gate.resume(Generation(generation));
                }
            }
            let playing: Vec<u32> =
                (1..=12).filter(|&g| gate.admit(Generation(g)) == Admission::Play).collect();
            assert!(playing.len() <= 1, "seed {seed}: {playing:?}");
            assert!(playing.iter().all(|g| *g == newest && !gone.contains(g)), "seed {seed}");
        }
    }
}
