//! Browsers that talk with the line: a WebRTC session each, with a seat at a line.
//!
//! Owns: the open talks, each a task that holds the session (`plugin-webrtc`) and the seat
//! ([`crate::house::doors`]) and lets go of both when either ends. In: an offer and what the browser
//! wants. Out: an answer at once; the seat when the browser is connected, so that nobody is greeted who
//! does not hear it yet, and no line is opened for a browser that never comes. Driven by tokio.
//!
//! Nothing here decides who may talk: whoever may ask the HTTP door may.

mod keep;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use media_core::LineId;
use plugin_webrtc::{Clock, IceServer, Offer, OfferError, PeerConfig, PeerError, Session};
use ring::rand::{SecureRandom, SystemRandom};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use crate::house::doors::{Destination, DoorKind, Doors, Entry, OperatorPart, Part};
use media_engine::Carrier;

/// The environment variable with the password for a TURN server.
pub const ICE_CREDENTIAL_VARIABLE: &str = "XENLINE_ICE_CREDENTIAL";
/// Talks at the same time: the windows of one house. Each has a socket and two tasks.
const TALKS_MAX: usize = 16;
/// Talks that are over and may still be asked why; the oldest is forgotten.
const OVER_MAX: usize = 32;
/// Commands that wait for a talk's task.
const COMMANDS_MAX: usize = 8;

/// How a browser takes part.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TalkPart {
    /// The agent hears it, and everybody else.
    #[default]
    Caller,
    /// The operator hears, and nobody hears the operator.
    Listen,
    /// Only the agent hears the operator.
    Whisper,
    /// Everybody hears the operator, and the agent is silent.
    BargeIn,
}

/// How a talk goes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TalkStatus {
    /// `connecting`, `on`, `over`.
    pub state: TalkState,
    /// The line, once there is a seat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// How the browser takes part, whoever wanted that: the operator's floor may be handed back by
    /// somebody else.
    #[serde(default)]
    pub part: TalkPart,
    /// Why it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// See [`TalkStatus`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TalkState {
    /// The browser and the line are finding each other.
    Connecting,
    /// Both hear each other.
    On,
    /// It is over.
    Over,
}

/// What a browser wants.
pub struct Wanted {
    /// Its offer.
    pub offer: Offer,
    /// Whose words these are in the transcript.
    pub label: String,
    /// How it takes part.
    pub part: TalkPart,
    /// At which line; `None`: a caller has one of its own, the operator joins the only open one.
    pub line: Option<u64>,
}

/// Why a browser does not talk.
#[derive(Debug, thiserror::Error)]
pub enum NotBegun {
    /// As many talk as may.
    #[error("{TALKS_MAX} browsers talk already; end one")]
    Full,
    /// The offer is none.
    #[error(transparent)]
    Offer(#[from] OfferError),
    /// No connection can be made.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// There is no such talk.
    #[error("this talk is over; begin another")]
    Over,
}

/// The talks. Cheap to clone.
#[derive(Clone)]
pub struct Talks(Arc<Inner>);

struct Inner {
    doors: Doors,
    peer: PeerConfig,
    open: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    talks: BTreeMap<String, Talk>,
    /// Names of those that are over, oldest first.
    over: Vec<String>,
}

struct Talk {
    status: TalkStatus,
    commands: mpsc::Sender<Command>,
}

/// What a talk's task is told.
enum Command {
    End,
    Part(TalkPart),
    Restart(Box<Offer>, oneshot::Sender<Result<String, PeerError>>),
}

impl Talks {
    /// Nobody talks yet. Browsers are met at `address`, with the help of `servers`.
    #[must_use]
    pub fn new(doors: Doors, clock: Clock, address: SocketAddr, servers: Vec<IceServer>) -> Self {
        let codec = Arc::new(plugin_opus::Opus);
        let peer = PeerConfig {
            addresses: vec![SocketAddr::new(address.ip(), 0)],
            ice_servers: servers,
            ..PeerConfig::loopback(codec, clock)
        };
        Self(Arc::new(Inner { doors, peer, open: Mutex::default() }))
    }

    /// Who helps a browser to find the line.
    #[must_use]
    pub fn servers(&self) -> &[IceServer] {
        &self.0.peer.ice_servers
    }

    /// Answers an offer: the talk's name, and the answer.
    ///
    /// # Errors
    /// [`NotBegun`]. Why a seat was refused later is in [`Talks::status`].
    pub async fn begin(&self, wanted: Wanted) -> Result<(String, String), NotBegun> {
        let (commands, inbox) = mpsc::channel(COMMANDS_MAX);
        let name = self.take_place(wanted.part, commands)?;
        let answered = match Session::answer(&wanted.offer, &self.0.peer).await {
            Ok(answered) => answered,
            Err(error) => {
                self.book().talks.remove(&name);
                return Err(error.into());
            }
        };
        let carrier =
            Carrier::Ends { source: Box::new(answered.source), sink: Box::new(answered.sink) };
        let entry = entry(wanted, carrier);
        let keeper = keep::Keeper {
            talks: self.clone(),
            name: name.clone(),
            session: answered.session,
            events: answered.events,
            commands: inbox,
        };
        tokio::spawn(keeper.keep(self.0.doors.clone(), entry));
        Ok((name, answered.answer))
    }

    /// Takes another offer of a browser whose network has changed.
    ///
    /// # Errors
    /// [`NotBegun`]; the talk goes on as it was.
    pub async fn restart(&self, name: &str, offer: Offer) -> Result<String, NotBegun> {
        let (answer, told) = oneshot::channel();
        self.command(name, Command::Restart(Box::new(offer), answer))?;
        Ok(told.await.map_err(|_| NotBegun::Over)??)
    }

    /// The operator takes part in another way.
    ///
    /// # Errors
    /// [`NotBegun::Over`].
    pub fn set_part(&self, name: &str, part: TalkPart) -> Result<(), NotBegun> {
        self.command(name, Command::Part(part))
    }

    /// Ends a talk; one that is over stays so.
    pub fn end(&self, name: &str) {
        let _ = self.command(name, Command::End);
    }

    /// How a talk goes, or went lately.
    #[must_use]
    pub fn status(&self, name: &str) -> Option<TalkStatus> {
        self.book().talks.get(name).map(|talk| talk.status.clone())
    }

    fn command(&self, name: &str, command: Command) -> Result<(), NotBegun> {
        let book = self.book();
        let talk = book.talks.get(name).ok_or(NotBegun::Over)?;
        talk.commands.try_send(command).map_err(|_| NotBegun::Over)
    }

    fn take_place(
        &self,
        part: TalkPart,
        commands: mpsc::Sender<Command>,
    ) -> Result<String, NotBegun> {
        let mut book = self.book();
        if book.talks.len() - book.over.len() >= TALKS_MAX {
            return Err(NotBegun::Full);
        }
        let name = name().ok_or(PeerError::Random)?;
        let status = TalkStatus { state: TalkState::Connecting, line: None, part, reason: None };
        book.talks.insert(name.clone(), Talk { status, commands });
        Ok(name)
    }

    fn seated(&self, name: &str, line: LineId) {
        if let Some(talk) = self.book().talks.get_mut(name) {
            talk.status.state = TalkState::On;
            talk.status.line = Some(line.0);
        }
    }

    fn takes_part(&self, name: &str, part: OperatorPart) {
        if let Some(talk) = self.book().talks.get_mut(name) {
            talk.status.part = part.into();
        }
    }

    fn over(&self, name: &str, reason: String) {
        let mut book = self.book();
        let Some(talk) = book.talks.get_mut(name) else { return };
        talk.status.state = TalkState::Over;
        talk.status.reason = Some(reason);
        book.over.push(name.to_owned());
        if book.over.len() > OVER_MAX {
            let oldest = book.over.remove(0);
            book.talks.remove(&oldest);
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // A book is whole between two calls, so a panic elsewhere does not spoil it.
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Talks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Talks")
    }
}

impl TalkPart {
    fn operator(self) -> Option<OperatorPart> {
        match self {
            TalkPart::Caller => None,
            TalkPart::Listen => Some(OperatorPart::Listen),
            TalkPart::Whisper => Some(OperatorPart::Whisper),
            TalkPart::BargeIn => Some(OperatorPart::BargeIn),
        }
    }
}

impl From<OperatorPart> for TalkPart {
    fn from(part: OperatorPart) -> Self {
        match part {
            OperatorPart::Listen => TalkPart::Listen,
            OperatorPart::Whisper => TalkPart::Whisper,
            OperatorPart::BargeIn => TalkPart::BargeIn,
        }
    }
}

fn entry(wanted: Wanted, carrier: Carrier) -> Entry {
    let part = wanted.part.operator().map_or(Part::Caller, Part::Operator);
    let to = match (wanted.line, wanted.part) {
        (Some(line), _) => Destination::Line(LineId(line)),
        (None, TalkPart::Caller) => Destination::New {
            caller: wanted.label.clone(),
            called: "agent".to_owned(),
            trunk: "browser".to_owned(),
        },
        (None, _) => Destination::TheOneOpen,
    };
    Entry { door: DoorKind::Browser, label: wanted.label, to, part, carrier }
}

fn name() -> Option<String> {
    let mut bytes = [0; 8];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
