//! Where telephones of ours register (RFC 3261 §10.3), and how they prove who they are.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use media_core::MonoTime;

use crate::digest::{NonceVerdict, Nonces};
use crate::flow::Flow;
use crate::message::{Request, SipUri};
use crate::policy::{Phones, Policies};

/// Where telephones are at present.
#[derive(Debug)]
pub(super) struct Registrar {
    nonces: Nonces,
    /// By trunk and user; the newest last.
    bindings: BTreeMap<(String, String), Vec<Binding>>,
    /// Proofs that did not hold, lately: from where, and for whom, where there is such a user. A telephone
    /// with an old secret does not lock out the one beside it.
    failures: VecDeque<(MonoTime, IpAddr, Option<String>)>,
}

/// One place where a user is reached.
#[derive(Clone, Debug)]
struct Binding {
    contact: SipUri,
    flow: Flow,
    until: MonoTime,
    call_id: String,
    cseq: u32,
}

/// Whether a telephone is who it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// This user.
    Known(String),
    /// To be asked (401), with these header lines.
    Ask(String),
    /// It guesses: nothing is said to it for a while.
    Silence,
}

/// Where a request came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visitor<'a> {
    pub now: MonoTime,
    pub trunk: &'a str,
    pub source: IpAddr,
    pub flow: Flow,
}

impl Registrar {
    pub fn new(key: [u8; 32]) -> Self {
        Self { nonces: Nonces::new(key), bindings: BTreeMap::new(), failures: VecDeque::new() }
    }

    /// Who sent `request`, as far as it proves it.
    pub fn know(&mut self, visitor: Visitor<'_>, phones: &Phones, request: &Request) -> Verdict {
        let Visitor { now, source, .. } = visitor;
        let source = source.to_canonical();
        self.failures.retain(|(at, ..)| now.since(*at) < FAILURES_WITHIN);
        let proof = request.head.auth.as_deref().and_then(|auth| auth.proof.as_ref());
        let Some(proof) = proof else {
            return match self.failed(source).count() >= FAILURES_ALL_MAX {
                true => Verdict::Silence,
                false => Verdict::Ask(self.challenge(now, source, phones, false)),
            };
        };
        let user = phones.users.iter().find(|it| it.user == proof.user);
        let name = user.map(|it| it.user.clone());
        let so_often = self.failed(source).filter(|whose| **whose == name).count();
        if so_often >= FAILURES_MAX || self.failed(source).count() >= FAILURES_ALL_MAX {
            return Verdict::Silence;
        }
        // Who cannot have read a nonce of ours may have written somebody else's address: nothing is
        // judged, and nobody is locked out for it.
        if !self.nonces.is_for(source, &proof.nonce) {
            return Verdict::Ask(self.challenge(now, source, phones, true));
        }
        // A user that is not there costs as long as one that is.
        let nobody = crate::digest::Credentials { user: String::new(), secret: String::new() };
        let about = (request.method.name(), request.uri.as_str());
        let known = user.is_some() && phones.digests.contains(&proof.algorithm);
        let holds = proof.holds(user.unwrap_or(&nobody), &phones.realm, about) && known;
        if !holds {
            if self.failures.len() >= FAILURES_KEPT_MAX {
                self.failures.pop_front();
            }
            self.failures.push_back((now, source, name));
            return Verdict::Ask(self.challenge(now, source, phones, false));
        }
        // Only a proof that holds may use a nonce up.
        match self.nonces.take(now, source, &proof.nonce, proof.count) {
            NonceVerdict::Good => Verdict::Known(proof.user.clone()),
            NonceVerdict::Stale | NonceVerdict::Foreign => {
                Verdict::Ask(self.challenge(now, source, phones, true))
            }
        }
    }

    fn failed(&self, source: IpAddr) -> impl Iterator<Item = &Option<String>> {
        self.failures.iter().filter(move |(_, who, _)| *who == source).map(|(.., whose)| whose)
    }

    fn challenge(&self, now: MonoTime, source: IpAddr, phones: &Phones, stale: bool) -> String {
        let nonce = self.nonces.make(now, source);
        let stale = if stale { ", stale=true" } else { "" };
        let one = |algorithm: &str| {
            let realm = &phones.realm;
            format!(
                "WWW-Authenticate: Digest realm=\"{realm}\", nonce=\"{nonce}\", qop=\"auth\", algorithm={algorithm}{stale}\r\n"
            )
        };
        // The preferred first: a telephone takes the first that it knows (RFC 8760 §2.3).
        phones.digests.iter().map(|digest| one(digest.name())).collect()
    }

    /// Does what a REGISTER of `user` asks for: the status, and the header lines of the answer.
    pub fn register(
        &mut self,
        visitor: Visitor<'_>,
        user: &str,
        request: &Request,
    ) -> (u16, String) {
        let Visitor { now, trunk, flow, .. } = visitor;
        let head = &request.head;
        let said = head.auth.as_deref().cloned().unwrap_or_default();
        // Nobody registers somebody else.
        if head.to.user != user {
            return (403, String::new());
        }
        let asked = |own: Option<u32>| own.or(said.expires_s).unwrap_or(EXPIRES_DEFAULT_S);
        let too_short = |seconds: u32| (1..EXPIRES_MIN_S).contains(&seconds);
        if said.contacts.iter().any(|(_, own)| too_short(asked(*own))) {
            return (423, format!("Min-Expires: {EXPIRES_MIN_S}\r\n"));
        }
        if said.every_contact && (said.expires_s != Some(0) || !said.contacts.is_empty()) {
            return (400, String::new());
        }
        let key = (trunk.to_owned(), user.to_owned());
        let mut bindings = self.bindings.remove(&key).unwrap_or_default();
        bindings.retain(|binding| now < binding.until);
        // One that was overtaken on the way undoes nothing (§10.3, step 7).
        let (call_id, cseq) = (&head.call_id, head.cseq.number);
        let overtaken = |it: &Binding| it.call_id == *call_id && cseq <= it.cseq;
        if bindings.iter().any(overtaken) {
            self.bindings.insert(key, bindings);
            return (500, String::new());
        }
        if said.every_contact {
            bindings.clear();
        }
        for (contact, own) in said.contacts {
            bindings.retain(|binding| binding.contact.text != contact.text);
            let seconds = asked(own).min(EXPIRES_MAX_S);
            if seconds == 0 {
                continue;
            }
            if bindings.len() >= BINDINGS_MAX {
                bindings.remove(0);
            }
            let until = now + Duration::from_secs(seconds.into());
            bindings.push(Binding { contact, flow, until, call_id: call_id.clone(), cseq });
        }
        let mut lines = String::new();
        for binding in &bindings {
            let seconds = binding.until.since(now).as_secs();
            lines.push_str(&format!("Contact: <{}>;expires={seconds}\r\n", binding.contact.text));
        }
        if !bindings.is_empty() {
            self.bindings.insert(key, bindings);
        }
        (200, lines)
    }

    /// Where `user` of `trunk` is reached, the place that came last first. Always at the address that it
    /// registered from: what its contact says may be meant for another network.
    pub fn ways(&self, now: MonoTime, trunk: &str, user: &str) -> Vec<(SipUri, Flow)> {
        let key = (trunk.to_owned(), user.to_owned());
        let bindings = self.bindings.get(&key).into_iter().flatten().rev();
        bindings.filter(|it| now < it.until).map(|it| (it.contact.clone(), it.flow)).collect()
    }

    /// Forgets the telephones that `policies` know no more.
    pub fn keep_known(&mut self, policies: &Policies) {
        self.bindings.retain(|(trunk, user), _| {
            let phones = policies.of(trunk).phones.as_ref();
            phones.is_some_and(|phones| phones.users.iter().any(|it| it.user == *user))
        });
    }

    /// Telephones that are registered.
    pub fn registered(&self, now: MonoTime) -> usize {
        let held = |bindings: &&Vec<Binding>| bindings.iter().any(|it| now < it.until);
        self.bindings.values().filter(held).count()
    }
}

/// A person has a telephone on the desk, one in the pocket, and an old one.
const BINDINGS_MAX: usize = 4;
const EXPIRES_DEFAULT_S: u32 = 3_600;
const EXPIRES_MIN_S: u32 = 60;
const EXPIRES_MAX_S: u32 = 7_200;
/// Nobody types a secret wrong more often; who does is not told any more whether it was right.
const FAILURES_MAX: usize = 10;
/// For all users together from one address, which a household shares.
const FAILURES_ALL_MAX: usize = 60;
const FAILURES_WITHIN: Duration = Duration::from_secs(60);
/// All that are remembered.
const FAILURES_KEPT_MAX: usize = 1_024;
