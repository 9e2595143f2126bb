//! What the bridge tells the line, and the words in which the line answers.

use core::fmt;

use media_core::NegotiatedMedia;
use serde::Serialize;

use crate::caller::CallerIdentity;
use crate::cdr::Cdr;
use crate::message::Replaces;
use crate::pii::Pii;

/// A call, numbered within this process. Not the SIP Call-ID, which the peer chose.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub struct CallId(pub u64);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call-{}", self.0)
    }
}

/// What happened to a call.
///
/// Per call the order is `Incoming` (inbound only), `Ringing` (outbound only, at most once),
/// `EarlyMedia` (outbound only), `Established` at most once, then `MediaChanged` and `Digit` freely, and `Ended` exactly once and
/// last. `MediaChanged` may come before `Established` where the caller hears the line before it answers. A call refused before it reached the line is only `Refused`.
#[derive(Clone, Debug)]
pub enum BridgeEvent {
    /// Somebody calls and passed admission. 100 and 180 have been sent; answer, reject or hang up.
    Incoming {
        /// The new call.
        call: CallId,
        /// The calling number: what the trunk asserts, or else what From says.
        from: Pii<String>,
        /// Everything that is known of the caller.
        identity: Pii<Box<CallerIdentity>>,
        /// User part of what was dialled (Request-URI).
        to: Pii<String>,
        /// The trunk whose address list let the call in.
        trunk: String,
        /// What offer and answer will agree on. `None` if the caller lets us offer (no SDP in the
        /// INVITE); then `Established` carries it.
        media: Option<NegotiatedMedia>,
    },
    /// The called side of an outbound call is being alerted.
    Ringing {
        /// The call.
        call: CallId,
    },
    /// The called side, or its network, is heard before the call is answered. May come again: of a
    /// forked call each side may speak, and the last that did is the one that is heard.
    EarlyMedia {
        /// The call.
        call: CallId,
        /// What was agreed for now.
        media: NegotiatedMedia,
    },
    /// The call is answered and acknowledged: media flows.
    Established {
        /// The call.
        call: CallId,
        /// What was agreed.
        media: NegotiatedMedia,
    },
    /// A re-INVITE changed address, port, codec, ptime or direction (hold, resume).
    MediaChanged {
        /// The call.
        call: CallId,
        /// What is agreed from now on.
        media: NegotiatedMedia,
    },
    /// A digit came by SIP INFO. Digits in RTP do not pass here.
    Digit {
        /// The call.
        call: CallId,
        /// `0`–`9`, `*`, `#`, `A`–`D`.
        digit: char,
    },
    /// The peer asks that we call somebody else in its place (REFER). Follow it with
    /// [`Bridge::follow_transfer`](crate::Bridge::follow_transfer), or refuse it; unanswered, it is
    /// refused after five seconds.
    TransferAsked {
        /// The call.
        call: CallId,
        /// The number or user to call: to be judged like every number that is called.
        number: Pii<String>,
        /// The whole target, as the peer wrote it.
        target: Pii<String>,
        /// The dialog at the target that the new call is to replace.
        replaces: Option<Replaces>,
    },
    /// What became of the transfer that the line asked its peer for.
    TransferEnded {
        /// The call.
        call: CallId,
        /// How it ended.
        result: TransferResult,
    },
    /// The conversation of `from` goes on in the call `to`, whose RTP socket is the same: a transfer
    /// that was followed, or a dialog that the peer replaced. `from` ends next.
    Moved {
        /// The call that the line was.
        from: CallId,
        /// The call that it is.
        to: CallId,
        /// Who is there now.
        number: Pii<String>,
        /// What is agreed there.
        media: NegotiatedMedia,
    },
    /// The call is over and its signalling state is freed.
    Ended {
        /// The call.
        call: CallId,
        /// Who ended it and why.
        outcome: CallOutcome,
        /// The call's record. Media and turn figures are left for the line to fill in.
        cdr: Box<Cdr>,
    },
    /// An INVITE was refused by the bridge itself: no channel free, draining, no common codec.
    /// Dropped when the consumer is far behind.
    Refused {
        /// The record of the attempt.
        cdr: Box<Cdr>,
    },
}

/// What became of a transfer that we asked the peer for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransferResult {
    /// The other one answered. Our call is being hung up.
    Done,
    /// The peer took it on and ended the call or its reports without saying how it went.
    Unreported,
    /// The peer, or the other one, refused with this status.
    Refused(u16),
    /// The peer never said anything.
    Unanswered,
    /// There is no answered call to transfer, or a transfer is under way.
    Impossible,
}

/// Which side ended a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HangupBy {
    /// The other side: BYE, CANCEL or a refusal.
    Peer,
    /// The line: hang-up or rejection.
    Line,
    /// The bridge: no ACK, no response, no answer in time, capacity.
    Bridge,
}

/// How a call ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct CallOutcome {
    /// Which side ended it.
    pub hangup_by: HangupBy,
    /// The final status of the INVITE: 200 for a call that was answered.
    pub sip_status: u16,
    /// Why, in a few words: the peer's `Reason` text or status phrase, or ours.
    pub reason: String,
    /// Q.850 cause, from the peer's `Reason` header or from what we put into ours.
    pub q850: Option<u8>,
}

/// Why the line refuses a call. Each has the SIP status that carriers read the same way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rejection {
    /// 486: busy; final, the carrier does not try elsewhere.
    Busy,
    /// 480: nobody answered.
    Unavailable,
    /// 603: declined, do not try again.
    Declined,
    /// 404: that number does not exist here.
    NotFound,
    /// 403: not allowed.
    Forbidden,
    /// 488: the media cannot be served.
    NotAcceptable,
    /// 503: out of resources; the carrier tries its second address.
    Overloaded,
}

impl Rejection {
    /// The SIP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Rejection::Busy => 486,
            Rejection::Unavailable => 480,
            Rejection::Declined => 603,
            Rejection::NotFound => 404,
            Rejection::Forbidden => 403,
            Rejection::NotAcceptable => 488,
            Rejection::Overloaded => 503,
        }
    }
}

/// Why the line hangs up. Written into the BYE's or CANCEL's `Reason` (RFC 3326).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HangupReason {
    /// The conversation is over.
    Normal,
    /// The caller's RTP stopped.
    MediaTimeout,
    /// The line shuts down.
    Shutdown,
    /// The line cannot go on.
    Failure,
    /// The conversation went on in another call.
    Moved,
    /// The peer put the call on hold and did not come back.
    Held,
}

impl HangupReason {
    /// The Q.850 cause.
    #[must_use]
    pub const fn q850(self) -> u8 {
        match self {
            HangupReason::Normal | HangupReason::Moved | HangupReason::Held => 16,
            HangupReason::MediaTimeout => 38,
            HangupReason::Shutdown => 27,
            HangupReason::Failure => 41,
        }
    }

    /// The text beside the cause.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            HangupReason::Normal => "Normal call clearing",
            HangupReason::MediaTimeout => "Media timeout",
            HangupReason::Shutdown => "Line is shutting down",
            HangupReason::Failure => "Temporary failure",
            HangupReason::Moved => "The call went on elsewhere",
            HangupReason::Held => "On hold for too long",
        }
    }
}
