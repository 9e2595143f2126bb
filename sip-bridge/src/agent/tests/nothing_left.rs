use core::time::Duration;

use super::{Command, Message, Simulation, address};
use crate::event::HangupReason;

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
    let mut sim = Simulation::with_channels(400);
    for number in 0..100 {
        sim.ring(&Message::invite(&format!("ringing{number}")));
        sim.answer(&Message::invite(&format!("unacknowledged{number}")));
        sim.establish(&Message::invite(&format!("talking{number}")));
    }
    // The media watchdog of the line ends those that talk.
    sim.pass(Duration::from_secs(10));
    sim.command(Command::HangupAll(HangupReason::MediaTimeout));
    sim.pass(Duration::from_secs(180));
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
