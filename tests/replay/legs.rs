//! Several ears in one log: each is decided again by itself.

use std::path::Path;

use xenline::replay::{CallLog, Core, Entry, Log, Redactor, replay};

use crate::scenarios::{SCENARIOS, played};

/// A log in which somebody else sits at the line, with the same sound at the same time.
fn with_a_second_leg() -> Log {
    let bytes = played(&SCENARIOS[0]);
    let mut log = Log::parse(bytes.as_slice(), Path::new("call.xlr")).expect("whole");
    let (leg, ear) = (1, Box::new(log.header.ear.clone()));
    let at = log.entries.iter().find_map(Entry::at).expect("something happened");
    let mut entries = vec![Entry::LegEar { leg, at, ear }];
    for entry in log.entries {
        if let Entry::Ear(steps) = &entry {
            entries.push(Entry::LegHeard { leg, steps: steps.clone() });
        }
        entries.push(entry);
    }
    log.entries = entries;
    log
}

fn steps(log: &Log) -> usize {
    let of = |entry: &Entry| match entry {
        Entry::Ear(steps) | Entry::LegHeard { steps, .. } => steps.len(),
        _ => 0,
    };
    log.entries.iter().map(of).sum()
}

#[test]
fn every_ear_is_decided_as_it_was() {
    let log = with_a_second_leg();
    let replayed = replay(&log);
    assert!(replayed.is_identical(), "{:?}", replayed.differences.first());
    assert_eq!(replayed.ear_steps, steps(&log));
    assert_eq!(replayed.unanswered, 0);
}

#[test]
fn an_ear_that_listens_otherwise_is_shown_and_the_others_are_not() {
    let mut log = with_a_second_leg();
    let Some(Entry::LegEar { ear, .. }) = log.entries.first_mut() else { panic!("the first") };
    ear.vad_off_ms += 400;
    let replayed = replay(&log);
    assert!(!replayed.is_identical());
    assert!(replayed.differences.iter().all(|difference| difference.core == Core::Ear));
}

#[test]
fn what_a_second_leg_says_is_redacted_and_read_back() {
    let log = with_a_second_leg();
    let redactor = Some(Redactor::with_key(*b"not a secret key"));
    let mut written =
        CallLog::begin_with(Vec::new(), log.header.clone(), redactor).expect("memory takes it");
    for entry in &log.entries {
        if !matches!(entry, Entry::End { .. }) {
            written.append(entry.clone()).expect("memory takes it");
        }
    }
    let bytes = written.finish().expect("memory takes it");
    let read = Log::parse(bytes.as_slice(), Path::new("call.xlr")).expect("whole");
    assert_eq!(steps(&read), steps(&log));
    assert!(replay(&read).is_identical());
}
