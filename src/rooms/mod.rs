//! LiveKit rooms as doors: the agent comes into a room, and its people sit down at a line.
//!
//! | part | |
//! | --- | --- |
//! | `keeper` | one task: asks the server who is where, hears its webhooks and the operator |
//! | [`roster`] | decides which rooms to be in (a core) |
//! | `member` | one task for each room that we are in |
//! | [`captions`] | what the room is shown of the line (pure) |
//! | [`open_calls`] | which call a room may be bridged with (pure) |
//! | [`server`] | the server's own API |
//!
//! # Who hears whom
//! Each person in a room is a leg of its own at the line, with the participant's identity as label:
//! its words are told apart, and it interrupts like any caller. What the line says, and what is said
//! at it from elsewhere, goes into the room once, on the agent's one track; the legs of one room do
//! not hear each other over the line, because they do so in the room. Other agents in a room are not
//! listened to: two of them would not come to an end.
//!
//! A line is opened by the first voice in the room, and ends with the last; or, with `[livekit]
//! bridge`, the room's people sit down at the one call that is open. A line that hangs up has the
//! agent leave the room until everybody else has left it, too.
//!
//! # What is written
//! Captions of both sides go to `lk.transcription`, what the agent does to `lk.agent.state`; what is
//! written on `lk.chat` goes to the brain like anything typed, and its answer, which has passed the
//! checkpoint, comes back there.

#[cfg(test)]
mod away;
mod baton;
pub mod captions;
mod keeper;
mod member;
pub mod open_calls;
pub mod roster;
pub mod server;

use std::time::{SystemTime, UNIX_EPOCH};

use media_core::LineId;
use plugin_livekit::{ApiKey, Webhook, WebhookError};
use tokio::sync::{mpsc, oneshot};

pub use keeper::RoomsParts;

use crate::control::RoomStatus;
use keeper::Keeper;

/// Variables of the environment with the server's key and its secret.
pub const KEY_VARIABLE: &str = "XENLINE_LIVEKIT_KEY";
/// See [`KEY_VARIABLE`].
pub const SECRET_VARIABLE: &str = "XENLINE_LIVEKIT_SECRET";

/// Requests that wait for the keeper: a burst of webhooks.
const ASKED_MAX: usize = 64;

/// What is asked of the rooms.
pub(crate) enum RoomsAsked {
    /// The server tells something.
    Webhook(Webhook),
    /// Be in this room, its people at that line.
    Join { room: String, line: Option<LineId> },
    /// Be not. Answered with whether we were.
    Leave { room: String, known: oneshot::Sender<bool> },
    /// Which are there?
    List { rooms: oneshot::Sender<Vec<RoomStatus>> },
}

/// The way to the rooms. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RoomsHandle(mpsc::Sender<RoomsAsked>);

/// The rooms do not keep up, or are closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rooms have too much to do; try again")]
pub struct RoomsBusy;

/// The running rooms.
pub struct Rooms {
    handle: RoomsHandle,
    api: ApiKey,
    /// Dropped, every room is left.
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Rooms {
    /// Starts to keep them. `url`: the server's. To be called in a runtime.
    #[must_use]
    pub fn start(parts: RoomsParts, url: String) -> Self {
        let (asked_in, asked) = mpsc::channel(ASKED_MAX);
        let (stop, stopped) = oneshot::channel();
        let api = parts.api.clone();
        let task = tokio::spawn(Keeper::new(parts, url).run(asked, stopped));
        Self { handle: RoomsHandle(asked_in), api, stop, task }
    }

    /// The way to them.
    #[must_use]
    pub fn handle(&self) -> RoomsHandle {
        self.handle.clone()
    }

    /// Where the server's webhooks come in.
    #[must_use]
    pub fn webhooks(&self) -> Webhooks {
        Webhooks { api: self.api.clone(), rooms: self.handle() }
    }

    /// Leaves every room.
    pub async fn close(self) {
        drop(self.stop);
        let _ = self.task.await;
    }
}

impl RoomsHandle {
    pub(crate) fn ask(&self, asked: RoomsAsked) -> Result<(), RoomsBusy> {
        self.0.try_send(asked).map_err(|_| RoomsBusy)
    }
}

/// Where the server's webhooks come in.
#[derive(Clone, Debug)]
pub struct Webhooks {
    api: ApiKey,
    rooms: RoomsHandle,
}

impl Webhooks {
    /// Takes one in. `Ok` says whether the rooms could be told, too.
    ///
    /// # Errors
    /// [`WebhookError`]: it is not believed.
    pub fn take(
        &self,
        authorization: Option<&str>,
        body: &[u8],
    ) -> Result<Result<(), RoomsBusy>, WebhookError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        match Webhook::read(&self.api, authorization, body, now) {
            Ok(webhook) => Ok(self.rooms.ask(RoomsAsked::Webhook(webhook))),
            // Of what is no room, as a recording, nothing is wanted.
            Err(WebhookError::NoEvent) => Ok(Ok(())),
            Err(error) => Err(error),
        }
    }
}

/// The server's key, from the environment.
#[must_use]
pub fn api_key() -> Option<ApiKey> {
    let key = crate::secret::secret(KEY_VARIABLE)?;
    Some(ApiKey { key, secret: crate::secret::secret(SECRET_VARIABLE)? })
}
