//! The trunks' own addresses: whether they answer OPTIONS, and which of them to call through.

use core::net::SocketAddr;
use std::sync::Arc;

use media_core::MonoTime;

use super::{Agent, Owner, context};
use crate::call::{ALLOW_LINE, Dialog};
use crate::flow::Flow;
use crate::message::{Extra, Method, SipUri};
use crate::timers::Timer;

/// An address of a trunk that is asked.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub trunk: Arc<str>,
    pub target: SipUri,
    pub flow: Flow,
    /// Whether it answered the last time; `None` before the first answer or silence.
    pub up: Option<bool>,
}

/// How a trunk's address stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RouteState {
    /// The trunk.
    pub trunk: String,
    /// Its address.
    pub address: SocketAddr,
    /// Whether it answered the last OPTIONS; `None` until that is known.
    pub up: Option<bool>,
}

impl Agent {
    /// Asks every route, and goes on asking.
    pub(super) fn probe_all(&mut self, now: MonoTime) {
        for index in 0..self.routes.len() {
            self.probe(now, index);
        }
    }

    /// Asks a route whether it is there (RFC 3261 §11).
    pub(super) fn probe(&mut self, now: MonoTime, index: usize) {
        let Some(route) = self.routes.get(index) else { return };
        let identity = self.identity.clone();
        let from = format!("<sip:xenline@{}>", identity.address(route.flow.transport));
        let (target, flow) = (route.target.clone(), route.flow);
        let ids = context(now, &mut self.ids).ids;
        let mut outside = Dialog::calling(ids, &from, target, flow);
        let headers = format!("{}{ALLOW_LINE}", outside.contact_line(&identity));
        let extra = Extra { headers: &headers, body: None };
        let options = outside.request(&identity, ids, Method::Options, extra);
        self.begin_client(now, options, Owner::Route(index));
    }

    /// What came back from a route: a status, or nothing.
    pub(super) fn on_probed(&mut self, now: MonoTime, index: usize, status: Option<u16>) {
        if status.is_some_and(|status| status < 200) {
            return;
        }
        self.timers.start(now + self.probe_every, Timer::Route(index));
        let Some(route) = self.routes.get_mut(index) else { return };
        // Whatever else it says, it is there.
        let up = status.is_some_and(|status| !matches!(status, 408 | 503));
        if route.up.replace(up) == Some(up) {
            return;
        }
        let (trunk, address) = (&*route.trunk, route.flow.peer);
        match up {
            true => tracing::info!(trunk, %address, "route up"),
            false => tracing::warn!(
                trunk, %address, status,
                "route down: the trunk's address does not answer OPTIONS; calls out take another one"
            ),
        }
    }

    /// How the routes stand, in the order of the configuration.
    pub(crate) fn routes(&self) -> Vec<RouteState> {
        let state = |route: &Route| RouteState {
            trunk: route.trunk.to_string(),
            address: route.flow.peer,
            up: route.up,
        };
        self.routes.iter().map(state).collect()
    }

    /// Where whoever `target` names is reached on its trunk: where that telephone registered, or over
    /// the trunk's own addresses, with the target as it is written.
    pub(crate) fn ways_to(
        &self,
        now: MonoTime,
        trunk: &str,
        user: &str,
    ) -> Vec<(Option<SipUri>, Flow)> {
        let phones = self.registrar.ways(now, trunk, user);
        let phones: Vec<_> = phones.into_iter().map(|(at, flow)| (Some(at), flow)).collect();
        match phones.is_empty() {
            true => self.ways_out(trunk).into_iter().map(|flow| (None, flow)).collect(),
            false => phones,
        }
    }

    /// Telephones that are registered.
    pub(crate) fn registered(&self, now: MonoTime) -> usize {
        self.registrar.registered(now)
    }

    /// The ways out through `trunk`, the best first: addresses that are up, then those of which that
    /// is not known, then those that are down; each in the order of the configuration.
    pub(crate) fn ways_out(&self, trunk: &str) -> Vec<Flow> {
        let rank = |route: &&Route| match route.up {
            Some(true) => 0,
            None => 1,
            Some(false) => 2,
        };
        let of_trunk = self.routes.iter().filter(|route| *route.trunk == *trunk);
        let mut ways: Vec<&Route> = of_trunk.collect();
        ways.sort_by_key(rank);
        ways.into_iter().map(|route| route.flow).take(WAYS_MAX).collect()
    }
}

/// Addresses that one call is tried over: a carrier has two.
const WAYS_MAX: usize = 4;
