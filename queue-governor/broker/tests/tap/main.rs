//! The tap against the real kernel: real files, a real log that is rotated, real processes, and a
//! child that writes a journal. Waits are for something to happen, never for time to pass.

mod journald;
mod stuck;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use lane_broker::tap::{Alert, RuleSpec, Tap, TapConfig, TapEvent};
use lane_broker::{Lane, LaneStore, Limits, MemoryStore, Position, Tag};
use stuck::Stuck;

/// A busy machine may take a while.
const PATIENCE: Duration = Duration::from_secs(30);

struct Running {
    tap: Tap,
    lanes: Arc<MemoryStore>,
    alerts: Receiver<Alert>,
}

fn start(config: TapConfig) -> Running {
    let lanes = Arc::new(MemoryStore::new(Limits::default()));
    let (speak, alerts) = channel();
    let store: Arc<dyn LaneStore> = lanes.clone();
    let tap = Tap::start(&config, store, Box::new(move |alert| drop(speak.send(alert))));
    Running { tap: tap.expect("the tap starts"), lanes, alerts }
}

fn rule(name: &str) -> RuleSpec {
    RuleSpec { name: name.into(), ..RuleSpec::default() }
}

fn everything() -> Vec<RuleSpec> {
    vec![rule("all")]
}

impl Running {
    fn events(&self) -> Vec<TapEvent> {
        let lane = Lane::new(Tag::os(), "all").expect("a good name");
        let entries = self.lanes.read(&lane, Position::START, 10_000).expect("it is in memory");
        entries.iter().map(|e| serde_json::from_slice(&e.body).expect("an event")).collect()
    }

    /// What was seen, as "last part of the subject: text", once `enough` of it is there.
    fn seen(&self, enough: impl Fn(&[String]) -> bool) -> Vec<String> {
        let told = |event: &TapEvent| {
            let name = event.subject.rsplit('/').next().unwrap_or_default();
            format!("{name}: {}", event.text)
        };
        wait_for(|| {
            let seen: Vec<String> = self.events().iter().map(told).collect();
            enough(&seen).then_some(seen)
        })
        .unwrap_or_else(|| panic!("never seen; there is {:?}", self.events()))
    }
}

fn wait_for<T>(mut happened: impl FnMut() -> Option<T>) -> Option<T> {
    let latest = Instant::now() + PATIENCE;
    while Instant::now() < latest {
        if let Some(it) = happened() {
            return Some(it);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    None
}

fn append(path: &Path, text: &str) {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    file.expect("it opens").write_all(text.as_bytes()).expect("it is written");
}

#[test]
fn a_watched_file_is_seen_when_it_comes_is_written_is_replaced_and_goes() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("watched");
    let running =
        start(TapConfig { files: vec![file.clone()], rules: everything(), ..Default::default() });
    std::fs::write(&file, "x").unwrap();
    std::fs::write(dir.path().join("other"), "x").unwrap();
    std::fs::rename(dir.path().join("other"), &file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let seen = running.seen(|seen| seen.len() >= 4);
    let expected = ["created", "written", "moved here", "deleted"];
    assert_eq!(seen, expected.map(|what| format!("watched: {what}")));
}

#[test]
fn a_folder_that_comes_later_is_watched_from_then_on() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("inbox");
    let running =
        start(TapConfig { files: vec![folder.clone()], rules: everything(), ..Default::default() });
    std::fs::create_dir(&folder).unwrap();
    running.seen(|seen| seen.contains(&"inbox: created".to_owned()));
    // What happens inside before the tap has looked is not seen: so it happens until it is.
    let mut files = 0;
    let found = wait_for(|| {
        files += 1;
        std::fs::write(folder.join(format!("file{files}")), "x").unwrap();
        running.events().iter().any(|event| event.subject.contains("inbox/file")).then_some(())
    });
    found.expect("what happens inside is seen");
}

#[test]
fn a_log_is_followed_through_rotation_and_truncation() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    append(&log, "old news\n");
    let running =
        start(TapConfig { logs: vec![log.clone()], rules: everything(), ..Default::default() });
    append(&log, "one\ntw");
    append(&log, "o\n");
    running.seen(|seen| seen.len() >= 2);
    append(&log, "three");
    std::fs::rename(&log, dir.path().join("log.1")).unwrap();
    append(&log, "four\n");
    running.seen(|seen| seen.len() >= 4);
    std::fs::OpenOptions::new().write(true).truncate(true).open(&log).unwrap();
    append(&log, "5\n");
    let seen = running.seen(|seen| seen.len() >= 5);
    assert_eq!(seen, ["one", "two", "three", "four", "5"].map(|line| format!("log: {line}")));
}

#[test]
fn the_end_of_a_process_is_seen_once() {
    let mut child = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap();
    let wanted = child.id().to_string();
    // The kernel lets us go on a moment before the child has its new name.
    let name = || std::fs::read_to_string(format!("/proc/{wanted}/comm")).ok();
    wait_for(|| name().filter(|name| name == "sleep\n")).expect("it becomes sleep");
    let running = start(TapConfig {
        processes: vec![wanted.clone()],
        rules: everything(),
        ..Default::default()
    });
    child.kill().unwrap();
    // Its parent has not heard of it yet; it has ended all the same.
    let seen = running.seen(|seen| !seen.is_empty());
    assert_eq!(seen, [format!("sleep: process {wanted} ended")]);
    child.wait().unwrap();
    assert_eq!(running.tap.counts().sorter.seen, 1);
}

#[test]
fn the_journal_is_read_from_a_child_and_goes_on_where_it_stopped_when_that_dies() {
    let dir = tempfile::tempdir().unwrap();
    let script = r#"
        if [ $# -eq 1 ]; then
            echo '{"MESSAGE":"first","UNIT":"a.service","__CURSOR":"c1","PRIORITY":"3"}'
            exit 1
        fi
        echo "{\"MESSAGE\":\"then $2\",\"UNIT\":\"a.service\",\"__CURSOR\":\"c2\"}"
        exec sleep 600"#;
    let path = dir.path().join("journal.sh");
    std::fs::write(&path, script).unwrap();
    let journal = ["sh", &path.to_string_lossy(), "--follow"].map(String::from).to_vec();
    let running = start(TapConfig { journal, rules: everything(), ..Default::default() });
    let seen = running.seen(|seen| seen.len() >= 2);
    assert_eq!(seen, ["a.service: first", "a.service: then --after-cursor=c1"]);
}

#[test]
fn a_rule_has_the_line_say_what_was_seen() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    append(&log, "");
    let say = RuleSpec {
        text: Some(r"backup of (?<what>\w+) failed".into()),
        say: Some("The backup of {what} has failed.".into()),
        ..rule("all")
    };
    let running =
        start(TapConfig { logs: vec![log.clone()], rules: vec![say], ..Default::default() });
    append(&log, "backup of photos failed\nbackup of mails worked\n");
    let alert = running.alerts.recv_timeout(PATIENCE).expect("it is said");
    assert_eq!(alert.text, "The backup of photos has failed.");
    running.seen(|seen| seen.len() == 1);
}

#[test]
fn a_store_that_hangs_costs_events_and_nothing_else_and_the_losses_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    append(&log, "");
    let config = TapConfig {
        logs: vec![log.clone()],
        rules: everything(),
        queue_max: 4,
        per_second_max: 1_000_000,
        ..Default::default()
    };
    let store = Arc::new(Stuck::default());
    let lanes: Arc<dyn LaneStore> = store.clone();
    let tap = Tap::start(&config, lanes, Box::new(drop)).unwrap();
    (0..1_000).for_each(|n| append(&log, &format!("line {n}\n")));
    let counts = wait_for(|| Some(tap.counts()).filter(|counts| counts.sorter.seen == 1_000));
    let counts = counts.expect("all of it was seen, though nothing is written").sorter;
    // Four wait, and what the writer took together, 64 at most, is in its hand.
    assert!(counts.sorted <= 68, "{counts:?}");
    assert_eq!(counts.lost, 1_000 - counts.sorted);
    store.open();
    wait_for(|| (store.written().len() as u64 == counts.sorted).then_some(())).expect("it goes on");
    append(&log, "later\n");
    let later = wait_for(|| store.written().into_iter().find(|event| event.text == "later"));
    later.expect("what comes later is written");
    let told: u64 = store.written().iter().map(|event| event.lost_before).sum();
    assert_eq!(told, counts.lost, "what is missing is told in full");
    store.close();
    append(&log, "more\n");
    wait_for(|| (tap.counts().sorter.seen == 1_002).then_some(())).expect("it is seen");
    drop(tap); // returns though the store hangs again
}

#[test]
fn a_lane_keeps_as_many_events_as_it_is_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    append(&log, "");
    let running = start(TapConfig {
        logs: vec![log.clone()],
        rules: everything(),
        keep: 10,
        per_second_max: 1_000_000,
        ..Default::default()
    });
    (0..300).for_each(|n| append(&log, &format!("line {n}\n")));
    let seen = running.seen(|seen| seen.last().is_some_and(|last| last == "log: line 299"));
    assert!((10..=74).contains(&seen.len()), "{} are kept", seen.len());
}

#[test]
fn more_than_can_be_watched_is_refused() {
    let files = vec!["/tmp/x".into(); 65];
    let config = TapConfig { files, ..Default::default() };
    let lanes = Arc::new(MemoryStore::new(Limits::default()));
    let refused = Tap::start(&config, lanes, Box::new(drop)).unwrap_err();
    assert!(refused.to_string().contains("tap.files"), "{refused}");
}
