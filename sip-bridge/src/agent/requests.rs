use core::net::SocketAddr;

use bytes::Bytes;
use media_core::MonoTime;

use super::{Agent, Link, Output, Slot, context, dialog_key};
use crate::admission::{AdmissionError, Attempt, TRANSACTIONS_MAX};
use crate::call::{ALLOW_LINE, Call, CallInput, Incoming, Refusal, caller_of, unsupported};
use crate::caller::CallerIdentity;
use crate::event::{BridgeEvent, CallId};
use crate::flow::Flow;
use crate::message::{Extra, Method, Request, ResponseSeed, TransportKind};
use crate::pii::Pii;
use crate::stack;
use crate::transaction::server_key;

/// Where a request came from and what it belongs to.
pub(super) struct Arrival<'a> {
    pub now: MonoTime,
    pub source: SocketAddr,
    pub flow: Flow,
    pub trunk: Option<&'a str>,
    pub request: &'a Request,
}

impl Agent {
    pub(super) fn on_request(
        &mut self,
        now: MonoTime,
        transport: TransportKind,
        source: SocketAddr,
        trunk: Option<&str>,
        request: &Request,
    ) {
        #[cfg(test)]
        assert_ne!(request.head.foreign_method.as_deref(), Some("PANIC"), "a bug for the tests");
        let flow = response_flow(transport, source, request);
        let arrival = Arrival { now, source, flow, trunk, request };
        if request.method == Method::Ack {
            return self.on_ack(&arrival);
        }
        let key = server_key(request, request.method);
        if let Some(id) = self.server_keys.get(&key).copied() {
            if let Some(server) = self.servers.get(&id) {
                let step = server.transaction.on_retransmission();
                self.step_server(now, id, step);
            }
            return;
        }
        if let Some(header) = request.head.unreadable {
            let status = if header == stack::FOREIGN_SCHEME { 416 } else { 400 };
            return self.refuse(&arrival, key, status, &format!("Unreadable {header}"), "");
        }
        let unknown = unsupported(request);
        let outside = request.method != Method::Cancel && request.head.to.tag.is_empty();
        if outside && !unknown.is_empty() {
            let unsupported = format!("Unsupported: {unknown}\r\n");
            return self.refuse(&arrival, key, 420, "requires an extension", &unsupported);
        }
        match request.method {
            Method::Cancel => self.on_cancel(&arrival, key),
            _ if !request.head.to.tag.is_empty() => self.on_in_dialog(&arrival, key),
            Method::Invite => self.on_invite(&arrival, key),
            Method::Options => {
                let extra = format!("{ALLOW_LINE}Accept: application/sdp\r\n");
                self.answer_outside(&arrival, key, 200, &extra);
            }
            Method::Register => self.on_register(&arrival, key),
            // Nobody outside a call has one to transfer.
            Method::Refer => self.answer_outside(&arrival, key, 603, ""),
            Method::Bye | Method::Info | Method::Update | Method::Prack | Method::Notify => {
                self.answer_outside(&arrival, key, 481, "")
            }
            _ => self.answer_outside(&arrival, key, 405, ALLOW_LINE),
        }
    }

    /// Answers a request that belongs to no call. Peers that no trunk lists get no answer: we
    /// dialled them, they may answer us, no more.
    pub(super) fn answer_outside(
        &mut self,
        arrival: &Arrival<'_>,
        key: Box<str>,
        status: u16,
        extra: &str,
    ) {
        if arrival.trunk.is_none() {
            return;
        }
        let kept = self.load().transactions < KEPT_OUTSIDE_MAX;
        if !kept || is_judged_anew(arrival.request, status) {
            return self.answer_once(arrival, status, extra);
        }
        let is_invite = arrival.request.method == Method::Invite;
        let id = self.begin_server(key, is_invite, arrival.flow);
        self.answer_in(arrival, id, status, extra);
    }

    /// Answers without keeping the transaction (RFC 3261 §8.2.7): a repetition is answered again.
    fn answer_once(&mut self, arrival: &Arrival<'_>, status: u16, extra: &str) {
        let bytes = self.write_answer(arrival, status, extra);
        self.outputs.push_back(Output::Send { flow: arrival.flow, bytes });
    }

    fn answer_in(&mut self, arrival: &Arrival<'_>, id: u64, status: u16, extra: &str) {
        let bytes = self.write_answer(arrival, status, extra);
        self.respond(arrival.now, id, status, bytes);
    }

    fn write_answer(&self, arrival: &Arrival<'_>, status: u16, extra: &str) -> Bytes {
        let seed = ResponseSeed::new(arrival.request, arrival.source);
        let tag = self.tags.of(&arrival.request.head);
        seed.write(status, &tag, Extra { headers: extra, body: None })
    }

    /// Answers, and records the attempt if it was a call.
    fn refuse(
        &mut self,
        arrival: &Arrival<'_>,
        key: Box<str>,
        status: u16,
        why: &str,
        extra: &str,
    ) {
        self.answer_outside(arrival, key, status, extra);
        self.record_refusal(arrival, status, why);
    }

    fn on_ack(&mut self, arrival: &Arrival<'_>) {
        let request = arrival.request;
        let id = self.server_keys.get(&server_key(request, Method::Ack)).copied();
        if let Some(server) = id.and_then(|id| self.servers.get_mut(&id)) {
            let step = server.transaction.on_ack();
            self.step_server(arrival.now, id.unwrap_or_default(), step);
        }
        if let Some(call) = self.dialog_of(request) {
            self.drive(arrival.now, call, CallInput::Ack(request));
        }
    }

    /// CANCEL (RFC 3261 §9.2): answered by itself; ends the INVITE if that is not answered.
    fn on_cancel(&mut self, arrival: &Arrival<'_>, key: Box<str>) {
        let invite = self.server_keys.get(&server_key(arrival.request, Method::Invite));
        let Some(invite) = invite.and_then(|id| self.servers.get(id)) else {
            return self.answer_outside(arrival, key, 481, "");
        };
        let call = invite.call.filter(|_| !invite.transaction.is_answered());
        // The 200 has the tag of the INVITE's response (§9.2).
        let slot = call.and_then(|id| self.calls.get(&id));
        let tag = slot.map(|slot| Box::<str>::from(slot.call.dialog_key().1));
        let tag = tag.unwrap_or_else(|| self.tags.of(&arrival.request.head));
        let seed = ResponseSeed::new(arrival.request, arrival.source);
        let bytes = seed.write(200, &tag, Extra::default());
        let id = self.begin_server(key, false, arrival.flow);
        self.respond(arrival.now, id, 200, bytes);
        if let Some(call) = call {
            self.drive(arrival.now, call, CallInput::Cancelled(arrival.request));
        }
    }

    fn on_in_dialog(&mut self, arrival: &Arrival<'_>, key: Box<str>) {
        let Some(call) = self.dialog_of(arrival.request) else {
            return self.answer_outside(arrival, key, 481, "");
        };
        // One call's peer fills the memory no more than anybody else. An end is always heard.
        if arrival.request.method != Method::Bye {
            if self.load().transactions >= KEPT_INSIDE_MAX {
                return self.answer_outside(arrival, key, 503, "");
            }
            let slot = self.calls.get_mut(&call);
            if slot.is_some_and(|slot| !slot.pace.take(arrival.now)) {
                return self.answer_once(arrival, 500, "Retry-After: 1\r\n");
            }
        }
        let is_invite = arrival.request.method == Method::Invite;
        let transaction = self.begin_server(key, is_invite, arrival.flow);
        let (request, flow) = (arrival.request, arrival.flow);
        self.drive(arrival.now, call, CallInput::Request { transaction, request, flow });
    }

    fn dialog_of(&self, request: &Request) -> Option<CallId> {
        let head = &request.head;
        let call = *self.dialogs.get(&dialog_key(&head.call_id, &head.to.tag))?;
        let slot = self.calls.get(&call)?;
        slot.call.is_or_may_be_with(&head.from.tag).then_some(call)
    }

    fn on_invite(&mut self, arrival: &Arrival<'_>, key: Box<str>) {
        let (now, request) = (arrival.now, arrival.request);
        let Some(trunk) = arrival.trunk else { return };
        if !self.policies.knows(trunk) {
            return self.refuse(arrival, key, 403, "its trunk is not on the list any more", "");
        }
        let policy = self.policies.of(trunk).clone();
        let user = match self.known(arrival, trunk, &policy) {
            Ok(user) => user,
            Err(challenge) => {
                if let Some(lines) = challenge {
                    self.answer_outside(arrival, key, 401, &lines);
                }
                return;
            }
        };
        if request.head.extensions.refuses_sdp {
            return self.refuse(arrival, key, 406, "accepts no SDP", "");
        }
        let merge_key = merge_key(request);
        if self.invites.contains(&merge_key) {
            return self.refuse(arrival, key, 482, "merged request", "");
        }
        let replaced = match self.replaced(now, trunk, request) {
            Ok(replaced) => replaced,
            Err(status) => {
                return self.refuse(arrival, key, status, "replaces nothing of ours", "");
            }
        };
        // What takes a call's place is meant for that call, whose contact is no number.
        let unwanted = || self.unwanted(arrival, &policy, user.as_deref());
        if let Some((status, why)) = replaced.is_none().then(unwanted).flatten() {
            return self.refuse(arrival, key, status, why, "");
        }
        let admitted = self.admit_incoming(now, trunk, request, replaced.is_some());
        if let Err(error) = admitted {
            let retry = if error.status() == 503 { "Retry-After: 30\r\n" } else { "" };
            return self.refuse(arrival, key, error.status(), &error.to_string(), retry);
        }
        let transaction = self.begin_server(key, true, arrival.flow);
        let call_id = CallId(self.next_number());
        let incoming = Incoming {
            call: call_id,
            identity: self.identity.clone(),
            terms: self.terms.of(trunk, arrival.flow.transport, &mut self.ids),
            ring_max: self.ring_max,
            trunk,
            policy: &policy,
            user: user.as_deref(),
            replaces: replaced.is_some(),
            transaction,
            request,
            source: arrival.source,
            flow: arrival.flow,
        };
        match Call::incoming(&mut context(now, &mut self.ids), incoming) {
            Ok(call) => {
                if let Some(server) = self.servers.get_mut(&transaction) {
                    server.call = Some(call_id);
                }
                match replaced {
                    Some(from) => self.take_over(now, call_id, call, (merge_key, from)),
                    None => self.admit_call(now, call_id, call, merge_key, trunk),
                }
            }
            Err(Refusal { status, why }) => {
                let min_se = if status == 422 { "Min-SE: 90\r\n" } else { "" };
                let warning = format!("Warning: 399 xenline \"{why}\"\r\n{min_se}");
                self.answer_in(arrival, transaction, status, &warning);
                self.record_refusal(arrival, status, &why);
            }
        }
    }

    /// A call that replaces another one: answered at once, where the line has its RTP.
    fn take_over(
        &mut self,
        now: MonoTime,
        id: CallId,
        call: Call,
        (merge_key, from): (Box<str>, CallId),
    ) {
        let Some(local_rtp) = self.calls.get(&from).map(|slot| slot.call.local_rtp()) else {
            return;
        };
        let agreed = call.media().is_some();
        self.links.insert(id, Link { from, ended: None });
        self.insert_call(now, id, call, Some(merge_key));
        self.drive(now, id, CallInput::Answer(local_rtp));
        if agreed {
            self.move_on(now, id); // Otherwise with the ACK, which brings the answer.
        }
    }

    /// Whether there is room for this call.
    fn admit_incoming(
        &mut self,
        now: MonoTime,
        trunk: &str,
        request: &Request,
        replaces: bool,
    ) -> Result<(), AdmissionError> {
        let mut load = self.load();
        if replaces {
            // Of two calls one ends at once.
            load.calls = load.calls.saturating_sub(1);
            return self.admission.admit(load);
        }
        let identity = caller_of(request, self.policies.of(trunk));
        let caller = name_of(&identity);
        let of_caller = |call: &&Call| call.caller().is_some_and(|it| name_of(it) == caller);
        let calls = || self.calls.values().map(|slot| &slot.call);
        // Who calls again over a call of which nothing is heard any more takes its place.
        let dead = |slot: &&Slot| {
            let theirs = slot.call.trunk() == trunk && of_caller(&&slot.call);
            slot.quiet && theirs && !caller.is_empty()
        };
        let gone = usize::from(self.calls.values().any(|slot| dead(&slot)));
        load.calls = load.calls.saturating_sub(gone);
        let attempt = Attempt {
            trunk,
            caller,
            trunk_calls: calls().filter(|call| call.trunk() == trunk).count() - gone,
            caller_calls: calls().filter(of_caller).count() - gone,
        };
        self.admission.admit_incoming(now, load, attempt)
    }

    fn admit_call(
        &mut self,
        now: MonoTime,
        id: CallId,
        call: Call,
        merge_key: Box<str>,
        trunk: &str,
    ) {
        let (from, to) = call.parties();
        let identity = call.caller().cloned().unwrap_or_default();
        let event = BridgeEvent::Incoming {
            call: id,
            from: Pii::new(from.to_owned()),
            identity: Pii::new(Box::new(identity)),
            to: Pii::new(to.to_owned()),
            trunk: trunk.to_owned(),
            media: call.media(),
        };
        tracing::info!(
            call = %id,
            trunk,
            from = %Pii::new(from),
            to = %Pii::new(to),
            "call comes in"
        );
        self.insert_call(now, id, call, Some(merge_key));
        self.event(event);
    }
}

/// Where responses go (RFC 3261 §18.2.2, RFC 3581 §4): always to the source's address; over UDP to
/// its port if `rport` asks for that, else to the port in the Via.
fn response_flow(transport: TransportKind, source: SocketAddr, request: &Request) -> Flow {
    let via = &request.head.via;
    let named = SocketAddr::new(source.ip(), via.port.unwrap_or(transport.default_port()));
    match transport {
        TransportKind::Udp if via.rport => Flow::direct(transport, source),
        TransportKind::Udp => Flow::direct(transport, named),
        TransportKind::Tcp | TransportKind::Tls => {
            Flow { transport, peer: source, reconnect: named }
        }
    }
}

/// Whose call it is; empty for one who does not want to be known.
pub(super) fn name_of(caller: &CallerIdentity) -> &str {
    let number = caller.number();
    let unnamed = UNNAMED.iter().any(|unnamed| number.eq_ignore_ascii_case(unnamed));
    if unnamed || caller.withheld { "" } else { number }
}

/// What networks say of a caller who does not want to be known (RFC 3323 §4.1, and custom).
const UNNAMED: [&str; 5] = ["anonymous", "unknown", "unavailable", "restricted", "private"];

/// What a request that reached us twice over different paths has in common.
fn merge_key(request: &Request) -> Box<str> {
    let head = &request.head;
    format!("{}\n{}\n{}", head.call_id, head.from.tag, head.cseq.number).into()
}

/// What belongs to no call is remembered up to here. A flood in a trunk's name does not take the room of
/// calls, which come no faster than `calls_per_second`.
const KEPT_OUTSIDE_MAX: usize = TRANSACTIONS_MAX / 2;
/// Where that many are kept, calls begin no more of their own: what is left is for new calls.
const KEPT_INSIDE_MAX: usize = TRANSACTIONS_MAX / 4 * 3;

/// Requests of one call in a second: nobody holds, resumes and presses keys faster. What each changes
/// is work for the line, and none of it may be dropped.
pub(super) const IN_DIALOG_PER_S: u32 = 50;

/// Whether a repetition of `request` is answered anew rather than absorbed: a challenge, which anybody
/// can have us send to an address of theirs (RFC 3261 §26.3.2.4), and a call that comes when there is no
/// room. Neither is kept and repeated then.
fn is_judged_anew(request: &Request, status: u16) -> bool {
    let is_invite = request.method == Method::Invite;
    let proves = request.head.auth.as_deref().is_some_and(|auth| auth.proof.is_some());
    match status {
        401 => is_invite || !proves,
        503 => is_invite,
        _ => false,
    }
}
