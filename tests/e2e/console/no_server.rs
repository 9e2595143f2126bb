//! The sound server is killed under the console, and later does not answer: it is told in words, the keys
//! go on, and there is sound again with the server.

use brain_protocol::LineMessage;
use media_core::SampleRate;
use media_core::resample::convert_all;
use xenline::control::{Request, SayRequest, client};

use super::{SOON, console, quits};
use crate::support::line::Serving;
use crate::support::mind::Mind;
use crate::support::phone::Phone;
use crate::support::sound_server::{RATE, SoundServer};
use crate::support::terminal::Terminal;
use crate::support::tones::{after, count, tone, tone_file};
use crate::support::{alone, figure, wait_until};

const AGENT_HZ: f64 = 1_900.0;
const OPERATOR_HZ: f64 = 700.0;
const SIZE: (u16, u16) = (110, 30);

#[test]
fn a_sound_server_that_dies_or_hangs_is_told_and_its_sound_comes_back_with_it() {
    let _machine = alone();
    let mut sound = SoundServer::start();
    let mind = Mind::start(|_, _| {});
    let line = Serving::agent(|config| config.brain.command = mind.command());
    let mut program = console(&line, &["--speaker", "headset", "--microphone", "headset"]);
    sound.environment(&mut program);
    let terminal = Terminal::run(SIZE, &program);
    let phone = Phone::call(line.sip);
    let dir = tempfile::tempdir().expect("a directory");
    agent_sounds(&line, dir.path());
    terminal.wait("line 1", SOON);
    terminal.press(&["l"]);
    operator_hears_the_agent(&terminal, &sound);

    // Dead: told in words, and what needs no sound goes on.
    sound.dies();
    figure(format!("console without its sound server:\n{}", terminal.wait("gone (", SOON)));
    terminal.press(&["t"]);
    terminal.write("the headset is dead");
    terminal.press(&["Enter"]);
    wait_until("the agent to be told", SOON, || {
        let is = |it: &LineMessage| matches!(it, LineMessage::OperatorWhisper { text, .. } if text == "the headset is dead");
        mind.told().iter().any(is).then_some(())
    });

    // Another in its place: the same devices are chosen again, and the seat was kept.
    sound.comes_back();
    terminal.press(&["d"]);
    terminal.wait("which microphone?", SOON);
    terminal.press(&["Enter"]);
    operator_hears_the_agent(&terminal, &sound);
    let from = phone.media.heard().len();
    terminal.press(&["b"]);
    terminal.wait("YOU HAVE THE FLOOR of line 1", SOON);
    terminal.press(&["Space"]);
    terminal.wait("● mic open", SOON);
    let speaking = sound.speak(&tone(OPERATOR_HZ, 60, RATE));
    wait_until("the caller to hear the operator", SOON, || {
        (count(after(&phone.media.heard(), from), OPERATOR_HZ) >= 25).then_some(())
    });
    drop(speaking);

    // Hanging: the terminal goes on while the devices are waited for, and it is told after a while.
    terminal.press(&["Escape"]);
    terminal.wait("not on a line", SOON);
    sound.hangs(true);
    terminal.press(&["l"]);
    terminal.wait("joining line 1", SOON);
    terminal.press(&["?"]);
    terminal.wait("go back in the transcript", SOON);
    terminal.press(&["Escape"]);
    let picture = terminal.wait("no sound: the sound system does not answer", SOON);
    figure(format!("console with a sound server that hangs:\n{picture}"));
    sound.hangs(false);
    terminal.press(&["d"]);
    terminal.wait("which microphone?", SOON);
    terminal.press(&["Enter"]);
    terminal.wait("(d, D choose)", SOON);
    terminal.press(&["l"]);
    operator_hears_the_agent(&terminal, &sound);

    quits(&terminal);
    phone.hang_up();
    line.stop();
}

fn agent_sounds(line: &Serving, dir: &std::path::Path) {
    let wav = Some(tone_file(dir, AGENT_HZ, 120));
    let wish = SayRequest { text: "a tone".into(), wav, ..SayRequest::default() };
    let socket = line.config.say.socket.as_ref().expect("the tests name one");
    client::ask(socket, &Request::Say(wish), drop).expect("the line answers");
}

/// The last half second that came out of the headset is the agent's, and nothing is wrong with it.
fn operator_hears_the_agent(terminal: &Terminal, sound: &SoundServer) {
    terminal.wait("listening on line 1", SOON);
    terminal.wait("xruns", SOON);
    wait_until("the operator to hear the agent", SOON, || {
        let heard = sound.heard();
        let last = &heard[heard.len().saturating_sub(RATE as usize / 2)..];
        let last = convert_all(last, SampleRate::Hz48000, SampleRate::Hz8000);
        (count(&last, AGENT_HZ) >= 10).then_some(())
    });
}
