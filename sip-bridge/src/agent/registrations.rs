//! Our own registrations with an exchange that wants one (RFC 3261 §10.2): kept up, given up at the
//! end.

use core::net::SocketAddr;
use core::time::Duration;

use media_core::MonoTime;

use super::{Agent, Owner};
use crate::call::Dialog;
use crate::digest::{Challenge, Credentials, strongest};
use crate::flow::Flow;
use crate::message::{Extra, Method, Response, SipUri};
use crate::timers::Timer;

/// A registration of ours.
#[derive(Debug)]
pub(crate) struct Registration {
    pub name: String,
    /// Our address there.
    pub address: SipUri,
    pub credentials: Credentials,
    /// For how long we ask.
    pub expires: Duration,
    dialog: Dialog,
    challenge: Option<Challenge>,
    /// Challenges met in a row without success: one more than a stale nonce explains is a wrong secret.
    tries: u32,
    failures: u32,
    /// Until when it holds.
    until: Option<MonoTime>,
    last_status: Option<u16>,
    /// What the exchange's certificate has to say.
    tls_name: Option<String>,
}

/// How a registration of ours stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegistrationState {
    /// Its name in the configuration.
    pub name: String,
    /// Whether it holds at present.
    pub up: bool,
    /// The last final status; `None` before the first, and after silence.
    pub last_status: Option<u16>,
}

impl Agent {
    /// Takes registrations on. They begin with the first probe.
    pub(crate) fn add_registration(
        &mut self,
        (name, address, registrar): (String, SipUri, SipUri),
        (credentials, expires, flow): (Credentials, Duration, Flow),
    ) {
        let from = format!("<{}>", address.text);
        let mut dialog = Dialog::calling(&mut self.ids, &from, registrar, flow);
        dialog.address(&from);
        let (challenge, until, last_status) = (None, None, None);
        self.registrations.push(Registration {
            name,
            address,
            credentials,
            expires,
            dialog,
            challenge,
            tries: 0,
            failures: 0,
            until,
            last_status,
            tls_name: None,
        });
    }

    /// The exchange that was added last has this name in its certificate.
    pub(crate) fn last_exchange_is(&mut self, tls_name: Option<String>) {
        if let Some(registration) = self.registrations.last_mut() {
            registration.tls_name = tls_name;
        }
    }

    /// What the certificate of whoever is at `peer`, of `trunk`, has to say, if that is known.
    pub(crate) fn tls_name(&self, trunk: Option<&str>, peer: SocketAddr) -> Option<&str> {
        let exchange = self.registrations.iter().filter(|it| it.dialog.peer() == peer);
        let exchange = exchange.filter_map(|it| it.tls_name.as_deref()).next();
        exchange.or_else(|| self.policies.of(trunk?).tls_name.as_deref())
    }

    /// With what we prove who we are to an exchange that we register with, where a call goes there.
    pub(super) fn registered_with(&self, flow: &Flow) -> Option<Credentials> {
        let there = |it: &&Registration| it.dialog.peer().ip() == flow.peer.ip();
        self.registrations.iter().find(there).map(|it| it.credentials.clone())
    }

    pub(super) fn register_all(&mut self, now: MonoTime) {
        (0..self.registrations.len()).for_each(|index| self.register(now, index));
    }

    /// Gives all of them up, without waiting for an answer.
    pub(super) fn unregister_all(&mut self, now: MonoTime) {
        for registration in &mut self.registrations {
            registration.expires = Duration::ZERO;
        }
        self.register_all(now);
    }

    /// The time has come to ask again, unless it is being given up.
    pub(super) fn refresh(&mut self, now: MonoTime, index: usize) {
        if self.registrations.get(index).is_some_and(|it| !it.expires.is_zero()) {
            self.register(now, index);
        }
    }

    /// Asks for one, or for its refresh.
    pub(super) fn register(&mut self, now: MonoTime, index: usize) {
        let identity = self.identity.clone();
        let Some(it) = self.registrations.get_mut(index) else { return };
        let mut headers = it.dialog.contact_of(&identity, &it.address.user);
        headers.push_str(&format!("Expires: {}\r\n", it.expires.as_secs()));
        if let Some(challenge) = &mut it.challenge {
            let own = self.ids.word();
            let about = (Method::Register.name(), it.dialog.target_text());
            headers.push_str(&challenge.meet(&it.credentials, about, &own));
        }
        let extra = Extra { headers: &headers, body: None };
        let register = it.dialog.request(&identity, &mut self.ids, Method::Register, extra);
        self.begin_client(now, register, Owner::Registration(index));
    }

    /// What came back: a response, or nothing.
    pub(super) fn on_registered(
        &mut self,
        now: MonoTime,
        index: usize,
        response: Option<&Response>,
    ) {
        let status = response.map(|response| response.status);
        if status.is_some_and(|status| status < 200) {
            return;
        }
        let Some(it) = self.registrations.get_mut(index) else { return };
        let was_up = it.until.is_some_and(|until| now < until);
        it.last_status = status;
        match (status, response) {
            (Some(200..300), Some(response)) => {
                (it.tries, it.failures) = (0, 0);
                let granted = granted(response, it.expires);
                it.until = Some(now + granted);
                if it.expires.is_zero() {
                    it.until = None;
                    return;
                }
                if !was_up {
                    tracing::info!(
                        registration = it.name,
                        seconds = granted.as_secs(),
                        "registered"
                    );
                }
                // Well before the end: one lost answer does no harm.
                let again = (granted * 4 / 5).max(REFRESH_MIN);
                self.timers.start(now + again, Timer::Registration(index));
            }
            (Some(401 | 407), Some(response)) if it.tries < TRIES_MAX => {
                it.tries += 1;
                let challenges = response.head.auth.as_deref().map(|auth| &auth.challenges[..]);
                it.challenge = strongest(challenges.unwrap_or_default(), status == Some(407));
                match it.challenge {
                    Some(_) => self.register(now, index),
                    None => self.registration_failed(now, index),
                }
            }
            (Some(423), Some(response)) if it.expires < MIN_EXPIRES_MAX => {
                let min = response.head.auth.as_deref().and_then(|auth| auth.expires_min_s);
                let min = Duration::from_secs(min.unwrap_or_default().into()).min(MIN_EXPIRES_MAX);
                let longer = min > it.expires;
                it.expires = it.expires.max(min);
                match longer {
                    true => self.register(now, index),
                    false => self.registration_failed(now, index),
                }
            }
            _ => self.registration_failed(now, index),
        }
    }

    /// Tries again later, and later still: an exchange that is down is not helped by being asked.
    fn registration_failed(&mut self, now: MonoTime, index: usize) {
        let share = self.ids.below(1_000);
        let Some(it) = self.registrations.get_mut(index) else { return };
        (it.challenge, it.tries) = (None, 0);
        if it.expires.is_zero() {
            return; // It was being given up.
        }
        it.failures = it.failures.saturating_add(1);
        let wait = (RETRY_MIN * (1 << it.failures.min(7).saturating_sub(1))).min(RETRY_MAX);
        // Not all at once with everybody else whom it lost (RFC 5626 §4.5).
        let wait = wait / 2 + wait / 2 * u32::try_from(share).unwrap_or_default() / 1_000;
        tracing::warn!(
            registration = it.name,
            status = it.last_status,
            seconds = wait.as_secs(),
            "not registered; trying again later. 401 and 407 mean the wrong user or secret"
        );
        self.timers.start(now + wait, Timer::Registration(index));
    }

    /// How they stand.
    pub(crate) fn registrations(&self, now: MonoTime) -> Vec<RegistrationState> {
        let state = |it: &Registration| RegistrationState {
            name: it.name.clone(),
            up: it.until.is_some_and(|until| now < until),
            last_status: it.last_status,
        };
        self.registrations.iter().map(state).collect()
    }
}

/// For how long the exchange keeps us: what it says of our contact, or of all, or what we asked for.
fn granted(response: &Response, asked: Duration) -> Duration {
    let auth = response.head.auth.as_deref();
    let own = auth.and_then(|auth| auth.contacts.iter().filter_map(|(_, expires)| *expires).min());
    let seconds = own.or(auth.and_then(|auth| auth.expires_s));
    seconds.map_or(asked, |seconds| Duration::from_secs(seconds.into())).min(EXPIRES_MAX)
}

/// A first challenge, and one more whose nonce was too old.
const TRIES_MAX: u32 = 2;
/// No exchange is asked more often, whatever it grants.
const REFRESH_MIN: Duration = Duration::from_secs(10);
/// First wait after a failure; doubled with each, up to the last.
const RETRY_MIN: Duration = Duration::from_secs(30);
const RETRY_MAX: Duration = Duration::from_secs(1_800);
/// Longest that an exchange may insist on, or grant.
const MIN_EXPIRES_MAX: Duration = Duration::from_secs(7_200);
const EXPIRES_MAX: Duration = Duration::from_secs(86_400);
