//! Voice and text at once: while the agent talks and a worker works, three hundred messages come in
//! on three lanes and the caller asks something. Everybody is answered, once, and nobody waits for
//! the worker.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use lane_broker::{Lane, LaneStore, Position, SqliteStore, Tag};
use xenline::report::{CallEvent, EndingKind};

use crate::support::door::{TOKEN, free_port, post};
use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::process::{run, xenline};
use crate::support::sound::recorded;
use crate::support::{alone, figure, wait_until};

const SOON: Duration = Duration::from_secs(30);
const ANSWERED_WITHIN: Duration = Duration::from_secs(90);
const LANES: [&str; 3] = ["typed", "in", "omi"];
const EACH: usize = 100;

#[test]
fn a_hundred_messages_on_each_of_three_lanes_and_a_caller_are_answered_while_a_worker_works() {
    let _machine = alone();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (over, door) = (dir.path().join("over"), free_port());
    let mut command = xenline();
    command.env("XENLINE_BRAIN_CONFIG", brain_with_a_job_until(dir.path(), &over));
    command.env("XENLINE_HTTP_TOKEN", TOKEN);
    let line = Serving::agent_in(command, |config| config.http.listen = Some(door));
    let phone = Phone::call(line.sip);
    line.wait("the greeting", 0, SOON, said("Hello"));
    let mark = line.mark();
    phone.media.say(&recorded("run the backup"));
    line.wait("the agent to talk", mark, SOON, |_, event| match event {
        CallEvent::FirstSample { .. } => Some(()),
        _ => None,
    });
    let began = Instant::now();
    let ids = std::thread::scope(|scope| {
        let burst = scope.spawn(|| burst(door));
        phone.media.say(&recorded("what time is it"));
        line.wait("the caller to be answered", mark, ANSWERED_WITHIN, said("It is "));
        burst.join().expect("all of it was taken")
    });
    let answered = wait_until("all that was written to be answered", ANSWERED_WITHIN, || {
        let answers = answers(&line);
        (answers.values().sum::<usize>() >= ids.len()).then_some(answers)
    });
    figure(format!(
        "{} messages on three lanes and a caller answered in {:?}, beside a worker",
        ids.len(),
        began.elapsed()
    ));
    let wrong: Vec<_> = ids.iter().filter(|id| answered.get(*id) != Some(&1)).collect();
    assert!(wrong.is_empty(), "not answered exactly once: {wrong:?}");
    looked_into(&line);
    let events = line.events();
    let reported = events.iter().any(|(_, event)| said("The backup is over")(0.0, event).is_some());
    assert!(!reported, "the worker is at work still");
    std::fs::write(&over, "").expect("it is written");
    line.wait("the worker's report", mark, ANSWERED_WITHIN, said("The backup is over"));
    phone.hang_up();
    line.stop();
}

/// Posts on all lanes at once, a few writers on each; gives what the messages are called.
fn burst(door: SocketAddr) -> Vec<String> {
    let lane = |lane: &'static str| {
        move || {
            let each = (0..EACH).map(|n| {
                let from = format!("{lane} {}", n % 5);
                let answer = post(door, lane, (&from, "what time is it"), &format!("{lane}-{n}"));
                assert_eq!(answer.status, 201, "{answer:?}");
                answer.body["id"].as_str().expect("an id").to_owned()
            });
            each.collect::<Vec<_>>()
        }
    };
    std::thread::scope(|scope| {
        let threads = LANES.map(|name| scope.spawn(lane(name)));
        threads.into_iter().flat_map(|thread| thread.join().expect("posted")).collect()
    })
}

/// How often each message was answered in writing.
fn answers(line: &Serving) -> BTreeMap<String, usize> {
    let store = SqliteStore::open_to_look(&line.config.lanes.file()).expect("the line's file");
    let lane = Lane::new(Tag::xen_out(), "main").expect("a lane");
    let mut answers = BTreeMap::new();
    for entry in store.read(&lane, Position::START, 10_000).unwrap_or_default() {
        let left: serde_json::Value = serde_json::from_slice(&entry.body).expect("JSON");
        assert!(left["text"].as_str().is_some_and(|text| text.starts_with("It is ")), "{left}");
        *answers.entry(left["trigger"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    answers
}

/// `xenline lanes`, beside the line that runs.
fn looked_into(line: &Serving) {
    let lanes = |arguments: &[&str]| {
        let mut command = xenline();
        command.env("XENLINE_LANES__PATH", line.config.lanes.file());
        command.arg("lanes").args(arguments);
        let ran = run(command, SOON);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        ran.out
    };
    let listed = lanes(&["ls"]);
    for lane in ["typed:main", "in:main", "omi:main", "xen-out:main"] {
        assert!(listed.contains(lane), "{lane} in {listed}");
    }
    let last = lanes(&["read", "omi:main", "--after", "98", "--json"]);
    assert_eq!(last.lines().count(), 2, "{last}");
    assert!(last.contains("what time is it"), "{last}");
}

/// A brain whose backup takes until `over` is there.
fn brain_with_a_job_until(dir: &Path, over: &Path) -> std::path::PathBuf {
    let file = dir.join("brain.toml");
    let wait = "while [ ! -e \"$0\" ]; do sleep 0.05; done";
    let text = format!(
        "[[command]]\nname = \"backup\"\nrun = [\"/bin/sh\", \"-c\", '{wait}', '{}']\n\
         report = \"The backup is over.\"\ntimeout_s = 300\n",
        over.display()
    );
    std::fs::write(&file, text).expect("it is written");
    file
}

/// Something that was heard to its end, and how it began.
fn said(beginning: &'static str) -> impl Fn(f64, &CallEvent) -> Option<()> {
    move |_, event| match event {
        CallEvent::ClaimEnded { ending: EndingKind::Spoken, heard_text, .. } => {
            heard_text.starts_with(beginning).then_some(())
        }
        _ => None,
    }
}
