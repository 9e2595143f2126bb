//! One call's signalling in virtual time, against a carrier that does what carriers do: for
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

/// What a call's signalling came to; adds up over calls.
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

impl SignallingTally {
    /// Both together.
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.refreshes_ours += other.refreshes_ours;
        self.refreshes_theirs += other.refreshes_theirs;
        self.moves += other.moves;
        self.moves_followed += other.moves_followed;
        self.keepalives += other.keepalives;
        self.datagrams_lost += other.datagrams_lost;
        self.cut += other.cut;
        self.endings_wrong += other.endings_wrong;
        self.left_behind += other.left_behind;
        self.transactions_max = self.transactions_max.max(other.transactions_max);
        self.timers_max = self.timers_max.max(other.timers_max);
    }
}

/// A call that comes in, lasts so long and is dropped by its carrier. The same seed is the same call.
///
/// # Panics
/// When the agent writes what our own guard or grammar refuses.
#[must_use]
pub fn call(seed: u64, lasts: Duration) -> SignallingTally {
    let mut world = World::new(seed);
    let end = world.now + lasts;
    while world.now < end && world.ended == 0 {
        world.step(end);
    }
    world.tally.calls = 1;
    world.tally.cut = u64::from(world.ended > 0);
    world.carrier.drop_the_call();
    // What nobody refreshes or answers any more is noticed within a session, or two questions.
    let latest = world.now + SETTLED;
    while world.now < latest && world.ended == 0 {
        world.step(latest);
    }
    world.tally.endings_wrong = u64::from(world.ended != 1);
    world.carrier.fall_silent();
    let latest = world.now + FORGOTTEN;
    while world.now < latest {
        world.step(latest);
    }
    let load = world.agent.load();
    // The route is asked for ever: that timer, and the question on its way, are not the call's.
    let timers = world.agent.timers().saturating_sub(ROUTE_TIMERS);
    let transactions = load.transactions.saturating_sub(1);
    world.tally.left_behind = (load.calls + transactions + timers) as u64;
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
            policies: Policies::default(),
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
        let carrier = Carrier::new(seed);
        let (now, tally) = (MonoTime::ZERO, SignallingTally::default());
        let mut world = Self { agent, carrier, now, ended: 0, tally };
        world.agent.handle(world.now, Input::Command(Command::Probe));
        world.drain();
        world
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
        let mut tally = SignallingTally::default();
        for seed in 1..=6 {
            tally.add(&call(seed, Duration::from_secs(12 * 3_600)));
        }
        assert_eq!((tally.calls, tally.cut, tally.endings_wrong), (6, 0, 0), "{tally:?}");
        assert_eq!((tally.left_behind, tally.moves), (0, tally.moves_followed), "{tally:?}");
        assert!(tally.refreshes_ours > 10 && tally.refreshes_theirs > 10, "{tally:?}");
        assert!(tally.moves > 100 && tally.datagrams_lost > 100, "{tally:?}");
        assert!(tally.transactions_max < 40 && tally.timers_max < 80, "{tally:?}");
        let again = call(3, Duration::from_secs(3_600));
        assert_eq!(again, call(3, Duration::from_secs(3_600)), "the same seed is the same call");
    }
}
