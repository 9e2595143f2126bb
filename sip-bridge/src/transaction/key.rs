use crate::message::{Method, Request, Response};

/// What makes two requests the same one (RFC 3261 §17.2.3). An ACK has the key of the INVITE whose
/// refusal it acknowledges; a CANCEL has its own and finds the INVITE's with `method`.
pub(crate) fn server_key(request: &Request, method: Method) -> Box<str> {
    let head = &request.head;
    let method = if method == Method::Ack { Method::Invite } else { method };
    let via = head.vias.first().map(String::as_str).unwrap_or_default();
    if head.via.has_magic_cookie() {
        let sent_by = sent_by(via);
        return format!("{}\n{sent_by}\n{}", head.via.branch, method.name()).into();
    }
    // RFC 2543 elements: compare what the message says. The To tag is left out, because the ACK of
    // a refusal has ours and the INVITE had none.
    let (call_id, cseq, tag) = (&head.call_id, head.cseq.number, &head.from.tag);
    format!("{}\n{call_id}\n{cseq}\n{tag}\n{via}\n{}", request.uri, method.name()).into()
}

/// Which request of ours a response answers (§17.1.3). `None` if it cannot be one of ours.
pub(crate) fn client_key(response: &Response) -> Option<Box<str>> {
    let head = &response.head;
    // A response for us has passed every other Via and carries ours alone (§8.1.3.3).
    let ours = head.vias.len() == 1 && head.via.has_magic_cookie();
    ours.then(|| format!("{}\n{}", head.via.branch, head.cseq.method.name()).into())
}

/// The sent-by of a Via as written.
fn sent_by(via: &str) -> &str {
    let before_parameters = via.split(';').next().unwrap_or(via).trim_end();
    before_parameters.rsplit([' ', '\t']).next().unwrap_or(before_parameters)
}
