use core::time::Duration;

use super::{Command, Message, Simulation, address};
use crate::event::{BridgeEvent, HangupBy, HangupReason};
use crate::message::TransportKind;

fn assert_empty(sim: &Simulation) {
    let load = sim.agent.load();
    assert_eq!((load.calls, load.transactions, sim.agent.timers()), (0, 0, 0));
    assert!(sim.agent.dialogs.is_empty());
    assert!(sim.agent.invites.is_empty());
    assert!(sim.agent.server_keys.is_empty());
    assert!(sim.agent.client_keys.is_empty());
}

#[test]
fn a_hundred_callers_that_vanish_leave_nothing_behind() {
    a_hundred_vanish(Simulation::with_channels(400));
}

#[test]
fn a_hundred_callers_that_vanish_leave_nothing_behind_over_tcp() {
    a_hundred_vanish(Simulation {
        transport: TransportKind::Tcp,
        ..Simulation::with_channels(400)
    });
}

fn a_hundred_vanish(mut sim: Simulation) {
    for number in 0..100 {
        sim.ring(&Message::invite(&format!("ringing{number}")));
        sim.answer(&Message::invite(&format!("unacknowledged{number}")));
        sim.establish(&Message::invite(&format!("talking{number}")));
    }
    // The media watchdog of the line ends those that talk.
    sim.pass(Duration::from_secs(10));
    sim.command(Command::HangupAll(HangupReason::MediaTimeout));
    // Within 90 s of their last word nothing of them is left.
    sim.pass(Duration::from_secs(80));
    assert_empty(&sim);
}

#[test]
fn a_hundred_callees_that_vanish_leave_nothing_behind() {
    let mut sim = Simulation::with_channels(400);
    for _ in 0..100 {
        sim.dial();
    }
    sim.pass(Duration::from_secs(40));
    assert_empty(&sim);
}

#[test]
fn calls_that_end_well_leave_nothing_behind_over_tcp_at_once() {
    let mut sim = Simulation::over_tcp();
    for number in 0..100 {
        let (call, dialog) = sim.establish(&Message::invite(&format!("a{number}")));
        if number % 2 == 0 {
            sim.receive(&dialog.request("BYE", 2).text());
        } else {
            sim.command(Command::Hangup(call, HangupReason::Normal));
            let bye = sim.sent.pop_back().unwrap().1;
            sim.receive(&super::response(&bye, 200, "", "", ""));
        }
        sim.sent.clear();
        sim.events.clear();
    }
    assert_eq!(sim.agent.load().calls, 0);
    sim.pass(Duration::from_secs(33));
    assert_empty(&sim);
}

#[test]
fn refusals_leave_nothing_behind() {
    let mut sim = Simulation::with_channels(0);
    for number in 0..100 {
        sim.receive(&Message::invite(&format!("a{number}")).text());
    }
    sim.pass(Duration::from_secs(40));
    assert_empty(&sim);
}

#[test]
fn a_month_of_refreshes_grows_nothing() {
    let mut sim = Simulation::new();
    let (_, dialog) = sim.establish(&Message::invite("month"));
    let mut most = 0;
    for cseq in 2..3_000 {
        sim.receive(
            &dialog
                .request("INVITE", cseq)
                .with_body(&super::sdp("192.0.2.9", 6000, "sendrecv"))
                .text(),
        );
        sim.receive(&dialog.request("ACK", cseq).text());
        sim.sent.clear();
        sim.events.clear();
        sim.pass(Duration::from_secs(900));
        most = most.max(sim.agent.load().transactions + sim.agent.timers());
    }
    assert!(most <= 4, "{most} transactions and timers at once");
    assert_eq!(sim.agent.load().calls, 1);
    sim.command(Command::Answer(crate::event::CallId(0), address(super::RTP))); // Nobody: nothing.
}

#[test]
fn who_leaves_ends_every_call_at_once_each_with_its_record_and_a_word_to_its_peer() {
    let mut sim = Simulation::new();
    sim.ring(&Message::invite("ringing"));
    sim.answer(&Message::invite("unacknowledged"));
    sim.establish(&Message::invite("talking"));
    sim.dial();
    sim.expect("INVITE ");
    sim.command(Command::HangupAll(HangupReason::Shutdown));
    sim.command(Command::AbandonAll(HangupReason::Shutdown));
    let mut ended = Vec::new();
    while let Some(event) = sim.events.pop_front() {
        let BridgeEvent::Ended { call, outcome, cdr } = event else { panic!("{event:?}") };
        assert_eq!((cdr.call, &cdr.outcome, cdr.outcome.q850), (call, &outcome, Some(27)));
        ended.push((outcome.sip_status, outcome.hangup_by));
    }
    ended.sort_by_key(|(status, _)| *status);
    let statuses: Vec<u16> = ended.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [200, 200, 480, 487]);
    assert!(ended.iter().all(|(_, by)| *by == HangupBy::Line), "{ended:?}");
    let byes = sim.sent.iter().filter(|(_, text)| text.starts_with("BYE ")).count();
    assert_eq!(byes, 2, "also to the one whose ACK never came");
    sim.pass(Duration::from_secs(180));
    assert_empty(&sim);
}
