//! The core behind one lock, and what comes out of it on its way to sockets and events.

use core::net::{IpAddr, SocketAddr};
use core::panic::AssertUnwindSafe;
use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use bytes::Bytes;
use media_core::MonoTime;
use tokio::sync::{Notify, mpsc, watch};

use super::clock::Clock;
use super::connections::Connections;
use super::pace::Pace;
use super::tls::Tls;
use crate::agent::{Agent, Input, Output};
use crate::event::BridgeEvent;
use crate::flow::Flow;
use crate::gate::{Admitted, Gate};
use crate::message::TransportKind;

/// What the tasks of a bridge and its handle share.
///
/// Whoever has something for the agent takes the lock, drives it and carries out what it asks for
/// before letting go: answers leave in the order in which they were decided, and a command of the
/// line is on the wire when its method returns. Nothing inside the lock waits: datagrams that the
/// socket does not take are dropped (SIP repeats them), streams have bounded queues, events a
/// backlog.
pub(super) struct Shared {
    pub clock: Clock,
    core: Mutex<Core>,
    gate: RwLock<Gate>,
    udp: Option<std::net::UdpSocket>,
    pub connections: Connections,
    pub pace: Pace,
    pub tls: Option<Tls>,
    events: mpsc::Sender<BridgeEvent>,
    /// The timer task has to look again.
    pub timer_wake: Notify,
    /// The event task has to look again.
    pub event_wake: Notify,
    pub stop: watch::Receiver<()>,
    pub runtime: tokio::runtime::Handle,
    /// Datagrams and connections from addresses that no trunk lists.
    pub foreign: AtomicU64,
    /// Datagrams and connections that came faster than any honest load.
    pub throttled: AtomicU64,
    pub dropped: AtomicU64,
    /// Bugs of ours that were contained.
    pub panics: AtomicU64,
}

struct Core {
    agent: Agent,
    /// Events that the channel did not take yet, in order.
    backlog: VecDeque<BridgeEvent>,
    /// What the timer task sleeps until.
    alarm: Option<MonoTime>,
}

/// What a [`Shared`] is made from.
pub(super) struct Parts {
    pub clock: Clock,
    pub agent: Agent,
    pub gate: Gate,
    pub udp: Option<std::net::UdpSocket>,
    pub tls: Option<Tls>,
    pub events: mpsc::Sender<BridgeEvent>,
    pub stop: watch::Receiver<()>,
}

impl Shared {
    pub(super) fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            clock: parts.clock,
            core: Mutex::new(Core { agent: parts.agent, backlog: VecDeque::new(), alarm: None }),
            gate: RwLock::new(parts.gate),
            udp: parts.udp,
            connections: Connections::default(),
            pace: Pace::default(),
            tls: parts.tls,
            events: parts.events,
            timer_wake: Notify::new(),
            event_wake: Notify::new(),
            stop: parts.stop,
            runtime: tokio::runtime::Handle::current(),
            foreign: AtomicU64::new(0),
            throttled: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            panics: AtomicU64::new(0),
        })
    }

    /// Tells the agent something, and does what it asks for.
    pub(super) fn handle(self: &Arc<Self>, input: Input<'_>) {
        self.contained(|| self.drive(|agent, now| agent.handle(now, input)));
    }

    /// Does `work`, and outlives it where it ends in a panic (`None`): one message, timer or command of
    /// one call is lost then, and whoever sent it gets no answer. Listener, timers and the other calls
    /// go on.
    pub(super) fn contained<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        // What the work left half done is a call's own: everything else is put in place in one step.
        let done = std::panic::catch_unwind(AssertUnwindSafe(work)).ok();
        if done.is_none() {
            self.panics.fetch_add(1, Ordering::Relaxed);
            tracing::error!(
                "a bug in SIP signalling was contained; the other calls go on. Please report the panic above"
            );
            self.timer_wake.notify_one(); // The alarm may not have been set.
        }
        done
    }

    /// Drives the agent, and does what it asks for.
    pub(super) fn drive<T>(self: &Arc<Self>, work: impl FnOnce(&mut Agent, MonoTime) -> T) -> T {
        let mut core = self.lock();
        let now = self.clock.now();
        let result = work(&mut core.agent, now);
        while let Some(output) = core.agent.poll_output() {
            match output {
                Output::Send { flow, bytes } => self.send(flow, bytes),
                Output::Event(event, droppable) => self.tell(&mut core, now, event, droppable),
            }
        }
        let waiting = core.backlog.len();
        core.agent.handle(now, Input::EventsWaiting(waiting));
        let next = core.agent.next_timeout();
        if next.is_some_and(|next| core.alarm.is_none_or(|alarm| next < alarm)) {
            core.alarm = next;
            self.timer_wake.notify_one();
        }
        result
    }

    /// Looks at the agent without driving it.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Agent, usize) -> T) -> T {
        let core = self.lock();
        look(&core.agent, core.backlog.len())
    }

    /// When the timer task has to wake the agent. Whatever comes earlier from now on wakes the task.
    pub(super) fn set_alarm(&self) -> Option<MonoTime> {
        let mut core = self.lock();
        core.alarm = core.agent.next_timeout();
        core.alarm
    }

    /// The oldest event of the backlog goes through `permit`.
    pub(super) fn flush_one(&self, permit: mpsc::Permit<'_, BridgeEvent>) {
        let mut core = self.lock();
        if let Some(event) = core.backlog.pop_front() {
            permit.send(event);
        }
        let waiting = core.backlog.len();
        let now = self.clock.now();
        core.agent.handle(now, Input::EventsWaiting(waiting));
    }

    pub(super) fn has_backlog(&self) -> bool {
        !self.lock().backlog.is_empty()
    }

    pub(super) fn events(&self) -> &mpsc::Sender<BridgeEvent> {
        &self.events
    }

    /// Whether `source` may be heard. Before anything of it is read.
    pub(super) fn admit(&self, source: IpAddr) -> Option<Admitted> {
        let admitted = self.gate().admit(self.clock.now(), source);
        if admitted.is_none() {
            self.foreign.fetch_add(1, Ordering::Relaxed);
        }
        admitted
    }

    pub(super) fn gate(&self) -> std::sync::RwLockReadGuard<'_, Gate> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn gate_mut(&self) -> std::sync::RwLockWriteGuard<'_, Gate> {
        self.gate.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        // A panic in the agent is our own bug, and contained: the other calls go on.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(self: &Arc<Self>, flow: Flow, bytes: Bytes) {
        match flow.transport {
            TransportKind::Udp => self.send_datagram(flow.peer, &bytes),
            TransportKind::Tcp | TransportKind::Tls => Connections::send(self, flow, bytes),
        }
    }

    fn send_datagram(&self, peer: SocketAddr, bytes: &[u8]) {
        let Some(socket) = &self.udp else { return };
        if let Err(error) = socket.send_to(bytes, peer) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(%error, "datagram not sent; SIP will repeat it");
        }
    }

    fn tell(&self, core: &mut Core, now: MonoTime, mut event: BridgeEvent, droppable: bool) {
        match &mut event {
            BridgeEvent::Ended { call, cdr, .. } => {
                cdr.started_unix_ms = Clock::unix_ms().saturating_sub(cdr.end_ms);
                self.gate_mut().leave(now, *call);
            }
            BridgeEvent::Refused { cdr } => cdr.started_unix_ms = Clock::unix_ms(),
            _ => {}
        }
        if core.backlog.is_empty() {
            match self.events.try_send(event) {
                Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => return,
                Err(mpsc::error::TrySendError::Full(back)) => event = back,
            }
        }
        // Bounded: admission stops at EVENTS_WAITING_MAX, a call has few events that must not be
        // dropped, and those that may be are dropped here.
        if droppable && core.backlog.len() >= crate::admission::EVENTS_WAITING_MAX {
            return;
        }
        core.backlog.push_back(event);
        self.event_wake.notify_one();
    }
}
