//! The operator sits in a browser: a real Chromium with the real page, a telephone as the caller, and a
//! brain that writes down what it is told. The agent and the operator have a tone each, so what the
//! telephone is sent says who was heard, frame by frame.

use brain_protocol::LineMessage;
use media_core::SampleRate;
use media_core::resample::convert_all;
use tempfile::TempDir;
use xenline::control::{Request, SayRequest, client};
use xenline::report::CallEvent;

use crate::doors::peers::{OnPage, SOON};
use crate::support::line::Serving;
use crate::support::mind::Mind;
use crate::support::phone::Phone;
use crate::support::sound::{FRAME, plain, power_at, rms, synthesised};
use crate::support::tones::{LOUD, THERE, after, count, share, tone, tone_file};
use crate::support::{alone, figure, wait_until};

const AGENT_HZ: f64 = 1_900.0;
const OPERATOR_HZ: f64 = 700.0;
const WORDS: &str = "what is the status";
const WIDE: usize = 48_000;
/// A second of the phone's sound.
const SECOND: usize = 8_000;

/// What the operator's microphone hears, over and over: a tone, words, and a pause after each.
fn microphone() -> Vec<i16> {
    let words = convert_all(&synthesised(WORDS), SampleRate::Hz8000, SampleRate::Hz48000);
    let pause = || vec![0; WIDE * 6 / 5];
    [tone(OPERATOR_HZ, 1, WIDE as u32), pause(), words, pause()].concat()
}

/// A line with a caller on it, an agent who sounds, and the operator before the page.
struct Scene {
    page: OnPage,
    phone: Phone,
    /// The microphone's round, in the phone's samples, and a little more.
    round: usize,
    line: Serving,
    mind: Mind,
    _dir: TempDir,
}

impl Scene {
    fn set() -> Self {
        let mind = Mind::start(|_, _| {});
        let line = Serving::agent(|config| {
            config.http.listen = Some(([127, 0, 0, 1], 0).into());
            config.sip.codecs = vec!["PCMU".into()];
            config.brain.command = mind.command();
        });
        let hears = microphone();
        let round = hears.len() / (WIDE / SECOND) + SECOND;
        let page = OnPage::opens_with(&line, hears);
        let phone = Phone::call(line.sip);
        let dir = tempfile::tempdir().expect("a directory");
        let wav = Some(tone_file(dir.path(), AGENT_HZ, 90));
        let wish = SayRequest { text: "a tone".into(), wav, ..SayRequest::default() };
        let socket = line.config.say.socket.as_ref().expect("the tests name one");
        client::ask(socket, &Request::Say(wish), drop).expect("the line answers");
        Self { page, phone, round, line, mind, _dir: dir }
    }

    /// How much the caller has heard.
    fn now(&self) -> usize {
        self.phone.media.heard().len()
    }

    /// Waits until the caller has heard so many frames of a tone, after `from`.
    fn caller_hears(&self, hz: f64, frames: usize, from: usize) {
        wait_until(&format!("the caller to hear {hz} Hz"), SOON, || {
            (count(after(&self.phone.media.heard(), from), hz) >= frames).then_some(())
        });
    }

    /// Waits until all that the microphone hears was said once more, after `from`; the caller heard
    /// nobody but the agent.
    fn caller_hears_the_agent_alone(&self, from: usize) {
        wait_until("the microphone's round", SOON, || {
            (self.now() >= from + self.round).then_some(())
        });
        let heard = self.phone.media.heard();
        let frames = after(&heard, from).chunks_exact(FRAME);
        let others = frames.filter(|it| rms(it) > LOUD && share(it, AGENT_HZ) < 0.5).count();
        // A frame in which the line left out a packet, on a machine that stumbles, is not all tone.
        assert!(others <= 2, "{others} frames of somebody else");
        assert_eq!(count(after(&heard, from), OPERATOR_HZ), 0, "frames of the operator's tone");
    }

    fn is_told<T>(&self, what: &str, is: impl Fn(&LineMessage) -> Option<T>) -> T {
        wait_until(&format!("the brain to be told {what}"), SOON, || {
            self.mind.told().iter().find_map(&is)
        })
    }
}

#[test]
fn an_operator_in_a_browser_listens_whispers_takes_over_and_hands_back() {
    let _machine = alone();
    let mut scene = Scene::set();
    scene.caller_hears(AGENT_HZ, 10, 0);

    // Listening: the operator hears the agent, and nobody hears the operator.
    scene.page.sits_as("listen", "You listen to line 1: nobody hears you.");
    wait_until("the operator to hear the agent", SOON, || {
        scene.page.listen();
        (count(&scene.page.heard(), AGENT_HZ) >= 10).then_some(())
    });
    scene.caller_hears_the_agent_alone(scene.now());
    scene.page.browser.picture("operator-listens");

    // Whispering: the brain alone hears it.
    let begun = scene.now();
    choose(&mut scene.page, "whisper");
    scene.page.browser.wait_for_text("#talk-state", "You whisper on line 1: only the agent hears");
    scene.is_told("what the operator whispered", |it| match it {
        LineMessage::OperatorWhisper { text, .. } => (plain(text) == WORDS).then_some(()),
        _ => None,
    });
    scene.caller_hears_the_agent_alone(begun);
    scene.page.browser.picture("operator-whispers");

    // The floor, by key: the agent is silent, then everybody hears the operator.
    let (mark, taken) = (scene.line.mark(), scene.now());
    scene.page.browser.press("t");
    scene.page.browser.wait_for_text("#talk-state", "You have the floor of line 1: everybody");
    let silence_ms =
        scene.line.wait("the agent to be silent", mark, SOON, |_, event| match event {
            CallEvent::Silenced { revoke_to_silence_ms, .. } => Some(*revoke_to_silence_ms),
            _ => None,
        });
    scene.caller_hears(OPERATOR_HZ, 25, taken);
    let said = |it: &LineMessage| match it {
        LineMessage::OperatorSaid { text, .. } => (plain(text) == WORDS).then_some(()),
        _ => None,
    };
    scene.is_told("what the operator said", said);
    scene.page.browser.wait_for_text("#floor", "The operator has the floor");
    scene.page.browser.picture("operator-speaks");
    scene.page.listen();

    // Handed back: the agent goes on, and the operator listens.
    scene.page.browser.press("r");
    scene.page.browser.wait_for_text("#talk-state", "You listen to line 1: nobody hears you.");
    let back = scene.now();
    scene.caller_hears(AGENT_HZ, 25, back);
    scene.is_told("that the floor is the agent's", |it| {
        matches!(it, LineMessage::OperatorReleased { .. }).then_some(())
    });
    scene.caller_hears_the_agent_alone(scene.now());
    one_at_a_time(&scene.phone.media.heard(), silence_ms);
    let own = count(&scene.page.heard(), OPERATOR_HZ);
    assert_eq!(own, 0, "frames in which the operator hears the own voice");

    let mark = scene.line.mark();
    scene.page.browser.press("c");
    scene.line.wait("the operator to leave", mark, SOON, |_, event| {
        matches!(event, CallEvent::LegLeft { .. }).then_some(())
    });
    assert_eq!(scene.page.browser.complaints, Vec::<String>::new());
    let Scene { page, phone, line, .. } = scene;
    // It holds connections for as long as it is open.
    drop(page);
    phone.hang_up();
    line.stop();
}

/// Takes part in another way, as with the mouse.
fn choose(page: &mut OnPage, part: &str) {
    page.browser.eval(&format!(
        "(() => {{ const it = document.querySelector('#talk-part'); if (it.disabled) throw 'not to be chosen'; it.value = '{part}'; it.dispatchEvent(new Event('change')); }})()"
    ));
}

/// What the telephone was sent: the agent, the operator, the agent.
fn one_at_a_time(heard: &[i16], silence_ms: f64) {
    let frames: Vec<&[i16]> = heard.chunks_exact(FRAME).collect();
    let is = |hz: f64| move |frame: &&[i16]| power_at(frame, hz) > THERE;
    let both = frames.iter().filter(|it| is(AGENT_HZ)(it) && is(OPERATOR_HZ)(it)).count();
    figure(format!(
        "operator in a browser: {} frames of the agent, {} of the operator's tone, {both} of both; the \
         agent was silent {silence_ms:.1} ms after the floor was taken",
        count(heard, AGENT_HZ),
        count(heard, OPERATOR_HZ),
    ));
    assert_eq!(both, 0, "frames in which both are heard");
}
