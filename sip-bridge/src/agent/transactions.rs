use core::net::SocketAddr;

use bytes::Bytes;
use media_core::MonoTime;

use super::{Agent, Client, Output, Owner, Server, context};
use crate::call::{CallInput, Forks, Outgoing};
use crate::flow::Flow;
use crate::message::{Method, Response, TransportKind};
use crate::timers::Timer;
use crate::transaction::{
    ClientStep, ClientTransaction, GIVE_UP, ServerTransaction, Step, Tick, client_key,
};

impl Agent {
    /// Begins a server transaction and returns its number.
    pub(super) fn begin_server(&mut self, key: Box<str>, is_invite: bool, flow: Flow) -> u64 {
        let id = self.next_number();
        let transaction = ServerTransaction::new(is_invite, flow);
        self.server_keys.insert(key.clone(), id);
        self.servers.insert(id, Server { transaction, key, call: None });
        id
    }

    /// Responds in server transaction `id`.
    pub(super) fn respond(&mut self, now: MonoTime, id: u64, status: u16, bytes: Bytes) {
        let Some(server) = self.servers.get_mut(&id) else { return };
        let step = server.transaction.respond(status, bytes);
        self.step_server(now, id, step);
    }

    pub(super) fn on_server_tick(&mut self, now: MonoTime, id: u64, tick: Tick) {
        let Some(server) = self.servers.get_mut(&id) else { return };
        let step = server.transaction.on_tick(tick);
        self.step_server(now, id, step);
    }

    pub(super) fn step_server(&mut self, now: MonoTime, id: u64, step: Step) {
        let Some(server) = self.servers.get(&id) else { return };
        if let Some(bytes) = step.send {
            self.outputs.push_back(Output::Send { flow: server.transaction.flow, bytes });
        }
        for (after, tick) in step.start.into_iter().flatten() {
            self.timers.start(now + after, Timer::Server(id, tick));
        }
        if step.over
            && let Some(server) = self.servers.remove(&id)
        {
            self.server_keys.remove(&server.key);
        }
    }

    /// Sends a request in a transaction of its own.
    pub(super) fn begin_client(&mut self, now: MonoTime, request: Outgoing, owner: Owner) {
        let id = self.next_number();
        let key: Box<str> = format!("{}\n{}", request.branch, request.method.name()).into();
        let method = request.method;
        let is_invite = method == Method::Invite;
        let (transaction, step) = ClientTransaction::start(is_invite, request.flow, request.bytes);
        self.client_keys.insert(key.clone(), id);
        self.clients
            .insert(id, Client { transaction, method, key, owner, parting: None, forks: None });
        self.step_client(now, id, step);
    }

    /// Acknowledges the final response to the INVITE with `branch`.
    pub(super) fn acknowledge(&mut self, branch: &str, ack: Outgoing) {
        self.outputs.push_back(Output::Send { flow: ack.flow, bytes: ack.bytes.clone() });
        let key = format!("{branch}\nINVITE");
        let id = self.client_keys.get(key.as_str());
        if let Some(client) = id.and_then(|id| self.clients.get_mut(id)) {
            client.transaction.acknowledge(ack.bytes, ack.flow);
        }
    }

    /// Forgets the INVITE with `branch`.
    pub(super) fn abandon(&mut self, branch: &str) {
        if let Some(id) = self.client_keys.remove(format!("{branch}\nINVITE").as_str()) {
            self.clients.remove(&id);
        }
    }

    /// The INVITE with `branch` was answered, and may be by others yet.
    pub(super) fn answered(&mut self, branch: &str, forks: Box<Forks>) {
        let id = self.client_keys.get(format!("{branch}\nINVITE").as_str());
        if let Some(client) = id.and_then(|id| self.clients.get_mut(id)) {
            client.forks = Some(forks);
        }
    }

    /// Another answer to an INVITE that is answered. Returns whether it is one.
    fn on_fork(&mut self, now: MonoTime, id: u64, response: &Response) -> bool {
        let Some(client) = self.clients.get_mut(&id) else { return false };
        let owner = client.owner;
        let Some(forks) = client.forks.as_mut() else { return false };
        let (ack, bye) = forks.on_answer(&mut context(now, &mut self.ids), response);
        self.outputs.push_back(Output::Send { flow: ack.flow, bytes: ack.bytes });
        if let Some(bye) = bye {
            self.begin_client(now, bye, owner);
        }
        true
    }

    /// The call whose INVITE with `branch` is unanswered is over. The transaction ends without it: a
    /// peer that is at work on the INVITE may never say another word (RFC 3261 §17.1.1.2).
    pub(super) fn part(&mut self, now: MonoTime, branch: &str, acks: [Outgoing; 2]) {
        let id = self.client_keys.get(format!("{branch}\nINVITE").as_str()).copied();
        if let Some((id, client)) = id.and_then(|id| Some((id, self.clients.get_mut(&id)?))) {
            client.parting = Some(Box::new(acks));
            self.timers.start(now + GIVE_UP, Timer::Client(id, Tick::Forget));
        }
    }

    /// Acknowledges the final response to an INVITE whose call is over.
    fn acknowledge_parting(&mut self, id: u64, status: u16) {
        let Some(client) = self.clients.get_mut(&id).filter(|_| status >= 200) else { return };
        let Some(acks) = client.parting.take() else { return };
        let [refused, accepted] = *acks;
        let ack = if status < 300 { accepted } else { refused };
        client.transaction.acknowledge(ack.bytes.clone(), ack.flow);
        self.outputs.push_back(Output::Send { flow: ack.flow, bytes: ack.bytes });
    }

    pub(super) fn on_response(&mut self, now: MonoTime, response: &Response) {
        let Some(id) = client_key(response).and_then(|key| self.client_keys.get(&key).copied())
        else {
            return; // A response to nothing of ours.
        };
        let Some(client) = self.clients.get_mut(&id) else { return };
        let step = client.transaction.on_response(response.status, &response.head.to.tag);
        self.on_client_step(now, id, step, Some(response));
    }

    pub(super) fn on_client_tick(&mut self, now: MonoTime, id: u64, tick: Tick) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        let step = client.transaction.on_tick(tick);
        self.on_client_step(now, id, step, None);
    }

    fn on_client_step(
        &mut self,
        now: MonoTime,
        id: u64,
        step: ClientStep,
        response: Option<&Response>,
    ) {
        let Some(client) = self.clients.get(&id) else { return };
        let (owner, method) = (client.owner, client.method);
        let call = match owner {
            Owner::Call(call) => Some(call),
            Owner::Route(index) => {
                if step.deliver || step.timed_out {
                    self.on_probed(now, index, response.map(|response| response.status));
                }
                None
            }
            Owner::Registration(index) => {
                if step.deliver || step.timed_out {
                    self.on_registered(now, index, response);
                }
                None
            }
            Owner::Left(number) => {
                if let (true, Method::Invite, Some(response)) = (step.deliver, method, response) {
                    self.on_left(now, number, response);
                }
                None
            }
        };
        // The call first: the ACK it makes is kept by the transaction before that may be over.
        if let (Some(call), true, Some(response)) = (call, step.deliver, response) {
            self.acknowledge_parting(id, response.status);
            if !self.on_fork(now, id, response) {
                self.drive(now, call, CallInput::Response(response));
            }
        }
        if let (Some(call), true) = (call, step.timed_out) {
            self.drive(now, call, CallInput::NoResponse(method));
        }
        self.step_client(now, id, step.step);
    }

    fn step_client(&mut self, now: MonoTime, id: u64, step: Step) {
        let Some(client) = self.clients.get(&id) else { return };
        if let Some(bytes) = step.send {
            self.outputs.push_back(Output::Send { flow: client.transaction.flow, bytes });
        }
        for (after, tick) in step.start.into_iter().flatten() {
            self.timers.start(now + after, Timer::Client(id, tick));
        }
        if step.over
            && let Some(client) = self.clients.remove(&id)
        {
            self.client_keys.remove(&client.key);
            if let (Owner::Left(number), Method::Invite) = (client.owner, client.method) {
                self.left.remove(&number);
            }
        }
    }

    /// Nothing can be sent to `peer`: its unanswered requests end as if they had timed out
    /// (RFC 3261 §17.1.4, §18.4).
    pub(super) fn on_unreachable(
        &mut self,
        now: MonoTime,
        transport: TransportKind,
        peer: SocketAddr,
    ) {
        let unanswered = |client: &Client| {
            let flow = client.transaction.flow;
            flow.transport == transport && (flow.peer == peer || flow.reconnect == peer)
        };
        let ids: Vec<u64> = self
            .clients
            .iter()
            .filter(|(_, client)| unanswered(client))
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            self.on_client_tick(now, id, Tick::GiveUp);
        }
    }
}
