//! The lanes are in a Redis that is away: when the line starts, and later for a while. The line says
//! so, talks on, takes nothing that it could not keep, and goes on where it was when it is back.

use std::net::SocketAddr;
use std::time::Duration;

use lane_broker::{Lane, LaneStore, Limits, Position, RedisStore, Tag};
use xenline::config::{Config, LaneStoreKind};
use xenline::control::{Reply, Request, SayRequest, client};
use xenline::report::{CallEvent, EndingKind};

use crate::redis::Redis;
use crate::support::door::{TOKEN, free_port, post, read_on, send};
use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::process::{kill, run, xenline};
use crate::support::sound::recorded;
use crate::support::{alone, wait_until};

const SOON: Duration = Duration::from_secs(30);
const SAID_WITHIN: Duration = Duration::from_secs(60);
const PROMISED: &str = "What is the plan?";
const REFUSED: &str = "Are there any errors?";

#[test]
fn a_line_whose_redis_is_away_takes_calls_says_so_and_goes_on_where_it_was_when_it_is_back() {
    let _machine = alone();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (mut redis, door) = (Redis::start(dir.path()), free_port());
    let start = |url: String, change: &dyn Fn(&mut Config)| {
        let mut command = xenline();
        command.env("XENLINE_HTTP_TOKEN", TOKEN);
        command.env(Config::default().lanes.redis_url_env, url);
        Serving::agent_in(command, |config| {
            config.lanes.store = LaneStoreKind::Redis;
            config.http.listen = Some(door);
            change(config);
        })
    };
    let first = start(redis.url(), &|_| {});
    assert!(matches!(say(&first, PROMISED), Reply::Accepted { line: None, .. }));
    kill(first.pid(), libc::SIGKILL);
    redis.kill();

    let (config, address) = (first.config.clone(), first.sip);
    let mut line = start(redis.url(), &|theirs| {
        theirs.clone_from(&config);
        theirs.sip.listen_udp = Some(address);
    });
    let reason = failing(&line).expect("the line knows that it cannot keep anything");
    assert!(reason.contains("what an earlier run left cannot be read"), "{reason}");
    let told = status(&line);
    assert_eq!(told.code, Some(1), "{}", told.out);
    assert!(told.err.contains("could not be kept"), "{}", told.err);
    assert!(told.out.contains("nothing new is kept"), "{}", told.out);
    let phone = Phone::call(line.sip);
    line.wait("the greeting", 0, SOON, spoken("Hello"));
    converse(&line, &phone, "what time is it", "It is ");
    nothing_is_taken(&line, door, "hello");
    assert_eq!(times_spoken(&line, PROMISED), 0);
    let unsent = send(door, "ann", "Nobody could keep this.");
    assert_eq!(unsent.status, 503, "what is to leave may be handed in again: {unsent:?}");

    redis.restart();
    wait_until("the line to keep things again", SOON, || failing(&line).is_none().then_some(()));
    line.wait("what was promised before", 0, SAID_WITHIN, spoken(PROMISED));
    everything_is_taken(&line, door, "hello");

    redis.stop();
    nothing_is_taken(&line, door, "what day is it");
    assert!(failing(&line).is_some(), "it is asked and does not answer");
    converse(&line, &phone, "what is the status", "The line is up.");
    redis.go_on();
    wait_until("the line to keep things again", SOON, || failing(&line).is_none().then_some(()));
    everything_is_taken(&line, door, "what day is it");
    assert_eq!(times_spoken(&line, PROMISED), 1);
    assert_eq!(times_spoken(&line, REFUSED), 0);

    let store = RedisStore::new(&redis.url(), "xenline", Limits::default()).expect("an address");
    let entries = |tag: Tag| {
        let lane = Lane::new(tag, "main").expect("a lane");
        store.read(&lane, Position::START, 99).expect("it is back").len()
    };
    wait_until("both messages to be answered", SOON, || {
        (entries(Tag::xen_out()) == 2).then_some(())
    });
    let typed = lane_broker::Tags::default().parse("typed").expect("a tag");
    assert_eq!(entries(typed), 2, "nothing that was refused, and nothing twice");
    phone.hang_up();
    line.end_in_mid_call();
}

/// A program that wants something said, and one that writes, are told to come again.
fn nothing_is_taken(line: &Serving, door: SocketAddr, written: &str) {
    // What hangs is known with the first that asks in vain.
    let refused = wait_until("a refusal", SOON, || match say(line, REFUSED) {
        Reply::Refused { message, again_in_ms } => Some((message, again_in_ms)),
        other => panic!("taken in: {other:?}"),
    });
    assert!(refused.1.is_some(), "{refused:?}");
    for answer in [post(door, "typed", ("ann", written), written), read_on(door, "typed")] {
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.head.contains("retry-after: "), "{answer:?}");
    }
}

/// They do, and both are taken, under the names of before.
fn everything_is_taken(line: &Serving, door: SocketAddr, written: &str) {
    let words = format!("I was told to come again, about {written}.");
    wait_until("a claim to be taken", SOON, || {
        matches!(say(line, &words), Reply::Accepted { .. }).then_some(())
    });
    wait_until("a message to be taken", SOON, || {
        (post(door, "typed", ("ann", written), written).status < 300).then_some(())
    });
    line.wait("the claim to be said", 0, SAID_WITHIN, spoken(&words));
}

fn converse(line: &Serving, phone: &Phone, question: &str, answer: &str) {
    let mark = line.mark();
    phone.media.say(&recorded(question));
    line.turn(question, mark);
    line.wait("an answer", mark, SAID_WITHIN, spoken(answer));
}

fn spoken(beginning: &str) -> impl Fn(f64, &CallEvent) -> Option<()> {
    move |_, event| match event {
        CallEvent::ClaimEnded { ending: EndingKind::Spoken, heard_text, .. } => {
            heard_text.starts_with(beginning).then_some(())
        }
        _ => None,
    }
}

fn times_spoken(line: &Serving, words: &str) -> usize {
    let events = line.events();
    events.iter().filter(|(t_ms, event)| spoken(words)(*t_ms, event).is_some()).count()
}

/// Hands in what must be delivered.
fn say(line: &Serving, text: &str) -> Reply {
    let socket = line.config.say.socket.as_ref().expect("the tests name one");
    let wish = SayRequest { must_deliver: true, ..SayRequest::text(text) };
    let mut answer = None;
    client::ask(socket, &Request::Say(wish), |reply| answer = Some(reply)).expect("it answers");
    answer.expect("one answer")
}

/// Why nothing can be kept at present.
fn failing(line: &Serving) -> Option<String> {
    match line.status() {
        Reply::Status { journal, .. } => journal,
        other => panic!("not a status: {other:?}"),
    }
}

fn status(line: &Serving) -> crate::support::process::Ran {
    let mut command = xenline();
    let socket = line.config.say.socket.as_ref().expect("the tests name one");
    command.args(["status", "--socket"]).arg(socket);
    run(command, SOON)
}
