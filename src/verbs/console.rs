//! `xenline console`.

use std::path::Path;

use plugin_console::{Direction, devices, known};

use super::block_on;
use super::say::reach;
use crate::cli::ConsoleArgs;
use crate::console::{self, Options};
use crate::control::client::Reach;
use crate::exit::Failure;

pub(super) fn run(file: Option<&Path>, args: ConsoleArgs) -> Result<(), Failure> {
    if args.devices {
        list();
        return Ok(());
    }
    let ConsoleArgs { no_audio, microphone, speaker, open_mic, at, .. } = args;
    let Reach::Socket(socket) = reach(file, at)? else {
        let why = "the console sits at the line's own socket: leave out --door and XENLINE_DOOR";
        return Err(Failure::Usage(why.into()));
    };
    if !no_audio {
        are_known(microphone.as_deref(), speaker.as_deref())?;
    }
    block_on(console::run(Options { socket, no_audio, microphone, speaker, open_mic }))?
}

/// Nobody finds out in the middle of a call that a name was mistyped.
fn are_known(microphone: Option<&str>, speaker: Option<&str>) -> Result<(), Failure> {
    for (direction, name) in [(Direction::In, microphone), (Direction::Out, speaker)] {
        let Some(name) = name else { continue };
        known(direction, name).map_err(|it| Failure::Usage(it.to_string()))?;
    }
    Ok(())
}

fn list() {
    for direction in [Direction::In, Direction::Out] {
        let found = devices(direction);
        if found.is_empty() {
            println!("no {direction}");
        }
        for device in found {
            println!("{direction:<12} {:<32} {}", device.id, device.name);
        }
    }
}
