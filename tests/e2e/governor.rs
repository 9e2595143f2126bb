//! The governor's knobs and the operator's words, in a running line.

use std::path::Path;
use std::time::Duration;

use xenline::control::{Reply, Request, client};
use xenline::replay::Log;
use xenline::report::{CallEvent, EndingKind};

use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::process::{kill, need, xenline};
use crate::support::{alone, wait_until};

const SOON: Duration = Duration::from_secs(20);
const SAID_WITHIN: Duration = Duration::from_secs(60);

#[test]
fn a_trunks_own_governor_is_the_one_of_its_lines() {
    let _machine = alone();
    let line = Serving::agent(|config| {
        config.governor.stall_ms = 900;
        config.trunk[0].governor =
            toml::from_str("gap_ms = 777\ndecide_ms = 400").expect("keys of ours");
    });
    let phone = Phone::call(line.sip);
    wait_until("sound", SOON, || (phone.media.count() > 5).then_some(()));
    phone.hang_up();
    let log = Log::read_partial(&line.folder().join(xenline::replay::LOG_FILE)).expect("a log");
    let governor = &log.header.governor;
    assert_eq!(governor.gap, Duration::from_millis(777), "what the trunk says");
    assert_eq!(governor.decide, Duration::from_millis(400));
    assert_eq!(log.header.ear.decide_ms, 400, "the ear decides by then too");
    assert_eq!(governor.stall, Duration::from_millis(900), "what it says for all");
    line.stop();
}

#[test]
fn a_whisper_makes_the_agent_act_and_the_caller_hears_the_answer_alone() {
    let _machine = alone();
    let line = Serving::agent(|_| {});
    let nobody = whisper(&line, "what day is it");
    assert!(
        matches!(&nobody, Reply::Refused { message, .. } if message.contains("no call is open"))
    );
    let phone = Phone::call(line.sip);
    wait_until("sound", SOON, || (phone.media.count() > 5).then_some(()));
    let mark = line.mark();
    let told = wait_until("the brain to listen", SOON, || match whisper(&line, "what day is it") {
        Reply::Done { message } => Some(message),
        _ => None,
    });
    assert!(told.contains("was told"), "{told}");
    let answer = line.wait("the answer to be said", mark, SAID_WITHIN, |_, event| match event {
        CallEvent::ClaimEnded { ending: EndingKind::Spoken, heard_text, .. }
            if heard_text.starts_with("Today is ") =>
        {
            Some(heard_text.clone())
        }
        _ => None,
    });
    let words = "what day is it";
    let said = |(_, event): &(f64, CallEvent)| match event {
        CallEvent::ClaimAccepted { text, .. } => text.to_lowercase().contains(words),
        _ => false,
    };
    assert!(!line.events().iter().any(said), "no claim has the operator's words: {answer}");
    phone.hang_up();
    line.stop();
}

#[test]
fn what_was_promised_to_one_caller_is_heard_by_that_caller_alone_also_after_a_crash() {
    let _machine = alone();
    need("python3", "python3");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/promiser.py");
    let command = || vec!["python3".into(), script.display().to_string()];
    let first = Serving::start(xenline(), |config| config.brain.command = command());
    let begun = |_, event: &CallEvent| match event {
        CallEvent::FirstSample { .. } => Some(()),
        _ => None,
    };
    let ann = Phone::call_as(first.sip, "4930111");
    first.wait("the promise to Ann to begin", 0, SAID_WITHIN, begun);
    ann.hang_up();
    first.wait("Ann's call to be over", 0, SOON, |_, event| {
        matches!(event, CallEvent::CallClosed(_)).then_some(())
    });
    let mark = first.mark();
    let bob = Phone::call_as(first.sip, "4930222");
    first.wait("Bob to hear his own", mark, SAID_WITHIN, |_, event| spoken_to(event, "4930222"));
    assert_eq!(accepted(&first, mark, "4930111"), 0, "Bob's line never had Ann's");
    kill(first.pid(), libc::SIGKILL);
    drop(bob);

    let second = again(&first);
    assert_eq!(ask(&second, &Request::QueuePause), None);
    kill(second.pid(), libc::SIGKILL);
    let third = again(&first);
    let paused = |line: &Serving| matches!(line.status(), Reply::Status { paused: true, .. });
    assert!(paused(&third), "a pause outlives the process");
    assert_eq!(ask(&third, &Request::QueueResume), None);
    assert!(!paused(&third));
    let ann = Phone::call_as(third.sip, "4930111");
    // What she was promised before is said to its end; what she is promised now is the same.
    third.wait("Ann to hear hers", 0, SAID_WITHIN, |_, event| spoken_to(event, "4930111"));
    assert_eq!(accepted(&third, 0, "4930222"), 0);
    ann.hang_up();
    third.stop();
}

/// The same line, started anew.
fn again(killed: &Serving) -> Serving {
    let (config, address) = (killed.config.clone(), killed.sip);
    Serving::start(xenline(), |theirs| {
        *theirs = config;
        theirs.sip.listen_udp = Some(address);
    })
}

fn spoken_to(event: &CallEvent, caller: &str) -> Option<()> {
    match event {
        CallEvent::ClaimEnded { ending: EndingKind::Spoken, heard_text, .. } => {
            heard_text.contains(caller).then_some(())
        }
        _ => None,
    }
}

/// Claims from `mark` on whose words name this caller.
fn accepted(line: &Serving, mark: usize, caller: &str) -> usize {
    let is = |event: &CallEvent| match event {
        CallEvent::ClaimAccepted { text, .. } => text.contains(caller),
        _ => false,
    };
    line.events()[mark..].iter().filter(|(_, event)| is(event)).count()
}

/// What the line refuses, if it does.
fn ask(line: &Serving, request: &Request) -> Option<String> {
    let socket = line.config.say.socket.clone().expect("the tests name one");
    let mut refused = Some("no answer".to_owned());
    client::ask(&socket, request, |reply| {
        refused = match reply {
            Reply::Done { .. } => None,
            other => Some(format!("{other:?}")),
        };
    })
    .expect("the line answers");
    refused
}

fn whisper(line: &Serving, text: &str) -> Reply {
    let socket = line.config.say.socket.clone().expect("the tests name one");
    let request = Request::OperatorWhisper { text: text.to_owned(), line: None };
    let mut answer = None;
    client::ask(&socket, &request, |reply| answer = Some(reply)).expect("the line answers");
    answer.expect("one answer")
}
