//! How long a caller waits: from the end of a question to the first sample of its answer.

use std::time::Duration;

use media_core::Codec;
use xenline::report::{CallEvent, CallRecord, EndingKind, Summary};
use xenline::softphone::{Dialling, Softphone};

use crate::support::line::Serving;
use crate::support::sound::clip_of;
use crate::support::{alone, figure};

const P50_MS_MAX: f64 = 600.0;
const P95_MS_MAX: f64 = 900.0;
/// Other programs on the machine make a run slow, never fast: the best of three is the line's.
const TRIES: usize = 3;
/// Different from each other in a row, so that no answer repeats the one before it.
const QUESTIONS: [&str; 12] = [
    "hello",
    "what time is it",
    "no thank you",
    "what is the status",
    "hello",
    "what did you say",
    "what time is it",
    "no thank you",
    "what is the status",
    "hello",
    "what time is it",
    "what is the status",
];
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

#[test]
fn an_answer_begins_within_600_ms_of_the_question_and_hardly_ever_after_900() {
    let _machine = alone();
    let line = Serving::agent(|_| {});
    let mut found = Vec::new();
    for _ in 0..TRIES {
        let summary = converse(&line);
        let (p50, p95) =
            (summary.reply_ms_p50.expect("a p50"), summary.reply_ms_p95.expect("a p95"));
        tell(&summary, p50, p95);
        assert!(summary.turns.len() >= 10, "{} turns", summary.turns.len());
        if p50 <= P50_MS_MAX && p95 <= P95_MS_MAX {
            return line.stop();
        }
        found.push((p50, p95));
    }
    panic!("p50 and p95 of {TRIES} conversations, ms: {found:?}");
}

fn tell(summary: &Summary, p50: f64, p95: f64) {
    figure(format!(
        "reply: p50 {p50:.0} ms, p95 {p95:.0} ms over {} turns; largest share: {} ({:.0} %)",
        summary.turns.len(),
        summary.largest_hop.as_deref().unwrap_or("none"),
        summary.largest_hop_share * 100.0
    ));
    let hops = summary.hops_ms_p50.expect("hops");
    let parts = hops.parts().map(|(hop, ms)| format!("{hop} {ms:.0}"));
    figure(format!("reply, each hop's median in ms: {}", parts.join(", ")));
}

/// One call with every question, each asked when the answer before it was heard to its end.
fn converse(line: &Serving) -> Summary {
    let mark = line.mark();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let mut phone = runtime.block_on(Softphone::dial(dialling(line))).expect("an answer");
    let mut from = wait_spoken(line, mark, None);
    for question in QUESTIONS {
        let pause = Duration::from_millis(500);
        runtime.block_on(phone.listen(pause)).expect("the call stays");
        runtime.block_on(phone.play(&clip_of(question))).expect("the call stays");
        let turn = line.turn(question, from);
        from = wait_spoken(line, from, Some(turn));
    }
    runtime.block_on(phone.hang_up());
    line.wait("the call to be closed", mark, ANSWERED_WITHIN, |_, event| {
        matches!(event, CallEvent::CallClosed(_)).then_some(())
    });
    std::thread::sleep(Duration::from_millis(200));
    let folder = line.folders().pop().expect("it was recorded");
    Summary::of(&CallRecord::read(&folder).expect("a record"))
}

fn dialling(line: &Serving) -> Dialling {
    Dialling {
        headers: Vec::new(),
        target: format!("sip:agent@{}", line.sip),
        from: "sip:caller@127.0.0.1".into(),
        bind: line.sip.ip(),
        codecs: vec![Codec::Pcmu],
        srtp: false,
        tls_ca: None,
        record: None,
        answer_within: Duration::from_secs(20),
    }
}

/// Waits until the answer to `turn` (`None`: the greeting) was heard; gives a later mark.
fn wait_spoken(line: &Serving, from: usize, turn: Option<u64>) -> usize {
    let claims = |id: &str| {
        let events = line.events();
        events.iter().skip(from).any(|(_, event)| {
            matches!(event, CallEvent::ClaimAccepted { claim, turn: of, .. } if claim == id && *of == turn)
        })
    };
    line.wait(
        &format!("the answer to turn {turn:?}"),
        from,
        ANSWERED_WITHIN,
        |_, event| match event {
            CallEvent::ClaimEnded { claim, ending, .. } if claims(claim) => {
                assert_eq!(*ending, EndingKind::Spoken, "turn {turn:?}");
                Some(())
            }
            _ => None,
        },
    );
    line.mark()
}
