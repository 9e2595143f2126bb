//! What comes in writing is answered in writing, at once, whatever else goes on.

mod support;

use brain_protocol::{
    BrainMessage, Channel, JobOutcome, LineId, LineMessage, MessageEnding, MessageId, Position,
    Send,
};
use support::Call;
use xenline_brain::config::Config;
use xenline_brain::memory::Memory;
use xenline_brain::mind::Output;

#[test]
fn a_text_is_answered_to_its_writer_and_acknowledged() {
    let mut call = quiet();
    let sent = writes(&mut call, "sms:main", "+49301", 7, "what time is it");
    assert_eq!(sent.len(), 1);
    assert!(sent[0].text.starts_with("It is "), "{}", sent[0].text);
    assert_eq!((sent[0].channel, sent[0].to.as_str()), (Channel::Sms, "+49301"));
    assert_eq!(sent[0].trigger.as_deref(), Some("sms:main/7"), "what it reacts to is named");
    assert_eq!(sent[0].tag, "xen-out");
    let done = BrainMessage::TextDone { lane: "sms:main".into(), position: Position(7) };
    assert_eq!(call.outputs.last(), Some(&Output::Send(done)), "acknowledged after the answer");
}

#[test]
fn a_text_that_comes_again_is_acknowledged_and_not_answered_again() {
    let mut call = quiet();
    assert_eq!(writes(&mut call, "typed:main", "ann", 3, "hello").len(), 1);
    assert_eq!(writes(&mut call, "typed:main", "ann", 3, "hello").len(), 0);
    assert!(call.sent(|it| matches!(it, BrainMessage::TextDone { .. })));
    assert_eq!(writes(&mut call, "typed:main", "bob", 4, "hello").len(), 1, "another writer");
    assert_eq!(writes(&mut call, "in:main", "ann", 1, "hello").len(), 1, "another lane");
}

#[test]
fn a_job_asked_for_in_writing_is_acknowledged_at_once_and_reported_in_writing() {
    let mut call = Call::new();
    let sent = writes(&mut call, "typed:main", "ann", 1, "run the backup");
    assert_eq!(sent[0].text, "Okay, I am starting the backup.");
    let job = call.order().job;
    let other = writes(&mut call, "sms:main", "+49301", 1, "what time is it");
    assert!(other[0].text.starts_with("It is "), "nobody waits for a worker");
    assert!(call.says("what time is it").starts_with("It is "), "nor does a caller");
    let said = call.report(&job, JobOutcome::Done, "files=3\narchive_bytes=20480\n");
    assert!(said.is_empty(), "who called did not ask for it");
    let report = sent_of(&call);
    assert!(report[0].text.starts_with("The backup is done."), "{}", report[0].text);
    assert_eq!((report[0].to.as_str(), &report[0].trigger), ("ann", &None));
}

#[test]
fn a_question_is_answered_by_its_writer_and_by_nobody_else() {
    let mut call = quiet();
    assert_eq!(writes(&mut call, "typed:main", "ann", 1, "take a note")[0].text, ASKED);
    assert!(writes(&mut call, "typed:main", "bob", 2, "what time is it")[0].text.starts_with("It"));
    assert_eq!(writes(&mut call, "typed:main", "ann", 3, "buy milk")[0].text, "Noted. Buy milk.");
}

#[test]
fn goodbye_and_stop_in_writing_end_nothing() {
    let mut call = quiet();
    assert_eq!(writes(&mut call, "typed:main", "ann", 1, "stop")[0].text, "Okay.");
    assert_eq!(writes(&mut call, "typed:main", "ann", 2, "goodbye")[0].text, "Goodbye.");
    assert!(!call.sent(|it| matches!(it, BrainMessage::HangUp { .. })));
    assert_eq!(writes(&mut call, "typed:main", "ann", 3, "what time is it").len(), 1);
}

#[test]
fn a_report_that_could_not_be_sent_is_told_to_the_next_caller() {
    let mut call = quiet();
    writes(&mut call, "sms:main", "+49301", 1, "run the backup");
    let job = call.order().job;
    call.report(&job, JobOutcome::Done, "files=3\narchive_bytes=20480\n");
    let report = sent_of(&call).remove(0);
    let reason = Some("no way out".into());
    let ended = MessageEnding::Failed;
    call.line(LineMessage::MessageEnded { message: report.message, ending: ended, reason });
    let said = call.open();
    assert!(said.iter().any(|say| say.text.contains("The backup is done.")), "{said:?}");
}

#[test]
fn what_was_sent_can_be_asked_for_again() {
    let mut call = quiet();
    let sent = writes(&mut call, "typed:main", "ann", 1, "run the backup").remove(0);
    call.line(LineMessage::MessageEnded {
        message: sent.message,
        ending: MessageEnding::Sent,
        reason: None,
    });
    let again = writes(&mut call, "typed:main", "ann", 2, "what did you say");
    assert_eq!(again[0].text, "I said: Okay, I am starting the backup.");
    let stranger = MessageId::new("nobody-1").unwrap();
    let ending = MessageEnding::Sent;
    call.line(LineMessage::MessageEnded { message: stranger, ending, reason: None });
}

#[test]
fn writers_are_forgotten_by_the_thousand_and_never_in_the_way_of_a_call() {
    let mut call = quiet();
    for n in 1..3_000 {
        assert_eq!(writes(&mut call, "sms:main", &format!("+{n}"), n, "hello").len(), 1);
    }
    assert!(!call.open().is_empty(), "a call is greeted all the same");
    let closed = LineMessage::LineClosed { line: LineId(1), reason: String::new() };
    call.line(closed);
}

/// A brain that nobody calls.
fn quiet() -> Call {
    Call::before_the_call(Config::builtin(), Memory::default())
}

fn writes(call: &mut Call, lane: &str, from: &str, position: u64, text: &str) -> Vec<Send> {
    let tag = lane.split(':').next().unwrap_or_default();
    call.line(LineMessage::TextMessage {
        lane: lane.into(),
        tag: tag.into(),
        position: Position(position),
        id: format!("{lane}/{position}"),
        from: from.into(),
        text: text.into(),
        channel: if tag == "sms" { Channel::Sms } else { Channel::Chat },
        replayed: false,
    });
    sent_of(call)
}

fn sent_of(call: &Call) -> Vec<Send> {
    let sent = call.outputs.iter().filter_map(|output| match output {
        Output::Send(BrainMessage::Send(send)) => Some(send.clone()),
        _ => None,
    });
    sent.collect()
}

const ASKED: &str = "Okay. What shall I note?";

#[test]
fn what_the_machine_does_is_told_in_the_call_or_in_the_next_one_and_never_answered() {
    let event = |position: u64, text: &str| LineMessage::TextMessage {
        lane: "os:main".into(),
        tag: "os".into(),
        position: Position(position),
        id: format!("os:main/{position}"),
        from: "backup.service".into(),
        text: text.into(),
        channel: Channel::Chat,
        replayed: false,
    };
    let is_answer = |message: &BrainMessage| matches!(message, BrainMessage::Send(_));
    let is_done = |message: &BrainMessage| matches!(message, BrainMessage::TextDone { .. });
    let mut call = Call::new();
    let said = call.line(event(1, "the backup of photos failed"));
    assert_eq!(said[0].text, "The machine reports: The backup of photos failed");
    assert!(call.sent(is_done) && !call.sent(is_answer));
    call.close();
    assert!(call.line(event(2, "the disk is full")).is_empty(), "nobody is there");
    assert!(call.sent(is_done) && !call.sent(is_answer));
    let said = call.open();
    assert!(said.iter().any(|say| say.text.contains("The disk is full")), "{said:?}");
}
