//! The tap in a running line: what the machine does is written down, and said to the caller.

use std::io::Write;
use std::time::Duration;

use lane_broker::tap::{Origin, RuleSpec};
use xenline::control::{Reply, TapStatus};
use xenline::report::{CallEvent, EndingKind};

use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::process::Guarded;
use crate::support::{alone, wait_until};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn what_a_rule_finds_in_a_log_is_said_to_the_caller_and_counted() {
    let _machine = alone();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("backup.log");
    let mut log = std::fs::File::create(&path).expect("it is made");
    let line = Serving::agent(|config| {
        config.tap.logs = vec![path];
        config.tap.rule = vec![RuleSpec {
            name: "backup".into(),
            text: Some(r"backup of (?<what>\w+) failed".into()),
            say: Some("The backup of {what} has failed.".into()),
            ..RuleSpec::default()
        }];
    });
    let phone = Phone::call(line.sip);
    line.wait("the greeting", 0, SOON, spoken(""));
    let mark = line.mark();
    log.write_all(b"backup of mails worked\nbackup of photos failed\n").expect("it is written");
    line.wait("the alert to be heard", mark, SOON, spoken("backup of photos has failed"));
    let counts = wait_until("the tap to have counted", SOON, || match line.status() {
        Reply::Status { tap, .. } => tap.filter(|tap| tap.seen == 2),
        other => panic!("not a status: {other:?}"),
    });
    let expected = TapStatus { seen: 2, sorted: 1, unmatched: 1, said: 1, ..TapStatus::default() };
    assert_eq!(counts, expected);
    phone.hang_up();
    line.stop();
}

#[test]
fn what_a_file_says_and_that_a_process_ended_is_made_known_to_the_brain_which_tells_the_caller() {
    let _machine = alone();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("disks.log");
    let mut log = std::fs::File::create(&path).expect("it is made");
    let mut sleep = std::process::Command::new("sleep");
    sleep.arg("600");
    let mut job = Guarded::spawn(sleep);
    let pid = job.pid().to_string();
    // The kernel lets us go on a moment before the child has its new name.
    wait_until("it to become sleep", SOON, || {
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        (name == "sleep\n").then_some(())
    });
    let rule = |name: &str| RuleSpec { name: name.into(), brain: true, ..RuleSpec::default() };
    let line = Serving::agent(|config| {
        config.tap.logs = vec![path];
        config.tap.processes = vec![pid.clone()];
        config.tap.rule = vec![
            RuleSpec { from: Some(Origin::Log), text: Some("full$".into()), ..rule("disk") },
            RuleSpec { from: Some(Origin::Process), ..rule("job") },
        ];
    });
    let phone = Phone::call(line.sip);
    line.wait("the greeting", 0, SOON, spoken(""));
    let mark = line.mark();
    log.write_all(b"the second disk is full\n").expect("it is written");
    line.wait(
        "the brain to tell of the disk",
        mark,
        SOON,
        spoken("The machine reports: The second disk is full"),
    );
    job.signal(libc::SIGKILL);
    let _ = job.ended(SOON);
    line.wait("the brain to tell of the job", mark, SOON, spoken("The machine reports: Process"));
    phone.hang_up();
    line.stop();
}

/// A saying with these words that was heard to its end.
fn spoken(words: &'static str) -> impl Fn(f64, &CallEvent) -> Option<()> {
    move |_, event| match event {
        CallEvent::ClaimEnded { ending: EndingKind::Spoken, heard_text, .. } => {
            heard_text.contains(words).then_some(())
        }
        _ => None,
    }
}
