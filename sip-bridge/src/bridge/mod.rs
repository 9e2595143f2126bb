//! The shell: sockets, clock and tasks around the agent core.

mod clock;
mod configure;
mod connections;
mod dial;
mod driver;
mod intake;
mod pace;
mod shared;
mod stream;
mod target;
#[cfg(test)]
mod tests;
mod tls;
mod udp;

use core::net::SocketAddr;
use core::sync::atomic::Ordering;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use rand::TryRng as _;
use rand::rngs::SysRng;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use self::clock::Clock;
pub use self::configure::NotConfigured;
pub use self::dial::DialError;
use self::shared::{Parts, Shared};
use self::tls::Tls;
pub use self::tls::{TlsError, is_tls_name};
use crate::acl::{Acl, Trunk};
pub use crate::agent::ReferTarget;
pub use crate::agent::registrations::RegistrationState;
pub use crate::agent::routes::RouteState;
use crate::agent::{Agent, AgentConfig, Command, Input};
use crate::config::{BridgeConfig, TlsConfig};
use crate::event::{BridgeEvent, CallId, HangupReason, Rejection};
use crate::gate::Gate;
use crate::message::TransportKind;
use crate::negotiation::{MediaTerms, Terms};
use crate::policy::{Policies, TrunkPolicy};

/// Why a bridge did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener could not be opened.
    #[error(
        "cannot listen for SIP on {transport} {address}: {source}; is the port taken, or is the address not this machine's?"
    )]
    Listen {
        /// `udp`, `tcp` or `tls`.
        transport: &'static str,
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// TLS is configured and cannot be spoken.
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    /// Neither UDP nor TCP nor TLS is configured.
    #[error("no SIP listener configured: set a UDP, TCP or TLS address")]
    NoListener,
    /// A trunk's address that is to be asked is none.
    #[error(
        "cannot ask {0:?} by OPTIONS: expected sip:address[:port][;transport=udp|tcp|tls] of a transport that we listen on"
    )]
    BadRoute(String),
    /// A registration's address or exchange is none.
    #[error(
        "registration {0:?}: expected address = sip:user@domain and registrar = sip:address[:port][;transport=udp|tcp|tls] of a transport that we listen on"
    )]
    BadRegistration(String),
    /// The system gave no random bytes.
    #[error("the system gave no random bytes; without them call tags could be guessed")]
    NoRandomness,
}

/// What the bridge holds at this moment. Gauges are zero again when no call is left and the last
/// transactions have timed out (32 s after their final response over UDP).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BridgeCounts {
    /// Calls in any state.
    pub calls: usize,
    /// Transactions, server and client, including those that only absorb retransmissions.
    pub transactions: usize,
    /// Timers pending.
    pub timers: usize,
    /// TCP and TLS connections.
    pub connections: usize,
    /// Events waiting because the consumer is behind.
    pub events_waiting: usize,
    /// Datagrams and connections from addresses that no trunk lists, since the start.
    pub foreign_packets: u64,
    /// Datagrams and connections from trunks that came faster than any honest load, and were not read,
    /// since the start.
    pub throttled_packets: u64,
    /// Datagrams that the socket did not take, since the start.
    pub datagrams_unsent: u64,
    /// Bugs of ours that ended in a panic and were contained, since the start.
    pub panics: u64,
}

/// A running bridge. Dropping it closes its sockets without a word to anybody; see
/// [`Bridge::shutdown`].
pub struct Bridge {
    shared: Arc<Shared>,
    local_udp: Option<SocketAddr>,
    local_tcp: Option<SocketAddr>,
    local_tls: Option<SocketAddr>,
    tasks: Vec<JoinHandle<()>>,
    /// Dropped, it stops every task.
    stop: watch::Sender<()>,
}

impl Bridge {
    /// Opens the listeners and starts to serve. Needs a tokio runtime.
    ///
    /// `events`: its capacity is how far the line may fall behind before events wait in the bridge,
    /// and then calls are refused with 503. 256 is plenty.
    ///
    /// # Errors
    /// [`StartError`] names the listener that could not be opened.
    pub async fn start(
        config: BridgeConfig,
        events: mpsc::Sender<BridgeEvent>,
    ) -> Result<Bridge, StartError> {
        let udp = config.udp.map(|address| listen("udp", address, udp::bind)).transpose()?;
        let tcp = config.tcp.map(|address| listen("tcp", address, stream::bind)).transpose()?;
        let secure = config.tls.as_ref().map(|tls| listen("tls", tls.listen, stream::bind));
        let secure = secure.transpose()?;
        if udp.is_none() && tcp.is_none() && secure.is_none() {
            return Err(StartError::NoListener);
        }
        let (udp, sender) = udp.unzip();
        let local_udp = sender.as_ref().and_then(|socket| socket.local_addr().ok());
        let local = |listener: &TcpListener| listener.local_addr().ok();
        let (local_tcp, local_tls) =
            (tcp.as_ref().and_then(local), secure.as_ref().and_then(local));
        let (stop, stopped) = watch::channel(());
        let shared = Shared::new(Parts {
            clock: Clock::start(),
            gate: Gate::new(Acl::new(&config.trunks)),
            tls: Tls::of(&config)?,
            agent: agent(config, [local_udp, local_tcp, local_tls])?,
            udp: sender,
            events,
            stop: stopped,
        });
        let mut tasks = vec![
            tokio::spawn(driver::timers(shared.clone())),
            tokio::spawn(driver::events(shared.clone())),
        ];
        if let Some(socket) = udp {
            tasks.push(tokio::spawn(udp::serve(shared.clone(), socket)));
        }
        if let Some(listener) = tcp {
            tasks.push(tokio::spawn(stream::serve(shared.clone(), listener, TransportKind::Tcp)));
        }
        if let Some(listener) = secure {
            tasks.push(tokio::spawn(stream::serve(shared.clone(), listener, TransportKind::Tls)));
        }
        shared.handle(Input::Command(Command::Probe));
        Ok(Bridge { shared, local_udp, local_tcp, local_tls, tasks, stop })
    }

    /// Where we receive over UDP: the port the system chose if the configuration said 0.
    #[must_use]
    pub fn local_udp(&self) -> Option<SocketAddr> {
        self.local_udp
    }

    /// Where we receive over TCP.
    #[must_use]
    pub fn local_tcp(&self) -> Option<SocketAddr> {
        self.local_tcp
    }

    /// Where we receive over TLS.
    #[must_use]
    pub fn local_tls(&self) -> Option<SocketAddr> {
        self.local_tls
    }

    /// Sends another 180. The first one has been sent by the bridge itself.
    pub fn ring(&self, call: CallId) {
        self.command(Command::Ring(call));
    }

    /// Lets the caller hear the line before it answers: 183, with our RTP at `local_rtp`, which the
    /// answer keeps. Nothing where the caller sent no offer.
    pub fn progress(&self, call: CallId, local_rtp: SocketAddr) {
        self.command(Command::Progress(call, local_rtp));
    }

    /// Answers an inbound call: 200, with our RTP at `local_rtp`. On the wire when this returns.
    pub fn answer(&self, call: CallId, local_rtp: SocketAddr) {
        self.command(Command::Answer(call, local_rtp));
    }

    /// Refuses an inbound call that is not answered yet. An answered one is hung up instead.
    pub fn reject(&self, call: CallId, rejection: Rejection) {
        self.command(Command::Reject(call, rejection));
    }

    /// Ends a call in whatever state it is: CANCEL, 480 or BYE.
    pub fn hangup(&self, call: CallId, reason: HangupReason) {
        self.command(Command::Hangup(call, reason));
    }

    /// Whether the peer of a call is heard no more, though it ought to be. Whoever calls again from the
    /// same number over the same trunk is let in as if that call were over already.
    pub fn set_quiet(&self, call: CallId, quiet: bool) {
        self.command(Command::Quiet(call, quiet));
    }

    /// Whether the machine is at its limit: while it is, new calls are sent elsewhere (503), before
    /// the running ones suffer.
    pub fn set_strained(&self, strained: bool) {
        self.command(Command::Strained(strained));
    }

    /// Whether the trunks' addresses answer.
    #[must_use]
    pub fn routes(&self) -> Vec<RouteState> {
        self.shared.look(|agent, _| agent.routes())
    }

    /// How our registrations stand, in the order of the configuration.
    #[must_use]
    pub fn registrations(&self) -> Vec<RegistrationState> {
        let now = self.shared.clock.now();
        self.shared.look(|agent, _| agent.registrations(now))
    }

    /// Telephones that are registered here.
    #[must_use]
    pub fn registered(&self) -> usize {
        let now = self.shared.clock.now();
        self.shared.look(|agent, _| agent.registered(now))
    }

    /// Calls in any state.
    #[must_use]
    pub fn active_calls(&self) -> usize {
        self.counts().calls
    }

    /// What the bridge holds at this moment.
    #[must_use]
    pub fn counts(&self) -> BridgeCounts {
        let connections = self.shared.connections.len();
        self.shared.look(|agent, events_waiting| {
            let load = agent.load();
            BridgeCounts {
                calls: load.calls,
                transactions: load.transactions,
                timers: agent.timers(),
                connections,
                events_waiting,
                foreign_packets: self.shared.foreign.load(Ordering::Relaxed),
                throttled_packets: self.shared.throttled.load(Ordering::Relaxed),
                datagrams_unsent: self.shared.dropped.load(Ordering::Relaxed),
                panics: self.shared.panics.load(Ordering::Relaxed),
            }
        })
    }

    /// Ends every call now, also one whose peer has not acknowledged our answer or not answered our
    /// CANCEL. Each gets its [`BridgeEvent::Ended`], and with it its record.
    pub fn abandon_all(&self, reason: HangupReason) {
        self.command(Command::AbandonAll(reason));
    }

    /// Takes no new calls from now on (503), leaving the running ones alone.
    pub fn drain(&self) {
        self.command(Command::Drain);
    }

    /// Drains: waits up to `drain` for the running calls to end, hangs up those that are left,
    /// and closes the listeners.
    pub async fn shutdown(self, drain: Duration) {
        self.drain();
        self.wait_until(drain, |agent| agent.load().calls == 0).await;
        self.command(Command::HangupAll(HangupReason::Shutdown));
        let silent = |agent: &Agent| agent.load().calls == 0 && agent.unanswered() == 0;
        self.wait_until(BYE_ANSWERED_MAX, silent).await;
        drop(self.stop);
        for task in self.tasks {
            let _ = task.await;
        }
    }

    async fn wait_until(&self, max: Duration, done: impl Fn(&Agent) -> bool) {
        let deadline = tokio::time::Instant::now() + max;
        while !self.shared.look(|agent, _| done(agent)) && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(SHUTDOWN_POLL).await;
        }
    }

    fn command(&self, command: Command) {
        self.shared.handle(Input::Command(command));
    }
}

/// Whether the files that TLS needs can be used, without listening.
///
/// # Errors
/// [`TlsError`] names the file.
pub fn check_tls(config: &TlsConfig) -> Result<(), TlsError> {
    tls::examine(config)
}

fn policies_of(trunks: &[Trunk], policies: BTreeMap<String, TrunkPolicy>) -> Policies {
    Policies::of_trunks(trunks.iter().map(|trunk| &*trunk.name), policies)
}

fn listen<T>(
    transport: &'static str,
    address: SocketAddr,
    open: impl FnOnce(SocketAddr) -> std::io::Result<T>,
) -> Result<T, StartError> {
    open(address).map_err(|source| StartError::Listen { transport, address, source })
}

fn agent(config: BridgeConfig, local: [Option<SocketAddr>; 3]) -> Result<Agent, StartError> {
    let wanted = config.registrations.clone();
    let config = agent_config(config, local)?;
    let registrations = wanted.iter().map(|spec| {
        let found = target::registration(spec, &config.identity);
        found.ok_or_else(|| StartError::BadRegistration(spec.name.clone()))
    });
    let registrations: Vec<_> = registrations.collect::<Result<_, _>>()?;
    let mut agent = Agent::new(config);
    for (spec, (address, registrar, flow)) in wanted.into_iter().zip(registrations) {
        let expires = Duration::from_secs(spec.expires_s.max(60).into());
        let about = (spec.credentials, expires, flow);
        agent.add_registration((spec.name, address, registrar), about);
        agent.last_exchange_is(spec.tls_name);
    }
    Ok(agent)
}

fn agent_config(
    config: BridgeConfig,
    [udp, tcp, tls]: [Option<SocketAddr>; 3],
) -> Result<AgentConfig, StartError> {
    let mut seed = [0; 32];
    SysRng.try_fill_bytes(&mut seed).map_err(|_| StartError::NoRandomness)?;
    let identity = target::identity(&config, [udp, tcp, tls]);
    Ok(AgentConfig {
        routes: target::routes(&config, &identity)?,
        probe_every: Duration::from_secs(config.probe_every_s.max(1).into()),
        identity,
        policies: policies_of(&config.trunks, config.policies),
        terms: Terms::new(
            MediaTerms { codecs: config.codecs, srtp: config.srtp, ..MediaTerms::default() },
            config.terms,
        ),
        limits: config.limits,
        ring_max: Duration::from_secs(config.ring_max_s.into()),
        next_way_after: config.next_route_after,
        seed,
    })
}

/// How long a shutdown waits for its BYEs to be answered.
const BYE_ANSWERED_MAX: Duration = Duration::from_secs(2);
/// How often it looks.
const SHUTDOWN_POLL: Duration = Duration::from_millis(20);
