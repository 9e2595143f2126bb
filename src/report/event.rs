//! The events of a call as they stand in `events.jsonl`, one JSON object a line.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ends::{CallClosed, CallOpened};
use super::legs::{DoorKind, PartKind};

/// One line of `events.jsonl`: when, and what.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Milliseconds since the call was answered, on the line's monotonic clock.
    pub t_ms: f64,
    /// What happened.
    #[serde(flatten)]
    pub what: CallEvent,
}

/// What happened on a call, in the words of the field.
///
/// Every `*_ms` that is not a duration by name counts from the answer, like [`Event::t_ms`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CallEvent {
    /// The call was answered. First line of every record.
    CallOpened(CallOpened),
    /// The voice activity detector changed its mind about the caller.
    CallerVad {
        /// Whether the caller speaks now.
        on: bool,
    },
    /// Possible caller speech while the agent had the floor; playout pauses on it.
    Onset,
    /// What the onset turned out to be.
    Verdict {
        /// The decision.
        verdict: VerdictKind,
        /// From the onset to the decision.
        decide_ms: f64,
    },
    /// The open utterance as understood so far.
    Partial {
        /// Text so far.
        text: String,
        /// Whose words they are; absent: those of who was on the line first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        speaker: Option<String>,
    },
    /// The caller finished an utterance that was understood.
    CallerTurn {
        /// Number of the turn, from 1.
        turn: u64,
        /// What was said.
        text: String,
        /// Whether it interrupted the agent.
        #[serde(default)]
        barged_in: bool,
        /// When it passed each hop of hearing.
        times: TurnTimes,
        /// Who said it; absent: who was on the line first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        speaker: Option<String>,
    },
    /// The caller spoke and nothing could be made of it.
    NotUnderstood {
        /// Last speech sample.
        speech_end_ms: f64,
    },
    /// A turn was handed to the brain.
    TurnSent {
        /// Which one.
        turn: u64,
        /// Whether it was sent before, to a brain that died.
        #[serde(default)]
        replayed: bool,
    },
    /// The governor took a claim into its books.
    ClaimAccepted {
        /// The claim's id.
        claim: String,
        /// Who wants to speak.
        source: ClaimSource,
        /// The turn that it answers.
        turn: Option<u64>,
        /// What it wants to say.
        text: String,
    },
    /// The floor changed hands.
    Floor {
        /// The claim that has it now.
        holder: Option<String>,
        /// That claim's source.
        source: Option<ClaimSource>,
        /// Why, in a few words: `answer`, `caller speaks`, `drained`.
        why: String,
        /// The generation that it was granted with.
        generation: Option<u64>,
    },
    /// The voice delivered the first audio of a claim.
    FirstSynth {
        /// Which claim.
        claim: String,
    },
    /// The first RTP packet with a claim's audio left.
    FirstSample {
        /// Which claim.
        claim: String,
    },
    /// Playout was paused at a sample.
    Paused {
        /// Which claim.
        claim: String,
    },
    /// Playout goes on where it was paused.
    Resumed {
        /// Which claim.
        claim: String,
    },
    /// The floor was taken from a claim.
    Revoked {
        /// Which claim.
        claim: String,
        /// Why, in a few words.
        #[serde(default)]
        why: String,
    },
    /// The audio thread confirmed that no further sample of a claim leaves.
    Silenced {
        /// Which claim.
        claim: String,
        /// From the revoke to the end of the last packet that carried the claim.
        revoke_to_silence_ms: f64,
    },
    /// A claim came to its one ending.
    ClaimEnded {
        /// Which claim.
        claim: String,
        /// How.
        ending: EndingKind,
        /// The reason of a refusal or a failure.
        #[serde(default)]
        reason: Option<String>,
        /// The words that the caller heard of it.
        heard_text: String,
    },
    /// The brain said hello.
    BrainUp {
        /// Its process.
        #[serde(default)]
        pid: Option<u32>,
    },
    /// The brain is gone; the line stays.
    BrainDown {
        /// Why.
        reason: String,
    },
    /// The brain put hands to work.
    JobStarted {
        /// The job's id.
        job: String,
        /// What it does.
        label: String,
    },
    /// The hands are done.
    JobFinished {
        /// The job's id.
        job: String,
        /// What came of it.
        outcome: String,
    },
    /// The caller pressed a key.
    Dtmf {
        /// Which one.
        digit: char,
    },
    /// Somebody else came to the line.
    LegJoined {
        /// Its number at the line.
        leg: u64,
        /// Whose words these are in the transcript.
        label: String,
        /// How they came.
        door: DoorKind,
        /// What for.
        part: PartKind,
    },
    /// A leg takes part in another way.
    LegPart {
        /// Which leg.
        leg: u64,
        /// What it is there for now.
        part: PartKind,
        /// Nobody hears it at present.
        #[serde(default)]
        muted: bool,
    },
    /// A leg has left, and the line goes on. 0 is who was on it first.
    LegLeft {
        /// Which leg.
        leg: u64,
        /// Why, in a few words.
        reason: String,
    },
    /// What everybody heard the operator say.
    OperatorSaid {
        /// The operator's leg.
        leg: u64,
        /// The words.
        text: String,
        /// First speech sample.
        speech_start_ms: f64,
        /// Last speech sample.
        speech_end_ms: f64,
    },
    /// Anything else that a person reading the call should know.
    Note {
        /// In a few words.
        text: String,
    },
    /// The call ended. Last line of a complete record.
    CallClosed(CallClosed),
    /// A type that this version does not know; kept out of the picture.
    #[serde(other)]
    Unknown,
}

/// When a caller's turn passed each hop of hearing.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct TurnTimes {
    /// First speech sample.
    pub speech_start_ms: f64,
    /// Last speech sample.
    pub speech_end_ms: f64,
    /// The detector said silence.
    pub vad_off_ms: f64,
    /// The decode that gave the text was asked for.
    pub decode_start_ms: f64,
    /// It was done.
    pub decode_end_ms: f64,
    /// The utterance was committed.
    pub endpoint_ms: f64,
}

/// Who wants to speak.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimSource {
    /// A person at the console.
    Operator,
    /// The line itself: greetings, alerts, the voice of last resort.
    System,
    /// The brain's fast mind.
    Responder,
    /// The brain's hands.
    Worker,
    /// Another program on the machine.
    #[serde(other)]
    External,
}

/// What an onset turned out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    /// The caller speaks to us.
    Speech,
    /// "mm-hm".
    Backchannel,
    /// A cough, a door.
    Noise,
    /// Our own voice come back.
    Echo,
}

/// How a claim ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndingKind {
    /// Heard to its end.
    Spoken,
    /// Cut by the caller.
    Interrupted,
    /// Replaced by a newer claim.
    Superseded,
    /// The conversation had moved on.
    Stale,
    /// Its time to live ran out.
    Expired,
    /// Said already.
    Duplicate,
    /// Taken back by its producer.
    Withdrawn,
    /// Never taken.
    Refused,
    /// Could not be spoken.
    Failed,
}

/// Names as they stand in the record, for labels.
macro_rules! display_as_recorded {
    ($($kind:ty),*) => {$(
        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let name = format!("{self:?}").to_lowercase();
                f.pad(&name)
            }
        }
    )*};
}
display_as_recorded!(ClaimSource, VerdictKind, EndingKind);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_flat_object() {
        let event = Event {
            t_ms: 1234.5,
            what: CallEvent::Verdict { verdict: VerdictKind::Backchannel, decide_ms: 310.0 },
        };
        let line = serde_json::to_string(&event).unwrap();
        assert_eq!(
            line,
            r#"{"t_ms":1234.5,"type":"verdict","verdict":"backchannel","decide_ms":310.0}"#
        );
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
    }

    #[test]
    fn an_event_of_a_later_version_is_read_as_unknown() {
        let event: Event =
            serde_json::from_str(r#"{"t_ms":5.0,"type":"telepathy","depth":3}"#).unwrap();
        assert_eq!(event.what, CallEvent::Unknown);
    }

    #[test]
    fn an_opened_call_may_leave_out_what_it_does_not_know() {
        let event: Event =
            serde_json::from_str(r#"{"t_ms":0.0,"type":"call_opened","caller":"+4930123"}"#)
                .unwrap();
        let CallEvent::CallOpened(opened) = event.what else { panic!("{event:?}") };
        assert_eq!(opened.caller, "+4930123");
        assert_eq!(opened.codec, "");
    }
}
