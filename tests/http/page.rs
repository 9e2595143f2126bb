//! The console page in a real browser: what it shows of a call, that every control asks for what it
//! says, that a lost connection shows and comes back. Pictures of it are kept in `target/console/`.

use std::time::Instant;

use serde_json::json;
use xenline::control::{Request, SayRequest};
use xenline::report::{
    CallEvent, CallOpened, ClaimSource, EndingKind, Event, TurnTimes, VerdictKind,
};
use xenline::watch::{Level, Sight};

use crate::browser::Browser;
use crate::door::{House, TOKEN, wait_until};

/// The page, opened with a code as `xenline page` prints it.
fn opened(house: &House) -> Browser {
    let mut browser = Browser::start(&[]);
    browser.look(1_440, 900, "light");
    browser.open(&house.pages.invite(Instant::now()).expect("the door is open"));
    browser.wait_for("document.body.dataset.ready === 'true'");
    browser
}

fn happens(house: &House, t_ms: f64, what: CallEvent) {
    house.watch.post(Sight::Call { line: 1, event: Event { t_ms, what } });
}

/// A greeting, a question, an answer that is interrupted; a program and a worker wait.
fn a_call_goes_on(house: &House) {
    let accepted = |claim: &str, source, turn, text: &str| CallEvent::ClaimAccepted {
        claim: claim.into(),
        source,
        turn,
        text: text.into(),
    };
    let floor = |holder: Option<&str>, source, why: &str| CallEvent::Floor {
        holder: holder.map(str::to_owned),
        source,
        why: why.into(),
        generation: None,
    };
    let sample = |claim: &str| CallEvent::FirstSample { claim: claim.into() };
    let opened = CallOpened {
        caller: "sip:+4922155501@carrier.example".into(),
        trunk: "carrier".into(),
        codec: "PCMU".into(),
        ..CallOpened::default()
    };
    let times = TurnTimes {
        speech_start_ms: 3_000.0,
        speech_end_ms: 4_500.0,
        vad_off_ms: 4_680.0,
        decode_start_ms: 4_690.0,
        decode_end_ms: 4_900.0,
        endpoint_ms: 5_000.0,
    };
    let turn = |turn, text: &str, barged_in| CallEvent::CallerTurn {
        turn,
        text: text.into(),
        barged_in,
        times,
        speaker: None,
    };
    let (agent, heard) = (ClaimSource::Responder, "It finished at three");
    let answer = "It finished at three, and nothing went wrong.";
    for (t_ms, what) in [
        (0.0, CallEvent::CallOpened(opened)),
        (3_000.0, CallEvent::CallerVad { on: true }),
        (4_680.0, CallEvent::CallerVad { on: false }),
        (5_000.0, turn(1, "<b>Did the backup go through?</b>", false)),
        (5_300.0, accepted("r-1", agent, Some(1), answer)),
        (5_310.0, floor(Some("r-1"), Some(agent), "answer")),
        (5_500.0, CallEvent::FirstSynth { claim: "r-1".into() }),
        (5_540.0, sample("r-1")),
        (6_000.0, accepted("say-7", ClaimSource::External, None, "The kettle boils.")),
        (7_000.0, CallEvent::Verdict { verdict: VerdictKind::Speech, decide_ms: 300.0 }),
        (7_010.0, CallEvent::Revoked { claim: "r-1".into(), why: "caller speaks".into() }),
        (7_020.0, floor(None, None, "caller speaks")),
        (
            7_030.0,
            CallEvent::ClaimEnded {
                claim: "r-1".into(),
                ending: EndingKind::Interrupted,
                reason: None,
                heard_text: heard.into(),
            },
        ),
        (7_900.0, turn(2, "Stop, that is enough.", true)),
        (8_200.0, accepted("w-1", ClaimSource::Worker, Some(1), "All volumes are consistent.")),
        (8_210.0, floor(Some("w-1"), Some(ClaimSource::Worker), "worker report")),
        (8_400.0, sample("w-1")),
        (9_000.0, CallEvent::Partial { text: "and what about".into(), speaker: None }),
    ] {
        happens(house, t_ms, what);
    }
}

#[test]
fn the_page_shows_a_call_as_it_goes_on() {
    let house = House::open();
    let mut browser = opened(&house);
    a_call_goes_on(&house);
    browser.wait_for_text("#partial", "and what about");
    for (at, text) in [
        ("#call-head", "…01"),
        ("#call-head", "over carrier, PCMU"),
        ("#transcript", "<b>Did the backup go through?</b>"),
        ("#transcript .unheard", ", and nothing went wrong."),
        ("#transcript .tag.cut", "interrupted"),
        ("#floor", "Worker has the floor"),
        ("#floor", "worker report"),
        ("#behind", "worker has the floor"),
        ("#behind", "The kettle boils."),
        // What waits for a call is told by the desk.
        ("#behind", "The backup is done."),
        ("#turns .ms", "1040 ms"),
        ("#claims", "interrupted"),
        ("#open-list", "MOS 4.2"),
        ("#chips", "connected"),
    ] {
        browser.wait_for_text(at, text);
    }
    // Meters and waveforms move: a canvas with nothing on it has one colour.
    house.watch.level(Level {
        line: 1,
        leg: 0,
        t_ms: 9_000.0,
        heard_dbov: -18,
        sent_dbov: -24,
        speech: true,
    });
    browser.wait_for_text("#meters", "-18 dB");
    browser.wait_for(
        "(() => { const c = document.querySelector('#scope'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; return new Set(new Uint32Array(d.buffer)).size > 4; })()",
    );
    browser.picture("live-light");
    browser.look(1_440, 900, "dark");
    browser.picture("live-dark");
    browser.look(390, 844, "light");
    let too_wide = "document.documentElement.scrollWidth > window.innerWidth";
    assert_eq!(browser.eval(too_wide), json!(false), "it fits a phone");
    browser.picture("live-phone");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn every_control_asks_for_what_it_says() {
    let calls = crate::past::recorded();
    let house = House::with_calls(calls.path(), |_| {});
    let mut browser = opened(&house);
    a_call_goes_on(&house);
    browser.wait_for("!document.querySelector('#take').disabled");
    let text = || "two words".to_owned();
    let line = Some(1);
    let write = |browser: &mut Browser, mode: &str| {
        browser.click(&format!(".modes label:has([value={mode}])"));
        browser.click("#words");
        browser.write("two words");
        browser.press("Enter");
    };
    write(&mut browser, "say");
    asked(&house, &Request::Say(SayRequest { line, ..SayRequest::text("two words") }));
    browser.wait_for("document.querySelector('#words').value === '' || undefined");
    write(&mut browser, "operator");
    asked(&house, &Request::OperatorSay { text: text(), line, wait: false });
    browser.wait_for("document.querySelector('#words').value === '' || undefined");
    write(&mut browser, "whisper");
    asked(&house, &Request::OperatorWhisper { text: text(), line });
    browser.wait_for("document.querySelector('#words').value === '' || undefined");
    write(&mut browser, "type");
    asked(&house, &Request::Type { text: text(), from: Some("page".into()), wait: false });
    browser.click("#take");
    asked(&house, &Request::OperatorTake { line });
    browser.click("#release");
    asked(&house, &Request::OperatorRelease { line });
    // What ends something for somebody is pressed twice.
    browser.click("#hang-up");
    browser.wait_for_text("#hang-up", "Press again");
    browser.click("#hang-up");
    asked(&house, &Request::HangUp { line: 1 });
    browser.click("#drain");
    browser.click("#drain");
    asked(&house, &Request::Drain);

    browser.click("nav [data-view=queue]");
    browser.click("#pause");
    asked(&house, &Request::QueuePause);
    browser.click("#queue button");
    asked(&house, &Request::QueueWithdraw { claim: "say-1".into() });
    browser.wait_for_text("#queue", "Empty.");
    browser.click("#number");
    browser.write("+49 30 123456");
    browser.press("Enter");
    asked(&house, &Request::Dial { number: "+4930123456".into() });
    browser.picture("queue");

    browser.click("nav [data-view=past]");
    browser.click("#past-list button");
    browser.wait_for_text("#past-call", "what is the time");
    browser.wait_for("document.querySelector('#past-call img')?.naturalWidth > 0");
    browser.picture("past");
    browser.click("#listen");
    browser.wait_for("document.querySelector('#past-call audio')?.duration > 2.9");

    browser.click("nav [data-view=lanes]");
    house.post("/lanes/fax", &json!({ "text": "a fax came", "from": "ann" }));
    browser.click("#lanes-again");
    browser.click("#lanes [data-key='fax:main'] button");
    browser.wait_for_text("#lane", "a fax came");
    browser.picture("lanes");

    browser.click("#theme");
    browser.wait_for("document.documentElement.dataset.theme === 'light'");
    browser.click("#theme");
    browser.wait_for("document.documentElement.dataset.theme === 'dark'");
    browser.click("#help-open");
    browser.wait_for("document.querySelector('#help').open");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn it_is_used_with_the_keyboard_alone() {
    let house = House::open();
    let mut browser = opened(&house);
    a_call_goes_on(&house);
    browser.wait_for("!document.querySelector('#take').disabled");
    browser.press("t");
    asked(&house, &Request::OperatorTake { line: Some(1) });
    browser.press("w");
    browser.write("be brief");
    browser.press("Enter");
    asked(&house, &Request::OperatorWhisper { text: "be brief".into(), line: Some(1) });
    // In a field a key is a letter.
    browser.wait_for("document.querySelector('#words').value === '' || undefined");
    browser.press("t");
    browser.wait_for("document.querySelector('#words').value === 't'");
    browser.press("Escape");
    browser.press("r");
    asked(&house, &Request::OperatorRelease { line: Some(1) });
    browser.press("3");
    browser.wait_for("!document.querySelector('#view-queue').hidden");
    browser.press("?");
    browser.wait_for("document.querySelector('#help').open");
    browser.press("Escape");
    browser.wait_for("!document.querySelector('#help').open");
    browser.press("Tab");
    let names = "[...document.querySelectorAll('button, input, select, canvas, nav, aside, ol[role=log]')].filter((it) => !(it.innerText || it.labels?.length || it.getAttribute('aria-label') || it.getAttribute('aria-labelledby') || it.getAttribute('role') === 'log')).map((it) => it.outerHTML)";
    assert_eq!(browser.eval(names), json!([]), "everything has a name");
    assert_ne!(browser.eval("document.activeElement.tagName"), "BODY", "something has the focus");
}

#[test]
fn a_lost_connection_shows_and_comes_back_where_it_broke() {
    let mut house = House::open();
    let mut browser = opened(&house);
    a_call_goes_on(&house);
    browser.wait_for_text("#partial", "and what about");
    house.shut();
    browser.wait_for_text("#lost", "No connection to the line");
    browser.picture("lost");
    // Said while the page was away.
    let note = CallEvent::Note { text: "said in the meantime".into() };
    happens(&house, 9_500.0, note);
    house.open_again();
    browser.wait_for("document.querySelector('#lost').hidden");
    browser.wait_for_text("#transcript", "said in the meantime");
    let turns = browser.eval(
        "document.querySelector('#transcript').innerText.split('Stop, that is enough.').length - 1",
    );
    assert_eq!(turns, 1, "nothing is told twice");
}

#[test]
fn without_a_session_the_page_asks_for_a_code_or_the_token() {
    let house = House::open();
    let mut browser = Browser::start(&[]);
    browser.open(&format!("http://{}/", house.address));
    browser.wait_for("document.querySelector('#login').open");
    browser.click("#secret");
    browser.write("not the token of this line");
    browser.press("Enter");
    browser.wait_for_text("#login-error", "not the line's token");
    browser.eval("document.querySelector('#secret').value = ''");
    browser.write(TOKEN);
    browser.press("Enter");
    browser.wait_for("document.body.dataset.ready === 'true'");
    assert_eq!(browser.eval("location.hash + location.search + document.cookie"), "");
}

/// Waits until the desk was asked this.
fn asked(house: &House, request: &Request) {
    wait_until(&format!("{request:?}"), || house.desk.was_asked(request).then_some(()));
}
