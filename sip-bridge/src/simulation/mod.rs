//! Signalling in virtual time, one call after the other, against a carrier that does what carriers do: for
//! simulations of months. Not part of the API.

mod carrier;

use core::net::SocketAddr;
use core::time::Duration;

use media_core::{Codec, MonoTime};

use self::carrier::Carrier;
use crate::admission::AdmissionLimits;
use crate::agent::routes::Route;
use crate::agent::{Agent, AgentConfig, Command, Input, Output};
use crate::event::BridgeEvent;
use crate::flow::Flow;
use crate::message::{Identity, TransportKind};
use crate::negotiation::{MediaTerms, Terms};
use crate::policy::Policies;
use crate::{guard, stack};

/// What the calls' signalling came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SignallingTally {
    /// Calls.
    pub calls: u64,
    /// Session refreshes of ours, and of the carrier.
    pub refreshes_ours: u64,
    /// See above.
    pub refreshes_theirs: u64,
    /// Re-INVITEs of the carrier that moved its sound elsewhere.
    pub moves: u64,
    /// Moves that the line was told of, with the right address.
    pub moves_followed: u64,
    /// OPTIONS of ours and of the carrier, inside calls and outside.
    pub keepalives: u64,
    /// Datagrams lost on the way, both ways together.
    pub datagrams_lost: u64,
    /// Calls that ended before the carrier ended them.
    pub cut: u64,
    /// Calls whose end was not told once.
    pub endings_wrong: u64,
    /// Calls, transactions and timers that were left when all was over.
    pub left_behind: u64,
    /// Most transactions and most timers at one time.
    pub transactions_max: usize,
    /// See above.
    pub timers_max: usize,
}

/// Calls that come in one after the other, last so long and are dropped by their carrier: all of one
/// agent, with a seed for each. The same seeds are the same calls.
///
/// # Panics
/// When the agent writes what our own guard or grammar refuses.
#[must_use]
pub fn calls(calls: &[(u64, Duration)]) -> SignallingTally {
    let mut world = World::new(calls.first().map_or(0, |(seed, _)| *seed));
    for (seed, lasts) in calls {
        world.call(*seed, *lasts);
    }
    world.tally
}

struct World {
    agent: Agent,
    carrier: Carrier,
    now: MonoTime,
    ended: u64,
    tally: SignallingTally,
}

impl World {
    fn new(seed: u64) -> Self {
        let (line, peer) = (address(LINE), address(PEER));
        let identity = Identity {
            udp: Some(line),
            tcp: None,
            tls: None,
            media_ip: line.ip(),
            user_agent: "xenline/simulation".into(),
        };
        let route = stack::parse_uri(&format!("sip:{PEER}")).map(|target| Route {
            trunk: TRUNK.into(),
            target,
            flow: Flow::direct(TransportKind::Udp, peer),
            up: None,
        });
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let agent = Agent::new(AgentConfig {
            identity,
            policies: Policies::of_trunks([TRUNK], Default::default()),
            terms: Terms::new(
                MediaTerms { codecs: vec![Codec::Pcmu], ..MediaTerms::default() },
                Vec::new(),
            ),
            limits: AdmissionLimits::channels(2),
            ring_max: Duration::from_secs(120),
            next_way_after: Duration::from_secs(4),
            routes: route.into_iter().collect(),
            probe_every: Duration::from_secs(30),
            seed: bytes,
        });
        let (now, tally) = (MonoTime::ZERO, SignallingTally::default());
        let mut carrier = Carrier::new(seed, 0, now);
        carrier.fall_silent();
        let mut world = Self { agent, carrier, now, ended: 0, tally };
        world.agent.handle(world.now, Input::Command(Command::Probe));
        world.drain();
        world
    }

    /// One call, until nothing of it can be left.
    fn call(&mut self, seed: u64, lasts: Duration) {
        self.tally.calls += 1;
        self.carrier = Carrier::new(seed, self.tally.calls, self.now);
        self.ended = 0;
        let end = self.now + lasts;
        while self.now < end && self.ended == 0 {
            self.step(end);
        }
        self.tally.cut += u64::from(self.ended > 0);
        self.carrier.drop_the_call();
        // What nobody refreshes or answers any more is noticed within a session, or two questions.
        let latest = self.now + SETTLED;
        while self.now < latest && self.ended == 0 {
            self.step(latest);
        }
        self.tally.endings_wrong += u64::from(self.ended != 1);
        self.carrier.fall_silent();
        let latest = self.now + FORGOTTEN;
        while self.now < latest {
            self.step(latest);
        }
        let load = self.agent.load();
        // The route is asked for ever: that timer, and the question on its way, are not the call's.
        let timers = self.agent.timers().saturating_sub(ROUTE_TIMERS);
        let transactions = load.transactions.saturating_sub(1);
        self.tally.left_behind += (load.calls + transactions + timers) as u64;
    }

    /// On to the next thing that happens, but not beyond `end`.
    fn step(&mut self, end: MonoTime) {
        let next = self.agent.next_timeout().into_iter().chain(self.carrier.next()).min();
        self.now = self.now.max(next.unwrap_or(end)).min(end);
        self.agent.handle(self.now, Input::Timeout);
        self.drain();
        while let Some(text) = self.carrier.due(self.now, &mut self.tally) {
            self.deliver(&text);
        }
        let load = self.agent.load();
        self.tally.transactions_max = self.tally.transactions_max.max(load.transactions);
        self.tally.timers_max = self.tally.timers_max.max(self.agent.timers());
    }

    fn deliver(&mut self, text: &str) {
        let bytes = guard::check_datagram(text.as_bytes()).expect("the carrier writes SIP");
        let message = stack::parse(bytes).expect("the carrier writes SIP");
        let (transport, source) = (TransportKind::Udp, address(PEER));
        let trunk = Some(TRUNK);
        self.agent.handle(self.now, Input::Message { transport, source, trunk, message });
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.agent.poll_output() {
            match output {
                Output::Send { bytes, .. } => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    assert!(stack::parse(text.as_bytes()).is_ok(), "ours does not parse: {text}");
                    self.carrier.receive(self.now, &text, &mut self.tally);
                }
                Output::Event(event, _) => self.take(event),
            }
        }
    }

    fn take(&mut self, event: BridgeEvent) {
        match event {
            BridgeEvent::Incoming { call, .. } => {
                let answer = Command::Answer(call, address(RTP));
                self.agent.handle(self.now, Input::Command(answer));
            }
            BridgeEvent::MediaChanged { media, .. } => {
                let moved = media.remote_rtp.port() == self.carrier.rtp_port();
                self.tally.moves_followed += u64::from(moved);
            }
            BridgeEvent::Ended { .. } => self.ended += 1,
            _ => {}
        }
    }
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("a constant of this module")
}

const LINE: &str = "192.0.2.1:5060";
const PEER: &str = "192.0.2.9:5080";
const RTP: &str = "192.0.2.1:4000";
const TRUNK: &str = "carrier";
/// The longest session of the simulated carrier, and a question of ours with its answer overdue.
const SETTLED: Duration = Duration::from_secs(4_000);
/// Longer than any transaction is remembered.
const FORGOTTEN: Duration = Duration::from_secs(120);
/// Of the question to the route: its repetition and its end, or the next one.
const ROUTE_TIMERS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_refreshes_moves_and_losses_cut_no_call_and_leave_nothing() {
        let half_a_day = Duration::from_secs(12 * 3_600);
        let tally = calls(&[1, 2, 3, 4, 5, 6].map(|seed| (seed, half_a_day)));
        assert_eq!((tally.calls, tally.cut, tally.endings_wrong), (6, 0, 0), "{tally:?}");
        assert_eq!((tally.left_behind, tally.moves), (0, tally.moves_followed), "{tally:?}");
        assert!(tally.refreshes_ours > 10 && tally.refreshes_theirs > 10, "{tally:?}");
        assert!(tally.moves > 100 && tally.datagrams_lost > 100, "{tally:?}");
        assert!(tally.transactions_max < 40 && tally.timers_max < 80, "{tally:?}");
        let hours = [3, 4].map(|seed| (seed, Duration::from_secs(3_600)));
        assert_eq!(calls(&hours), calls(&hours), "the same seeds are the same calls");
    }
}
