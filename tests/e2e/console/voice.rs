//! The operator's own voice: true sound devices, a telephone that we did not write as the caller, and
//! a brain that writes down what it is told. Everybody has a tone, so the caller's recording says who
//! was heard, frame by frame.

use brain_protocol::LineMessage;
use media_core::SampleRate;
use media_core::resample::convert_all;
use tempfile::TempDir;
use xenline::control::{Request, SayRequest, client};
use xenline::report::CallEvent;

use super::{SOON, console, quits};
use crate::support::baresip::{Baresip, dial, heard_so_far};
use crate::support::line::Serving;
use crate::support::mind::Mind;
use crate::support::process::{Guarded, need};
use crate::support::sound::{FRAME, plain, power_at, rms, synthesised};
use crate::support::sound_server::{RATE, SoundServer};
use crate::support::terminal::Terminal;
use crate::support::tones::{LOUD, QUIET, THERE, after, count, share, tone, tone_file};
use crate::support::{alone, figure, wait_until};

const AGENT_HZ: f64 = 1_900.0;
const OPERATOR_HZ: f64 = 700.0;
const WORDS: &str = "what is the status";
const SIZE: (u16, u16) = (100, 30);

/// A line with a caller on it and an operator in front of it.
struct Scene {
    terminal: Terminal,
    sound: SoundServer,
    caller: Guarded,
    line: Serving,
    mind: Mind,
    dir: TempDir,
    phone: TempDir,
}

impl Scene {
    fn set() -> Self {
        need("baresip", "baresip-core");
        let sound = SoundServer::start();
        let mind = Mind::start(|_, _| {});
        let line = Serving::agent(|config| {
            config.sip.codecs = vec!["PCMU".into()];
            config.brain.command = mind.command();
        });
        let phone = Baresip {
            account: ">;regint=0;audio_codecs=PCMU",
            modules: "module          g711.so",
            rate: 8_000,
            // Longer than the call.
            microphone: &[vec![0; 90 * 8_000]],
        }
        .set_up();
        let mut program = console(&line, &["--speaker", "headset", "--microphone", "headset"]);
        sound.environment(&mut program);
        let terminal = Terminal::run(SIZE, &program);
        terminal.wait("Nobody calls.", SOON);
        let caller = dial(phone.path(), &format!("sip:agent@{}", line.sip));
        terminal.wait("line 1", SOON);
        let dir = tempfile::tempdir().expect("a directory");
        Self { terminal, sound, caller, line, mind, dir, phone }
    }

    /// What the caller has heard so far.
    fn heard(&self) -> Vec<i16> {
        heard_so_far(self.phone.path())
    }

    /// Waits until the caller has heard so many frames of a tone, after `from`.
    fn caller_hears(&self, hz: f64, frames: usize, from: usize) {
        wait_until(&format!("the caller to hear {hz} Hz"), SOON, || {
            (count(after(&self.heard(), from), hz) >= frames).then_some(())
        });
    }

    /// Waits until the caller hears nothing; gives how much was heard until then.
    fn caller_hears_nothing(&self) -> usize {
        wait_until("the caller to hear nothing", SOON, || {
            let heard = self.heard();
            let last = heard.len().checked_sub(10 * FRAME)?;
            (rms(&heard[last..]) < QUIET).then_some(heard.len())
        })
    }

    /// Waits until the caller has heard so many frames more, whatever they are.
    fn passes(&self, frames: usize) {
        let enough = self.heard().len() + frames * FRAME;
        wait_until("time to pass", SOON, || (self.heard().len() >= enough).then_some(()));
    }

    fn is_told<T>(&self, what: &str, is: impl Fn(&LineMessage) -> Option<T>) -> T {
        wait_until(&format!("the brain to be told {what}"), SOON, || {
            self.mind.told().iter().find_map(&is)
        })
    }

    fn agent_sounds(&self, seconds: usize) {
        let wav = Some(tone_file(self.dir.path(), AGENT_HZ, seconds));
        let wish = SayRequest { text: "a tone".into(), wav, ..SayRequest::default() };
        let socket = self.line.config.say.socket.as_ref().expect("the tests name one");
        client::ask(socket, &Request::Say(wish), drop).expect("the line answers");
    }

    fn says_words(&self) -> Guarded {
        let words = convert_all(&synthesised(WORDS), SampleRate::Hz8000, SampleRate::Hz48000);
        self.sound.speak(&[words, vec![0; RATE as usize]].concat())
    }
}

#[test]
fn the_operator_listens_takes_over_hands_back_and_whispers_and_never_are_two_heard_at_once() {
    let _machine = alone();
    let scene = Scene::set();
    let Scene { terminal, sound, line, .. } = &scene;

    // Listening: the operator hears the agent, and nobody hears the operator.
    terminal.press(&["l"]);
    terminal.wait("listening on line 1", SOON);
    scene.agent_sounds(20);
    scene.caller_hears(AGENT_HZ, 10, 0);
    wait_until("the operator to hear the agent", SOON, || {
        let heard = sound.heard();
        let last = &heard[heard.len().saturating_sub(RATE as usize / 2)..];
        let last = convert_all(last, SampleRate::Hz48000, SampleRate::Hz8000);
        (count(&last, AGENT_HZ) >= 10).then_some(())
    });
    terminal.press(&["Space"]);
    terminal.wait("nobody would hear you", SOON);
    sound.speak(&tone(OPERATOR_HZ, 1, RATE)).ended(SOON);
    assert_eq!(count(&scene.heard(), OPERATOR_HZ), 0, "who listens is not heard");

    // The floor: the agent stops, then the operator is heard, and not while muted.
    let mark = line.mark();
    terminal.press(&["b"]);
    terminal.wait("YOU HAVE THE FLOOR of line 1", SOON);
    let silence_ms = line.wait("the agent to be silent", mark, SOON, |_, event| match event {
        CallEvent::Silenced { revoke_to_silence_ms, .. } => Some(*revoke_to_silence_ms),
        _ => None,
    });
    terminal.press(&["Space"]);
    terminal.wait("● mic open", SOON);
    let speaking = sound.speak(&tone(OPERATOR_HZ, 60, RATE));
    scene.caller_hears(OPERATOR_HZ, 50, 0);
    terminal.press(&["m"]);
    terminal.wait(" muted", SOON);
    let muted = scene.caller_hears_nothing();
    scene.passes(25);
    assert_eq!(count(after(&scene.heard(), muted), OPERATOR_HZ), 0, "who is muted is not heard");
    terminal.press(&["m"]);
    scene.caller_hears(OPERATOR_HZ, 10, muted);
    drop(speaking);

    // What is said on the floor, the microphone opened by voice, is told to the brain.
    let quiet = scene.caller_hears_nothing();
    terminal.press(&["v"]);
    terminal.wait("open mic", SOON);
    let speaking = scene.says_words();
    let said = scene.is_told("what the operator said", |it| match it {
        LineMessage::OperatorSaid { text, .. } => Some(text.clone()),
        _ => None,
    });
    wait_until("the caller to hear the operator's words", SOON, || {
        let heard = scene.heard();
        (after(&heard, quiet).chunks(FRAME).filter(|it| rms(it) > LOUD).count() > 20).then_some(())
    });
    drop(speaking);
    terminal.wait("operator", SOON);

    // Handed back: the agent goes on. What is whispered reaches the brain alone.
    let back = scene.caller_hears_nothing();
    terminal.press(&["h"]);
    terminal.wait("listening on line 1", SOON);
    scene.caller_hears(AGENT_HZ, 25, back);
    scene.is_told("that the floor is the agent's", |it| {
        matches!(it, LineMessage::OperatorReleased { .. }).then_some(())
    });
    terminal.press(&["w"]);
    terminal.wait("whispering to the agent on line 1", SOON);
    let speaking = scene.says_words();
    let whispered = scene.is_told("what the operator whispered", |it| match it {
        LineMessage::OperatorWhisper { text, .. } => Some(text.clone()),
        _ => None,
    });
    drop(speaking);
    figure(format!("console with sound:\n{}", terminal.seen()));
    let heard = scene.heard();
    one_at_a_time(&heard, back, silence_ms);
    figure(format!("console: the brain was told {said:?} aloud and {whispered:?} in a whisper"));
    assert_eq!((plain(&said), plain(&whispered)), (WORDS.into(), WORDS.into()));

    terminal.press(&["Escape"]);
    terminal.wait("not on a line", SOON);
    quits(terminal);
    scene.caller.signal(libc::SIGTERM);
    scene.line.stop();
}

/// What is on the caller's recording: the agent, the operator, the agent.
fn one_at_a_time(heard: &[i16], back: usize, silence_ms: f64) {
    let frames: Vec<&[i16]> = heard.chunks_exact(FRAME).collect();
    let back = back / FRAME;
    let is = |hz: f64| move |frame: &&[i16]| power_at(frame, hz) > THERE;
    let both = frames.iter().filter(|it| is(AGENT_HZ)(it) && is(OPERATOR_HZ)(it)).count();
    let last = frames[..back].iter().rposition(is(AGENT_HZ)).expect("the agent was heard");
    let first = frames.iter().position(is(OPERATOR_HZ)).expect("the operator was heard");
    let other = frames[back..].iter().filter(|it| rms(it) > LOUD && share(it, AGENT_HZ) < 0.5);
    let other = other.count();
    figure(format!(
        "console: {} frames of the agent, {} of the operator's tone, {both} of both; the agent was \
         silent {silence_ms:.1} ms after the floor was taken, and {other} frames of a whisper were heard",
        count(heard, AGENT_HZ),
        count(heard, OPERATOR_HZ),
    ));
    assert_eq!(both, 0, "frames in which both are heard");
    assert!(last < first, "the agent is heard in frame {last}, the operator from {first} on");
    // A frame in which a tone begins is not all tone.
    assert!(other <= 2, "{other} frames of something else after the floor was handed back");
}
