use core::time::Duration;

use super::{Message, Simulation, address, header, response, sdp};
use crate::event::{BridgeEvent, HangupBy};

const SECOND: Duration = Duration::from_secs(1);
const HALF_AN_HOUR: usize = 1_800;

fn asking(refresher: &str, allow: &str) -> Message {
    Message::invite("a").with_extra(&format!(
        "Supported: timer\r\nSession-Expires: 90;refresher={refresher}\r\nMin-SE: 90\r\n{allow}"
    ))
}

/// Lets `seconds` pass; the peer answers each of our refreshes with 200. Returns how many came.
fn answering(sim: &mut Simulation, seconds: usize) -> usize {
    let mut refreshes = 0;
    for _ in 0..seconds {
        sim.pass(SECOND);
        while let Some((_, request)) = sim.sent.pop_front() {
            let body = match request.split(' ').next() {
                Some("INVITE") => sdp("192.0.2.9", 6000, "sendrecv"),
                Some("UPDATE") => String::new(),
                Some("ACK") => continue,
                other => panic!("unexpected {other:?}:\n{request}"),
            };
            assert!(header(&request, "Session-Expires").starts_with("90;refresher=uac"));
            let agreed = "Require: timer\r\nSession-Expires: 90;refresher=uac\r\n";
            sim.receive(&response(&request, 200, "", agreed, &body));
            refreshes += 1;
        }
    }
    refreshes
}

#[test]
fn a_session_of_90_seconds_that_the_peer_refreshes_lives_for_half_an_hour() {
    for method in ["UPDATE", "INVITE"] {
        let mut sim = Simulation::new();
        let (_, ok) = sim.answer(&asking("uac", ""));
        assert_eq!(header(&ok, "Session-Expires"), "90;refresher=uac");
        assert_eq!(header(&ok, "Require"), "timer");
        let dialog = asking("uac", "").in_dialog(&ok);
        sim.receive(&dialog.request("ACK", 1).text());
        sim.event();
        for cseq in (2..).take(HALF_AN_HOUR / 45) {
            sim.pass(45 * SECOND);
            sim.expect_silence();
            let refresh =
                Message { extra: asking("uac", "").extra, ..dialog.request(method, cseq) };
            let body = if method == "INVITE" { &dialog.body[..] } else { "" };
            sim.receive(&refresh.with_body(body).text());
            let ok = sim.expect("SIP/2.0 200 ");
            assert_eq!(header(&ok, "Session-Expires"), "90;refresher=uac");
            if method == "INVITE" {
                sim.receive(&dialog.request("ACK", cseq).text());
            }
        }
        assert!(sim.events.is_empty(), "a refresh is no news: {:?}", sim.events);
        assert_eq!(sim.agent.load().calls, 1);
    }
}

#[test]
fn a_session_of_90_seconds_that_we_refresh_lives_for_half_an_hour() {
    for (allow, method) in [("Allow: INVITE, UPDATE\r\n", "UPDATE "), ("", "INVITE ")] {
        let mut sim = Simulation::new();
        let invite = asking("uas", allow);
        let (_, ok) = sim.answer(&invite);
        assert_eq!(header(&ok, "Session-Expires"), "90;refresher=uas");
        sim.receive(&invite.in_dialog(&ok).request("ACK", 1).text());
        sim.event();
        sim.pass(46 * SECOND);
        let first = sim.sent.front().expect("a refresh").1.clone();
        assert!(first.starts_with(method), "{first}");
        if method == "INVITE " {
            let origin =
                |text: &str| text.lines().find(|line| line.starts_with("o=")).map(str::to_owned);
            assert_eq!(origin(&first), origin(&ok), "the description has not changed");
        }
        let refreshes = answering(&mut sim, HALF_AN_HOUR);
        assert!((38..=42).contains(&refreshes), "{refreshes}");
        assert!(sim.events.is_empty());
        assert_eq!(sim.agent.load().calls, 1);
    }
}

#[test]
fn a_call_of_ours_is_refreshed_by_whom_the_callee_names() {
    for (refresher, ours) in [("uac", true), ("uas", false)] {
        let mut sim = Simulation::new();
        sim.dial();
        let invite = sim.expect("INVITE ");
        assert_eq!(header(&invite, "Session-Expires"), "1800");
        let agreed = format!("Allow: UPDATE\r\nSession-Expires: 90;refresher={refresher}\r\n");
        sim.receive(&response(&invite, 200, "t", &agreed, &sdp("192.0.2.9", 6000, "sendrecv")));
        sim.expect("ACK ");
        sim.event();
        sim.pass(59 * SECOND);
        match ours {
            true => drop(sim.expect("UPDATE ")),
            false => {
                sim.expect_silence();
                sim.pass(2 * SECOND);
                sim.expect("BYE ");
            }
        }
    }
}

#[test]
fn a_session_that_nobody_refreshes_ends_with_a_bye_before_it_expires() {
    let mut sim = Simulation::new();
    sim.establish(&asking("uac", ""));
    sim.pass(59 * SECOND);
    sim.expect_silence();
    sim.pass(2 * SECOND);
    let bye = sim.expect("BYE ");
    assert!(header(&bye, "Reason").contains("cause=102"), "{bye}");
    let outcome = sim.expect_ended();
    assert_eq!((outcome.hangup_by, outcome.sip_status), (HangupBy::Bridge, 408));
}

#[test]
fn a_proxy_that_asks_for_a_caller_without_timers_has_us_refresh() {
    let mut sim = Simulation::new();
    let (_, ok) = sim.answer(&Message::invite("a").with_extra("Session-Expires: 600\r\n"));
    assert_eq!((header(&ok, "Session-Expires"), header(&ok, "Require")), ("600;refresher=uas", ""));
}

#[test]
fn an_interval_that_is_too_short_gets_422_with_ours() {
    let mut sim = Simulation::new();
    let short = "Supported: timer\r\nSession-Expires: 60\r\n";
    sim.receive(&Message::invite("a").with_extra(short).text());
    assert_eq!(header(&sim.expect("SIP/2.0 422 "), "Min-SE"), "90");
    sim.events.clear();
    let (_, dialog) = sim.establish(&Message::invite("b"));
    sim.receive(&dialog.request("UPDATE", 2).with_extra(short).text());
    assert_eq!(header(&sim.expect("SIP/2.0 422 "), "Min-SE"), "90");
}

#[test]
fn a_callee_that_wants_a_longer_interval_is_called_with_it() {
    let mut sim = Simulation::new();
    sim.dial();
    let invite = sim.expect("INVITE ");
    sim.receive(&response(&invite, 422, "t", "Min-SE: 3600\r\n", ""));
    sim.expect("ACK ");
    let again = sim.expect("INVITE ");
    assert!(header(&again, "Session-Expires").starts_with("3600"));
    assert_eq!(header(&again, "Call-ID"), header(&invite, "Call-ID"));
    sim.receive(&response(&again, 200, "t", "", &sdp("192.0.2.9", 6000, "sendrecv")));
    sim.expect("ACK ");
    assert!(matches!(sim.event(), BridgeEvent::Established { .. }));
}

#[test]
fn re_invites_that_cross_are_both_refused_491_and_ours_is_sent_again_a_little_later() {
    let mut sim = Simulation::new();
    let (_, dialog) = sim.establish(&asking("uas", ""));
    sim.pass(46 * SECOND);
    let ours = sim.expect("INVITE ");
    sim.sent.clear();
    let theirs = dialog.request("INVITE", 2).with_body(&sdp("192.0.2.9", 7000, "sendrecv"));
    sim.receive(&theirs.text());
    let refused = sim.expect("SIP/2.0 491 ");
    sim.receive(&dialog.in_dialog(&refused).same_branch("ACK").text());
    sim.receive(&response(&ours, 491, "", "", ""));
    let ack = sim.expect("ACK ");
    assert_eq!(header(&ack, "CSeq").split(' ').next(), header(&ours, "CSeq").split(' ').next());
    // Their second try comes first, ours does not get into its way.
    sim.receive(&dialog.request("INVITE", 3).with_body(&theirs.body).text());
    sim.expect("SIP/2.0 200 ");
    sim.receive(&dialog.request("ACK", 3).text());
    match sim.event() {
        BridgeEvent::MediaChanged { media, .. } => {
            assert_eq!(media.remote_rtp, address("192.0.2.9:7000"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(sim.agent.load().calls, 1);
}

#[test]
fn who_made_the_call_waits_longer_after_a_491() {
    let mut sim = Simulation::new();
    sim.dial();
    let invite = sim.expect("INVITE ");
    let agreed = "Session-Expires: 90;refresher=uac\r\n";
    sim.receive(&response(&invite, 200, "t", agreed, &sdp("192.0.2.9", 6000, "sendrecv")));
    sim.expect("ACK ");
    sim.event();
    sim.pass(Duration::from_millis(45_100));
    let ours = sim.expect("INVITE ");
    sim.receive(&response(&ours, 491, "", "", ""));
    sim.expect("ACK ");
    sim.pass(Duration::from_millis(2_050));
    sim.expect_silence();
    sim.pass(2 * SECOND);
    sim.expect("INVITE ");
}

#[test]
fn a_refresh_that_nobody_answers_ends_the_call() {
    let mut sim = Simulation::new();
    sim.establish(&asking("uas", "Allow: UPDATE\r\n"));
    sim.pass(100 * SECOND);
    assert!(sim.sent.iter().any(|(_, message)| message.starts_with("BYE ")));
    assert_eq!(sim.expect_ended().hangup_by, HangupBy::Bridge);
}

#[test]
fn a_peer_that_says_it_updates_and_does_not_is_refreshed_by_a_re_invite() {
    let mut sim = Simulation::new();
    sim.establish(&asking("uas", "Allow: UPDATE\r\n"));
    sim.pass(Duration::from_millis(45_100));
    let update = sim.expect("UPDATE ");
    sim.receive(&response(&update, 501, "", "", ""));
    sim.pass(Duration::from_millis(10));
    sim.expect("INVITE ");
}

#[test]
fn without_a_timer_the_peer_is_asked_and_a_call_that_it_forgot_is_over() {
    let mut sim = Simulation::new();
    sim.establish(&Message::invite("a"));
    for status in [200, 405] {
        sim.pass(Duration::from_millis(300_100));
        let question = sim.expect("OPTIONS ");
        sim.receive(&response(&question, status, "", "", ""));
    }
    sim.pass(Duration::from_millis(300_100));
    let question = sim.expect("OPTIONS ");
    sim.receive(&response(&question, 481, "", "", ""));
    sim.expect("BYE ");
    assert_eq!(sim.expect_ended().sip_status, 481);
}

#[test]
fn silence_to_a_question_means_something_only_from_who_answered_before() {
    let mut sim = Simulation::new();
    sim.establish(&Message::invite("a"));
    sim.pass(Duration::from_secs(3_600));
    assert_eq!(sim.agent.load().calls, 1, "it may ignore OPTIONS, and its RTP tells");

    let mut sim = Simulation::new();
    sim.establish(&Message::invite("a"));
    sim.pass(Duration::from_millis(300_100));
    let question = sim.expect("OPTIONS ");
    sim.receive(&response(&question, 200, "", "", ""));
    sim.pass(Duration::from_secs(400));
    assert_eq!(sim.expect_ended().sip_status, 408);
}

#[test]
fn an_update_moves_the_media_as_a_re_invite_does() {
    let mut sim = Simulation::new();
    let (_, dialog) = sim.establish(&Message::invite("a"));
    let update = dialog.request("UPDATE", 2).with_body(&sdp("192.0.2.9", 7000, "sendonly"));
    sim.receive(&update.text());
    assert!(sim.expect("SIP/2.0 200 ").contains("a=recvonly\r\n"));
    match sim.event() {
        BridgeEvent::MediaChanged { media, .. } => {
            assert_eq!(media.remote_rtp, address("192.0.2.9:7000"));
        }
        other => panic!("{other:?}"),
    }
    sim.pass(40 * SECOND);
    sim.expect_silence(); // An UPDATE has no ACK to wait for.
}

#[test]
fn an_update_before_the_answer_may_refresh_and_not_offer() {
    let mut sim = Simulation::new();
    let invite = Message::invite("a");
    sim.receive(&invite.text());
    sim.expect("SIP/2.0 100 ");
    let dialog = invite.in_dialog(&sim.expect("SIP/2.0 180 "));
    sim.receive(&dialog.request("UPDATE", 2).text());
    sim.expect("SIP/2.0 200 ");
    sim.receive(&dialog.request("UPDATE", 3).with_body(&dialog.body).text());
    assert!(!header(&sim.expect("SIP/2.0 500 "), "Retry-After").is_empty());
}

#[test]
fn what_a_request_in_the_call_requires_and_we_lack_is_named() {
    let mut sim = Simulation::new();
    let (_, dialog) = sim.establish(&Message::invite("a"));
    sim.receive(&dialog.request("INFO", 2).with_extra("Require: timer, foo, bar\r\n").text());
    assert_eq!(header(&sim.expect("SIP/2.0 420 "), "Unsupported"), "foo, bar");
}

#[test]
fn a_timer_that_is_agreed_on_while_a_question_is_under_way_is_kept() {
    for answered in [true, false] {
        let mut sim = Simulation::new();
        let (_, dialog) = sim.establish(&Message::invite("a"));
        sim.pass(Duration::from_millis(300_100));
        let question = sim.expect("OPTIONS ");
        let extra = "Supported: timer\r\nSession-Expires: 90;refresher=uas\r\nAllow: UPDATE\r\n";
        sim.receive(&dialog.request("UPDATE", 2).with_extra(extra).text());
        sim.sent.retain(|(_, text)| !text.starts_with("OPTIONS "));
        sim.expect("SIP/2.0 200 ");
        if answered {
            sim.receive(&response(&question, 200, "", "", ""));
        }
        sim.pass(Duration::from_millis(46_500));
        let refreshed = sim.sent.iter().any(|(_, text)| text.starts_with("INVITE "));
        assert!(refreshed, "answered: {answered}: {:?}", sim.sent);
    }
}

#[test]
fn who_is_on_hold_and_answers_no_question_is_gone_after_a_while() {
    let mut sim = Simulation::new();
    let (_, dialog) = sim.establish(&Message::invite("a"));
    let hold = dialog.request("INVITE", 2).with_body(&sdp("192.0.2.9", 6000, "inactive"));
    sim.receive(&hold.text());
    sim.receive(&dialog.request("ACK", 2).text());
    sim.pass(Duration::from_secs(600));
    assert_eq!(sim.agent.load().calls, 1, "one unanswered question proves nothing");
    sim.pass(Duration::from_secs(600));
    assert_eq!(sim.agent.load().calls, 0);
}

#[test]
fn no_session_is_agreed_on_that_is_longer_than_we_would_ask_for() {
    for (asked, told) in [
        ("Session-Expires: 4294967295;refresher=uac\r\n", "1800;refresher=uac"),
        ("Session-Expires: 7200;refresher=uac\r\nMin-SE: 3600\r\n", "3600;refresher=uac"),
        ("Session-Expires: 4294967295\r\nMin-SE: 4294967295\r\n", ""),
    ] {
        let mut sim = Simulation::new();
        let extra = format!("Supported: timer\r\n{asked}");
        let (_, ok) = sim.answer(&Message::invite("a").with_extra(&extra));
        assert_eq!(header(&ok, "Session-Expires"), told, "{asked}");
    }
}

#[test]
fn a_peer_that_is_at_work_on_our_refresh_for_ever_is_given_up() {
    let mut sim = Simulation::new();
    let (_, dialog) = sim.establish(
        &Message::invite("a")
            .with_extra("Supported: timer\r\nSession-Expires: 1800;refresher=uas\r\n"),
    );
    sim.pass(Duration::from_millis(900_100));
    let ours = sim.expect("INVITE ");
    sim.receive(&response(&ours, 100, "", "", ""));
    sim.pass(Duration::from_secs(20));
    let theirs = dialog.request("INVITE", 2).with_body(&sdp("192.0.2.9", 7000, "sendrecv"));
    sim.receive(&theirs.text());
    sim.expect("SIP/2.0 491 ");
    sim.receive(&theirs.same_branch("ACK").text());
    sim.pass(Duration::from_secs(13));
    sim.expect("CANCEL ");
    sim.expect("BYE ");
    assert_eq!(sim.expect_ended().sip_status, 408);
}

#[test]
fn a_call_that_ends_while_its_refresh_is_unanswered_leaves_nothing() {
    for status in [None, Some(487), Some(200)] {
        let mut sim = Simulation::new();
        let (_, dialog) = sim.establish(&asking("uas", ""));
        sim.pass(Duration::from_millis(45_100));
        let ours = sim.expect("INVITE ");
        sim.receive(&response(&ours, 100, "", "", ""));
        sim.receive(&dialog.request("BYE", 2).text());
        sim.expect("SIP/2.0 200 ");
        for _ in 0..2 {
            let Some(status) = status else { continue };
            // Acknowledged, and again when it is repeated.
            sim.receive(&response(&ours, status, "", "", &sdp("192.0.2.9", 6000, "sendrecv")));
            let ack = sim.expect("ACK ");
            assert_eq!(
                header(&ack, "CSeq").split(' ').next(),
                header(&ours, "CSeq").split(' ').next()
            );
        }
        sim.pass(40 * SECOND);
        assert_eq!(sim.agent.load().transactions, 0, "{status:?}");
        assert_eq!(sim.agent.unanswered(), 0);
    }
}
