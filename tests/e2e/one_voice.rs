//! Many speakers, one voice: whoever hands in claims, the caller hears one at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use xenline::control::{Reply, Request, SayRequest, client};
use xenline::report::{CallEvent, EndingKind, RECORDING_FILE};

use crate::support::line::{Serving, Timed};
use crate::support::phone::Phone;
use crate::support::process::{need, xenline};
use crate::support::rtp::assert_one_stream;
use crate::support::sound::{channel, plain, words_in};
use crate::support::{alone, figure};

/// Sentences of the recogniser's domain, so that a recording can be held against them.
const BRAINS: [&str; 6] = [
    "I can hear you.",
    "I am still here.",
    "What is the plan?",
    "Run the backup.",
    "Are there any errors?",
    "How are you?",
];
const PROGRAMS: [&str; 6] = [
    "What time is it?",
    "Have a nice day.",
    "Is the backup done?",
    "Tell me a joke.",
    "Thank you very much.",
    "What is the status?",
];
/// Clocks of the recording and of the events begin within a few packets of each other.
const MARGIN_MS: f64 = 60.0;
const ALL_SAID_WITHIN: Duration = Duration::from_secs(90);

#[test]
fn many_speakers_at_once_are_heard_one_after_the_other() {
    let _machine = alone();
    need("python3", "python3");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/chatter.py");
    let mut command = xenline();
    command.env("CHATTER_TEXTS", serde_json::to_string(&BRAINS).expect("JSON"));
    let line = Serving::start(command, |config| {
        config.brain.command = vec!["python3".into(), script.display().to_string()];
    });
    let phone = Phone::call(line.sip);
    let socket = line.config.say.socket.clone().expect("the tests name one");
    let endings = say_all_at_once(&socket);
    line.wait("every claim to end", 0, ALL_SAID_WITHIN, |_, _| {
        (ended(&line.events()).len() == BRAINS.len() + PROGRAMS.len()).then_some(())
    });
    let (received, on_the_wire) = (phone.media.received(), phone.media.heard());
    phone.hang_up();
    let skipped = line.ticks_skipped();
    let recorded = channel(&line.folder().join(RECORDING_FILE), 1);
    let events = line.events();
    line.stop();

    let said = spoken_in_order(&events);
    let order: Vec<&str> = said.iter().map(|said| said.words.as_str()).collect();
    figure(format!("one voice: {} claims of 7 speakers, in this order: {order:?}", said.len()));
    assert_every_claim_ends_once(&events);
    assert_turns_are_taken(&events);
    assert_one_stream(&received, skipped);
    assert_eq!(endings.values().map(Vec::len).sum::<usize>(), PROGRAMS.len(), "{endings:?}");
    assert!(endings.keys().all(|ending| ending == "spoken"), "{endings:?}");
    assert_eq!(said.len(), BRAINS.len() + PROGRAMS.len());
    assert_words("recording", &recorded, &said);
    assert_words("wire", &on_the_wire, &said);
}

/// Hands in each sentence from a thread of its own; gives the sentences by their ending.
fn say_all_at_once(socket: &Path) -> BTreeMap<String, Vec<String>> {
    std::thread::scope(|scope| {
        let say = |text: &str| {
            let request = Request::Say(SayRequest {
                text: text.into(),
                must_deliver: true,
                wait: true,
                ..SayRequest::default()
            });
            let mut ending = None;
            client::ask(socket, &request, |reply| match reply {
                Reply::Ended { ending: how, .. } => ending = Some(how),
                Reply::Refused { message, .. } => panic!("refused: {message}"),
                _ => {}
            })
            .expect("the line answers");
            (ending.expect("an ending"), text.to_owned())
        };
        let threads = PROGRAMS.map(|text| scope.spawn(move || say(text)));
        let mut by_ending = BTreeMap::<String, Vec<String>>::new();
        for thread in threads {
            let (ending, text) = thread.join().expect("no panic");
            by_ending.entry(ending).or_default().push(text);
        }
        by_ending
    })
}

fn ended(events: &[Timed]) -> BTreeSet<String> {
    let ended = events.iter().filter_map(|(_, event)| match event {
        CallEvent::ClaimEnded { claim, .. } => Some(claim.clone()),
        _ => None,
    });
    ended.collect()
}

fn assert_every_claim_ends_once(events: &[Timed]) {
    let mut count = BTreeMap::<&str, (usize, usize)>::new();
    for (_, event) in events {
        match event {
            CallEvent::ClaimAccepted { claim, .. } => count.entry(claim).or_default().0 += 1,
            CallEvent::ClaimEnded { claim, .. } => count.entry(claim).or_default().1 += 1,
            _ => {}
        }
    }
    for (claim, times) in count {
        assert_eq!(times, (1, 1), "{claim}: accepted and ended");
    }
}

/// Between a claim's first sample and its ending (or its silence) no other claim has a sample.
fn assert_turns_are_taken(events: &[Timed]) {
    let mut speaks: Option<&str> = None;
    for (t_ms, event) in events {
        match event {
            CallEvent::FirstSample { claim } => {
                assert!(
                    speaks.is_none_or(|other| other == claim),
                    "{claim} begins at {t_ms} ms while {speaks:?} speaks"
                );
                speaks = Some(claim);
            }
            CallEvent::Silenced { claim, .. } | CallEvent::ClaimEnded { claim, .. } => {
                speaks = speaks.filter(|speaker| speaker != claim);
            }
            _ => {}
        }
    }
}

/// Something that was said to its end, and when.
struct Said {
    words: String,
    from_ms: f64,
    to_ms: f64,
}

/// What was said to its end, in the order in which it was.
fn spoken_in_order(events: &[Timed]) -> Vec<Said> {
    let of = |id: &str| {
        let mut found = (None, None);
        for (t_ms, event) in events {
            match event {
                CallEvent::ClaimAccepted { claim, text, .. } if claim == id => {
                    found.0 = Some(plain(text));
                }
                CallEvent::FirstSample { claim } if claim == id => {
                    found.1 = found.1.or(Some(*t_ms));
                }
                _ => {}
            }
        }
        (found.0.expect("it was accepted"), found.1.expect("it began"))
    };
    let spoken = events.iter().filter_map(|(t_ms, event)| match event {
        CallEvent::ClaimEnded { claim, ending: EndingKind::Spoken, .. } => {
            let (words, from_ms) = of(claim);
            Some(Said { words, from_ms, to_ms: *t_ms })
        }
        _ => None,
    });
    spoken.collect()
}

/// Two voices at once, or words cut off, would be no sentence that the recogniser knows.
fn assert_words(place: &str, sound: &[i16], said: &[Said]) {
    let at = |ms: f64| ((ms.max(0.0) * 8.0) as usize).min(sound.len());
    let heard = |said: &Said| {
        words_in(&sound[at(said.from_ms - MARGIN_MS)..at(said.to_ms + MARGIN_MS)]).join(" ")
    };
    let wrong: Vec<(&str, String)> = said
        .iter()
        .map(|said| (said.words.as_str(), heard(said)))
        .filter(|(said, heard)| said != heard)
        .collect();
    figure(format!(
        "one voice: {} of {} understood in the {place}",
        said.len() - wrong.len(),
        said.len()
    ));
    // The recogniser itself is a small one.
    assert!(wrong.len() <= said.len() / 6, "said and heard in the {place}: {wrong:?}");
}
