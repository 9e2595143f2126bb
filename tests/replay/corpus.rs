//! The logs in `tests/replays`.

use std::path::{Path, PathBuf};

use xenline::calls::replay_table;
use xenline::replay::{Log, replay};

use crate::scenarios::{SCENARIOS, played};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replays")
}

fn logs() -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder()).expect("the corpus is there");
    let mut logs: Vec<PathBuf> = files
        .map(|file| file.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "xlr"))
        .collect();
    logs.sort();
    logs
}

#[test]
fn every_log_of_the_corpus_is_decided_as_it_was() {
    record_anew_if_asked();
    let logs = logs();
    assert!(logs.len() >= 10, "{} logs", logs.len());
    let (mut decisions, mut wrong) = (0, Vec::new());
    for path in logs {
        let log = Log::read(&path).unwrap_or_else(|error| panic!("{error}"));
        let replayed = replay(&log);
        decisions += replayed.decisions;
        if !replayed.is_identical() || replayed.unanswered > 0 {
            wrong.push(format!("{}:\n{}", path.display(), replay_table(&replayed)));
        }
        assert!(replayed.ear_steps > 100 && replayed.governor_steps > 10, "{}", path.display());
    }
    println!("corpus: {decisions} decisions");
    assert!(
        wrong.is_empty(),
        "{}\nif these decisions were changed on purpose: XENLINE_RECORD_REPLAYS=1 cargo test --test \
         replay writes the scenarios' logs anew; logs of real calls are taken anew or removed",
        wrong.join("\n")
    );
}

#[test]
fn a_conversation_is_decided_the_same_again_with_its_words_and_without() {
    let mut misplayed = Vec::new();
    for scenario in SCENARIOS {
        let Ok(bytes) = std::panic::catch_unwind(|| played(scenario)) else {
            misplayed.push(scenario.name);
            continue;
        };
        let log = Log::parse(bytes.as_slice(), Path::new(scenario.name)).expect("a whole log");
        let replayed = replay(&log);
        assert!(replayed.is_identical(), "{}:\n{}", scenario.name, replay_table(&replayed));
        assert_eq!(replayed.unanswered, 0, "{}", scenario.name);
        assert_eq!(replayed.incomplete, None, "{}", scenario.name);
    }
    assert!(misplayed.is_empty(), "did not go as meant: {misplayed:?}");
}

fn record_anew_if_asked() {
    if std::env::var_os("XENLINE_RECORD_REPLAYS").is_none() {
        return;
    }
    for scenario in SCENARIOS {
        let path = folder().join(format!("{}.xlr", scenario.name));
        std::fs::write(path, played(scenario)).expect("the corpus is writable");
    }
}
