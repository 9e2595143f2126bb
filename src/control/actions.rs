//! Every request as an action over HTTP: one table, read by the door that takes them in, by the client
//! that sends them, and by the document that describes them.
//!
//! A request's fields travel in the path where its [`Action::path`] names them, and otherwise in the
//! body, a JSON object. What `xenline say` asks over the socket and what it asks over HTTP is the same
//! [`Request`].

use serde_json::{Map, Value};

use super::Request;

/// How an action is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// It changes nothing.
    Get,
    /// It does something.
    Post,
    /// It takes something away.
    Delete,
}

impl Method {
    /// As in HTTP.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Delete => "DELETE",
        }
    }
}

/// What comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answers {
    /// One reply.
    One,
    /// The first of several; the rest is seen in the events.
    First,
    /// One for each line that it is about, in a list.
    Each,
}

/// A request over HTTP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Action {
    /// The request's name on the line's socket.
    pub ask: &'static str,
    /// How it is asked for.
    pub method: Method,
    /// Where, under [`BASE`]; `{name}` stands for the request's field of that name.
    pub path: &'static str,
    /// What comes back.
    pub answers: Answers,
    /// What it does, in a line.
    pub summary: &'static str,
}

/// Where the actions are.
pub const BASE: &str = "/api/v1";

/// All of them. Where one request has two paths, the one that names more comes first.
pub const ACTIONS: &[Action] = {
    use Answers::{Each, First, One};
    use Method::{Delete, Get, Post};
    &[
        action("status", Get, "/status", One, "How the line is"),
        action("lines", Get, "/calls/{line}", One, "One open call, with its figures"),
        action("lines", Get, "/calls", One, "The open calls, with their figures"),
        action("dial", Post, "/calls", First, "Calls a number that [[outbound.allow]] allows"),
        action("hang_up", Delete, "/calls/{line}", One, "Ends a call"),
        action("say", Post, "/say", Each, "Says something through the governor"),
        action("queue_list", Get, "/queue", One, "What other programs want said"),
        action("queue_show", Get, "/queue/{claim}", One, "One claim of the say-queue"),
        action("queue_withdraw", Delete, "/queue/{claim}", One, "Takes a claim back"),
        action("queue_pause", Post, "/queue/pause", One, "Says nothing more for other programs"),
        action("queue_resume", Post, "/queue/resume", One, "Goes on saying it"),
        action("operator_take", Post, "/operator/take", One, "The operator takes the floor"),
        action("operator_release", Post, "/operator/release", One, "The operator hands it back"),
        action("operator_whisper", Post, "/operator/whisper", One, "Tells the agent alone"),
        action("operator_say", Post, "/operator/say", First, "Speaks before everybody else"),
        action("type", Post, "/type", First, "Writes something to the agent"),
        action("room_list", Get, "/rooms", One, "The rooms that the agent is in"),
        action("room_join", Post, "/rooms", One, "Has it go into a room"),
        action("room_leave", Delete, "/rooms/{room}", One, "Has it leave one"),
        action("drain", Post, "/drain", One, "Takes no new calls and ends after the last"),
        action("reload", Post, "/reload", One, "Reads the configuration again"),
    ]
};

const fn action(
    ask: &'static str,
    method: Method,
    path: &'static str,
    answers: Answers,
    summary: &'static str,
) -> Action {
    Action { ask, method, path, answers, summary }
}

impl Action {
    /// The names that its path holds.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// The request that comes in this way.
    ///
    /// # Errors
    /// What is wrong with it, for whoever sent it.
    pub fn request(
        &self,
        in_path: &[(String, String)],
        body: Map<String, Value>,
    ) -> Result<Request, String> {
        let mut fields = body;
        fields.insert("ask".into(), self.ask.into());
        for (name, text) in in_path {
            let number = text.parse::<u64>().map(Value::from);
            let value = if name == "line" {
                number.map_err(|_| format!("line {text:?} is not a number"))?
            } else {
                Value::from(text.as_str())
            };
            fields.insert(name.clone(), value);
        }
        serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())
    }
}

/// A request on its way out: what is called, and with which body.
#[derive(Clone, PartialEq, Debug)]
pub struct Sent {
    /// How.
    pub method: Method,
    /// Path, from the root.
    pub path: String,
    /// Fields that are not in the path.
    pub body: Map<String, Value>,
}

/// How `request` is sent. `None`: only over the line's own socket.
#[must_use]
pub fn sent(request: &Request) -> Option<Sent> {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(request) else { return None };
    let ask = fields.remove("ask")?;
    fields.retain(|_, value| !value.is_null());
    let fits = |action: &&Action| {
        ask == action.ask && action.names().all(|name| fields.contains_key(name))
    };
    let action = ACTIONS.iter().find(fits)?;
    let mut path = BASE.to_owned();
    for part in action.path.split('/').skip(1) {
        path.push('/');
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            None => path.push_str(part),
            Some(name) => match fields.remove(name)? {
                Value::String(text) => path.push_str(&escaped(&text)),
                other => path.push_str(&other.to_string()),
            },
        }
    }
    Some(Sent { method: action.method, path, body: fields })
}

/// A segment of a path (RFC 3986 §3.3).
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::SayRequest;

    fn samples() -> Vec<Request> {
        let text = || "two words".to_owned();
        vec![
            Request::Status,
            Request::Lines { line: None },
            Request::Lines { line: Some(3) },
            Request::Dial { number: "+4930123456".into() },
            Request::HangUp { line: 3 },
            Request::Say(SayRequest { ttl_s: Some(9), wait: true, ..SayRequest::text("hello") }),
            Request::QueueList,
            Request::QueueShow { claim: "say-1".into() },
            Request::QueueWithdraw { claim: "say-1".into() },
            Request::QueuePause,
            Request::QueueResume,
            Request::OperatorTake { line: None },
            Request::OperatorTake { line: Some(2) },
            Request::OperatorRelease { line: None },
            Request::OperatorWhisper { text: text(), line: None },
            Request::OperatorSay { text: text(), line: Some(1), wait: false },
            Request::Type { text: text(), from: Some("console".into()), wait: false },
            Request::RoomList,
            Request::RoomJoin { room: "den".into(), line: Some(3) },
            Request::RoomLeave { room: "den".into() },
            Request::Drain,
            Request::Reload,
        ]
    }

    /// As the door would read it.
    fn received(sent: &Sent) -> Request {
        let path = sent.path.strip_prefix(BASE).expect("under the base");
        let parts: Vec<&str> = path.split('/').collect();
        let leads_there = |action: &&Action| {
            let pattern: Vec<&str> = action.path.split('/').collect();
            action.method == sent.method
                && pattern.len() == parts.len()
                && pattern.iter().zip(&parts).all(|(a, b)| a.starts_with('{') || a == b)
        };
        // A word in the path goes before a name.
        let exact = |action: &&Action| action.path == path && action.method == sent.method;
        let action = ACTIONS.iter().find(exact).or(ACTIONS.iter().find(leads_there));
        let action = action.unwrap_or_else(|| panic!("no action takes {sent:?}"));
        let named = action.path.split('/').zip(&parts).filter_map(|(pattern, text)| {
            let name = pattern.strip_prefix('{')?.strip_suffix('}')?;
            Some((name.to_owned(), (*text).to_owned()))
        });
        action.request(&named.collect::<Vec<_>>(), sent.body.clone()).expect("a request")
    }

    #[test]
    fn every_request_arrives_as_it_was_sent() {
        for request in samples() {
            let sent = sent(&request).unwrap_or_else(|| panic!("{request:?} has no action"));
            assert_eq!(received(&sent), request, "{sent:?}");
        }
    }

    #[test]
    fn every_action_has_a_sample() {
        let sent: Vec<_> = samples().iter().filter_map(sent).collect();
        for action in ACTIONS {
            let named = |it: &&Sent| {
                it.method == action.method
                    && it.path.split('/').count() - 2 == action.path.split('/').count()
            };
            assert!(sent.iter().any(|it| named(&it)), "{action:?}");
        }
    }

    #[test]
    fn a_name_is_one_segment_whatever_is_in_it() {
        let sent = sent(&Request::QueueShow { claim: "../status?x=ü".into() }).expect("an action");
        assert_eq!(sent.path, "/api/v1/queue/..%2Fstatus%3Fx%3D%C3%BC");
    }

    #[test]
    fn what_is_no_request_is_refused_with_its_reason() {
        let hang_up = ACTIONS.iter().find(|it| it.ask == "hang_up").expect("an action");
        let error = hang_up.request(&[("line".into(), "x".into())], Map::new());
        assert!(error.expect_err("no number").contains("not a number"));
        let say = ACTIONS.iter().find(|it| it.ask == "say").expect("an action");
        let volume = Map::from_iter([("volume".to_owned(), Value::from(11))]);
        assert!(say.request(&[], volume).expect_err("no field").contains("volume"));
    }
}
