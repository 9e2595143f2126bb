//! What is said in a call: answers, what was heard, interruptions, questions, and the end.

mod support;

use brain_protocol::{
    BrainMessage, ClaimEnding, LineId, LineMessage, Position, Redial, Source, TurnId, Unsaid,
};
use support::{Call, LINE, is_worker};

#[test]
fn a_line_is_greeted_when_it_opens() {
    let mut call =
        Call::before_the_call(xenline_brain::config::Config::builtin(), Default::default());
    let said = call.open();
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].text, "Hello, this is xenline. How can I help?");
    assert_eq!(
        (said[0].source, said[0].tag.as_str(), said[0].turn),
        (Source::Responder, "call", None)
    );
}

#[test]
fn a_line_that_lost_its_brain_is_not_greeted_as_a_new_one() {
    for (backlog, greeting) in [(0, "I am back. Please go on."), (2, "I am back.")] {
        let mut call =
            Call::before_the_call(xenline_brain::config::Config::builtin(), Default::default());
        let said = call.line(LineMessage::LineOpened {
            line: LINE,
            caller: String::new(),
            called: String::new(),
            identity: None,
            resumed: true,
            backlog,
            at_ms: 0,
            outbound: false,
            redial: None,
        });
        assert_eq!(said[0].text, greeting);
    }
}

/// The same caller on another line, a moment after the first call was cut off.
fn calls_again(call: &mut Call, unsaid: Vec<Unsaid>) -> Vec<String> {
    let redial = Redial { line: LINE, ago_ms: 9_000, said: Vec::new(), unsaid };
    let said = call.line(LineMessage::LineOpened {
        line: LineId(LINE.0 + 1),
        caller: "+4930123456".into(),
        called: "100".into(),
        identity: None,
        resumed: false,
        backlog: 0,
        at_ms: 0,
        outbound: false,
        redial: Some(Box::new(redial)),
    });
    said.into_iter().map(|say| say.text).collect()
}

#[test]
fn a_caller_who_was_cut_off_hears_the_rest_and_need_not_say_again_who_calls() {
    let mut call = Call::new();
    call.asks("my name is anna");
    call.says("what time is it");
    call.close();
    let text = "It is eight thirty in the evening.".to_owned();
    let unsaid = vec![Unsaid { text, heard_text: "It is eight".into() }];
    let said = calls_again(&mut call, unsaid);
    assert_eq!(said, ["We were cut off. I was saying: thirty in the evening."]);
    assert!(call.on_line(LineId(LINE.0 + 1), "who is calling").contains("Anna"), "still known");
}

#[test]
fn a_caller_who_was_cut_off_between_two_sentences_is_asked_to_go_on() {
    let mut call = Call::new();
    call.close();
    assert_eq!(calls_again(&mut call, Vec::new()), ["We were cut off. Please go on."]);
}

#[test]
fn the_builtin_answers_are_real() {
    let mut call = Call::new();
    for (said, answer) in [
        ("what time is it", "It is eight thirty in the evening."),
        ("what day is it", "Today is Friday, the twentieth of November."),
        (
            "what is the system load",
            "The machine is relaxed. The load is zero point four, on two processors.",
        ),
        (
            "how much memory is free",
            "Three point two gigabytes are free. That is forty percent of eight gigabytes of memory.",
        ),
        (
            "how much disk space is left",
            "One hundred and twenty gigabytes are free. That is twenty four percent of five hundred gigabytes of disk space.",
        ),
        ("can you hear me", "I can hear you."),
        ("thank you", "You are welcome."),
        (
            "who is calling",
            "It is you. You are calling from four nine three zero one two three four five six.",
        ),
        ("my name is anna", "Hello Anna."),
        ("who is calling", "You are Anna."),
        ("four zero seven", "I heard four zero seven."),
        ("what are the workers doing", "No jobs are running."),
        (
            "what is the status",
            "The line is up. The machine is relaxed. The load is zero point four, on two processors. No jobs are running.",
        ),
        ("how many calls today", "This is the first call today."),
        ("do i have any messages", "No new messages."),
        ("turn on the lights", "I cannot turn on the lights yet. No command is set up for that."),
        ("is mary there", "I do not know where Mary is. I can take a message."),
        ("mm hm", ""),
    ] {
        assert_eq!(call.asks(said), answer, "{said}");
    }
}

#[test]
fn answers_carry_their_turn_and_the_turn_is_acknowledged() {
    let mut call = Call::new();
    let said = call.turn("what time is it");
    assert_eq!(said[0].turn, Some(TurnId(1)));
    assert_eq!(said[0].dedup_key.as_deref(), Some("turn-1-1-1"));
    let done = BrainMessage::TurnDone { line: LINE, turn: TurnId(1), position: Position(101) };
    assert!(call.sent(|message| *message == done));
}

#[test]
fn a_turn_that_is_sent_twice_is_answered_once_and_acknowledged_twice() {
    let mut call = Call::new();
    let turn = LineMessage::CallerTurn {
        line: LINE,
        turn: TurnId(1),
        position: Position(1),
        text: "what time is it".into(),
        at_ms: 0,
        barged_in: false,
        replayed: true,
        speaker: None,
    };
    assert_eq!(call.line(turn.clone()).len(), 1);
    assert_eq!(call.line(turn).len(), 0);
    assert!(call.sent(|message| matches!(message, BrainMessage::TurnDone { .. })));
}

#[test]
fn what_is_not_understood_falls_back_and_offers_help() {
    let mut call = Call::new();
    assert_eq!(call.says("purple elephants dance"), "I did not get that. Please say it again.");
    assert_eq!(call.says("purple elephants sing"), "I did not get that either. You can say, help.");
    assert_eq!(call.says("purple elephants fly"), "Sorry. I still did not get that.");
    call.says("what time is it");
    assert_eq!(call.says("purple elephants dance"), "I did not get that. Please say it again.");
}

#[test]
fn sounds_that_are_not_understood_are_mentioned_twice_and_then_left_alone() {
    let mut call = Call::new();
    let mut said = Vec::new();
    for _ in 0..5 {
        said.extend(call.line(LineMessage::CallerNotUnderstood { line: LINE }));
    }
    assert_eq!(said.len(), 2);
}

#[test]
fn what_did_you_say_is_answered_with_what_the_caller_heard() {
    let mut call = Call::new();
    let said = call.turn("how much memory is free");
    call.ended(&said[0].claim, ClaimEnding::Interrupted, "Three point two gigabytes");
    for question in ["what did you say", "say that again", "repeat that please"] {
        assert_eq!(call.asks(question), "I said: Three point two gigabytes", "{question}");
    }
}

#[test]
fn nothing_was_said_before_anything_was_heard() {
    let mut call = Call::new();
    assert_eq!(call.says("what did you say"), "I have not said anything yet.");
}

#[test]
fn continue_gives_the_rest_of_what_was_interrupted_once() {
    let mut call = Call::new();
    let said = call.turn("how much memory is free");
    call.ended(&said[0].claim, ClaimEnding::Interrupted, "Three point two gigabytes are free.");
    assert_eq!(call.says("stop"), "");
    assert_eq!(
        call.says("continue"),
        "Going on. That is forty percent of eight gigabytes of memory."
    );
    assert_eq!(call.says("continue"), "That was all.");
}

#[test]
fn the_rest_survives_a_question_in_between_and_not_ten_minutes() {
    let mut call = Call::new();
    let interrupt = |call: &mut Call| {
        let said = call.turn("how much memory is free");
        call.ended(&said[0].claim, ClaimEnding::Interrupted, "Three point two gigabytes are free.");
    };
    interrupt(&mut call);
    call.asks("what time is it");
    assert!(call.says("go on").starts_with("Going on. That is forty"));
    interrupt(&mut call);
    call.wait(600);
    assert_eq!(call.says("go on"), "That was all.");
}

#[test]
fn stop_says_nothing_and_takes_back_what_waits() {
    let mut call = Call::new();
    let waiting = call.turn("what time is it").remove(0).claim;
    assert_eq!(call.says("stop"), "");
    assert!(call.sent(
        |message| matches!(message, BrainMessage::Withdraw { claim, .. } if *claim == waiting)
    ));
    assert!(call.sent(|message| matches!(message, BrainMessage::TurnDone { .. })));
    assert_eq!(call.says("be quiet"), "");
}

#[test]
fn goodbye_is_answered_and_then_hung_up_and_nothing_is_said_after_it() {
    for word in ["goodbye", "bye", "that is all thank you"] {
        let mut call = Call::new();
        let said = call.turn(word);
        assert_eq!(said[0].text, "Goodbye.");
        let after = Some(said[0].claim.clone());
        assert!(
            call.sent(
                |message| *message == BrainMessage::HangUp { line: LINE, after: after.clone() }
            )
        );
        assert_eq!(call.says("what time is it"), "");
    }
}

#[test]
fn notes_are_taken_read_and_deleted() {
    let mut call = Call::new();
    assert_eq!(call.says("read my notes"), "There are no notes.");
    assert_eq!(call.says("take a note"), "Okay. What shall I note?");
    assert_eq!(call.says("call Peter tomorrow"), "Noted. Call peter tomorrow.");
    assert_eq!(call.says("take a note buy milk"), "Noted. Buy milk.");
    assert_eq!(call.says("read my notes"), "Two notes. Buy milk. Call peter tomorrow.");
    assert_eq!(call.says("delete the last note"), "Deleted. It was, buy milk.");
}

#[test]
fn a_question_can_be_declined_and_forgotten() {
    let mut call = Call::new();
    call.says("take a note");
    assert_eq!(call.says("never mind"), "All right. I leave it.");
    call.says("take a note");
    call.wait(120);
    assert_eq!(call.says("what time is it"), "It is eight thirty two in the evening.");
    assert_eq!(call.mind.memory().notes.len(), 0);
}

#[test]
fn messages_are_kept_for_somebody_and_read_once() {
    let mut call = Call::new();
    assert_eq!(call.says("leave a message for mary"), "Okay. What shall I tell Mary?");
    assert_eq!(call.says("I will be late"), "Okay. I keep that message.");
    assert_eq!(call.says("any messages"), "One new message. Say, read my messages, to hear it.");
    assert_eq!(call.says("any message from john"), "No new messages.");
    assert_eq!(call.says("read my messages"), "For Mary. I will be late.");
    assert_eq!(call.says("read my messages"), "No new messages.");
    assert_eq!(call.says("delete that message"), "Deleted.");
}

#[test]
fn a_follow_up_counts_only_for_what_is_said_next() {
    let mut call = Call::new();
    call.says("tell me a joke");
    assert!(call.says("try again").starts_with("Why do phones never argue"));
    call.says("tell me a joke");
    call.says("what time is it");
    assert_eq!(call.says("try again"), "There is nothing to do again.");
}

#[test]
fn yes_and_no_to_nothing_in_particular_do_no_harm() {
    let mut call = Call::new();
    assert_eq!(call.says("yes"), "Good. What can I do?");
    assert_eq!(call.says("no thank you"), "All right.");
}

#[test]
fn keys_are_read_back_when_the_caller_pauses() {
    let mut call = Call::new();
    for digit in ['1', '2', '#', '3'] {
        call.line(LineMessage::Digit { line: LINE, digit });
        assert!(call.wait(1).is_empty());
    }
    let said = call.wait(5);
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].text, "You pressed one two three.");
    assert!(!is_worker(&said[0]));
}

#[test]
fn a_ping_is_answered_with_its_number() {
    let mut call = Call::new();
    call.line(LineMessage::Ping { seq: 7 });
    assert!(call.sent(|message| *message == BrainMessage::Pong { seq: 7 }));
}

#[test]
fn a_call_is_logged_when_it_ends() {
    let mut call = Call::new();
    call.wait(130);
    call.close();
    call.open();
    assert_eq!(call.says("how many calls today"), "One call today, before this one.");
    assert_eq!(
        call.says("how many minutes this month"),
        "Three minutes this month, with this call."
    );
}

#[test]
fn claims_have_names_that_a_restarted_brain_does_not_use_again() {
    let mut first = Call::new();
    let mut second =
        Call::before_the_call(xenline_brain::config::Config::builtin(), Default::default());
    second.now = second.now.checked_add(jiff::Span::new().seconds(1)).unwrap();
    let config = xenline_brain::config::Config::builtin();
    let library = std::sync::Arc::new(config.library().unwrap());
    second.mind = xenline_brain::mind::Mind::new(
        &second.now,
        std::sync::Arc::new(config),
        library,
        Default::default(),
    );
    let first = first.turn("hello").remove(0).claim;
    let second = second.open().remove(0).claim;
    assert_ne!(first, second);
}

#[test]
fn who_joined_the_call_is_told_apart_from_who_called() {
    let mut call = Call::new();
    let who = |turn, speaker: Option<&str>| LineMessage::CallerTurn {
        line: LINE,
        turn: TurnId(turn),
        position: Position(turn),
        text: "who am i".into(),
        at_ms: 0,
        barged_in: false,
        replayed: false,
        speaker: speaker.map(str::to_owned),
    };
    assert_eq!(call.line(who(1, Some("anna")))[0].text, "You are Anna.");
    assert!(call.line(who(2, None))[0].text.starts_with("It is you."));
}
