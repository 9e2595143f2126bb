//! Lines in and out: round trips, bounds, strangers, and bytes that mean nothing.

use brain_protocol::{
    Attestation, BrainMessage, Caller, Channel, ClaimEnding, ClaimId, DecodeError, DialId,
    DialOutcome, JobId, JobOutcome, LINE_BYTES_MAX, LineId, LineMessage, LineSplitter,
    MessageEnding, MessageId, OnInterrupt, Overlong, Position, Redial, Said, Say, Send, Source,
    Speaker, TransferOutcome, TurnId, Unsaid, VERSION, Version, decode, encode, exercise_decoder,
};
use proptest::prelude::*;

#[test]
fn a_field_of_a_newer_minor_version_is_ignored() {
    let line = br#"{"type":"pong","seq":3,"temperature":{"celsius":21}}"#;
    assert_eq!(decode(line), Ok(BrainMessage::Pong { seq: 3 }));
}

#[test]
fn a_message_of_a_newer_minor_version_may_be_skipped() {
    let error = decode::<BrainMessage>(br#"{"type":"sing","line":1}"#).unwrap_err();
    assert_eq!(error, DecodeError::UnknownType { kind: "sing".into() });
    assert!(error.may_be_skipped());
}

#[test]
fn an_acceptance_of_an_older_line_promises_as_it_did_and_one_that_is_not_kept_says_so() {
    let line = br#"{"type":"claim_accepted","line":1,"claim":"c"}"#;
    let Ok(older) = decode::<LineMessage>(line) else { panic!("not decoded") };
    assert!(matches!(older, LineMessage::ClaimAccepted { kept: true, .. }));
    let LineMessage::ClaimAccepted { line, claim, .. } = older else { panic!("an acceptance") };
    let unkept = LineMessage::ClaimAccepted { line, claim, kept: false };
    let written = String::from_utf8(encode(&unkept).expect("short")).expect("UTF-8");
    assert!(written.contains(r#""kept":false"#), "{written}");
}

#[test]
fn an_ending_of_a_newer_minor_version_is_unknown_and_not_an_error() {
    let line = br#"{"type":"claim_ended","line":1,"claim":"c","ending":"sung"}"#;
    let Ok(LineMessage::ClaimEnded { ending, .. }) = decode(line) else { panic!("not decoded") };
    assert_eq!(ending, ClaimEnding::Unknown);
}

#[test]
fn an_attestation_of_a_newer_minor_version_is_unknown_and_a_caller_nobody_knows_is_unverified() {
    let of = |identity: &str| {
        let line = format!(r#"{{"type":"line_opened","line":1,"identity":{identity}}}"#);
        let Ok(LineMessage::LineOpened { identity, .. }) = decode(line.as_bytes()) else {
            panic!("not decoded")
        };
        identity.expect("it is there").attestation
    };
    assert_eq!(of(r#"{"attestation":"sworn"}"#), Attestation::Unknown);
    assert_eq!(of("{}"), Attestation::Unverified);
}

#[test]
fn a_message_without_a_tag_is_read_so_that_it_can_be_refused_with_a_reason() {
    let line = br#"{"type":"send","message":"m","channel":"pigeon","to":"loft","text":"Coo"}"#;
    let Ok(BrainMessage::Send(send)) = decode(line) else { panic!("not decoded") };
    assert_eq!((send.tag.as_str(), send.channel), ("", Channel::Unknown));
}

#[test]
fn a_brain_of_the_first_minor_version_is_given_no_written_messages() {
    assert!(VERSION.knows_text());
    assert!(!Version { major: 1, minor: 0 }.knows_text());
}

#[test]
fn an_outcome_of_a_newer_minor_version_is_unknown_and_a_line_without_the_new_fields_opens() {
    let line = br#"{"type":"dial_ended","dial":"d","outcome":"voicemail"}"#;
    let Ok(LineMessage::DialEnded { outcome, .. }) = decode(line) else { panic!("not decoded") };
    assert_eq!(outcome, DialOutcome::Unknown);
    let Ok(LineMessage::LineOpened { outbound, redial, .. }) =
        decode(br#"{"type":"line_opened","line":1}"#)
    else {
        panic!("not decoded")
    };
    assert_eq!((outbound, redial), (false, None));
}

#[test]
fn versions_speak_when_the_major_is_equal() {
    let newer = Version { minor: VERSION.minor + 7, ..VERSION };
    let other = Version { major: VERSION.major + 1, ..VERSION };
    assert!(VERSION.speaks(newer));
    assert!(!VERSION.speaks(other));
}

#[test]
fn a_broken_message_names_the_message_and_the_field() {
    let error = decode::<BrainMessage>(br#"{"type":"withdraw","line":1}"#).unwrap_err();
    assert!(!error.may_be_skipped());
    let text = error.to_string();
    assert!(text.contains("withdraw") && text.contains("claim"), "{text}");
}

#[test]
fn an_error_does_not_repeat_what_the_peer_said_at_length() {
    let line = format!(r#"{{"type":"{}"}}"#, "x".repeat(60_000));
    let error = decode::<BrainMessage>(line.as_bytes()).unwrap_err();
    assert!(error.to_string().len() < 300);
}

#[test]
fn a_line_longer_than_the_bound_is_refused_before_it_is_parsed() {
    let line = vec![b'['; LINE_BYTES_MAX];
    let error = decode::<BrainMessage>(&line).unwrap_err();
    assert_eq!(error, DecodeError::TooLong { bytes: LINE_BYTES_MAX });
}

#[test]
fn a_message_longer_than_the_bound_is_not_written() {
    let say = Say::new(LineId(1), claim("c"), Source::Worker, "a".repeat(LINE_BYTES_MAX));
    assert!(encode(&BrainMessage::Say(say)).is_err());
}

#[test]
fn deep_nesting_is_an_error_and_not_a_stack_overflow() {
    let line = [br#"{"type":"#.as_slice(), &vec![b'['; 60_000]].concat();
    assert!(decode::<BrainMessage>(&line).is_err());
}

#[test]
fn an_id_that_is_empty_or_too_long_is_refused() {
    assert!(ClaimId::new("").is_err());
    assert!(ClaimId::new("x".repeat(64)).is_ok());
    assert!(ClaimId::new("x".repeat(65)).is_err());
    let line = format!(r#"{{"type":"withdraw","line":1,"claim":"{}"}}"#, "x".repeat(65));
    assert!(decode::<BrainMessage>(line.as_bytes()).is_err());
}

#[test]
fn a_claim_needs_little() {
    let line =
        br#"{"type":"say","line":1,"claim":"c","source":"responder","tag":"call","text":"Hi"}"#;
    let expected = Say::new(LineId(1), claim("c"), Source::Responder, "Hi");
    assert_eq!(decode(line), Ok(BrainMessage::Say(expected)));
}

#[test]
fn the_longest_line_passes_the_splitter_and_one_byte_more_does_not() {
    let mut longest = vec![b'a'; LINE_BYTES_MAX - 1];
    longest.push(b'\n');
    let mut splitter = LineSplitter::new();
    assert_eq!(splitter.push(&longest), LINE_BYTES_MAX);
    assert_eq!(splitter.next_line().unwrap().map(<[u8]>::len), Some(LINE_BYTES_MAX - 1));
    assert_eq!(splitter.next_line(), Ok(None));

    assert_eq!(splitter.push(&vec![b'a'; LINE_BYTES_MAX + 1]), LINE_BYTES_MAX);
    assert_eq!(splitter.next_line(), Err(Overlong));
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
        exercise_decoder(&bytes);
    }

    #[test]
    fn arbitrary_changes_to_a_message_never_panic(
        message in brain_message(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut line = encode(&message).unwrap();
        let at = at.index(line.len());
        line[at] = byte;
        exercise_decoder(&line);
    }

    #[test]
    fn what_the_brain_says_arrives_unchanged(message in brain_message()) {
        let line = encode(&message).unwrap();
        prop_assert_eq!(line.iter().filter(|&&byte| byte == b'\n').count(), 1);
        prop_assert_eq!(decode(&line), Ok(message));
    }

    #[test]
    fn what_the_line_says_arrives_unchanged(message in line_message()) {
        prop_assert_eq!(decode(&encode(&message).unwrap()), Ok(message));
    }

    #[test]
    fn lines_come_out_whole_however_the_stream_is_cut(
        lines in prop::collection::vec(prop::collection::vec(any::<u8>().prop_filter("no newline", |b| *b != b'\n'), 0..200), 0..20),
        cut in 1usize..300,
    ) {
        let stream: Vec<u8> = lines.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect();
        let mut splitter = LineSplitter::new();
        let mut found = Vec::new();
        for chunk in stream.chunks(cut) {
            prop_assert_eq!(splitter.push(chunk), chunk.len());
            while let Some(line) = splitter.next_line().unwrap() {
                found.push(line.to_vec());
            }
        }
        prop_assert_eq!(found, lines);
    }
}

fn claim(text: &str) -> ClaimId {
    ClaimId::new(text).unwrap()
}

fn claim_id() -> impl Strategy<Value = ClaimId> {
    "[a-z0-9-]{1,64}".prop_map(|text| ClaimId::new(text).unwrap())
}

fn job_id() -> impl Strategy<Value = JobId> {
    "[a-z0-9-]{1,64}".prop_map(|text| JobId::new(text).unwrap())
}

fn dial_id() -> impl Strategy<Value = DialId> {
    "[a-z0-9-]{1,64}".prop_map(|text| DialId::new(text).unwrap())
}

fn line_id() -> impl Strategy<Value = LineId> {
    any::<u64>().prop_map(LineId)
}

fn say() -> impl Strategy<Value = Say> {
    let who = (line_id(), claim_id(), prop_oneof![Just(Source::Responder), Just(Source::Worker)]);
    let what = (any::<String>(), any::<Option<u64>>(), any::<i8>(), any::<Option<u64>>());
    let how = (
        any::<bool>(),
        prop::option::of(claim_id()),
        any::<Option<String>>(),
        prop_oneof![Just(OnInterrupt::Drop), Just(OnInterrupt::Resume), Just(OnInterrupt::Restate)],
        any::<bool>(),
    );
    (who, what, how).prop_map(|((line, claim, source), (text, turn, priority, ttl_ms), how)| Say {
        turn: turn.map(TurnId),
        priority,
        ttl_ms,
        must_deliver: how.0,
        supersedes: how.1,
        dedup_key: how.2,
        on_interrupt: Some(how.3),
        uninterruptible: how.4,
        ..Say::new(line, claim, source, text)
    })
}

fn message_id() -> impl Strategy<Value = MessageId> {
    "[a-z0-9-]{1,64}".prop_map(|text| MessageId::new(text).unwrap())
}

fn channel() -> impl Strategy<Value = Channel> {
    prop_oneof![Just(Channel::Chat), Just(Channel::Sms)]
}

fn send() -> impl Strategy<Value = Send> {
    let what = (message_id(), channel(), any::<String>(), any::<String>());
    let how = (any::<String>(), any::<Option<String>>(), any::<Option<u64>>());
    (what, how).prop_map(|((message, channel, to, text), (tag, trigger, ttl_ms))| Send {
        tag,
        dedup_key: trigger.clone(),
        trigger,
        ttl_ms,
        ..Send::new(message, channel, to, text)
    })
}

fn brain_message() -> impl Strategy<Value = BrainMessage> {
    prop_oneof![
        any::<String>().prop_map(|name| BrainMessage::Hello { version: VERSION, name }),
        say().prop_map(BrainMessage::Say),
        (line_id(), claim_id()).prop_map(|(line, claim)| BrainMessage::Withdraw { line, claim }),
        (line_id(), prop::option::of(claim_id()))
            .prop_map(|(line, after)| BrainMessage::HangUp { line, after }),
        (line_id(), any::<u64>(), any::<u64>()).prop_map(|(line, turn, position)| {
            BrainMessage::TurnDone { line, turn: TurnId(turn), position: Position(position) }
        }),
        (line_id(), job_id(), any::<String>())
            .prop_map(|(line, job, label)| BrainMessage::JobStarted { line, job, label }),
        (line_id(), job_id(), any::<Option<String>>()).prop_map(|(line, job, detail)| {
            BrainMessage::JobFinished { line, job, outcome: JobOutcome::Done, detail }
        }),
        send().prop_map(BrainMessage::Send),
        (any::<String>(), any::<u64>()).prop_map(|(lane, position)| BrainMessage::TextDone {
            lane,
            position: Position(position)
        }),
        (line_id(), any::<Option<String>>(), any::<Option<u64>>()).prop_map(
            |(line, to, to_line)| {
                let to_line = to_line.map(LineId);
                BrainMessage::Transfer { line, to, to_line, after: None }
            }
        ),
        (dial_id(), any::<String>()).prop_map(|(dial, to)| BrainMessage::Dial { dial, to }),
        any::<u64>().prop_map(|seq| BrainMessage::Pong { seq }),
    ]
}

fn redial() -> Option<Box<Redial>> {
    let said = vec![Said { by: Speaker::Caller, text: "what time is it".into() }];
    let unsaid = vec![Unsaid { text: "It is ten.".into(), heard_text: "It is".into() }];
    Some(Box::new(Redial { line: LineId(3), ago_ms: 9_000, said, unsaid }))
}

fn line_message() -> impl Strategy<Value = LineMessage> {
    prop_oneof![
        (line_id(), any::<String>(), any::<bool>(), any::<u32>()).prop_map(
            |(line, caller, resumed, backlog)| LineMessage::LineOpened {
                line,
                called: caller.clone(),
                identity: resumed
                    .then(|| Box::new(Caller { name: caller.clone(), ..Caller::default() })),
                caller,
                resumed,
                backlog,
                at_ms: 5,
                outbound: resumed,
                redial: redial(),
            }
        ),
        (line_id(), any::<u64>(), any::<String>(), any::<bool>()).prop_map(
            |(line, turn, text, barged_in)| LineMessage::CallerTurn {
                speaker: barged_in.then(|| text.clone()),
                line,
                turn: TurnId(turn),
                position: Position(turn),
                text,
                at_ms: 1,
                barged_in,
                replayed: !barged_in,
            }
        ),
        (dial_id(), prop::option::of(line_id()), any::<Option<String>>()).prop_map(
            |(dial, line, reason)| LineMessage::DialEnded {
                dial,
                outcome: DialOutcome::Busy,
                line,
                reason,
            }
        ),
        (line_id(), any::<char>()).prop_map(|(line, digit)| LineMessage::Digit { line, digit }),
        (line_id(), claim_id(), any::<String>(), any::<Option<String>>()).prop_map(
            |(line, claim, heard_text, reason)| LineMessage::ClaimEnded {
                line,
                claim,
                ending: ClaimEnding::Interrupted,
                heard_text,
                heard_ms: 12,
                reason,
            }
        ),
        (any::<String>(), any::<u64>(), channel(), any::<bool>()).prop_map(
            |(text, position, channel, replayed)| LineMessage::TextMessage {
                lane: "typed:main".into(),
                tag: "typed".into(),
                position: Position(position),
                id: format!("typed:main/{position}"),
                from: text.clone(),
                text,
                channel,
                replayed,
            }
        ),
        (message_id(), any::<Option<String>>()).prop_map(|(message, reason)| {
            LineMessage::MessageEnded { message, ending: MessageEnding::Failed, reason }
        }),
        (line_id(), any::<Option<String>>()).prop_map(|(line, reason)| {
            LineMessage::TransferEnded { line, outcome: TransferOutcome::Failed, reason }
        }),
        (line_id(), any::<String>())
            .prop_map(|(line, caller)| LineMessage::CallerChanged { line, caller }),
        any::<u64>().prop_map(|seq| LineMessage::Ping { seq }),
        Just(LineMessage::Shutdown),
    ]
}
