use core::time::Duration;

use super::{Command, Simulation, address, header, response};
use crate::agent::routes::Route;
use crate::flow::Flow;
use crate::message::TransportKind;
use crate::stack;

const ADDRESSES: [&str; 2] = ["192.0.2.9:5060", "192.0.2.10:5060"];

/// A simulation whose trunk has two addresses, asked every 30 s.
fn probing() -> Simulation {
    let mut sim = Simulation::new();
    sim.agent.routes = ADDRESSES
        .map(|to| Route {
            trunk: "trunk".into(),
            target: stack::parse_uri(&format!("sip:{to}")).unwrap(),
            flow: Flow::direct(TransportKind::Udp, address(to)),
            up: None,
        })
        .to_vec();
    sim.command(Command::Probe);
    sim
}

fn ups(sim: &Simulation) -> Vec<Option<bool>> {
    sim.agent.routes().iter().map(|route| route.up).collect()
}

fn way_out(sim: &Simulation) -> String {
    sim.agent.ways_out("trunk").first().expect("a route").peer.to_string()
}

/// Answers every OPTIONS to the addresses in `alive` with `status` while `seconds` pass.
fn answer(sim: &mut Simulation, seconds: usize, alive: &[&str], status: u16) {
    for _ in 0..seconds {
        while let Some((to, options)) = sim.sent.pop_front() {
            assert!(options.starts_with("OPTIONS "), "{options}");
            if alive.contains(&&*to.to_string()) {
                sim.receive(&response(&options, status, "t", "", ""));
            }
        }
        sim.pass(Duration::from_secs(1));
    }
}

#[test]
fn an_address_that_does_not_answer_options_is_down_and_the_other_one_is_taken() {
    let mut sim = probing();
    assert_eq!(header(&sim.sent[0].1, "CSeq").split(' ').nth(1), Some("OPTIONS"));
    assert_eq!(way_out(&sim), ADDRESSES[0]);
    answer(&mut sim, 40, &ADDRESSES, 200);
    assert_eq!(ups(&sim), [Some(true), Some(true)]);
    answer(&mut sim, 80, &ADDRESSES[1..], 200);
    assert_eq!(ups(&sim), [Some(false), Some(true)]);
    assert_eq!(way_out(&sim), ADDRESSES[1]);
    // Back again, the first is the first.
    answer(&mut sim, 80, &ADDRESSES, 404);
    assert_eq!(ups(&sim), [Some(true), Some(true)]);
    assert_eq!(way_out(&sim), ADDRESSES[0]);
}

#[test]
fn an_address_that_says_503_is_down() {
    let mut sim = probing();
    answer(&mut sim, 2, &ADDRESSES, 503);
    assert_eq!(ups(&sim), [Some(false), Some(false)]);
    assert_eq!(way_out(&sim), ADDRESSES[0], "better that than nothing");
}

#[test]
fn a_day_of_probes_leaves_nothing_behind() {
    let mut sim = probing();
    answer(&mut sim, 86_400, &ADDRESSES, 200);
    assert!(sim.agent.timers() <= 8 && sim.agent.load().transactions <= 4);
}
