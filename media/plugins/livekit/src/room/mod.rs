//! The handle of a room, and what can be asked of it.

mod attributes;
mod channel;
mod driver;
mod ears;
mod session;

use std::collections::HashMap;
use std::sync::Arc;

use plugin_webrtc::{Counts, LocalSink, Task, sink, speak};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{RoomConfig, RoomError, RoomEvent, TextError};

use driver::Driver;

/// Events that wait for the owner. One who lets so many wait is not there any more, and the room is
/// left.
pub const EVENT_DEPTH: usize = 1_024;

/// Requests that wait for the room: a burst of transcripts.
const COMMAND_DEPTH: usize = 64;

/// What we are doing, as a room shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AgentState {
    /// Not ready yet.
    Initializing,
    /// Nobody is to be listened to.
    Idle,
    /// Somebody may speak.
    Listening,
    /// Somebody spoke, and the answer is not there yet.
    Thinking,
    /// We speak.
    Speaking,
}

/// Whose words a transcript has.
#[derive(Clone, PartialEq, Eq)]
pub enum Whose {
    /// Ours.
    Ours,
    /// A participant's, on that track.
    Theirs {
        /// Who.
        identity: String,
        /// On which track.
        track: String,
    },
}

/// A piece of what was said, or of what it is taken for so far.
#[derive(Clone, PartialEq, Eq)]
pub struct Segment {
    /// The same for all versions of one piece.
    pub id: String,
    /// The words.
    pub text: String,
    /// No other version follows.
    pub is_final: bool,
    /// Who said it.
    pub whose: Whose,
}

/// What is asked of the driver.
enum Command {
    Attributes(HashMap<String, String>),
    Mute(bool),
    Chat(String, oneshot::Sender<Result<(), TextError>>),
    Transcript(Segment, oneshot::Sender<Result<(), TextError>>),
}

/// A room that is being joined, and what it is used with.
pub struct Joining {
    /// To ask things of it, and to leave.
    pub room: Room,
    /// What everybody is to hear. It outlives sessions.
    pub sink: LocalSink,
    /// What happens in it. They end after [`RoomEvent::Ended`]; without one, something of the room's is
    /// broken, and it is left.
    pub events: mpsc::Receiver<RoomEvent>,
    /// What left of our voice.
    pub counts: Arc<Counts>,
}

/// A room. Dropping it leaves the room.
pub struct Room {
    commands: mpsc::Sender<Command>,
    leave: watch::Sender<bool>,
    driver: tokio::task::JoinHandle<()>,
}

impl Room {
    /// Begins to join; [`RoomEvent::Connected`] says when it is done. To be called in a runtime.
    ///
    /// # Errors
    /// [`RoomError`]: what no number of attempts would change.
    pub fn join(config: RoomConfig) -> Result<Joining, RoomError> {
        let schemes: &[&str] =
            if cfg!(feature = "tls") { &["ws://", "wss://"] } else { &["ws://"] };
        if !schemes.iter().any(|scheme| config.url.starts_with(scheme)) {
            return Err(RoomError::Url { url: config.url });
        }
        let counts = Arc::new(Counts::default());
        // Rooms are told what we send before they say what they would like.
        let format = media_core::OpusFormat {
            forward_error_correction: true,
            ..media_core::OpusFormat::default()
        };
        let (sink, outbound) = sink(&config.peer.codec, format, &counts)?;
        let ssrc = outbound.ssrc();
        let (mut speaking, microphone): (Task, _) = speak(outbound);
        let (commands, asked) = mpsc::channel(COMMAND_DEPTH);
        let (leave, leaving) = watch::channel(false);
        let (told, events) = mpsc::channel(EVENT_DEPTH);
        let driver = Driver::new(config, ssrc, microphone, told);
        let driver = tokio::spawn(async move {
            tokio::select! {
                () = driver.run(asked, leaving) => {}
                // The events end without a last one, and the owner knows by that.
                () = speaking.panicked() => {}
            }
            speaking.end().await;
        });
        Ok(Joining { room: Room { commands, leave, driver }, sink, events, counts })
    }

    /// Says what we are doing. Kept over sessions; the latest counts.
    pub async fn set_state(&self, state: AgentState) {
        self.set_attributes(attributes::of_state(state)).await;
    }

    /// Says other things about us, as that a telephone speaks through us. An empty value takes one
    /// back. Kept over sessions.
    pub async fn set_attributes(&self, attributes: HashMap<String, String>) {
        // Fails once the room is left, when nobody reads them.
        let _ = self.commands.send(Command::Attributes(attributes)).await;
    }

    /// Mutes us, visibly, or no longer. Kept over sessions.
    pub async fn mute(&self, muted: bool) {
        let _ = self.commands.send(Command::Mute(muted)).await;
    }

    /// Writes to everybody.
    ///
    /// # Errors
    /// [`TextError`]; then nothing was written.
    pub async fn chat(&self, text: &str) -> Result<(), TextError> {
        self.ask(|reply| Command::Chat(text.to_owned(), reply)).await
    }

    /// Shows what was said.
    ///
    /// # Errors
    /// [`TextError`]; then nothing was shown.
    pub async fn transcript(&self, segment: Segment) -> Result<(), TextError> {
        self.ask(|reply| Command::Transcript(segment, reply)).await
    }

    /// Leaves, and waits until nothing is left of it.
    pub async fn leave(self) {
        let Room { leave, driver, commands } = self;
        let _ = leave.send(true);
        drop(commands);
        let _ = driver.await;
    }

    async fn ask(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<(), TextError>>) -> Command,
    ) -> Result<(), TextError> {
        let (reply, answer) = oneshot::channel();
        self.commands.try_send(command(reply)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => TextError::Busy,
            mpsc::error::TrySendError::Closed(_) => TextError::NotConnected,
        })?;
        answer.await.unwrap_or(Err(TextError::NotConnected))
    }
}
