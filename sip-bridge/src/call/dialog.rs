use core::net::SocketAddr;

use bytes::Bytes;

use crate::flow::Flow;
use crate::ids::IdSource;
use crate::message::{
    Extra, Head, Identity, Method, Request, RequestLine, Response, Route, SipUri, write_request,
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
        self.write(identity, method, ids.branch(), self.local_cseq, extra)
    }

    /// The ACK of the 2xx to the INVITE with `cseq`: a transaction of its own (§13.2.2.4).
    pub(crate) fn ack(&self, identity: &Identity, ids: &mut IdSource, cseq: u32) -> Outgoing {
        self.write(identity, Method::Ack, ids.branch(), cseq, Extra::default())
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
    /// peer's own address serves. Over a stream the connection that made the dialog is used again.
    fn next_hop(&self, identity: &Identity) -> Flow {
        let hop = self.routes.first().map_or(&self.target, |route| &route.uri);
        let wanted = hop.transport.unwrap_or(self.flow.transport);
        let transport = if identity.speaks(wanted) { wanted } else { self.flow.transport };
        let address = hop.address_over(transport).unwrap_or(self.flow.reconnect);
        let same_connection = transport.is_reliable() && self.flow.transport == transport;
        let peer = if same_connection { self.flow.peer } else { address };
        Flow { transport, peer, reconnect: address }
    }
}
