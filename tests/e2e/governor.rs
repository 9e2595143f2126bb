//! The governor's knobs and the operator's words, in a running line.

use std::time::Duration;

use xenline::control::{Reply, Request, client};
use xenline::replay::Log;
use xenline::report::{CallEvent, EndingKind};

use crate::support::line::Serving;
use crate::support::phone::Phone;
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

fn whisper(line: &Serving, text: &str) -> Reply {
    let socket = line.config.say.socket.clone().expect("the tests name one");
    let request = Request::OperatorWhisper { text: text.to_owned(), line: None };
    let mut answer = None;
    client::ask(&socket, &request, |reply| answer = Some(reply)).expect("the line answers");
    answer.expect("one answer")
}
