//! No dead air: a holder of whom nothing is heard gives way.

use std::time::Duration;

use queue_governor::{Claim, Content, Ending, FailReason, FloorReason, GovernorConfig, Input};

use crate::support::*;

const TEXT: &str = "It is five past three, and it rains.";

#[test]
fn a_voice_that_hangs_is_filled_then_revoked_then_replaced() {
    let mut world = World::new();
    world.line.tts = Tts::Hangs;
    world.submit(answer("r", TEXT));
    world.run_until_quiet();
    assert_eq!(world.ending_of("r"), Ending::Spoken);
    assert_eq!(world.heard_of("r"), TEXT, "the fallback voice said it");
    use FloorReason::{Fallback, Granted, Regranted, Spoken, StallFiller, StallRevoked};
    assert_eq!(
        world.reasons(),
        [
            &Granted,
            &StallRevoked,
            &StallFiller,
            &Spoken,
            &Regranted,
            &StallRevoked,
            &Fallback,
            &Spoken
        ]
    );
    assert_eq!(world.ending_of("xenline:filler-1"), Ending::Spoken);
}

#[test]
fn dead_air_never_lasts_longer_than_the_stall_limit() {
    for tts in [Tts::Hangs, Tts::HangsAfterOneClause, Tts::Fails] {
        let mut world = World::new();
        world.line.tts = tts;
        world.submit(answer("r", TEXT));
        world.run_until_quiet();
        let times: Vec<_> = world.line.wire.iter().map(|frame| frame.at).collect();
        let gaps = times.windows(2).map(|pair| pair[1].since(pair[0])).max().unwrap();
        // The stall itself, the silence of the revoked, and the time to synthesise.
        assert!(gaps <= Duration::from_millis(600 + 100 + 60 + 20), "{tts:?}: {gaps:?}");
        assert!(times[0].since(Default::default()) <= Duration::from_millis(700), "{tts:?}");
        assert_eq!(world.line.words_of("r").join(" "), TEXT, "{tts:?}");
    }
}

#[test]
fn a_claim_that_no_voice_can_say_ends_failed() {
    let mut world = World::new();
    (world.line.tts, world.line.fallback) = (Tts::Hangs, Tts::Hangs);
    world.submit(answer("r", TEXT));
    world.submit(answer("r2", "And that."));
    world.run_until_quiet();
    let stalled = Ending::Failed(FailReason::Stalled { stall_ms: 600 });
    assert_eq!(world.ending_of("r"), stalled);
    assert_eq!(world.ending_of("r2"), stalled);
    assert_eq!(world.governor.holder(), None);
}

#[test]
fn a_voice_that_fails_twice_ends_the_claim_with_the_engines_words() {
    let mut world = World::new();
    (world.line.tts, world.line.fallback) = (Tts::Fails, Tts::Fails);
    world.submit(answer("r", TEXT));
    world.run_until_quiet();
    let failed = Ending::Failed(FailReason::Synthesis("no voice".to_owned()));
    assert_eq!(world.ending_of("r"), failed);
}

#[test]
fn a_slow_voice_is_not_stalled() {
    let mut world = World::new();
    world.line.tts = Tts::Speaks { after_ms: 550 };
    world.submit(answer("r", TEXT));
    world.run_until_quiet();
    assert_eq!(world.granted(), ["r"]);
}

#[test]
fn a_pause_is_not_a_stall() {
    let config = GovernorConfig { decide: Duration::from_secs(5), ..GovernorConfig::default() };
    let mut world = World::with(config);
    world.submit(answer("r", TEXT));
    world.run(500);
    world.tell(Input::CallerOnset);
    world.run(4_000);
    assert_eq!(world.holder(), Some("r"));
    world.run_until_quiet();
    assert_eq!(world.granted(), ["r"]);
}

#[test]
fn the_filler_can_be_ready_audio_or_left_out() {
    let hum = Content::Audio {
        label: "hum".to_owned(),
        samples: vec![0; 8_000].into(),
        rate: media_core::SampleRate::Hz8000,
    };
    for filler in [Some(hum), None] {
        let has_filler = filler.is_some();
        let mut world = World::with(GovernorConfig { filler, ..GovernorConfig::default() });
        world.line.tts = Tts::Hangs;
        world.submit(answer("r", TEXT));
        world.run_until_quiet();
        assert_eq!(world.ending_of("r"), Ending::Spoken);
        assert_eq!(world.granted().contains(&"xenline:filler-1"), has_filler);
    }
}

#[test]
fn no_filler_speaks_over_the_caller() {
    let mut world = World::new();
    world.line.tts = Tts::Hangs;
    world.submit(Claim { uninterruptible: true, ..answer("u", TEXT) });
    world.run(100);
    world.tell(Input::CallerOnset);
    world.tell(Input::CallerVerdict(media_core::Verdict::Speech));
    world.run(1_500);
    assert!(!world.granted().iter().any(|id| id.contains("filler")));
}

#[test]
fn a_voice_that_makes_no_sound_has_failed() {
    let mut world = World::new();
    world.submit(answer("r", TEXT));
    let generation = world.grants[0].2;
    world.tell(Input::Drained { generation, samples: 0 });
    assert_eq!(world.reasons().last(), Some(&&FloorReason::Failed));
}
