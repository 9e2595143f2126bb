//! The user agent: transactions, dialogs, calls and admission as one core.
//!
//! Drive it with [`Agent::handle`], then drain [`Agent::poll_output`] until `None`, then ask
//! [`Agent::next_timeout`] when it wants [`Input::Timeout`]. It never waits, and each input costs a
//! bounded amount of work, whoever sent it.

mod calls;
mod commands;
mod left;
mod phones;
mod refusals;
mod registrar;
pub(crate) mod registrations;
mod requests;
pub(crate) mod routes;
mod tags;
#[cfg(test)]
mod tests;
mod transactions;
mod transfers;
mod wanted;

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use media_core::{Codec, MonoTime};

use self::refusals::RefusalLog;
use self::registrar::Registrar;
use self::registrations::Registration;
use self::routes::Route;
use self::tags::Tags;
pub use self::transfers::ReferTarget;
use self::transfers::{Gone, Link};
use crate::admission::{Admission, AdmissionLimits, Bucket, Load};
use crate::call::{Call, Context, Forks, LeftWay, Outgoing};
use crate::event::{BridgeEvent, CallId, HangupReason, Rejection};
use crate::flow::Flow;
use crate::ids::IdSource;
use crate::message::{Identity, Message, Method, Replaces, SipUri, TransportKind};
use crate::negotiation::{MediaTerms, Terms};
use crate::policy::Policies;
use crate::timers::{Timer, TimerKey, TimerQueue};
use crate::transaction::{ClientTransaction, ServerTransaction};

/// What an agent is made with.
pub(crate) struct AgentConfig {
    pub identity: Identity,
    pub terms: Terms,
    pub limits: AdmissionLimits,
    pub ring_max: Duration,
    /// How long a way may say nothing of a call out before the next is taken.
    pub next_way_after: Duration,
    pub policies: Policies,
    /// The trunks' addresses that are asked whether they are there.
    pub routes: Vec<Route>,
    pub probe_every: Duration,
    pub seed: [u8; 32],
}

/// What an agent is told.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // Lives for one call of `handle`, on the stack.
pub(crate) enum Input<'a> {
    /// A message from `source`, which `trunk` lists (`None`: a peer that we dialled).
    Message {
        transport: TransportKind,
        source: SocketAddr,
        trunk: Option<&'a str>,
        message: Message,
    },
    /// What the line wants.
    Command(Command),
    /// A connection could not be opened, or broke with a request unanswered.
    Unreachable(TransportKind, SocketAddr),
    /// The line has `waiting` events yet to take.
    EventsWaiting(usize),
    /// The time that `next_timeout` named has come.
    Timeout,
}

/// What the line wants.
#[derive(Debug)]
pub(crate) enum Command {
    Ring(CallId),
    /// Let the caller hear us before the answer.
    Progress(CallId, SocketAddr),
    Answer(CallId, SocketAddr),
    /// Not the transfer that the peer asked for.
    RefuseTransfer(CallId),
    /// Ask the peer to call this one in our place.
    Refer(CallId, ReferTarget),
    Reject(CallId, Rejection),
    Hangup(CallId, HangupReason),
    /// Nothing is heard of its peer any more, or something again.
    Quiet(CallId, bool),
    /// Hang up every call.
    HangupAll(HangupReason),
    /// End every call now, whatever its peer still owes.
    AbandonAll(HangupReason),
    /// Take no more calls.
    Drain,
    /// The machine is at its limit, or is not any more.
    Strained(bool),
    /// Other limits, for calls to come.
    Limit(AdmissionLimits),
    /// Ask the routes, from now on.
    Probe,
}

/// A call to place, its target resolved.
#[derive(Debug)]
pub(crate) struct Dial {
    pub target: SipUri,
    /// From header value without tag, and its user part.
    pub from: (String, String),
    pub trunk: Option<Arc<str>>,
    pub local_rtp: SocketAddr,
    /// Empty: those of the trunk's terms.
    pub codecs: Arc<[Codec]>,
    pub flow: Flow,
    /// `X-` headers: name and value.
    pub headers: Vec<(String, String)>,
    /// Where else the same one is reached, should the target over `flow` not serve.
    pub ways: Vec<(SipUri, Flow)>,
    /// The call whose peer asked for this one, and the dialog that it is to replace.
    pub transfer: Option<(CallId, Option<Replaces>)>,
}

/// What an agent wants done.
#[derive(Debug)]
pub(crate) enum Output {
    /// Send.
    Send { flow: Flow, bytes: Bytes },
    /// Tell the line. `true`: may be dropped when the line is behind.
    Event(BridgeEvent, bool),
}

/// A client transaction and who waits for its response.
struct Client {
    transaction: ClientTransaction,
    method: Method,
    key: Box<str>,
    owner: Owner,
    /// The ACKs of a refusal and of a 2xx, where the call that would make them is over.
    parting: Option<Box<[Outgoing; 2]>>,
    /// An INVITE's, once somebody answered: for everybody else who does.
    forks: Option<Box<Forks>>,
}

/// Who waits for a response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Owner {
    Call(CallId),
    Route(usize),
    Registration(usize),
    /// Nobody any more: the call went on over another way.
    Left(u64),
}

/// A server transaction, how it is found, and the call that an INVITE made.
struct Server {
    transaction: ServerTransaction,
    key: Box<str>,
    call: Option<CallId>,
}

/// A call, the moment its timer is set for, and what a merged request would repeat.
struct Slot {
    call: Call,
    timer: Option<TimerKey>,
    merge_key: Option<Box<str>>,
    /// Nothing is heard of its peer.
    quiet: bool,
    /// How fast its peer may ask for something.
    pace: Bucket,
}

/// The user agent.
pub(crate) struct Agent {
    identity: Arc<Identity>,
    terms: Terms,
    ring_max: Duration,
    next_way_after: Duration,
    policies: Policies,
    routes: Vec<Route>,
    probe_every: Duration,
    registrations: Vec<Registration>,
    registrar: Registrar,
    admission: Admission,
    refusal_log: RefusalLog,
    events_waiting: usize,
    ids: IdSource,
    tags: Tags,
    numbers: u64,
    servers: HashMap<u64, Server>,
    server_keys: HashMap<Box<str>, u64>,
    clients: BTreeMap<u64, Client>,
    client_keys: HashMap<Box<str>, u64>,
    calls: BTreeMap<CallId, Slot>,
    /// Call-ID and our tag, to the call.
    dialogs: HashMap<Box<str>, CallId>,
    /// The peer's Call-ID, tag and CSeq of calls that came in, to tell a merged request (§8.2.2.2).
    invites: HashSet<Box<str>>,
    /// Calls that are to carry on what an earlier one began.
    links: BTreeMap<CallId, Link>,
    /// INVITEs of ours that said nothing in time and may yet be heard of.
    left: BTreeMap<u64, LeftWay>,
    gone: Gone,
    timers: TimerQueue,
    outputs: VecDeque<Output>,
}

impl Agent {
    pub(crate) fn new(config: AgentConfig) -> Self {
        let mut ids = IdSource::new(config.seed);
        Self {
            registrations: Vec::new(),
            registrar: Registrar::new(ids.key()),
            tags: Tags::new(ids.key()),
            identity: Arc::new(config.identity),
            terms: config.terms,
            ring_max: config.ring_max,
            next_way_after: config.next_way_after,
            policies: config.policies,
            routes: config.routes,
            probe_every: config.probe_every,
            admission: Admission::new(config.limits),
            refusal_log: RefusalLog::default(),
            events_waiting: 0,
            ids,
            numbers: 0,
            servers: HashMap::new(),
            server_keys: HashMap::new(),
            clients: BTreeMap::new(),
            client_keys: HashMap::new(),
            calls: BTreeMap::new(),
            dialogs: HashMap::new(),
            invites: HashSet::new(),
            links: BTreeMap::new(),
            left: BTreeMap::new(),
            gone: Gone::default(),
            timers: TimerQueue::default(),
            outputs: VecDeque::new(),
        }
    }

    /// Tells the agent something.
    pub(crate) fn handle(&mut self, now: MonoTime, input: Input<'_>) {
        match input {
            Input::Message { transport, source, trunk, message } => match message {
                Message::Request(request) => {
                    self.on_request(now, transport, source, trunk, &request);
                }
                Message::Response(response) => self.on_response(now, &response),
            },
            Input::Command(command) => self.on_command(now, command),
            Input::Unreachable(transport, peer) => self.on_unreachable(now, transport, peer),
            Input::EventsWaiting(waiting) => self.events_waiting = waiting,
            Input::Timeout => self.on_timeout(now),
        }
    }

    /// The next thing to do.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When the agent wants [`Input::Timeout`].
    pub(crate) fn next_timeout(&self) -> Option<MonoTime> {
        self.timers.next()
    }

    /// Calls, transactions, events.
    pub(crate) fn load(&self) -> Load {
        Load {
            calls: self.calls.len(),
            transactions: self.servers.len() + self.clients.len(),
            events_waiting: self.events_waiting,
        }
    }

    /// Requests of our calls that may still be answered.
    pub(crate) fn unanswered(&self) -> usize {
        let waits = |client: &&Client| {
            matches!(client.owner, Owner::Call(_)) && client.transaction.is_unanswered()
        };
        self.clients.values().filter(waits).count()
    }

    /// Every call and the address it is signalled with.
    pub(crate) fn peers(&self) -> Vec<(CallId, IpAddr)> {
        self.calls.iter().map(|(id, slot)| (*id, slot.call.peer().ip())).collect()
    }

    /// Timers pending.
    pub(crate) fn timers(&self) -> usize {
        self.timers.len()
    }

    /// Replaces what the trunks are believed and allowed, for calls from now on. Telephones that are on no
    /// list any more are registered no more.
    pub(crate) fn set_policies(&mut self, policies: Policies) {
        #[cfg(test)]
        assert!(!policies.knows("PANIC"), "a bug for the tests");
        self.registrar.keep_known(&policies);
        self.policies = policies;
    }

    /// Replaces what the trunks' calls may agree on, for calls from now on.
    pub(crate) fn set_terms(&mut self, terms: Vec<(String, MediaTerms)>) {
        self.terms.replace(terms);
    }

    /// Whether a call over `trunk` that is signalled over `transport` can be protected as it must be.
    pub(crate) fn can_protect(&self, trunk: &str, transport: TransportKind) -> bool {
        self.terms.can_be_met(trunk, transport)
    }

    /// Whether the terms of `trunk` have a codec for a call that is signalled over `transport`.
    pub(crate) fn has_codec(&self, trunk: &str, transport: TransportKind) -> bool {
        self.terms.has_codec(trunk, transport)
    }

    /// Who we are.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    fn on_timeout(&mut self, now: MonoTime) {
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::Server(id, tick) => self.on_server_tick(now, id, tick),
                Timer::Client(id, tick) => self.on_client_tick(now, id, tick),
                Timer::Route(index) => self.probe(now, index),
                Timer::Registration(index) => self.refresh(now, index),
                Timer::Call(call) => self.on_call_timer(now, call),
                Timer::Left(number) => self.forget_left(number),
            }
        }
    }

    fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn event(&mut self, event: BridgeEvent) {
        self.outputs.push_back(Output::Event(event, false));
    }
}

/// Splits the borrow: a call is driven while the agent's randomness is lent to it.
fn context(now: MonoTime, ids: &mut IdSource) -> Context<'_> {
    Context { now, ids }
}

/// The key of a dialog, seen from us.
fn dialog_key(call_id: &str, local_tag: &str) -> Box<str> {
    format!("{call_id}\n{local_tag}").into()
}
