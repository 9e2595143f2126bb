//! The tap in a running line: what the machine does is written down, and said to the caller.

use std::io::Write;
use std::time::Duration;

use lane_broker::tap::RuleSpec;
use xenline::control::{Reply, TapStatus};
use xenline::report::{CallEvent, EndingKind};

use crate::support::line::Serving;
use crate::support::phone::Phone;
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
    let spoken = |words: &'static str| {
        move |_, event: &CallEvent| match event {
            CallEvent::ClaimEnded { ending, heard_text, .. } => {
                (*ending == EndingKind::Spoken && heard_text.contains(words)).then_some(())
            }
            _ => None,
        }
    };
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
