//! What can happen to a line, and the way to its task.

use brain_protocol::{BrainMessage, TransferOutcome};
use media_core::{LineId, NegotiatedMedia};
use media_engine::{LineEvent, LineStatistics};
use queue_governor::{Claim, ClaimId, Unfinished};
use sip_bridge::{CallOutcome, HangupReason};
use tokio::sync::{mpsc, oneshot};

use super::action::News;
use super::legs::{LegId, OperatorPart};
use super::outside::NotWhispered;
use super::seat::Sitting;
use crate::config::ClaimDefaults;

/// Inputs that wait for the line's task. Events of 100 ms pile up to this in half a minute of a
/// task that does not run; then they are dropped and counted.
pub const INPUTS_MAX: usize = 2_048;
/// What can happen to a line.
#[derive(Debug)]
pub enum LineInput {
    /// The caller acknowledged the answer: both sides hear each other.
    Established(NegotiatedMedia),
    /// A re-INVITE changed the media.
    MediaChanged(NegotiatedMedia),
    /// The media line reports.
    Media(LineEvent),
    /// A key by SIP INFO.
    Digit(char),
    /// The brain says something about this line.
    Brain(BrainMessage),
    /// A brain said hello.
    BrainUp(Option<u32>),
    /// The brain is gone.
    BrainDown(String),
    /// Another program, or the operator, wants something said. Its fate comes as [`LineNews`].
    Say(Claim),
    /// What an earlier call left unfinished is said here.
    CarryOver(Unfinished),
    /// A claim of the house is taken back.
    Withdraw(ClaimId),
    /// Nothing is said for other programs until it is `false` again.
    HoldExternal(bool),
    /// The operator takes the floor (`true`), or hands it back.
    Operator(bool),
    /// The operator says something to the brain alone.
    Whisper {
        /// What.
        text: String,
        /// Where the operator hears whether it was passed on.
        answer: oneshot::Sender<Result<(), NotWhispered>>,
    },
    /// What became of a transfer that the brain wanted.
    TransferEnded(TransferOutcome, Option<String>),
    /// Somebody else is on the line now, with these media.
    Moved(String, NegotiatedMedia),
    /// Its figures so far are wanted.
    Statistics(oneshot::Sender<LineStatistics>),
    /// Somebody sits down.
    Sit(Box<Sitting>),
    /// Something about somebody who did.
    Leg(LegId, LegInput),
    /// The line is to end, with everybody on it.
    HangUp(HangupReason),
    /// It has ended, for everybody.
    Over(CallOutcome),
    /// Signalling is over: who was on the line first has left, and the line ends unless other
    /// callers are there.
    Ended(CallOutcome),
}

impl LineInput {
    /// The way to a line's task, and its end.
    #[must_use]
    pub fn channel() -> (mpsc::Sender<LineInput>, mpsc::Receiver<LineInput>) {
        mpsc::channel(INPUTS_MAX)
    }
}

/// What the house offered to a line that was just closing, and that it never took.
#[derive(Debug)]
pub enum Untaken {
    /// It was not accepted.
    Say(ClaimId),
    /// It waits as before.
    CarryOver(Box<Unfinished>),
    /// It was to be taken back, wherever it is.
    Withdraw(ClaimId),
}

impl Untaken {
    /// `None`: of no use when the line is gone.
    pub(super) fn of(input: LineInput) -> Option<Untaken> {
        match input {
            LineInput::Say(claim) => Some(Untaken::Say(claim.id)),
            LineInput::CarryOver(unfinished) => Some(Untaken::CarryOver(Box::new(unfinished))),
            LineInput::Withdraw(claim) => Some(Untaken::Withdraw(claim)),
            _ => None,
        }
    }
}

/// What can happen to a leg that sat down.
#[derive(Debug)]
pub enum LegInput {
    /// Its media report.
    Media(LineEvent),
    /// The operator does something else.
    Part(OperatorPart),
    /// Nobody hears it until it is `false` again.
    Mute(bool),
    /// A caller presses these keys.
    Press(String),
    /// It has left.
    Leave,
}

/// What became of a claim that the house handed to a line.
#[derive(Debug)]
pub struct LineNews {
    /// The line.
    pub line: LineId,
    /// The claim.
    pub claim: ClaimId,
    /// What is said about it.
    pub news: ClaimNews,
}

/// See [`LineNews`].
#[derive(Debug)]
pub enum ClaimNews {
    /// The governor took it in or ended it.
    Governor(News),
    /// It is for somebody who is not on this line any more.
    HandedBack(Box<Unfinished>),
    /// It was taken in and is taken back: the journal cannot keep it.
    NotKept,
}

/// The way to a line's task.
#[derive(Clone)]
pub struct LineHandle {
    /// Where its inputs go.
    pub inputs: mpsc::Sender<LineInput>,
    /// Who is on it, see [`crate::say::caller_name`].
    pub caller: String,
    /// What is taken for said there where a claim leaves it out.
    pub defaults: ClaimDefaults,
}

impl LineHandle {
    /// Hands `input` over, or drops it when the line is hopelessly behind or gone.
    pub fn put(&self, input: LineInput) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.inputs.try_send(input) {
            tracing::warn!("a line does not keep up with its inputs; one was dropped");
        }
    }

    /// Hands `input` over. `false`: the line is behind or gone, and nothing came of it.
    #[must_use]
    pub fn offer(&self, input: LineInput) -> bool {
        self.inputs.try_send(input).is_ok()
    }
}
