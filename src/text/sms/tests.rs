use std::net::TcpListener;
use std::sync::mpsc::channel;

use super::*;

const SOON: Duration = Duration::from_secs(60);

fn gateway(url: &str) -> SmsGateway {
    SmsGateway {
        url: url.to_owned(),
        from: "+13125550100".into(),
        key: None,
        recognises_repetitions: false,
        pause: Duration::from_millis(1),
        try_within: Duration::from_millis(300),
    }
}

fn sms(id: &str) -> Sms {
    Sms {
        id: id.into(),
        to: "+49301".into(),
        text: "Hello.".into(),
        answer_by: Instant::now() + SOON,
    }
}

/// What becomes of messages that this gateway is to send.
fn outcomes(gateway: SmsGateway, messages: Vec<Sms>) -> Vec<Result<(), NotSent>> {
    let (outcomes, reported) = channel();
    let report = Box::new(move |_, outcome| drop(outcomes.send(outcome)));
    let thread = SmsThread::start(gateway, report).expect("a thread");
    let count = messages.len();
    messages.into_iter().for_each(|sms| thread.send(sms).expect("room"));
    (0..count).map(|_| reported.recv_timeout(SOON).expect("an outcome")).collect()
}

#[test]
fn a_gateway_to_which_there_is_no_way_is_tried_again_and_certainly_has_nothing() {
    // No connection can be made to a group's address: the system says that there is no route.
    let outcome = outcomes(gateway("http://224.0.0.1:9/"), vec![sms("m-1")]).remove(0);
    let why = outcome.expect_err("nobody is there");
    assert!(matches!(why, NotSent::GivenUp { tries: 6, .. }), "{why}");
}

#[test]
fn a_gateway_with_which_no_connection_comes_about_in_time_is_tried_again() {
    // The system accepts; nobody says a word of TLS.
    let mute = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("https://{}/", mute.local_addr().expect("bound"));
    let outcome = outcomes(gateway(&url), vec![sms("m-1")]).remove(0);
    let why = outcome.expect_err("nobody answers");
    assert!(matches!(why, NotSent::GivenUp { tries: 6, .. }), "{why}");
}

#[test]
fn a_gateway_that_has_got_all_and_answers_nothing_may_have_the_message() {
    let mute = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", mute.local_addr().expect("bound"));
    let outcome = outcomes(gateway(&url), vec![sms("m-1")]).remove(0);
    let why = outcome.expect_err("nobody answers");
    assert!(why.may_have_left(), "{why}");
}

#[test]
fn what_others_kept_waiting_until_its_sender_was_told_is_not_sent_after_that() {
    let mute = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", mute.local_addr().expect("bound"));
    let patient = SmsGateway { recognises_repetitions: true, ..gateway(&url) };
    // Time for three tries of all.
    let answer_by = Instant::now() + Duration::from_secs(1);
    let messages = (0..8).map(|n| Sms { answer_by, ..sms(&format!("m-{n}")) }).collect();
    let outcomes = outcomes(patient, messages);
    let in_doubt = outcomes.iter().filter(|it| it.as_ref().is_err_and(NotSent::may_have_left));
    let tried = in_doubt.count();
    let untried = outcomes.iter().filter(|it| **it == Err(NotSent::NoTurn)).count();
    assert_eq!(tried + untried, 8, "{outcomes:?}");
    mute.set_nonblocking(true).expect("a flag");
    let asked = std::iter::from_fn(|| mute.accept().ok()).count();
    assert!((tried..=3).contains(&asked), "{asked} tries, {tried} messages");
}
