//! The operator beside the brain: what it does meanwhile, and what it knows afterwards.

mod support;

use brain_protocol::{BrainMessage, LineMessage};
use support::{Call, LINE};

#[test]
fn while_the_operator_speaks_the_brain_is_quiet_and_still_acknowledges() {
    let mut call = Call::new();
    call.line(LineMessage::OperatorTook { line: LINE });
    assert_eq!(call.says("what time is it"), "");
    assert!(call.sent(|message| matches!(message, BrainMessage::TurnDone { .. })));
    call.line(LineMessage::OperatorReleased { line: LINE });
    assert!(call.says("what time is it").starts_with("It is"));
}

#[test]
fn what_the_operator_said_is_known_when_the_brain_goes_on() {
    let mut call = Call::new();
    assert_eq!(call.says("what did the operator say"), "The operator has not said anything.");
    call.line(LineMessage::OperatorTook { line: LINE });
    call.line(LineMessage::OperatorSaid { line: LINE, text: "I call you back.".into() });
    call.line(LineMessage::OperatorReleased { line: LINE });
    let said = call.says("what did the operator say");
    assert_eq!(said, "The operator said: I call you back.");
}

#[test]
fn a_whisper_is_done_as_if_the_caller_had_asked_and_is_never_read_out() {
    let mut call = Call::new();
    let whisper = |call: &mut Call, text: &str| {
        call.line(LineMessage::OperatorWhisper { line: LINE, text: text.into() })
    };
    let said = whisper(&mut call, "what time is it");
    assert_eq!(said.len(), 1);
    assert_eq!((said[0].text.as_str(), said[0].turn), ("It is eight thirty in the evening.", None));
    let said = whisper(&mut call, "the caller is in a bad temper, be kind");
    assert_eq!(said, [], "what is not understood is not guessed at");
    let said = whisper(&mut call, "say goodbye");
    assert!(said.iter().all(|say| !say.text.contains("say goodbye")), "{said:?}");
}

#[test]
fn a_whisper_does_not_answer_what_the_caller_was_asked() {
    let mut call = Call::new();
    let before = call.says("how are you");
    assert!(before.contains("And you?"), "{before}");
    call.line(LineMessage::OperatorWhisper { line: LINE, text: "what day is it".into() });
    assert_eq!(call.says("not good"), "I see. I keep it short, then.");
}
