//! No headset: the operator's loudspeaker stands before the operator's microphone, with nothing lost on
//! the way. What a caller says comes out of the one and into the other, and is not to come back. In the
//! end the console dies, and its seat is empty.

use std::time::Duration;

use brain_protocol::LineMessage;
use xenline::report::CallEvent;

use super::{SIZE, SOON, console};
use crate::support::line::Serving;
use crate::support::mind::Mind;
use crate::support::phone::Phone;
use crate::support::sound::{FRAME, recorded, rms};
use crate::support::sound_server::SoundServer;
use crate::support::terminal::Terminal;
use crate::support::{alone, figure, wait_until};

#[test]
fn no_caller_hears_himself_from_the_operators_loudspeaker_and_a_dead_console_leaves() {
    let _machine = alone();
    let sound = SoundServer::start();
    sound.no_headset(0.0, 20);
    let mind = Mind::start(|_, _| {});
    let line = Serving::agent(|config| config.brain.command = mind.command());
    let mut program = console(&line, &[]);
    sound.environment(&mut program);
    let terminal = Terminal::run(SIZE, &program);
    let phone = Phone::call(line.sip);
    terminal.wait("line 1", SOON);
    terminal.press(&["b"]);
    terminal.wait("YOU HAVE THE FLOOR of line 1", SOON);
    terminal.press(&["Space"]);
    terminal.wait("mic open", SOON);

    // Nothing is known of the room yet; then enough is.
    let unknown = comes_back(&phone);
    let key = settles(&phone);
    terminal.press(&["v"]);
    terminal.wait("mic shut, open mic", SOON);
    let open = settles(&phone);
    figure(format!(
        "console without a headset: of the caller's words {unknown:.0} dB come back while the room \
         is unknown, then {key:.0} dB with the key held and {open:.0} dB with an open microphone"
    ));
    assert!(unknown > -15.0, "there is an echo to be controlled: {unknown} dB");

    // A terminal that is gone takes its console with it, which says no goodbye.
    let mark = line.mark();
    drop(terminal);
    line.wait("the operator to be missed", mark, SOON, |_, event| {
        matches!(event, CallEvent::LegLeft { .. }).then_some(())
    });
    let released = |it: &LineMessage| matches!(it, LineMessage::OperatorReleased { .. });
    wait_until("the floor to be the agent's", SOON, || {
        mind.told().iter().any(released).then_some(())
    });
    phone.hang_up();
    line.stop();
}

/// What comes back once the room is known. A machine that stumbles makes it another room.
fn settles(phone: &Phone) -> f64 {
    let tries = (0..TRIES_MAX).map(|_| comes_back(phone));
    let known = tries.into_iter().find(|it| *it < GONE_DB);
    known.expect("the room becomes known, and nothing of it comes back")
}

/// Has the caller say something; the loudest of it that the caller hears again, in dB of what was
/// said.
fn comes_back(phone: &Phone) -> f64 {
    let words = recorded("what time is it");
    let from = phone.media.heard().len();
    phone.media.say(&words);
    // Said, and come back after every buffer on the way.
    let over = from + words.len() + 4_800;
    wait_until("the words to be over", Duration::from_secs(30), || {
        (phone.media.heard().len() > over).then_some(())
    });
    let heard = phone.media.heard();
    let loudest = |sound: &[i16]| {
        let pieces = sound.chunks(10 * FRAME).map(rms);
        pieces.fold(1.0, f64::max)
    };
    20.0 * (loudest(&heard[from..]) / loudest(&words)).log10()
}

/// As good as gone: weaker than the noise of most rooms.
const GONE_DB: f64 = -25.0;
const TRIES_MAX: usize = 10;
