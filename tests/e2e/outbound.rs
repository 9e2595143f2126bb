//! Calls out: through the gate, on the account, and kept open.

use std::time::Duration;

use xenline::config::{AllowSection, Config};
use xenline::control::{KeptStatus, OutboundStatus, Reply};
use xenline::report::{CallEvent, EndingKind};

use crate::support::callee::Callee;
use crate::support::line::Serving;
use crate::support::process::{Ran, run, xenline};
use crate::support::{alone, figure, wait_until};

const STEP: Duration = Duration::from_secs(30);
pub const NUMBER: &str = "+493012345678";
const ANOTHER: &str = "+493087654321";

/// Calls to Germany may go out, to where `callee` is.
pub fn calls_out(config: &mut Config, callee: &Callee) {
    config.trunk[0].probe = vec![format!("sip:{}", callee.sip)];
    config.outbound.trunk = Some(config.trunk[0].name.clone());
    config.outbound.from = "+15551230000".into();
    let allow = |prefix: &str| AllowSection { prefix: prefix.into(), per_minute: 0.02 };
    config.outbound.allow = vec![allow("+49"), allow("+1")];
    config.outbound.minutes_per_day = 90;
    config.outbound.calls_max = 1;
}

fn dial(line: &Serving, number: &str) -> Ran {
    let mut command = xenline();
    let socket = line.config.say.socket.as_ref().expect("the tests name one");
    command.args(["dial", number, "--socket"]).arg(socket);
    run(command, STEP)
}

pub fn account(line: &Serving) -> OutboundStatus {
    match line.status() {
        Reply::Status { process, .. } => process.outbound.expect("calls out are on"),
        other => panic!("not a status: {other:?}"),
    }
}

fn kept(line: &Serving) -> KeptStatus {
    match line.status() {
        Reply::Status { process, .. } => process.kept.expect("a call is kept"),
        other => panic!("not a status: {other:?}"),
    }
}

fn spoken(text: &str) -> impl Fn(f64, &CallEvent) -> Option<()> {
    move |_, event| match event {
        CallEvent::ClaimEnded { ending: EndingKind::Spoken, heard_text, .. } => {
            heard_text.contains(text).then_some(())
        }
        _ => None,
    }
}

#[test]
fn a_number_is_called_the_agent_talks_and_the_account_outlives_the_line() {
    let _machine = alone();
    let callee = Callee::new();
    let mut line = Serving::agent(|config| {
        calls_out(config, &callee);
        let lanes = config.lanes.path.as_ref().expect("the tests name one");
        std::fs::create_dir_all(lanes.parent().expect("a folder")).expect("it is there");
        let yesterday = r#"{"day":20000,"seconds":3000,"spent":700000}"#;
        std::fs::write(lanes.with_file_name("outbound.json"), yesterday).expect("it is written");
    });
    let today = account(&line);
    assert_eq!((today.minutes_used, today.spent_millionths), (0, 0), "another day's is kept");
    for (number, words) in [
        ("+19005551234", "+1900"),
        ("+18765551234", "name it in full"),
        ("+33123456789", "[[outbound.allow]]"),
        ("0301234567", "not a telephone number"),
    ] {
        let refused = dial(&line, number);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.err.contains(words), "{refused:?}");
    }
    assert_eq!(callee.answered(), 0, "nothing left the line");

    let called = dial(&line, NUMBER);
    figure(format!("xenline dial: {}", called.out.replace('\n', ", ")));
    assert_eq!(called.code, Some(0), "{called:?}");
    assert!(called.out.contains("calling") && called.out.contains("answered"), "{called:?}");
    callee.wait_for_calls(1, STEP);
    let invite = callee.invite();
    assert!(invite.starts_with(&format!("INVITE sip:{NUMBER}@")), "{invite}");
    assert!(invite.contains("+15551230000"), "as the operator's number: {invite}");
    line.wait("the agent's first words", 0, STEP, spoken("How can I help"));
    let full = dial(&line, NUMBER);
    assert!(full.err.contains("calls_max"), "one at a time: {full:?}");
    assert_eq!(account(&line).minutes_used, 60, "the longest that it may last is promised");
    callee.hang_up("");
    wait_until("the account to be settled", STEP, || {
        (account(&line).minutes_used == 1).then_some(())
    });
    callee.be_busy(true);
    let busy = dial(&line, NUMBER);
    assert!(busy.code == Some(1) && busy.err.contains("486"), "{busy:?}");
    line.comes_to_rest();
    line.end_in_mid_call();
    let lanes = line.config.lanes.path.clone().expect("the tests name one");
    let book = std::fs::read_to_string(lanes.with_file_name("outbound.json")).expect("an account");
    assert!(book.contains("\"seconds\":60"), "{book}");
    let cdr = std::fs::read_to_string(line.config.cdr.path.as_ref().expect("a file"));
    assert_eq!(cdr.expect("records").matches("\"outbound\"").count(), 2);
}

#[test]
fn a_call_that_is_kept_open_is_called_again_and_goes_on_where_it_was() {
    let _machine = alone();
    let callee = Callee::new();
    let line = Serving::agent(|config| {
        calls_out(config, &callee);
        config.line.keep_open = Some(NUMBER.into());
    });
    callee.wait_for_calls(1, STEP);
    line.wait("the agent's first words", 0, STEP, spoken("How can I help"));
    wait_until("it to be up", STEP, || kept(&line).up.then_some(()));
    callee.be_busy(true);
    let mark = line.mark();
    callee.hang_up("Q.850;cause=41;text=\"Temporary failure\"");
    let down = wait_until("a try that comes to nothing", STEP, || {
        let kept = kept(&line);
        kept.trouble.as_ref().is_some_and(|why| why.contains("486")).then_some(kept)
    });
    assert!(!down.up, "{down:?}");
    callee.be_busy(false);
    callee.wait_for_calls(2, STEP);
    line.wait("that it goes on", mark, STEP, spoken("We were cut off"));
    let again = kept(&line);
    figure(format!(
        "kept open: up {} of {} s, called again {} times",
        again.up_seconds, again.kept_seconds, again.reconnects
    ));
    assert_eq!((again.up, again.reconnects), (true, 1));
    // It would be called again for ever.
    let mut line = line;
    line.end_in_mid_call();
}

#[test]
fn another_number_that_is_to_be_kept_open_is_not_disturbed_by_the_end_of_the_one_before() {
    let _machine = alone();
    let callee = Callee::new();
    callee.be_slow();
    let mut line = Serving::echo(|config| {
        calls_out(config, &callee);
        config.outbound.calls_max = 2;
        config.line.keep_open = Some(NUMBER.into());
    });
    wait_until("it to be called", STEP, || callee.is_called().then_some(()));
    let mut changed = line.config.clone();
    changed.line.keep_open = Some(ANOTHER.into());
    std::fs::write(line.file(), toml::to_string(&changed).expect("TOML")).expect("it is written");
    let before = callee.let_it_ring();
    line.signal(libc::SIGHUP);
    callee.wait_for_calls(1, STEP);
    wait_until("the other one to be up", STEP, || kept(&line).up.then_some(()));
    // The one before was cancelled, and only now says so.
    assert_eq!(account(&line).calls, 2);
    callee.refuse(&before, "487 Request Terminated");
    wait_until("the one before to be over", STEP, || (account(&line).calls == 1).then_some(()));
    let now = kept(&line);
    assert_eq!((now.up, now.reconnects, now.trouble), (true, 0, None));
    assert!(callee.invite().starts_with(&format!("INVITE sip:{ANOTHER}@")), "{}", callee.invite());
    assert_eq!(callee.answered(), 1, "nobody is called a third time");
    line.end_in_mid_call();
}
