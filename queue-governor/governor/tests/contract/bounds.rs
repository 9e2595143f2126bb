//! Everything has a maximum and a refusal that says which.

use std::sync::Arc;
use std::time::{Duration, Instant};

use media_core::SampleRate;
use queue_governor::{Claim, ClaimId, Content, Ending, GovernorConfig, RefusalReason, Source, Tag};

use crate::support::*;

fn refusal(claim: Claim) -> Option<RefusalReason> {
    let mut world = World::new();
    world.submit(claim);
    match world.ends.first()?.ending.clone() {
        Ending::Refused(reason) => Some(reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn tags_are_strict() {
    assert_eq!(
        refusal(Claim { tag: Tag::new(""), ..answer("a", "x") }),
        Some(RefusalReason::Untagged)
    );
    let unknown = RefusalReason::UnknownTag("Call".to_owned());
    assert_eq!(refusal(Claim { tag: Tag::new("Call"), ..answer("a", "x") }), Some(unknown));
    for tag in Tag::BUILT_IN {
        assert_eq!(refusal(Claim { tag: Tag::new(tag), ..answer("a", "x") }), None);
    }
}

#[test]
fn a_registered_tag_is_taken() {
    let registered_tags = vec![Tag::new("garden")];
    let mut world = World::with(GovernorConfig { registered_tags, ..GovernorConfig::default() });
    world.submit(Claim { tag: Tag::new("garden"), ..answer("a", "It rains.") });
    assert_eq!(world.holder(), Some("a"));
}

#[test]
fn bad_names_and_empty_or_endless_contents_are_refused() {
    let long = "x".repeat(65);
    for id in ["", long.as_str(), "xenline:filler-1"] {
        assert_eq!(refusal(answer(id, "x")), Some(RefusalReason::BadId));
    }
    assert_eq!(refusal(answer(&long[..64], "x")), None);
    assert_eq!(refusal(answer("a", " \n ")), Some(RefusalReason::Empty));
    let too_long = RefusalReason::TextTooLong { got: 4_097, max: 4_096 };
    assert_eq!(refusal(answer("a", &"x".repeat(4_097))), Some(too_long));
    let key = Some("k".repeat(129));
    let too_long = RefusalReason::KeyTooLong { got: 129, max: 128 };
    assert_eq!(refusal(Claim { dedup_key: key, ..answer("a", "x") }), Some(too_long));
    let audio = |n: usize| Content::Audio {
        label: "tone".to_owned(),
        samples: Arc::from(vec![0; n]),
        rate: SampleRate::Hz8000,
    };
    assert_eq!(refusal(Claim { content: audio(0), ..answer("a", "") }), Some(RefusalReason::Empty));
    let too_long = RefusalReason::AudioTooLong { got_ms: 301_000, max_ms: 300_000 };
    let endless = audio(301 * 8_000);
    assert_eq!(refusal(Claim { content: endless, ..answer("a", "") }), Some(too_long));
}

#[test]
fn a_name_in_use_is_refused_and_the_live_claim_goes_on() {
    let mut world = World::new();
    world.submit(answer("a", "The first."));
    world.submit(answer("a", "The second."));
    assert_eq!(world.ends[0].ending, Ending::Refused(RefusalReason::IdInUse));
    world.run_until_quiet();
    assert_eq!(world.ends[1].ending, Ending::Spoken);
}

#[test]
fn a_flood_from_outside_leaves_room_for_answers_and_alerts() {
    let mut world = World::new();
    for source in Source::ALL.into_iter().rev() {
        for n in 0..100 {
            let id = format!("{source:?}{n}");
            world.submit(Claim::text(&id, source, format!("Message {id}.")));
        }
    }
    assert_eq!(world.governor.alive(), 64);
    let starts = |id: &ClaimId, source: &str| id.as_str().starts_with(source);
    let taken = |source: &str| world.accepted.iter().filter(|id| starts(id, source)).count();
    assert_eq!(taken("External"), 32);
    for source in ["Worker", "Responder", "System", "Operator"] {
        assert_eq!(taken(source), 8, "{source}");
    }
    let full = Ending::Refused(RefusalReason::QueueFull { max: 32 });
    assert_eq!(world.ending_of("External32"), full);
}

#[test]
fn a_successor_is_taken_when_the_queue_is_full() {
    let mut world = World::new();
    for n in 0..64 {
        world.submit(Claim::text(format!("o{n}"), Source::Operator, format!("Message {n}.")));
    }
    let new = Claim::text("new", Source::Operator, "The last message.");
    world.submit(Claim { supersedes: Some(ClaimId::new("o63")), ..new });
    assert_eq!(world.ending_of("o63"), Ending::Superseded);
    assert!(world.is_alive("new"));
}

/// 10,000 submissions a second cannot delay a revoke by more than one ptime if each takes less
/// than a hundredth of its share. The figure is printed; the bound is loose, for busy machines.
#[test]
fn a_flood_of_claims_costs_microseconds_each() {
    let mut world = World::new();
    for n in 0..64 {
        world.submit(Claim::text(
            format!("o{n}"),
            Source::Operator,
            long_clause(&format!("o{n}"), 40),
        ));
    }
    let claims: Vec<Claim> = (0..10_000)
        .map(|n| Claim::text(format!("x{n}"), Source::External, long_clause("x", 40)))
        .collect();
    let start = wall_clock();
    for claim in claims {
        world.submit(claim);
    }
    let each = start.elapsed() / 10_000;
    println!("a refused submission with 64 live claims takes {each:?}");
    assert!(each < Duration::from_millis(1));
}

#[expect(clippy::disallowed_methods, reason = "the test measures real time")]
fn wall_clock() -> Instant {
    Instant::now()
}
