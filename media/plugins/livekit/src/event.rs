use std::sync::Arc;

use plugin_webrtc::{Counts, PeerError, RemoteSource};

use crate::{Ending, Participant, Text};

/// What happens in the room.
pub enum RoomEvent {
    /// We are in it: what we say is heard. Whoever was there first has been told of already.
    Connected {
        /// As somebody new: everybody and everything of before has been taken back.
        anew: bool,
    },
    /// We are not, and it is being worked on. What is said meanwhile is lost.
    Interrupted,
    /// It is over; the last event.
    Ended(Ending),
    /// Somebody is there.
    Came(Participant),
    /// Their name or attributes are others now.
    Changed(Participant),
    /// Somebody is gone.
    Went {
        /// Who.
        identity: String,
    },
    /// Somebody can be heard: a leg of its own.
    Heard(Box<Heard>),
    /// They cannot any more.
    Unheard {
        /// Names the track.
        track: String,
        /// Whose it was.
        identity: String,
    },
    /// Somebody has muted themselves, or no longer.
    Muted {
        /// Names the track.
        track: String,
        /// Whose it is.
        identity: String,
        /// Which of both.
        muted: bool,
    },
    /// The room has muted us, or no longer.
    WeAreMuted(bool),
    /// Somebody wrote.
    Text(Text),
}

/// Somebody's voice.
pub struct Heard {
    /// Names the track, also in a transcript of it.
    pub track: String,
    /// Whose it is: the label of what is said.
    pub identity: String,
    /// What they say, for the audio thread.
    pub source: RemoteSource,
    /// What arrived of it.
    pub counts: Arc<Counts>,
}

impl std::fmt::Debug for RoomEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RoomEvent::Connected { anew } => write!(f, "Connected {{ anew: {anew} }}"),
            RoomEvent::Interrupted => f.write_str("Interrupted"),
            RoomEvent::Ended(ending) => write!(f, "Ended({ending:?})"),
            RoomEvent::Came(participant) => write!(f, "Came({participant:?})"),
            RoomEvent::Changed(participant) => write!(f, "Changed({participant:?})"),
            RoomEvent::Went { .. } => f.write_str("Went"),
            RoomEvent::Heard(heard) => write!(f, "Heard({})", heard.track),
            RoomEvent::Unheard { track, .. } => write!(f, "Unheard({track})"),
            RoomEvent::Muted { track, muted, .. } => write!(f, "Muted({track}, {muted})"),
            RoomEvent::WeAreMuted(muted) => write!(f, "WeAreMuted({muted})"),
            RoomEvent::Text(text) => write!(f, "Text({text:?})"),
        }
    }
}

/// Why there is no way into a room, as far as it is known before anything is tried.
#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    /// Not the address of a server.
    #[error(
        "{url} is no address of a LiveKit server; it begins with ws:// or, where TLS is built in, wss://"
    )]
    Url {
        /// What was configured.
        url: String,
    },
    /// Our voice's way out could not be made.
    #[error(transparent)]
    Port(#[from] PeerError),
}
