//! `xenline rooms`: which rooms the agent is in.

use std::path::Path;

use super::say::{answered, reach};
use crate::cli::RoomsAction;
use crate::control::client::Reach;
use crate::control::{Reply, Request, RoomStatus};
use crate::exit::Failure;

pub(super) fn run(file: Option<&Path>, action: RoomsAction) -> Result<(), Failure> {
    match action {
        RoomsAction::Ls { json, at } => list(&reach(file, at)?, json),
        RoomsAction::Join { room, line, at } => {
            answered(&reach(file, at)?, &Request::RoomJoin { room, line })
        }
        RoomsAction::Leave { room, at } => {
            answered(&reach(file, at)?, &Request::RoomLeave { room })
        }
    }
}

fn list(line: &Reach, json: bool) -> Result<(), Failure> {
    let mut rooms = Err(Failure::Failed("the line closed before it said".into()));
    line.ask(&Request::RoomList, |reply| match reply {
        Reply::Rooms { rooms: told } => rooms = Ok(told),
        Reply::Refused { message, .. } => rooms = Err(Failure::Failed(message)),
        _ => {}
    })?;
    let rooms: Vec<RoomStatus> = rooms?;
    if json {
        for room in &rooms {
            println!("{}", serde_json::to_string(room).map_err(Failure::because)?);
        }
        return Ok(());
    }
    if rooms.is_empty() {
        println!("in no room");
    }
    for RoomStatus { room, people, line } in rooms {
        let line = line.map_or_else(|| "no line yet".to_owned(), |line| format!("line {line}"));
        println!("{room}  {people} there  {line}");
    }
    Ok(())
}
