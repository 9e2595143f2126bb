use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Caller, Channel, ClaimEnding, ClaimId, DialId, DialOutcome, LineId, Message, MessageEnding,
    MessageId, Position, Redial, TransferOutcome, TurnId, Version,
};

/// What the line tells the brain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LineMessage {
    /// The first message in this direction.
    ///
    /// ```json
    /// {"type":"hello","version":{"major":1,"minor":4},"name":"xenline 0.1.0","ping_every_ms":1000,"silence_limit_ms":5000}
    /// ```
    Hello {
        /// What the line speaks.
        version: Version,
        /// Program and version, for people.
        name: String,
        /// How often a ping comes.
        ping_every_ms: u64,
        /// A brain that leaves a ping unanswered for so long is killed and started again.
        silence_limit_ms: u64,
    },
    /// A call was answered, or a brain was started while a call was up.
    ///
    /// ```json
    /// {"type":"line_opened","line":1,"caller":"+4930123456","called":"100","identity":{"attestation":"full","asserted":true,"withheld":false},"resumed":false,"backlog":0,"at_ms":1200}
    /// ```
    LineOpened {
        /// The line.
        line: LineId,
        /// Who calls: the number that the trunk asserts, or else what the caller's side wrote. May be
        /// empty.
        #[serde(default)]
        caller: String,
        /// What was dialled. May be empty.
        #[serde(default)]
        called: String,
        /// What else is known of the caller. Since 1.3.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        identity: Option<Box<Caller>>,
        /// The call was already up: an earlier brain was lost, the caller heard no goodbye.
        #[serde(default)]
        resumed: bool,
        /// Turns that follow at once because no brain has acknowledged them.
        #[serde(default)]
        backlog: u32,
        /// The line's monotonic clock.
        #[serde(default)]
        at_ms: u64,
        /// The line called, and `caller` is who was called. Since 1.3.
        #[serde(default)]
        outbound: bool,
        /// An earlier call with the same person was cut off a moment ago. Since 1.3.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        redial: Option<Box<Redial>>,
    },
    /// Possible caller speech has begun. Nothing is decided yet; a brain may prepare.
    ///
    /// ```json
    /// {"type":"caller_speaking","line":1}
    /// ```
    CallerSpeaking {
        /// The line.
        line: LineId,
    },
    /// The open utterance as understood so far. May change entirely.
    ///
    /// ```json
    /// {"type":"caller_partial","line":1,"text":"what time"}
    /// ```
    CallerPartial {
        /// The line.
        line: LineId,
        /// Text so far.
        text: String,
        /// Whose words they are, where several people are on the line. Absent: the first one's.
        /// Since 1.4.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        speaker: Option<String>,
    },
    /// The caller said something and finished. To be acknowledged with `turn_done`.
    ///
    /// ```json
    /// {"type":"caller_turn","line":1,"turn":2,"position":7,"text":"what time is it","at_ms":5400,"barged_in":false,"replayed":false}
    /// ```
    ///
    /// Several people may be on a line: their turns are one sequence, each with its speaker.
    ///
    /// ```json
    /// {"type":"caller_turn","line":1,"turn":3,"position":8,"text":"and run the backup","at_ms":9100,"barged_in":false,"replayed":false,"speaker":"anna"}
    /// ```
    CallerTurn {
        /// The line.
        line: LineId,
        /// Number of the turn on this line.
        turn: TurnId,
        /// Where the lane keeps it until it is acknowledged.
        position: Position,
        /// What was said, as the recogniser understood it.
        text: String,
        /// When the caller finished, on the line's monotonic clock.
        #[serde(default)]
        at_ms: u64,
        /// The caller interrupted a claim with this.
        #[serde(default)]
        barged_in: bool,
        /// An earlier brain may have seen this turn and not have acknowledged it.
        #[serde(default)]
        replayed: bool,
        /// Who said it, where several people are on the line: the label of their leg. Absent: the
        /// first one. Since 1.4.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        speaker: Option<String>,
    },
    /// The caller spoke, and the recogniser could make nothing of it.
    ///
    /// ```json
    /// {"type":"caller_not_understood","line":1}
    /// ```
    CallerNotUnderstood {
        /// The line.
        line: LineId,
    },
    /// The caller pressed a key.
    ///
    /// ```json
    /// {"type":"digit","line":1,"digit":"5"}
    /// ```
    Digit {
        /// The line.
        line: LineId,
        /// `0` to `9`, `*`, `#`, `A` to `D`.
        digit: char,
    },
    /// The claim waits for the floor, and will end exactly once.
    ///
    /// ```json
    /// {"type":"claim_accepted","line":1,"claim":"r-1"}
    /// ```
    ClaimAccepted {
        /// The line.
        line: LineId,
        /// The claim.
        claim: ClaimId,
        /// It is in the journal, so it outlives a crash of the line. `false`: the journal cannot be
        /// written, or not in time; the claim will be said and end all the same, but a crash before
        /// that may lose it. Since 1.4; before, a claim could be told to be accepted that was not
        /// kept.
        #[serde(default = "crate::claim::kept", skip_serializing_if = "crate::claim::is_kept")]
        kept: bool,
    },
    /// The first sample of the claim went out to the caller.
    ///
    /// ```json
    /// {"type":"claim_started","line":1,"claim":"r-1"}
    /// ```
    ClaimStarted {
        /// The line.
        line: LineId,
        /// The claim.
        claim: ClaimId,
    },
    /// What became of the claim, and what the caller heard of it.
    ///
    /// ```json
    /// {"type":"claim_ended","line":1,"claim":"r-1","ending":"interrupted","heard_text":"The backup is done.","heard_ms":1240,"reason":"the caller spoke"}
    /// ```
    ClaimEnded {
        /// The line.
        line: LineId,
        /// The claim.
        claim: ClaimId,
        /// How it ended.
        ending: ClaimEnding,
        /// The words that went out to the caller, from the samples that were sent.
        #[serde(default)]
        heard_text: String,
        /// How long the caller heard it.
        #[serde(default)]
        heard_ms: u64,
        /// Why, for people, where the ending alone does not say it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The operator took the floor: what the brain says is not heard until it is returned.
    ///
    /// ```json
    /// {"type":"operator_took","line":1}
    /// ```
    OperatorTook {
        /// The line.
        line: LineId,
    },
    /// The operator returned the floor.
    ///
    /// ```json
    /// {"type":"operator_released","line":1}
    /// ```
    OperatorReleased {
        /// The line.
        line: LineId,
    },
    /// The operator says something to the brain that the caller does not hear: an instruction, or
    /// what the caller's next question needs. To be acted on, never to be read out. Since 1.2.
    ///
    /// ```json
    /// {"type":"operator_whisper","line":1,"text":"offer a call back tomorrow"}
    /// ```
    OperatorWhisper {
        /// The line.
        line: LineId,
        /// The operator's words.
        text: String,
    },
    /// What the caller heard the operator say: it belongs to the conversation. A brain that comes
    /// later in the call is told the last of it, between the turns that it is given. Since 1.2.
    ///
    /// ```json
    /// {"type":"operator_said","line":1,"text":"I will look into that myself."}
    /// ```
    OperatorSaid {
        /// The line.
        line: LineId,
        /// The words that went out to the caller.
        text: String,
    },
    /// What became of a transfer. Unless it is `done`, the caller is still here. Since 1.3.
    ///
    /// ```json
    /// {"type":"transfer_ended","line":1,"outcome":"failed","reason":"486"}
    /// ```
    TransferEnded {
        /// The line.
        line: LineId,
        /// What became of it.
        outcome: TransferOutcome,
        /// Why, for people, where the outcome alone does not say it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The caller was put through to somebody else, who is on the line now. What was said before was
    /// said to another person. Since 1.3.
    ///
    /// ```json
    /// {"type":"caller_changed","line":1,"caller":"+4930654321"}
    /// ```
    CallerChanged {
        /// The line.
        line: LineId,
        /// Who is there, as the network says. May be empty.
        #[serde(default)]
        caller: String,
    },
    /// The call is over. Open claims have ended.
    ///
    /// ```json
    /// {"type":"line_closed","line":1,"reason":"the caller hung up"}
    /// ```
    LineClosed {
        /// The line.
        line: LineId,
        /// Why, for people.
        #[serde(default)]
        reason: String,
    },
    /// Somebody wrote something: an SMS, a typed line, another program. To be acknowledged with
    /// `text_done`.
    ///
    /// ```json
    /// {"type":"text_message","lane":"sms:main","tag":"sms","position":12,"id":"sms:main/12","from":"+4930123456","text":"run the backup","channel":"sms","replayed":false}
    /// ```
    TextMessage {
        /// The lane that keeps it until it is acknowledged.
        lane: String,
        /// What kind of thing it is: the tag of that lane.
        tag: String,
        /// Where in the lane.
        position: Position,
        /// Its name for good. The `trigger` of whatever reacts to it.
        id: String,
        /// Who wrote: a phone number, a program's or a person's name.
        from: String,
        /// What was written.
        text: String,
        /// How an answer reaches the writer: `send` on this channel, to `from`.
        channel: Channel,
        /// An earlier brain may have seen it and not have acknowledged it.
        #[serde(default)]
        replayed: bool,
    },
    /// The message is kept, will leave, and will end exactly once.
    ///
    /// ```json
    /// {"type":"message_accepted","message":"m-1"}
    /// ```
    MessageAccepted {
        /// The message.
        message: MessageId,
    },
    /// What became of the message.
    ///
    /// ```json
    /// {"type":"message_ended","message":"m-1","ending":"failed","reason":"the carrier refused it: 422"}
    /// ```
    MessageEnded {
        /// The message.
        message: MessageId,
        /// How it ended.
        ending: MessageEnding,
        /// Why, for people, where the ending alone does not say it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// What became of a call that the brain asked for with `dial`. Every one gets exactly one, unless
    /// the brain is away then. Since 1.3.
    ///
    /// ```json
    /// {"type":"dial_ended","dial":"d-1","outcome":"busy","reason":"486 Busy Here"}
    /// ```
    DialEnded {
        /// The call, as the brain named it.
        dial: DialId,
        /// What became of it.
        outcome: DialOutcome,
        /// Where the conversation is, if somebody answered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        line: Option<LineId>,
        /// Why, for people, where the outcome alone does not say it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Is the brain alive? To be answered with `pong` and the same number.
    ///
    /// ```json
    /// {"type":"ping","seq":12}
    /// ```
    Ping {
        /// Counts up.
        seq: u64,
    },
    /// The line ends; the brain is asked to end too, and is killed if it does not.
    ///
    /// ```json
    /// {"type":"shutdown"}
    /// ```
    Shutdown,
}

impl Message for LineMessage {
    const KINDS: &'static [&'static str] = &[
        "hello",
        "line_opened",
        "caller_speaking",
        "caller_partial",
        "caller_turn",
        "caller_not_understood",
        "digit",
        "claim_accepted",
        "claim_started",
        "claim_ended",
        "operator_took",
        "operator_released",
        "operator_whisper",
        "operator_said",
        "transfer_ended",
        "caller_changed",
        "line_closed",
        "text_message",
        "message_accepted",
        "message_ended",
        "dial_ended",
        "ping",
        "shutdown",
    ];
}
