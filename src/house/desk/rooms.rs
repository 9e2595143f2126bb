//! What the operator asks about rooms.

use media_core::LineId;
use tokio::sync::{mpsc, oneshot};

use super::Desk;
use super::asked::send;
use crate::control::Reply;
use crate::rooms::RoomsAsked;

impl Desk {
    pub(super) fn list_rooms(&self, replies: &mpsc::Sender<Reply>) {
        let (rooms, told) = oneshot::channel();
        self.ask_rooms(RoomsAsked::List { rooms }, told, replies, |rooms| Reply::Rooms { rooms });
    }

    pub(super) fn join_room(&self, room: &str, line: Option<u64>) -> Reply {
        let Some(rooms) = &self.rooms else { return no_rooms() };
        if let Some(line) = line
            && self.lines_for(Some(line)).is_empty()
        {
            return Reply::refused(format!("line {line} is not open; see `xenline status`"));
        }
        if !(1..=ROOM_BYTES_MAX).contains(&room.len()) {
            return Reply::refused(format!("a room's name has 1 to {ROOM_BYTES_MAX} bytes"));
        }
        let asked = RoomsAsked::Join { room: room.to_owned(), line: line.map(LineId) };
        match rooms.ask(asked) {
            Ok(()) => Reply::Done {
                message: format!("going into {room}; `xenline rooms ls` shows who is there"),
            },
            Err(busy) => Reply::refused(busy.to_string()),
        }
    }

    pub(super) fn leave_room(&self, room: &str, replies: &mpsc::Sender<Reply>) {
        let (known, told) = oneshot::channel();
        let asked = RoomsAsked::Leave { room: room.to_owned(), known };
        let room = room.to_owned();
        self.ask_rooms(asked, told, replies, move |known| match known {
            true => Reply::Done { message: format!("leaving {room}") },
            false => Reply::refused(format!("not in {room}; `xenline rooms ls` says in which")),
        });
    }

    /// Asks, and has the answer told when it comes.
    fn ask_rooms<T: Send + 'static>(
        &self,
        asked: RoomsAsked,
        told: oneshot::Receiver<T>,
        replies: &mpsc::Sender<Reply>,
        reply: impl FnOnce(T) -> Reply + Send + 'static,
    ) {
        let Some(rooms) = &self.rooms else { return send(replies, no_rooms()) };
        if let Err(busy) = rooms.ask(asked) {
            return send(replies, Reply::refused(busy.to_string()));
        }
        let replies = replies.clone();
        tokio::spawn(async move {
            if let Ok(told) = told.await {
                send(&replies, reply(told));
            }
        });
    }
}

fn no_rooms() -> Reply {
    Reply::refused(
        "this line goes into no rooms: set [livekit] url, XENLINE_LIVEKIT_KEY and XENLINE_LIVEKIT_SECRET",
    )
}

/// What LiveKit takes for a name at most.
const ROOM_BYTES_MAX: usize = 256;
