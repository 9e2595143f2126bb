//! A line is watched over its socket while a call goes on, asked for the call's figures, and told to
//! end it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use xenline::control::{Reply, Request, client};
use xenline::house::say_socket;
use xenline::report::CallEvent;
use xenline::watch::Sight;

use crate::support::alone;
use crate::support::line::Serving;
use crate::support::phone::Phone;

/// What is seen from `after` on, until the line closes.
fn watched(line: &Serving, after: &str) -> impl Iterator<Item = Reply> + use<> {
    let mut stream = UnixStream::connect(say_socket(&line.config)).expect("the line listens");
    let watch = Request::Watch { after: Some(after.to_owned()) };
    let asked = serde_json::to_string(&watch).expect("JSON") + "\n";
    stream.write_all(asked.as_bytes()).expect("it reads");
    stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).expect("a timeout");
    BufReader::new(stream)
        .lines()
        .map(|line| serde_json::from_str(&line.expect("something happens")).expect("a reply"))
}

fn ask(line: &Serving, request: &Request) -> Reply {
    let mut told = None;
    client::ask(&say_socket(&line.config), request, |reply| told = Some(reply))
        .expect("it answers");
    told.expect("an answer")
}

#[test]
fn whoever_watches_sees_a_call_its_levels_and_its_end_by_request() {
    let _machine = alone();
    let line = Serving::agent(|_| {});
    let mut seen = watched(&line, "start");
    assert_eq!(seen.next(), Some(Reply::Watching));
    let phone = Phone::call(line.sip);
    let opened = seen.find_map(|reply| match reply {
        Reply::Seen { cursor, sight: Sight::Call { line, event } } => {
            matches!(event.what, CallEvent::CallOpened(_)).then_some((line, cursor))
        }
        _ => None,
    });
    let (number, cursor) = opened.expect("the call is seen");
    let level = seen.find_map(|reply| match reply {
        Reply::Level(level) => Some(level),
        _ => None,
    });
    assert_eq!(level.expect("a level").line, number);
    let Reply::Lines { lines } = ask(&line, &Request::Lines { line: Some(number) }) else {
        panic!("not the lines")
    };
    assert_eq!((lines.len(), lines[0].line), (1, number));
    assert!(lines[0].stats.as_ref().is_some_and(|stats| stats.rtp_sent > 0), "{lines:?}");
    let done = ask(&line, &Request::HangUp { line: number });
    assert!(matches!(done, Reply::Done { .. }), "{done:?}");
    let closed = |mut seen: Box<dyn Iterator<Item = Reply>>| {
        seen.any(|reply| {
            matches!(reply, Reply::Seen { sight: Sight::Call { event, .. }, .. }
                if matches!(event.what, CallEvent::CallClosed(_)))
        })
    };
    assert!(closed(Box::new(seen)), "its end is seen");
    assert!(closed(Box::new(watched(&line, &cursor))), "and by who comes later, after a cursor");
    drop(phone);
    line.stop();
}
