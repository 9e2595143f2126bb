//! `xenline console` in a true terminal, at a running line.

mod no_server;
mod room;
mod voice;

use std::process::Command;
use std::time::Duration;

use xenline::report::{CallEvent, ClaimSource};

use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::process::{kill, run, xenline};
use crate::support::terminal::Terminal;
use crate::support::{alone, figure, wait_until};

/// A busy machine is slow, and order is what counts.
const SOON: Duration = Duration::from_secs(60);
const SIZE: (u16, u16) = (80, 24);

fn console(line: &Serving, more: &[&str]) -> Command {
    let mut command = xenline();
    let socket = line.config.say.socket.clone().expect("the tests name one");
    command.arg("console").arg("--socket").arg(socket).args(more);
    command
}

fn quits(terminal: &Terminal) {
    terminal.press(&["q"]);
    assert_eq!(terminal.ended(SOON), 0);
}

/// The sound of a machine that has none.
fn without_devices(command: &mut Command, dir: &std::path::Path) {
    let alsa = dir.join("alsa.conf");
    std::fs::write(&alsa, "").expect("it is written");
    command.env("ALSA_CONFIG_PATH", alsa).env("HOME", dir).env("XDG_RUNTIME_DIR", dir);
}

#[test]
fn without_sound_the_operator_sees_the_call_takes_over_speaks_hands_back_and_hangs_up() {
    let _machine = alone();
    let dir = tempfile::tempdir().expect("a directory");
    let line = Serving::agent(|_| {});
    let mut program = console(&line, &[]);
    without_devices(&mut program, dir.path());
    let terminal = Terminal::run(SIZE, &program);
    terminal.wait("Nobody calls.", SOON);
    terminal.wait("brain ●", SOON);
    terminal.wait("no sound: no sound device on this machine", SOON);
    let phone = Phone::call(line.sip);
    terminal.wait("line 1", SOON);
    terminal.wait("the call is answered", SOON);

    terminal.press(&["l"]);
    terminal.wait("cannot listen: no sound device", SOON);
    let mark = line.mark();
    terminal.press(&["b"]);
    terminal.wait("YOU HOLD THE FLOOR of line 1", SOON);
    terminal.press(&["s"]);
    terminal.write("this is the operator");
    terminal.wait("say to everybody ▸ this is the operator", SOON);
    terminal.press(&["Enter"]);
    line.wait("the operator's words to be said", mark, SOON, |_, event| match event {
        CallEvent::ClaimEnded { heard_text, .. } if heard_text.contains("operator") => Some(()),
        _ => None,
    });
    let picture = terminal.wait("this is the operator", SOON);
    figure(format!("console, {} × {}:\n{picture}", SIZE.0, SIZE.1));
    assert!(line.events()[mark..].iter().any(|(_, event)| matches!(
        event,
        CallEvent::ClaimAccepted { source: ClaimSource::Operator, .. }
    )));
    terminal.press(&["h"]);
    terminal.wait("not on a line", SOON);

    for (columns, rows) in [(40, 12), (20, 5), (150, 50), (80, 24)] {
        terminal.resize(columns, rows);
        terminal.wait("line 1", SOON);
    }
    terminal.press(&["x"]);
    terminal.wait("hang up line 1?", SOON);
    terminal.press(&["y"]);
    wait_until("the line to hang up", SOON, || phone.was_hung_up().then_some(()));
    terminal.wait("the call is over", SOON);
    quits(&terminal);
    line.stop();
}

#[test]
fn a_line_that_dies_is_missed_and_the_next_one_found() {
    let _machine = alone();
    let first = Serving::echo(|_| {});
    let terminal = Terminal::run(SIZE, &console(&first, &["--no-audio"]));
    terminal.wait("Nobody calls.", SOON);
    kill(first.pid(), libc::SIGKILL);
    terminal.wait("✗ no line", SOON);
    terminal.wait("trying again: nobody answers at", SOON);
    let second = Serving::start(xenline(), |config| *config = first.config.clone());
    terminal.wait("Nobody calls.", SOON);
    wait_until("it to be found", SOON, || (!terminal.seen().contains("no line")).then_some(()));
    quits(&terminal);
    second.stop();
}

#[test]
fn a_device_that_does_not_exist_and_a_terminal_that_is_none_are_told_at_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut command = xenline();
    command.args(["console", "--microphone", "gramophone"]);
    without_devices(&mut command, dir.path());
    let ran = run(command, SOON);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("no microphone is called \"gramophone\"; there are: "), "{ran:?}");
    let mut command = xenline();
    command.args(["console", "--no-audio"]);
    let ran = run(command, SOON);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("needs a terminal"), "{ran:?}");
}
