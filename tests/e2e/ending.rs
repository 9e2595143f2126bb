//! How a line ends, in peace and otherwise, and what it leaves.

use std::time::Duration;

use xenline::report::CallEvent;

use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::process::{children, kill, resident_kb};
use crate::support::{alone, figure, wait_until};

/// What a conversation may leave in the allocator's hands after the first few.
const GROWTH_KB_MAX: u64 = 8 * 1_024;

#[test]
fn a_line_that_is_told_to_stop_says_goodbye_to_its_caller_and_takes_its_brain_with_it() {
    let _machine = alone();
    let mut line = Serving::agent(|config| config.sip.drain_s = 1);
    let brain = children(line.pid(), "xenline-brain")[0];
    let phone = Phone::call(line.sip);
    wait_until("sound", Duration::from_secs(5), || (phone.media.count() > 25).then_some(()));
    let socket = line.config.say.socket.clone().expect("the tests name one");
    line.end_in_mid_call();
    wait_until("the line's BYE", Duration::from_secs(2), || phone.was_hung_up().then_some(()));
    assert!(!alive(brain), "the brain is still there");
    assert!(!socket.exists(), "the socket is still there");
}

#[test]
fn a_line_that_is_killed_leaves_no_brain_and_no_obstacle_to_the_next_one() {
    let _machine = alone();
    let line = Serving::agent(|_| {});
    let brain = children(line.pid(), "xenline-brain")[0];
    kill(line.pid(), libc::SIGKILL);
    wait_until("the brain to end by itself", Duration::from_secs(10), || {
        (!alive(brain)).then_some(())
    });
    let config = line.config.clone();
    assert!(config.say.socket.as_ref().is_some_and(|socket| socket.exists()), "a stale socket");
    let next = Serving::agent(|theirs| {
        // The same address too: a killed line's port is free at once.
        *theirs = config;
        theirs.sip.listen_udp = Some(line.sip);
    });
    Phone::call(next.sip).hang_up();
    next.stop();
}

#[test]
fn conversations_leave_no_file_no_thread_and_no_memory() {
    let _machine = alone();
    let line = Serving::agent(|_| {});
    let mut found = Vec::new();
    for round in 0..3 {
        for _ in 0..4 {
            let mark = line.mark();
            let phones = [0; 4].map(|_| Phone::call(line.sip));
            wait_until("greetings", Duration::from_secs(10), || {
                phones.iter().all(|phone| phone.media.count() > 40).then_some(())
            });
            phones.into_iter().for_each(Phone::hang_up);
            closed(&line, mark, 4);
        }
        line.comes_to_rest();
        let kb = resident_kb(line.pid());
        figure(format!(
            "after {} conversations: files and threads as before, {kb} KB",
            (round + 1) * 16
        ));
        found.push(kb);
    }
    assert!(found[2] <= found[0] + GROWTH_KB_MAX, "memory grows: {found:?}");
    line.stop();
}

/// Waits until so many calls have been closed since `mark`.
fn closed(line: &Serving, mark: usize, calls: usize) {
    wait_until("the calls to be closed", Duration::from_secs(20), || {
        let events = line.events();
        let closed = events.iter().skip(mark);
        let closed = closed.filter(|(_, event)| matches!(event, CallEvent::CallClosed(_)));
        (closed.count() == calls).then_some(())
    });
}

fn alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A process that ended and was not waited for by its new parent yet is no more.
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().next());
    state.is_some_and(|state| state != "Z")
}
