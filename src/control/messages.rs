use std::net::SocketAddr;

use lane_broker::intake::Wish;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SeatPart;
use super::queued::QueuedClaim;
use super::running::{KeptStatus, LineDetails, OutboundStatus, ReloadStatus, RoomStatus};
use crate::watch::{Level, Sight};

/// What can be asked of a running line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "ask", deny_unknown_fields)]
pub enum Request {
    /// Say something through the governor.
    Say(Wish),
    /// Write something to the brain.
    Type {
        /// What.
        text: String,
        /// Who writes; each is a conversation of its own. Absent: the console.
        #[serde(default)]
        from: Option<String>,
        /// Whether the answer is wanted.
        #[serde(default)]
        wait: bool,
    },
    /// How the line is, and which calls are open.
    Status,
    /// The open calls, or one of them, each with who is on it and how well both sides hear each other.
    Lines {
        /// Only this one.
        #[serde(default)]
        line: Option<u64>,
    },
    /// What goes on from now on, as it happens, until the connection is closed.
    Watch {
        /// Go on after this event's cursor instead; `start` is the oldest that is still known.
        #[serde(default)]
        after: Option<String>,
    },
    /// Sit down at a line, with sound; see [`super::attach_media`].
    Attach {
        /// Which.
        line: u64,
        /// How.
        part: SeatPart,
        /// Where the sound of the line is to go, on this machine's loopback.
        rtp: SocketAddr,
    },
    /// Take part differently where one sits.
    Part {
        /// The line.
        line: u64,
        /// The leg, from the answer to `attach`.
        leg: u64,
        /// How.
        part: SeatPart,
    },
    /// End a call.
    HangUp {
        /// Its line.
        line: u64,
    },
    /// Take no new calls and end when the running ones have, or `[sip] drain_s` later.
    Drain,
    /// Call somebody; answered with the progress, and at last with `done` or `refused`.
    Dial {
        /// Whom: `+` and digits, or an extension.
        number: String,
    },
    /// Read the configuration again.
    Reload,
    /// The address of the console page, good for one opening.
    Page,
    /// Which rooms the agent is in.
    RoomList,
    /// Go into a room, whatever the rules say.
    RoomJoin {
        /// Which.
        room: String,
        /// Its people sit down at this line; absent: at one of their own, or as `[livekit] bridge`
        /// says.
        #[serde(default)]
        line: Option<u64>,
    },
    /// Leave a room, and stay out until everybody else has left it.
    RoomLeave {
        /// Which.
        room: String,
    },
    /// What the say-queue holds, and what became of the last ones.
    QueueList,
    /// One claim of it.
    QueueShow {
        /// Its id.
        claim: String,
    },
    /// Take a claim back.
    QueueWithdraw {
        /// Its id.
        claim: String,
    },
    /// Say nothing more for other programs until `queue_resume`. Answers, alerts and the operator
    /// go on.
    QueuePause,
    /// Go on saying what other programs want said.
    QueueResume,
    /// The operator takes the floor: the agent falls silent.
    OperatorTake {
        /// On this line; may be left out while one call is open.
        #[serde(default)]
        line: Option<u64>,
    },
    /// The operator hands the floor back.
    OperatorRelease {
        /// On this line; absent: wherever the operator has it.
        #[serde(default)]
        line: Option<u64>,
    },
    /// The operator says something to the brain alone; the caller does not hear it.
    OperatorWhisper {
        /// What.
        text: String,
        /// On this line; may be left out while one call is open.
        #[serde(default)]
        line: Option<u64>,
    },
    /// The operator speaks, before everybody else.
    OperatorSay {
        /// What.
        text: String,
        /// On this line; may be left out while one call is open.
        #[serde(default)]
        line: Option<u64>,
        /// Whether the ending is wanted.
        #[serde(default)]
        wait: bool,
    },
}

impl Request {
    /// Whether any program that may hand in claims may ask it; the rest is for the line's own
    /// user.
    #[must_use]
    pub fn is_for_guests(&self) -> bool {
        matches!(self, Request::Say(_))
    }

    /// Whether more is waited for after it was accepted.
    #[must_use]
    pub fn waits(&self) -> bool {
        match self {
            Request::Say(wish) => wish.wait,
            Request::Type { wait, .. } | Request::OperatorSay { wait, .. } => *wait,
            Request::Watch { .. } | Request::Attach { .. } => true,
            _ => false,
        }
    }
}

/// What the line answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum Reply {
    /// The claim is taken in, and will end exactly once.
    Accepted {
        /// The line it is said on; absent: on the next one that opens.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        line: Option<u64>,
        /// The claim's id.
        claim: String,
    },
    /// The claim has ended; the last word about it.
    Ended {
        /// The line; absent: none was open.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        line: Option<u64>,
        /// The claim's id.
        claim: String,
        /// `spoken`, `interrupted`, …
        ending: String,
        /// Why, where the ending alone does not say.
        reason: Option<String>,
        /// What the caller heard of it.
        heard: String,
    },
    /// What was typed is kept.
    Kept {
        /// Its id.
        id: String,
    },
    /// What was typed has been dealt with; the last word about it.
    Answered {
        /// The answer; absent where none was needed.
        text: Option<String>,
    },
    /// A call out is on its way.
    Calling {
        /// `calling`, `ringing`.
        state: String,
    },
    /// The open calls.
    Lines {
        /// By line.
        lines: Vec<LineDetails>,
    },
    /// What is seen from now on follows.
    Watching,
    /// Something happened.
    Seen {
        /// To go on after it.
        cursor: String,
        /// What.
        sight: Sight,
    },
    /// How loud a leg is.
    Level(Level),
    /// So many events were forgotten before this reader came to them.
    Gap {
        /// How many.
        missed: u64,
    },
    /// The cursor was another run's: what is still known of this one follows.
    Reset,
    /// One sits at the line; the connection is the seat.
    Attached {
        /// The line.
        line: u64,
        /// The leg.
        leg: u64,
        /// Where the line expects one's sound.
        rtp: SocketAddr,
    },
    /// One takes part in another way now, whoever wanted that.
    TakesPart {
        /// How.
        part: SeatPart,
    },
    /// One sits there no longer.
    Left {
        /// Why.
        reason: String,
    },
    /// What is going on.
    Status {
        /// The open calls.
        calls: Vec<CallStatus>,
        /// Whether the brain is connected.
        brain_up: bool,
        /// The line itself.
        #[serde(default)]
        process: Box<ProcessStatus>,
        /// Lateness of the audio tick since the start, 99.9th percentile, in µs.
        tick_late_us_p999: u64,
        /// The latest of all those ticks, in µs.
        tick_late_us_max: u64,
        /// Ticks that were skipped because the one before took too long.
        ticks_skipped: u64,
        /// Claims of other programs that wait or are being said.
        #[serde(default)]
        queued: usize,
        /// Whether nothing is said for other programs at present.
        #[serde(default)]
        paused: bool,
        /// Why what is accepted could not be kept; absent: it is kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        journal: Option<String>,
        /// What the tap has seen; absent: it watches nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tap: Option<TapStatus>,
    },
    /// The rooms that the agent is in.
    Rooms {
        /// By name.
        rooms: Vec<RoomStatus>,
    },
    /// What the say-queue holds, oldest first.
    Queue {
        /// Waiting, being said, and the last that ended.
        claims: Vec<QueuedClaim>,
        /// Whether nothing is said for other programs at present.
        paused: bool,
        /// Why what is accepted could not be kept; absent: it is kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        journal: Option<String>,
    },
    /// Where the console page is.
    Page {
        /// Its address, with a code that is good once.
        url: String,
    },
    /// It was done.
    Done {
        /// What, in a sentence.
        message: String,
    },
    /// It was not done, and why.
    Refused {
        /// Says what to do next.
        message: String,
        /// After so long the same may be asked again with better luck; absent: it may not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        again_in_ms: Option<u64>,
    },
}

impl Reply {
    /// A refusal that trying again does not change.
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Reply {
        Reply::Refused { message: message.into(), again_in_ms: None }
    }
}

/// One open call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallStatus {
    /// Its line.
    pub line: u64,
    /// The trunk it came from.
    pub trunk: String,
    /// Seconds since it was answered.
    pub seconds: u64,
}

/// The running line as a process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessStatus {
    /// Its version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Seconds since it began to serve.
    pub up_seconds: u64,
    /// Whether calls are answered by an agent; otherwise with their own echo.
    pub agent: bool,
    /// The brain's process, while one is connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brain_pid: Option<u32>,
    /// Pairs of RTP ports in use.
    pub ports_in_use: usize,
    /// Pairs that rest after a call.
    pub ports_resting: usize,
    /// Lines that wait for the recogniser.
    pub stt_waiting: usize,
    /// Claims that wait for the voice.
    pub tts_waiting: usize,
    /// Written messages of which the brain has not said in time that it dealt with them.
    #[serde(default)]
    pub forgotten: usize,
    /// Addresses of trunks that do not answer, and exchanges that the line is not registered with: which,
    /// and what is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes_down: Vec<String>,
    /// Bugs in SIP signalling that were contained, since the start.
    #[serde(default)]
    pub signalling_panics: u64,
    /// Audio ticks since the start.
    #[serde(default)]
    pub ticks: u64,
    /// Those that began 5 ms late or later.
    #[serde(default)]
    pub ticks_late: u64,
    /// Whether the machine is at its limit, and new calls are sent elsewhere.
    #[serde(default)]
    pub strained: bool,
    /// The day's account of calls out; absent: the line calls nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbound: Option<OutboundStatus>,
    /// How the call that is kept open goes; absent: none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<KeptStatus>,
    /// How the configuration was read the last time; absent: only at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reload: Option<ReloadStatus>,
}

/// What became of what the tap has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TapStatus {
    /// Seen, whatever became of it.
    pub seen: u64,
    /// Sorted into a lane.
    pub sorted: u64,
    /// No rule wanted it.
    pub unmatched: u64,
    /// Dropped: too much at once, or nobody took it.
    pub lost: u64,
    /// Sorted, and refused by the store.
    pub unwritten: u64,
    /// Had the line say something.
    pub said: u64,
    /// Would have, too soon after the last time.
    pub hushed: u64,
}
