use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ClaimId, DialId, JobId, LineId, Message, Position, Send, TurnId, Version};

/// What the brain tells the line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum BrainMessage {
    /// The first message in this direction.
    ///
    /// ```json
    /// {"type":"hello","version":{"major":1,"minor":4},"name":"xenline-brain 0.1.0"}
    /// ```
    Hello {
        /// What the brain speaks.
        version: Version,
        /// Program and version, for people.
        name: String,
    },
    /// A claim: a request to be heard. Every claim gets exactly one `claim_ended`.
    ///
    /// ```json
    /// {"type":"say","line":1,"claim":"r-1","source":"responder","tag":"call","turn":2,"text":"It is ten past nine.","ttl_ms":15000}
    /// ```
    Say(Say),
    /// Take a claim back. What was not heard yet will not be.
    ///
    /// ```json
    /// {"type":"withdraw","line":1,"claim":"r-1"}
    /// ```
    Withdraw {
        /// The line.
        line: LineId,
        /// The claim.
        claim: ClaimId,
    },
    /// End the call, at once or when a claim has ended.
    ///
    /// ```json
    /// {"type":"hang_up","line":1,"after":"r-9"}
    /// ```
    HangUp {
        /// The line.
        line: LineId,
        /// The claim to wait for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<ClaimId>,
    },
    /// Put the caller through to somebody else, at once or when a claim has ended. The number passes
    /// the operator's list of who may be called. Every one gets a `transfer_ended`. Since 1.3.
    ///
    /// ```json
    /// {"type":"transfer","line":1,"to":"+4930123456","after":"r-9"}
    /// ```
    Transfer {
        /// The line.
        line: LineId,
        /// A number; or `to_line`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        /// Another line, whose caller this one is to talk to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to_line: Option<LineId>,
        /// The claim to wait for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<ClaimId>,
    },
    /// The turn was dealt with, also when there is nothing to say. It will not be sent again.
    ///
    /// ```json
    /// {"type":"turn_done","line":1,"turn":2,"position":7}
    /// ```
    TurnDone {
        /// The line.
        line: LineId,
        /// The turn.
        turn: TurnId,
        /// As it came with the turn.
        position: Position,
    },
    /// A worker has begun something that takes a while. For the record and for screens.
    ///
    /// ```json
    /// {"type":"job_started","line":1,"job":"j-1","label":"backup"}
    /// ```
    JobStarted {
        /// The line it was asked for on.
        line: LineId,
        /// The job.
        job: JobId,
        /// A word or two for people.
        label: String,
    },
    /// A worker's job has ended. Every started job ends once.
    ///
    /// ```json
    /// {"type":"job_finished","line":1,"job":"j-1","outcome":"done","detail":"took 4 s"}
    /// ```
    JobFinished {
        /// The line it was asked for on.
        line: LineId,
        /// The job.
        job: JobId,
        /// How it ended.
        outcome: JobOutcome,
        /// More, for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// A written message that is to leave. Every one gets exactly one `message_ended`.
    ///
    /// ```json
    /// {"type":"send","message":"m-1","channel":"sms","to":"+4930123456","tag":"xen-out","trigger":"sms:main/12","text":"Okay, I am starting the backup."}
    /// ```
    Send(Send),
    /// The written message was dealt with, also when there is nothing to answer. It will not come
    /// again.
    ///
    /// ```json
    /// {"type":"text_done","lane":"sms:main","position":12}
    /// ```
    TextDone {
        /// As it came with the message.
        lane: String,
        /// As it came with the message.
        position: Position,
    },
    /// Call somebody. Passes the operator's list of who may be called, and the day's bounds of it;
    /// ends with `dial_ended`, and with `line_opened` before that if somebody answers. Since 1.3.
    ///
    /// ```json
    /// {"type":"dial","dial":"d-1","to":"+4930123456"}
    /// ```
    Dial {
        /// The brain's name for the call.
        dial: DialId,
        /// Whom: `+` and the digits of an international number, or an extension.
        to: String,
    },
    /// The answer to a ping.
    ///
    /// ```json
    /// {"type":"pong","seq":12}
    /// ```
    Pong {
        /// The number of the ping.
        seq: u64,
    },
}

impl Message for BrainMessage {
    const KINDS: &'static [&'static str] = &[
        "hello",
        "say",
        "withdraw",
        "hang_up",
        "transfer",
        "turn_done",
        "job_started",
        "job_finished",
        "send",
        "text_done",
        "dial",
        "pong",
    ];
}

/// A claim: a request to be heard.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Say {
    /// The line to be heard on.
    pub line: LineId,
    /// The brain's name for the claim.
    pub claim: ClaimId,
    /// Who in the brain speaks.
    pub source: Source,
    /// What kind of thing this is, e.g. `call`. An unknown tag is refused.
    pub tag: String,
    /// The turn that it answers. A newer turn makes such a claim stale; one without does not age.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<TurnId>,
    /// What to say.
    pub text: String,
    /// Among claims of the same source the higher goes first.
    #[serde(default)]
    pub priority: i8,
    /// Not worth saying if it has not begun by then. Absent: what the line thinks of claims of this
    /// source, which is that they are, unless its operator wants it otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
    /// May not end stale.
    #[serde(default)]
    pub must_deliver: bool,
    /// Takes the place of an earlier claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<ClaimId>,
    /// Two claims with the same key are the same; without one the text decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedup_key: Option<String>,
    /// What becomes of the rest when the caller interrupts. Absent: what the line does with claims
    /// of this source, which is to drop it unless its operator wants it otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_interrupt: Option<OnInterrupt>,
    /// The caller may not interrupt it.
    #[serde(default)]
    pub uninterruptible: bool,
}

impl Say {
    /// A claim with nothing special about it.
    #[must_use]
    pub fn new(line: LineId, claim: ClaimId, source: Source, text: impl Into<String>) -> Self {
        Self {
            line,
            claim,
            source,
            tag: CALL_TAG.into(),
            turn: None,
            text: text.into(),
            priority: 0,
            ttl_ms: None,
            must_deliver: false,
            supersedes: None,
            dedup_key: None,
            on_interrupt: None,
            uninterruptible: false,
        }
    }
}

/// Who in the brain speaks. The line ranks a responder before a worker.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The fast one, who answers at once.
    Responder,
    /// One of the slow ones, who report when they are done.
    Worker,
}

/// What becomes of the rest of a claim that the caller interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnInterrupt {
    /// It is not said.
    #[default]
    Drop,
    /// It is said from the heard position when the floor is free again.
    Resume,
    /// It is said again from the start.
    Restate,
}

/// How a job ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobOutcome {
    /// It did what was asked.
    Done,
    /// It could not.
    Failed,
    /// The caller or the line called it off.
    Cancelled,
    /// Its deadline passed.
    TimedOut,
    /// An outcome that this version has no word for.
    #[serde(other)]
    Unknown,
}

/// The tag of what is said in a call.
const CALL_TAG: &str = "call";
