//! The say-queue: what other programs want said, whether a call is open or not.

use std::path::{Path, PathBuf};
use std::time::Duration;

use xenline::control::{Reply, Request, SayRequest, client};
use xenline::report::{CallEvent, EndingKind};

use crate::support::line::{Serving, Timed};
use crate::support::phone::Phone;
use crate::support::process::{Ran, kill, run, xenline};
use crate::support::sound::write_wav;
use crate::support::{alone, figure, wait_until};

const SOON: Duration = Duration::from_secs(20);
const SAID_WITHIN: Duration = Duration::from_secs(60);

#[test]
fn what_was_handed_in_without_a_call_is_said_once_by_the_next_one_however_it_came() {
    let _machine = alone();
    let lines = tempfile::tempdir().expect("a temporary directory");
    let alias = lines.path().join("xen-say-queue");
    // It is held open for as long as it is there, so it is there before the line looks at itself.
    std::fs::write(&alias, "").expect("it is written");
    let line = Serving::agent(|config| config.say.alias = Some(alias.clone()));
    let socket = socket(&line);
    let said = xenline_at(&socket, &["say", "What is the plan?", "--must-deliver"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("waits for a call"), "{}", said.out);
    let dropped = |name: &str| socket.with_file_name("spool").join(name);
    std::fs::write(dropped("tmp/alert"), "{\"text\":\"Run the backup.\",\"must_deliver\":true}")
        .expect("it is written");
    std::fs::rename(dropped("tmp/alert"), dropped("new/alert")).expect("it is dropped");
    std::fs::write(&alias, "Are there any errors?\n").expect("it is written");
    let chime = chime(lines.path());
    let wav = chime.display().to_string();
    let played = xenline_at(&socket, &["say", "--wav", &wav, "--ttl-s", "60"]);
    assert_eq!(played.code, Some(0), "{}", played.err);
    wait_until("four claims to wait", SOON, || (queued(&socket).len() == 4).then_some(()));
    let withdrawn =
        queued(&socket).into_iter().find(|claim| claim.text == "chime").expect("it waits");
    let taken_back = xenline_at(&socket, &["queue", "withdraw", &withdrawn.claim]);
    assert_eq!(taken_back.code, Some(0), "{}", taken_back.err);

    let phone = Phone::call(line.sip);
    let texts = ["What is the plan?", "Run the backup.", "Are there any errors?"];
    wait_until("all to be said", SAID_WITHIN, || {
        texts.iter().all(|text| spoken(&line.events(), text) == 1).then_some(())
    });
    wait_until("the result beside the drop", SOON, || {
        let result = std::fs::read_to_string(dropped("done/alert.json")).ok()?;
        result.contains("spoken").then_some(())
    });
    let again = xenline_at(&socket, &["say", "--wav", &wav, "--wait"]);
    assert_eq!(again.code, Some(0), "{} {}", again.out, again.err);
    let listed = xenline_at(&socket, &["queue", "ls"]);
    assert!(listed.out.contains("spoken") && listed.out.contains("withdrawn"), "{}", listed.out);
    phone.hang_up();
    line.stop();
}

#[test]
fn a_pause_holds_other_programs_and_the_operator_speaks_alone() {
    let _machine = alone();
    let line = Serving::agent(|_| {});
    let socket = socket(&line);
    let phone = Phone::call(line.sip);
    wait_until("sound", SOON, || (phone.media.count() > 25).then_some(()));
    assert_eq!(xenline_at(&socket, &["queue", "pause"]).code, Some(0));
    let status = xenline_at(&socket, &["status"]);
    assert_eq!(status.code, Some(0), "{}", status.err);
    for told in ["line 1 from", "brain    connected", "paused until", "1 pairs in use"] {
        assert!(status.out.contains(told), "{told:?} in {}", status.out);
    }
    let held = xenline_at(&socket, &["say", "What time is it?", "--must-deliver"]);
    assert_eq!(held.code, Some(0), "{}", held.err);
    let taken = xenline_at(&socket, &["operator", "take"]);
    assert_eq!(taken.code, Some(0), "{}", taken.err);
    let operator = xenline_at(&socket, &["operator", "say", "How are you?", "--wait"]);
    assert_eq!(operator.code, Some(0), "{} {}", operator.out, operator.err);
    assert_eq!(xenline_at(&socket, &["operator", "release"]).code, Some(0));
    assert_eq!(spoken(&line.events(), "What time is it?"), 0);
    assert_eq!(xenline_at(&socket, &["queue", "resume"]).code, Some(0));
    wait_until("the held one to be said", SAID_WITHIN, || {
        (spoken(&line.events(), "What time is it?") == 1).then_some(())
    });
    let nobody = xenline_at(&socket, &["queue", "show", "say-none"]);
    assert_eq!(nobody.code, Some(1));
    assert!(nobody.err.contains("xenline queue ls"), "{}", nobody.err);
    phone.hang_up();
    line.stop();
}

#[test]
fn what_a_call_left_unsaid_is_finished_by_the_next_one() {
    let _machine = alone();
    let line = Serving::agent(|_| {});
    let socket = socket(&line);
    let phone = Phone::call(line.sip);
    let text = "I can hear you, I am still here, what is the plan, run the backup, how are you?";
    let mark = line.mark();
    say(&socket, text);
    line.wait("it to begin", mark, SAID_WITHIN, |_, event| match event {
        CallEvent::FirstSample { claim } if claim.starts_with("say-") => Some(()),
        _ => None,
    });
    std::thread::sleep(Duration::from_millis(700));
    phone.hang_up();
    wait_until("it to wait", SOON, || queued(&socket).first().filter(|it| waits(it)).map(drop));
    let phone = Phone::call(line.sip);
    let heard = line.wait("it to be said to its end", mark, SAID_WITHIN, |_, event| match event {
        CallEvent::ClaimEnded { claim, ending: EndingKind::Spoken, heard_text, .. }
            if claim.starts_with("say-") =>
        {
            Some(heard_text.clone())
        }
        _ => None,
    });
    assert_eq!(heard, text, "the whole of it was heard, over two calls");
    phone.hang_up();
    line.stop();
}

#[test]
fn a_line_that_is_killed_leaves_nothing_unsaid_and_says_nothing_twice() {
    let _machine = alone();
    let first = Serving::agent(|_| {});
    let socket = socket(&first);
    let texts = ["What is the plan?", "Run the backup."];
    let waiting = texts.map(|text| say(&socket, text));
    kill(first.pid(), libc::SIGKILL);

    let second = again(&first);
    let found: Vec<String> = queued(&socket).into_iter().map(|claim| claim.claim).collect();
    assert_eq!(found, waiting, "both wait, in order, under their names");
    let phone = Phone::call(second.sip);
    wait_until("both to be said", SAID_WITHIN, || {
        texts.iter().all(|text| spoken(&second.events(), text) == 1).then_some(())
    });
    let long =
        "I can hear you, I am still here, are there any errors, tell me a joke, how are you?";
    let cut = say(&socket, long);
    let begun = |_, event: &CallEvent| match event {
        CallEvent::FirstSample { claim } if *claim == cut => Some(()),
        _ => None,
    };
    second.wait("it to begin", 0, SAID_WITHIN, begun);
    std::thread::sleep(Duration::from_millis(1_500));
    kill(second.pid(), libc::SIGKILL);
    drop(phone);

    let third = again(&first);
    let phone = Phone::call(third.sip);
    let heard = third.wait("it to be said to its end", 0, SAID_WITHIN, |_, event| match event {
        CallEvent::ClaimEnded { claim, ending: EndingKind::Spoken, heard_text, .. }
            if *claim == cut =>
        {
            Some(heard_text.clone())
        }
        _ => None,
    });
    assert_eq!(heard, long, "its beginning was heard before the crash, its end after");
    let said_ms = said_for_ms(&third.events(), &cut);
    figure(format!("killed in mid-sentence: the rest was said in {said_ms:.0} ms"));
    let events = third.events();
    assert!(texts.iter().all(|text| spoken(&events, text) == 0), "nothing is said twice");
    phone.hang_up();
    third.stop();
}

/// The same line, started anew.
fn again(killed: &Serving) -> Serving {
    let (config, address) = (killed.config.clone(), killed.sip);
    Serving::agent(|theirs| {
        *theirs = config;
        theirs.sip.listen_udp = Some(address);
    })
}

/// From the first sample of a claim to its ending.
fn said_for_ms(events: &[Timed], id: &str) -> f64 {
    let at = |is: &dyn Fn(&CallEvent) -> bool| {
        events.iter().find(|(_, event)| is(event)).map_or(0.0, |(at_ms, _)| *at_ms)
    };
    at(&|event| matches!(event, CallEvent::ClaimEnded { claim, .. } if claim == id))
        - at(&|event| matches!(event, CallEvent::FirstSample { claim } if claim == id))
}

fn socket(line: &Serving) -> PathBuf {
    line.config.say.socket.clone().expect("the tests name one")
}

fn xenline_at(socket: &Path, args: &[&str]) -> Ran {
    let mut command = xenline();
    command.args(args).arg("--socket").arg(socket);
    run(command, SAID_WITHIN)
}

/// Hands in what must be delivered; gives its id.
fn say(socket: &Path, text: &str) -> String {
    let wish = SayRequest { must_deliver: true, ..SayRequest::text(text) };
    let mut id = None;
    client::ask(socket, &Request::Say(wish), |reply| match reply {
        Reply::Accepted { claim, .. } => id = Some(claim),
        other => panic!("not accepted: {other:?}"),
    })
    .expect("the line answers");
    id.expect("an id")
}

fn queued(socket: &Path) -> Vec<xenline::control::QueuedClaim> {
    let mut found = Vec::new();
    client::ask(socket, &Request::QueueList, |reply| match reply {
        Reply::Queue { claims, .. } => found = claims,
        other => panic!("not a list: {other:?}"),
    })
    .expect("the line answers");
    found
}

fn waits(claim: &xenline::control::QueuedClaim) -> bool {
    claim.state == xenline::control::ClaimState::Waiting
}

/// How often a claim with these words was said to its end.
fn spoken(events: &[Timed], text: &str) -> usize {
    let ids: Vec<&String> = events
        .iter()
        .filter_map(|(_, event)| match event {
            CallEvent::ClaimAccepted { claim, text: of, .. } if of == text => Some(claim),
            _ => None,
        })
        .collect();
    let ended = events.iter().filter(|(_, event)| match event {
        CallEvent::ClaimEnded { claim, ending: EndingKind::Spoken, .. } => ids.contains(&claim),
        _ => false,
    });
    ended.count()
}

/// A fifth of a second of a tone.
fn chime(dir: &Path) -> PathBuf {
    let path = dir.join("chime.wav");
    write_wav(&path, 8_000, (0..1_600).map(|n| ((f64::from(n) * 0.5).sin() * 8_000.0) as i16));
    path
}
