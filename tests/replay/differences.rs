//! A build that decides differently is told apart, where and how.

use std::path::Path;
use std::time::Duration;

use xenline::calls::replay_table;
use xenline::replay::{Core, Log, replay};

use crate::scenarios::{SCENARIOS, played};

fn log_of(name: &str) -> Log {
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name).expect("a scenario");
    Log::parse(played(scenario).as_slice(), Path::new(name)).expect("a whole log")
}

#[test]
fn a_governor_that_waits_longer_for_a_voice_is_shown_where_it_does() {
    let mut log = log_of("stall");
    log.header.governor.stall = Duration::from_millis(900);
    let replayed = replay(&log);
    assert!(!replayed.is_identical());
    assert!(replayed.differences.iter().all(|difference| difference.core == Core::Governor));
    let table = replay_table(&replayed);
    assert!(table.contains("asks again at"), "{table}");
    assert!(table.contains("StallFiller"), "{table}");
    assert!(table.lines().last().is_some_and(|line| line.contains("differ")), "{table}");
}

#[test]
fn an_ear_that_needs_more_to_believe_in_speech_is_shown_where_it_does() {
    let mut log = log_of("interruption");
    log.header.ear.onset_ms = 200;
    let replayed = replay(&log);
    let first = replayed.differences.first().expect("a difference");
    assert_eq!(first.core, Core::Ear);
    assert!(first.logged.iter().any(|decision| decision.contains("Onset")), "{first:?}");
    assert!(first.now.is_empty(), "{first:?}");
}

#[test]
fn with_its_words_a_log_shows_what_a_changed_list_of_words_decides() {
    let mut log = log_of("interruption");
    for entry in &mut log.entries {
        let xenline::replay::Entry::Ear(steps) = entry else { continue };
        for step in steps {
            let facts = &mut step.input.facts;
            if let media_core::hearing::EarFacts::Decoded { understood: Some(said), .. } = facts {
                said.reaction = media_core::hearing::Reaction::Nothing;
            }
        }
    }
    assert!(replay(&log).is_identical(), "words are judged anew");
    log.header.words = false;
    assert!(!replay(&log).is_identical(), "without words the judgement of then counts");
}

#[test]
fn on_a_real_call_a_changed_decision_is_shown_where_it_was_made() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replays/bad-call.xlr");
    let read = || Log::read(&path).unwrap_or_else(|error| panic!("{error}"));
    let replayed = replay(&read());
    assert!(replayed.is_identical(), "{}", replay_table(&replayed));
    assert!(replayed.ear_steps > 1_500, "every tick of it: {}", replayed.ear_steps);
    let mut deaf = read();
    deaf.header.ear.onset_ms += 100;
    let mut hasty = read();
    hasty.header.governor.decide = Duration::from_millis(350);
    for (log, core) in [(deaf, "ear"), (hasty, "governor")] {
        let replayed = replay(&log);
        let first = replayed.differences.first().expect("it decides something differently");
        assert_eq!(first.core.to_string(), core);
        let table = replay_table(&replayed);
        let at = format!("{:.3} s  {core}", first.t_ms as f64 / 1_000.0);
        assert!(table.trim_start().starts_with(&at), "{at:?} is not where it begins: {table}");
        let then_and_now = table.lines().any(|line| line.contains('≠') && line.contains('│'));
        assert!(then_and_now, "side by side: {table}");
    }
}
