use core::net::SocketAddr;

use bytes::Bytes;

use crate::digest::{Challenge, Credentials, strongest};
use crate::flow::Flow;
use crate::ids::IdSource;
use crate::message::{
    Extra, Head, Identity, Method, Request, RequestLine, Response, Route, SipUri, TransportKind,
    write_request,
};

/// A dialog (RFC 3261 §12): what every request in a call has in common.
#[derive(Clone, Debug)]
pub(crate) struct Dialog {
    pub call_id: Box<str>,
    pub local_tag: Box<str>,
    pub remote_tag: Box<str>,
    /// Our From, tag included.
    local: Box<str>,
    /// The peer's To, tag included once it is known.
    remote: Box<str>,
    /// The remote target: the Request-URI of what we send, private addresses and all.
    target: SipUri,
    /// The route set, first hop first.
    routes: Vec<Route>,
    /// Whether it began with a `sips:` URI, so that our Contact is one (§12.1.1).
    secure: bool,
    pub local_cseq: u32,
    /// The peer's last CSeq; `None` until it sends a request.
    pub remote_cseq: Option<u32>,
    flow: Flow,
    /// Whether requests go to `flow` and nowhere else, whatever the peer's Contact says.
    pinned: bool,
    /// How we prove who we are, where the peer asks.
    auth: Option<Box<Auth>>,
}

/// How we prove who we are in a dialog.
#[derive(Clone, Debug)]
struct Auth {
    credentials: Credentials,
    challenge: Option<Challenge>,
    /// The proof in the last request, which the ACK of its 2xx repeats (RFC 3261 §22.1).
    line: String,
}

/// A request ready to go.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub method: Method,
    pub branch: String,
    pub flow: Flow,
    pub bytes: Bytes,
}

impl Dialog {
    /// The dialog that an INVITE from `flow` asks for. The route set is its Record-Route, in order
    /// (§12.1.1).
    pub(crate) fn called(
        request: &Request,
        target: SipUri,
        local_tag: Box<str>,
        flow: Flow,
    ) -> Self {
        let head = &request.head;
        let top = head.record_routes.first().map_or(&target, |route| &route.uri);
        Self {
            secure: request.is_secure() || top.secure,
            call_id: head.call_id.as_str().into(),
            local: format!("{};tag={local_tag}", head.to.text).into(),
            remote: head.from.text.as_str().into(),
            remote_tag: head.from.tag.as_str().into(),
            local_tag,
            target,
            routes: head.record_routes.clone(),
            local_cseq: 0,
            remote_cseq: Some(head.cseq.number),
            flow,
            pinned: false,
            auth: None,
        }
    }

    /// The dialog that an INVITE of ours will make.
    pub(crate) fn calling(ids: &mut IdSource, from: &str, target: SipUri, flow: Flow) -> Self {
        let local_tag = ids.tag();
        Self {
            call_id: ids.call_id(),
            local: format!("{from};tag={local_tag}").into(),
            remote: format!("<{}>", target.text).into(),
            secure: target.secure,
            remote_tag: Box::default(),
            local_tag,
            target,
            routes: Vec::new(),
            local_cseq: ids.cseq(),
            remote_cseq: None,
            flow,
            pinned: false,
            auth: None,
        }
    }

    /// Completes a calling dialog from the peer's 2xx. The route set is its Record-Route, reversed
    /// (§12.1.2).
    pub(crate) fn confirm(&mut self, response: &Response) {
        let head = &response.head;
        self.remote = head.to.text.as_str().into();
        self.remote_tag = head.to.tag.as_str().into();
        self.routes = head.record_routes.iter().rev().cloned().collect();
        self.refresh_target(head);
    }

    /// A target refresh (§12.2): later requests go to the new Contact.
    pub(crate) fn refresh_target(&mut self, head: &Head) {
        if let Some(contact) = &head.contact {
            self.target = contact.clone();
        }
    }

    /// The peer that made the dialog, or with which we make it.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.flow.peer
    }

    /// The remote target.
    pub(crate) fn target_text(&self) -> &str {
        &self.target.text
    }

    /// Our own address, as the peer knows it: a name-addr or a URI, without the tag.
    pub(crate) fn local_address(&self) -> &str {
        self.local.rsplit_once(";tag=").map_or(&*self.local, |(address, _)| address)
    }

    /// The host, with its port, where the peer is at home.
    pub(crate) fn remote_host(&self) -> Option<&str> {
        let address = self.remote.rsplit_once('<').map_or(&*self.remote, |(_, rest)| rest);
        let address = address.split(['>', ';', '?']).next()?;
        let (_, rest) = address.split_once(':')?;
        Some(rest.rsplit_once('@').map_or(rest, |(_, host)| host)).filter(|host| !host.is_empty())
    }

    /// Another first hop for the same call: what is sent from now on goes there.
    pub(crate) fn redirect(&mut self, target: SipUri, flow: Flow) {
        self.remote = format!("<{}>", target.text).into();
        self.secure = target.secure;
        (self.target, self.flow) = (target, flow);
    }

    /// With a telephone: it is where it registered from, or called from. Its Contact may be meant for
    /// another network, or name somebody who never asked for anything.
    pub(crate) fn pinned_if(self, pinned: bool) -> Self {
        Self { pinned, ..self }
    }

    /// The way to the peer that made the dialog.
    pub(crate) fn flow(&self) -> Flow {
        self.flow
    }

    /// Our Contact header line.
    pub(crate) fn contact_line(&self, identity: &Identity) -> String {
        identity.contact_line(self.flow.transport, self.secure)
    }

    /// A new request: next CSeq, new branch.
    pub(crate) fn request(
        &mut self,
        identity: &Identity,
        ids: &mut IdSource,
        method: Method,
        extra: Extra<'_>,
    ) -> Outgoing {
        self.local_cseq += 1;
        let proof = self.proof(ids, method);
        let headers = proof + extra.headers;
        let extra = Extra { headers: &headers, body: extra.body };
        self.write(identity, method, ids.branch(), self.local_cseq, extra)
    }

    /// From now on we can prove who we are.
    pub(crate) fn prove_with(&mut self, credentials: Credentials) {
        self.auth = Some(Box::new(Auth { credentials, challenge: None, line: String::new() }));
    }

    /// The peer asks who we are. Returns whether asking again with a proof can help: not where one was
    /// refused already that was not only too old.
    pub(crate) fn challenged(&mut self, response: &Response) -> bool {
        let Some(auth) = &mut self.auth else { return false };
        let asked = response.head.auth.as_deref().map(|it| &it.challenges[..]).unwrap_or_default();
        let Some(challenge) = strongest(asked, response.status == 407) else { return false };
        let helps = auth.challenge.is_none() || challenge.stale;
        auth.challenge = Some(challenge);
        helps
    }

    /// The header line with which the next request proves who we are; empty until somebody asks.
    fn proof(&mut self, ids: &mut IdSource, method: Method) -> String {
        let uri = self.request_uri().to_owned();
        let Some(auth) = &mut self.auth else { return String::new() };
        let Some(challenge) = &mut auth.challenge else { return String::new() };
        auth.line = challenge.meet(&auth.credentials, (method.name(), &uri), &ids.word());
        auth.line.clone()
    }

    fn request_uri(&self) -> &str {
        match self.routes.first() {
            Some(first) if !first.uri.loose_routing => &first.uri.text,
            _ => &self.target.text,
        }
    }

    /// The address that a registration is about, as From and To.
    pub(crate) fn address(&mut self, address: &str) {
        self.remote = address.into();
    }

    /// Our Contact header line as `user`.
    pub(crate) fn contact_of(&self, identity: &Identity, user: &str) -> String {
        self.contact_line(identity).replacen(":xenline@", &format!(":{user}@"), 1)
    }

    /// The ACK of the 2xx to the INVITE with `cseq`: a transaction of its own (§13.2.2.4).
    pub(crate) fn ack(&self, identity: &Identity, ids: &mut IdSource, cseq: u32) -> Outgoing {
        let headers = self.auth.as_ref().map_or("", |auth| &*auth.line);
        self.write(identity, Method::Ack, ids.branch(), cseq, Extra { headers, body: None })
    }

    /// The ACK of a refusal of the INVITE with `branch` and `cseq` (§17.1.1.3), or its CANCEL (§9.1).
    pub(crate) fn follow_up(
        &self,
        identity: &Identity,
        method: Method,
        (branch, cseq): (&str, u32),
        to: Option<&str>,
        extra: Extra<'_>,
    ) -> Outgoing {
        let dialog = Dialog { remote: to.unwrap_or(&self.remote).into(), ..self.clone() };
        dialog.write(identity, method, branch.to_owned(), cseq, extra)
    }

    fn write(
        &self,
        identity: &Identity,
        method: Method,
        branch: String,
        cseq: u32,
        extra: Extra<'_>,
    ) -> Outgoing {
        let (uri, routes, last_route) = match self.routes.split_first() {
            // A strict router is the Request-URI itself, and the target goes last (§12.2.1.1).
            Some((first, rest)) if !first.uri.loose_routing => {
                (&first.uri.text, rest, Some(self.target.text.as_str()))
            }
            _ => (&self.target.text, &self.routes[..], None),
        };
        let flow = self.next_hop(identity);
        let line = RequestLine {
            method,
            uri,
            transport: flow.transport,
            branch: &branch,
            from: &self.local,
            to: &self.remote,
            call_id: &self.call_id,
            cseq,
            routes,
            last_route,
        };
        let bytes = write_request(identity, &line, extra);
        Outgoing { method, branch, flow, bytes }
    }

    /// Where requests go: the first route, or else the target. A host name is never looked up: the
    /// peer's own address serves. Over a stream the connection that made the dialog is used again; what
    /// began over TLS, keys in its SDP perhaps, never leaves it.
    fn next_hop(&self, identity: &Identity) -> Flow {
        let hop = self.routes.first().map_or(&self.target, |route| &route.uri);
        let leaves_tls = self.flow.transport == TransportKind::Tls
            && hop.transport.is_some_and(|transport| transport != TransportKind::Tls);
        if self.pinned || leaves_tls {
            return self.flow;
        }
        let wanted = hop.transport.unwrap_or(self.flow.transport);
        let transport = if identity.speaks(wanted) { wanted } else { self.flow.transport };
        let address = hop.address_over(transport).unwrap_or(self.flow.reconnect);
        let same_connection = transport.is_reliable() && self.flow.transport == transport;
        let peer = if same_connection { self.flow.peer } else { address };
        Flow { transport, peer, reconnect: address }
    }
}
