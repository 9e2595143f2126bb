//! What the caller heard, word for word, from what was sent.

mod exact;
mod studio;

use std::sync::Arc;

use media_core::{SampleRate, Verdict};
use queue_governor::{Claim, ClaimId, Content, Ending, Input, OnInterrupt, Source};

use crate::support::*;

/// The line counts a word as heard when no more than 40 ms of it are missing, independently of
/// the ledger; so the two may agree to the word.
#[test]
fn every_ending_carries_what_was_heard_within_80_ms() {
    for after_ms in (0..3_000).step_by(13) {
        let mut world = World::new();
        world.submit(report("w", "The backup is done, it took four minutes, and nothing failed."));
        world.run(after_ms);
        world.tell(Input::Withdraw(ClaimId::new("w")));
        world.run_until_quiet();
        assert_eq!(world.heard_of("w"), world.line.words_of("w").join(" "), "at {after_ms} ms");
    }
}

#[test]
fn the_ledger_holds_through_pauses_preemptions_and_takeovers() {
    let mut world = World::new();
    let text = long_clause("w", 30);
    world.submit(Claim { on_interrupt: OnInterrupt::Resume, ..report("w", &text) });
    world.run(700);
    world.caller_makes_a_sound(Verdict::Backchannel);
    world.run(400);
    world.submit(answer("r", "Yes."));
    world.run(2_000);
    world.submit(Claim::text("op", Source::Operator, "Operator here."));
    world.run(2_000);
    world.tell(Input::OperatorTake);
    world.run(500);
    world.tell(Input::OperatorRelease);
    world.run(700);
    world.caller_says_something(1);
    world.run(900);
    world.tell(Input::Withdraw(ClaimId::new("w")));
    world.run(200);
    let end = world.end_of("w");
    assert_eq!(end.ending, Ending::Withdrawn);
    assert!(world.grants.iter().filter(|(_, id, _)| id.as_str() == "w").count() >= 4);
    assert!(text.starts_with(&end.heard.text));
    let frames = world.line.frames_of("w").len() as u64;
    assert_eq!(end.heard.samples, frames * 160);
    assert_eq!(end.heard.ms, frames * 20);
}

#[test]
fn word_ranges_of_a_resumed_grant_map_back_onto_the_whole_text() {
    let mut world = World::new();
    let text = "Zwölf Größen überschreiten die Schwelle, außerdem läuft die Prüfung weiter.";
    world.submit(report("w", text));
    world.run(1_000);
    world.submit(answer("r", "Ja."));
    world.run(900);
    while world.holder() != Some("w") {
        world.run(20);
    }
    world.run(60 + WORD_MS + 60);
    world.tell(Input::Withdraw(ClaimId::new("w")));
    world.run(100);
    assert_eq!(world.heard_of("w"), world.line.words_of("w").join(" "));
    assert!(text.starts_with(world.heard_of("w")));
}

#[test]
fn ready_audio_resumes_at_the_sample() {
    let mut world = World::new();
    let samples: Arc<[i16]> = (0..16_000).map(|n| (n % 100) as i16).collect();
    let content = Content::Audio { label: "chime".to_owned(), samples, rate: SampleRate::Hz8000 };
    world.submit(Claim { content, ..report("w", "") });
    world.run(500);
    world.submit(Claim::text("op", Source::Operator, "Operator here."));
    world.run_until_quiet();
    let end = world.end_of("w");
    assert_eq!((end.heard.samples, end.heard.ms), (16_000, 2_000));
    assert_eq!(end.heard.text, "chime");
}

#[test]
fn ready_audio_of_another_rate_is_cut_where_it_was_heard() {
    let mut world = World::new();
    let samples: Arc<[i16]> = vec![0; 48_000].into();
    let content = Content::Audio { label: "chime".to_owned(), samples, rate: SampleRate::Hz48000 };
    world.submit(Claim { content, ..report("w", "") });
    let generation = world.grants[0].2;
    world.tell(Input::Played { generation, samples: 2_000 });
    world.governor.handle(world.now, Input::Submit(Claim::text("op", Source::Operator, "Stop.")));
    world.governor.handle(world.now, Input::Silenced { generation, samples: 2_000 });
    world.governor.handle(world.now, Input::Withdraw(ClaimId::new("op")));
    let rest =
        std::iter::from_fn(|| world.governor.poll_output()).find_map(|output| match output {
            queue_governor::Output::Grant {
                speech: Content::Audio { samples, .. },
                generation: again,
                ..
            } if again != generation => Some(samples.len()),
            _ => None,
        });
    assert_eq!(rest, Some(36_000), "a quarter of a second was heard");
}

#[test]
fn reports_of_old_generations_and_of_none_change_nothing() {
    let mut world = World::new();
    world.submit(answer("a", "One."));
    world.run_until_quiet();
    let old = world.grants[0].2;
    world.submit(answer("b", "Two."));
    for input in [
        Input::Drained { generation: old, samples: 99_999 },
        Input::Silenced { generation: old, samples: 99_999 },
        Input::SpeechFailed { generation: old, reason: "late".to_owned() },
        Input::Drained { generation: media_core::Generation::NONE, samples: 1 },
    ] {
        world.tell(input);
    }
    assert_eq!(world.holder(), Some("b"));
    world.run_until_quiet();
    assert_eq!(world.end_of("b").heard.samples, (WORD_MS + 120) * PER_MS);
}
