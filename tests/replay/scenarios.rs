//! What can go wrong on a call, and a little of what goes right.

use brain_protocol::{BrainMessage, OnInterrupt, Source as Mind};
use media_core::{MonoTime, SampleRate};
use queue_governor::{
    Book, Claim, ClaimId, Content, Ending, Heard, OnInterrupt as Policy, Record, Source,
};

use xenline::line::Conversation;

use crate::call::{Call, LINE};
use crate::mouth::Voice;

const REPORT: &str = "The backup is done. It took four minutes, and nothing went wrong with it. \
                      There are seven snapshots now, the oldest is nine days old.";
const NOON: &str = "It is ten past nine.";

/// A call that is played through.
pub struct Scenario {
    /// Its log's name in the corpus.
    pub name: &'static str,
    /// Whether the log keeps the words.
    pub words: bool,
    /// What an earlier run of the line left.
    pub after: fn() -> Book,
    pub play: fn(&mut Call),
}

const fn open(name: &'static str, play: fn(&mut Call)) -> Scenario {
    Scenario { name, words: true, after: Book::new, play }
}

const fn redacted(name: &'static str, play: fn(&mut Call)) -> Scenario {
    Scenario { name, words: false, after: Book::new, play }
}

pub const SCENARIOS: &[Scenario] = &[
    open("answer", answer),
    open("interruption", interruption),
    open("backchannel", backchannel),
    open("cough", cough),
    open("preemption", preemption),
    open("stale-turn", stale_turn),
    redacted("two-producers-one-saying", two_producers),
    open("stall", stall),
    open("voice-fails", voice_fails),
    open("brain-death", brain_death),
    redacted("must-deliver-resumes", must_deliver),
    redacted("restate", restate),
    open("hang-up-mid-speech", hang_up_mid_speech),
    redacted("operator", operator),
    open("ready-audio", ready_audio),
    open("echo", echo),
    open("not-understood", not_understood),
    redacted("queue-full", queue_full),
    open("withdrawn-superseded-expired", withdrawn_superseded_expired),
    Scenario { name: "after-a-crash", words: false, after: crashed, play: after_a_crash },
];

/// Plays a scenario; its log.
pub fn played(scenario: &Scenario) -> Vec<u8> {
    let mut call = Call::answered_after(scenario.words, (scenario.after)());
    (scenario.play)(&mut call);
    call.hang_up()
}

fn answer(call: &mut Call) {
    call.caller_asks("what-time-is-it", "what time is it");
    let answer = call.brain_says(Mind::Responder, Some(1), NOON);
    call.run(3_000);
    assert_eq!(call.ending_of(&answer), "spoken");
}

fn interruption(call: &mut Call) {
    let report = call.brain_says(Mind::Worker, None, REPORT);
    call.run(2_500);
    call.caller_asks("stop", "stop");
    assert_eq!(call.ending_of(&report), "interrupted");
    let answer = call.brain_says(Mind::Responder, Some(1), "Okay.");
    call.run(1_500);
    assert_eq!(call.ending_of(&answer), "spoken");
}

fn backchannel(call: &mut Call) {
    let report = call.brain_says(Mind::Worker, None, REPORT);
    call.run(2_000);
    call.caller_asks("uh-huh", "uh huh");
    call.run(8_000);
    assert_eq!(call.ending_of(&report), "spoken");
}

fn cough(call: &mut Call) {
    let report = call.brain_says(Mind::Worker, None, REPORT);
    call.run(1_500);
    call.caller_coughs();
    call.run(9_000);
    assert_eq!(call.ending_of(&report), "spoken");
}

fn preemption(call: &mut Call) {
    let report = call.brain_says(Mind::Worker, None, REPORT);
    call.run(1_700);
    let answer = call.brain_says(Mind::Responder, None, "One thing first, the door is open.");
    call.run(13_000);
    let ended: Vec<String> = call.endings().into_iter().map(|(claim, _)| claim).collect();
    assert_eq!(ended, [answer, report]);
}

fn stale_turn(call: &mut Call) {
    call.caller_asks("what-is-the-status", "what is the status");
    let report = call.brain_says(Mind::Worker, None, REPORT);
    let answer = call.brain_says(Mind::Worker, Some(1), "The status of everything is green.");
    call.run(1_000);
    call.caller_asks("what-time-is-it", "what time is it");
    call.brain_says(Mind::Responder, Some(2), NOON);
    call.run(3_000);
    assert!(["stale", "interrupted"].contains(&call.ending_of(&answer).as_str()));
    assert_ne!(call.ending_of(&report), "none");
}

fn two_producers(call: &mut Call) {
    call.caller_asks("what-time-is-it", "what time is it");
    let first = call.brain_says(Mind::Responder, Some(1), NOON);
    let second = call.brain_says(Mind::Worker, Some(1), "it is TEN past nine");
    call.run(3_000);
    assert_eq!(call.ending_of(&first), "spoken");
    assert_eq!(call.ending_of(&second), "duplicate");
}

fn stall(call: &mut Call) {
    call.voice = Voice::Mute;
    let report = call.brain_says(Mind::Worker, None, REPORT);
    call.run(14_000);
    assert_eq!(call.ending_of(&report), "spoken", "the fallback voice says it");
}

fn voice_fails(call: &mut Call) {
    call.voice = Voice::Broken;
    let answer = call.brain_says(Mind::Responder, None, NOON);
    call.run(3_000);
    assert_eq!(call.ending_of(&answer), "spoken", "the fallback voice says it");
}

fn brain_death(call: &mut Call) {
    let report = call.brain_says(Mind::Worker, None, REPORT);
    call.run(1_000);
    call.do_with(|conversation, now| conversation.brain_down(now, "killed"));
    call.run(10_000);
    assert_eq!(call.ending_of(&report), "spoken");
    call.caller_asks("what-time-is-it", "what time is it");
    call.run(2_500);
    call.do_with(|conversation, now| conversation.brain_up(now, Some(9)));
    let answer = call.brain_says(Mind::Responder, Some(1), NOON);
    call.run(3_000);
    assert_eq!(call.ending_of(&answer), "spoken");
}

fn must_deliver(call: &mut Call) {
    let report = call.brain_says_so(Mind::Worker, None, REPORT, |say| say.must_deliver = true);
    call.run(3_000);
    call.caller_asks("what-time-is-it", "what time is it");
    let answer = call.brain_says(Mind::Responder, Some(1), NOON);
    call.run(10_000);
    assert_eq!(call.ending_of(&answer), "spoken");
    assert_eq!(call.ending_of(&report), "spoken", "the rest of it");
}

fn restate(call: &mut Call) {
    let restated = |say: &mut brain_protocol::Say| say.on_interrupt = Some(OnInterrupt::Restate);
    let report = call.brain_says_so(Mind::Worker, None, REPORT, restated);
    call.run(3_600);
    call.caller_asks("yes", "yes");
    call.run(10_000);
    assert_eq!(call.ending_of(&report), "spoken");
}

fn hang_up_mid_speech(call: &mut Call) {
    call.brain_says(Mind::Worker, None, REPORT);
    call.brain_says(Mind::Worker, None, "Your timer is over.");
    call.run(2_000);
}

fn operator(call: &mut Call) {
    let report = call.brain_says(Mind::Worker, None, REPORT);
    call.run(1_500);
    call.do_with(Conversation::operator_takes);
    call.submit(Claim::text(
        "op-1",
        Source::Operator,
        "This is Martin, I am taking over for a moment.",
    ));
    call.run(1_000);
    call.caller_says("hello", "hello");
    call.run(5_000);
    assert_eq!(call.ending_of("op-1"), "spoken");
    call.do_with(|conversation, now| {
        let whispered = conversation.whisper(now, "the caller is Martha, be kind".into());
        assert_eq!(whispered, Ok(()));
    });
    call.do_with(Conversation::operator_releases);
    call.run(10_000);
    assert_ne!(call.ending_of(&report), "none");
}

fn ready_audio(call: &mut Call) {
    let samples: Vec<i16> = (0..40_000).map(|n: i32| ((n * 37) % 4_000 - 2_000) as i16).collect();
    let content = Content::Audio {
        label: "the doorbell".into(),
        samples: samples.into(),
        rate: SampleRate::Hz8000,
    };
    let base = Claim::text("bell-1", Source::System, "");
    call.submit(Claim { content, must_deliver: true, on_interrupt: Policy::Resume, ..base });
    call.run(2_000);
    call.caller_asks("hello", "hello");
    call.run(6_000);
    assert_eq!(call.ending_of("bell-1"), "spoken");
}

fn echo(call: &mut Call) {
    call.echo = Some((0.35, 9));
    call.brain_says(Mind::Worker, None, REPORT);
    call.run(10_000);
    call.caller_asks("what-time-is-it", "what time is it");
    let answer = call.brain_says(Mind::Responder, Some(1), NOON);
    call.run(3_000);
    assert_ne!(call.ending_of(&answer), "none");
}

fn not_understood(call: &mut Call) {
    call.confidence = 0.4;
    call.caller_asks("what-is-the-status", "run the backup");
    call.run(1_000);
    call.confidence = 0.95;
    call.caller_asks("what-is-the-status", "what is the status");
    let answer = call.brain_says(Mind::Responder, Some(1), "Everything is well.");
    call.run(3_000);
    assert_eq!(call.ending_of(&answer), "spoken");
}

fn queue_full(call: &mut Call) {
    for n in 0..70 {
        let text = format!("Message number {n} from a script that does not stop.");
        call.submit(Claim::text(format!("ext-{n}"), Source::External, text));
    }
    call.run(1_000);
    call.submit(Claim::text("bad tag", Source::External, "hello"));
    let answer = call.brain_says(Mind::Responder, None, "A script is talking, I will stop it.");
    call.run(4_000);
    assert_eq!(call.ending_of("ext-60"), "refused");
    assert_eq!(call.ending_of(&answer), "spoken");
}

fn withdrawn_superseded_expired(call: &mut Call) {
    let report = call.brain_says(Mind::Worker, None, REPORT);
    call.run(500);
    let timer = call.brain_says(Mind::Worker, None, "Your timer is over.");
    let late = call.brain_says_so(Mind::Worker, None, "The kettle boils.", |say| {
        say.ttl_ms = Some(700);
    });
    let weather = call.brain_says(Mind::Worker, None, "It will rain in an hour.");
    let old = weather.clone();
    let newer = call.brain_says_so(Mind::Worker, None, "It rains already.", |say| {
        say.supersedes = brain_protocol::ClaimId::new(old.as_str()).ok();
    });
    let claim = brain_protocol::ClaimId::new(timer.as_str()).expect("a name");
    call.brain(BrainMessage::Withdraw { line: brain_protocol::LineId(LINE), claim });
    call.run(14_000);
    for (claim, ending) in [
        (report, "spoken"),
        (timer, "withdrawn"),
        (late, "expired"),
        (weather, "superseded"),
        (newer, "spoken"),
    ] {
        assert_eq!(call.ending_of(&claim), ending, "{claim}");
    }
}

/// Half of an alert was heard, and the time had been said a moment ago.
fn crashed() -> Book {
    let alert = "The cellar is wet. The pump has been running for an hour. Please have a look.";
    let alert = Claim { must_deliver: true, ..Claim::text("alert-1", Source::System, alert) };
    let said = Claim::text("said-1", Source::Worker, NOON);
    let heard = Heard { text: NOON.to_owned(), ms: 1_300, samples: 10_400 };
    let until = Some(MonoTime::from_millis(99_000));
    let records = [
        Record::Accepted { claim: alert, expires_at: None },
        Record::Accepted { claim: said, expires_at: None },
        Record::Heard { claim: ClaimId::new("alert-1"), resume_at: 19, samples: 9_600, ms: 1_200 },
        Record::Ended {
            claim: ClaimId::new("said-1"),
            ending: Ending::Spoken,
            heard,
            remember_until: until,
        },
    ];
    let mut book = Book::new();
    records.iter().for_each(|record| book.apply(record));
    book
}

fn after_a_crash(call: &mut Call) {
    let again = call.brain_says(Mind::Responder, None, "it is TEN past nine");
    call.run(9_000);
    assert_eq!(call.ending_of("alert-1"), "spoken", "the rest of it");
    assert_eq!(call.ending_of(&again), "duplicate");
}
