//! The one way in for everybody who does not come over a trunk: a browser, a participant of a room,
//! the operator's console.
//!
//! Whoever opens a door brings a peer's two ends ([`Carrier`]) and says where it wants to go; what
//! comes back is a seat at a line. From there on the peer is a leg like any other: the governor, the
//! record and the brain do not ask how somebody came.

use std::sync::{Arc, Weak};

use media_core::LineId;
use media_engine::{Carrier, Engine, OpenError, PortError, RtpPort};
use tokio::sync::{mpsc, oneshot};

pub use crate::line::{AgentState, LegId, OperatorPart, Part, SeatEvent, SeatHand, Seated};
pub use crate::report::DoorKind;

/// The house's doors. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Doors {
    knocks: mpsc::Sender<Knock>,
    /// The house may close while doors are still held.
    media: Weak<Engine>,
}

/// Somebody who wants to come in.
#[derive(Debug)]
pub struct Entry {
    /// How they come.
    pub door: DoorKind,
    /// Whose words these are in the transcript: `anna`, `operator`. At most 64 bytes.
    pub label: String,
    /// Where to.
    pub to: Destination,
    /// What for.
    pub part: Part,
    /// What carries their sound.
    pub carrier: Carrier,
}

/// Where somebody wants to go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Destination {
    /// A line of its own, opened like a call's, counted like a call.
    New {
        /// Who comes, as a call's record and the brain are told.
        caller: String,
        /// Whom they want.
        called: String,
        /// Where from, in place of a trunk's name: `browser`, `room:kitchen`, `console`.
        trunk: String,
    },
    /// This line.
    Line(LineId),
    /// The only line that is open.
    TheOneOpen,
}

/// Why somebody did not come in.
#[derive(Debug, thiserror::Error)]
pub enum NotEntered {
    /// There is no such line.
    #[error("line {0} is not open")]
    NoLine(LineId),
    /// There is no line at all.
    #[error("no call is open; call the line first")]
    NoneOpen,
    /// It is not clear which is meant.
    #[error("several calls are open; name one of: {}", names(.0))]
    Several(Vec<LineId>),
    /// The name does not do.
    #[error("a label is 1 to {max} bytes of text on one line")]
    Label {
        /// The longest.
        max: usize,
    },
    /// The operator alone is no call.
    #[error("the operator joins a line that is open; a line of its own is a caller's")]
    OperatorAlone,
    /// The lines have no agent.
    #[error("the line echoes; [line] mode = \"agent\" has room for others")]
    Echo,
    /// As many calls as there may be.
    #[error("{max} calls are open, which is the configured limit ([sip] channels)")]
    Full {
        /// The limit.
        max: usize,
    },
    /// The machine is at its limit.
    #[error("the machine is at its limit; try again when it is well, see [admission]")]
    Strained,
    /// No new calls are taken.
    #[error("the line is closing; it takes nobody any more")]
    Draining,
    /// The line does not keep up with its inputs.
    #[error("line {0} is busy; try again")]
    Busy(LineId),
    /// The engine has no room, or the line has not.
    #[error(transparent)]
    Media(#[from] OpenError),
    /// The line could not be opened.
    #[error("the line cannot be opened: {0}")]
    NotOpened(String),
    /// The house, or the line, closed meanwhile.
    #[error("the line closed meanwhile")]
    Closed,
}

/// Somebody at a door.
#[derive(Debug)]
pub(super) struct Knock {
    pub entry: Entry,
    pub answer: oneshot::Sender<Result<Seated, NotEntered>>,
}

/// Knocks that wait for the desk. More than that at once are not people.
const KNOCKS_MAX: usize = 64;
/// Longest label.
pub const LABEL_BYTES_MAX: usize = 64;

impl Doors {
    /// The doors of a house, and where it hears who knocks.
    pub(super) fn new(media: &Arc<Engine>) -> (Self, mpsc::Receiver<Knock>) {
        let (knocks, heard) = mpsc::channel(KNOCKS_MAX);
        (Self { knocks, media: Arc::downgrade(media) }, heard)
    }

    /// Sits a peer down at a line. Waits for the desk and the line's task, which take no time.
    ///
    /// # Errors
    /// [`NotEntered`]; the ends are dropped.
    pub async fn enter(&self, entry: Entry) -> Result<Seated, NotEntered> {
        check(&entry)?;
        let (answer, told) = oneshot::channel();
        let knock = Knock { entry, answer };
        self.knocks.send(knock).await.map_err(|_| NotEntered::Closed)?;
        told.await.unwrap_or(Err(NotEntered::Closed))
    }

    /// A port pair of the line's own, for a peer that comes by RTP ([`Carrier::Rtp`]).
    ///
    /// # Errors
    /// [`PortError`]; `None` if the house has closed.
    pub fn reserve_port(&self) -> Option<Result<RtpPort, PortError>> {
        self.media.upgrade().map(|media| media.reserve_port())
    }
}

fn check(entry: &Entry) -> Result<(), NotEntered> {
    let label = entry.label.trim();
    let fits = !label.is_empty() && entry.label.len() <= LABEL_BYTES_MAX;
    if !fits || label.chars().any(char::is_control) {
        return Err(NotEntered::Label { max: LABEL_BYTES_MAX });
    }
    if matches!((&entry.to, entry.part), (Destination::New { .. }, Part::Operator(_))) {
        return Err(NotEntered::OperatorAlone);
    }
    Ok(())
}

fn names(lines: &[LineId]) -> String {
    let names: Vec<String> = lines.iter().map(ToString::to_string).collect();
    names.join(", ")
}
