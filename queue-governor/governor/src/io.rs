//! What goes into a governor and what comes out of it.

use core::ops::Range;

use media_core::plugin::WordSpan;
use media_core::{Generation, SampleRate, Verdict};

use crate::claim::{Claim, ClaimId, Content, Source, TurnId};
use crate::journal::{Record, Unfinished};
use crate::reason::{FailReason, FloorReason, RefusalReason};

/// Something that happened.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Input {
    /// A producer wants to be heard.
    Submit(Claim),
    /// What an earlier call left unfinished is to be said here. Acts like
    /// [`crate::Governor::recover`] for one claim; ignored if a live claim has its name.
    CarryOver(Unfinished),
    /// A producer no longer wants it. Unknown names are ignored.
    Withdraw(ClaimId),

    /// Possible caller speech has begun.
    CallerOnset,
    /// What the onset turned out to be.
    CallerVerdict(Verdict),
    /// The caller's utterance is finished and was understood. Ends the open utterance.
    CallerTurn(TurnId),
    /// The caller's utterance is finished and nothing was understood. Ends the open utterance.
    CallerSilent,

    /// The next piece of synthesised speech. Not yet played.
    SpeechChunk {
        /// Whose.
        generation: Generation,
        /// Its length, in samples at the line's rate.
        samples: u64,
        /// Its words. Text ranges count in the granted text, sample ranges from the first sample
        /// of the generation.
        words: Vec<LedgerWord>,
    },
    /// Synthesis is complete; `samples` is the length of the whole.
    SpeechDone {
        /// Whose.
        generation: Generation,
        /// The generation's length.
        samples: u64,
    },
    /// Synthesis failed; nothing more will come.
    SpeechFailed {
        /// Whose.
        generation: Generation,
        /// The engine's words, for the record.
        reason: String,
    },
    /// The first packet went out.
    FirstSample {
        /// Whose.
        generation: Generation,
    },
    /// So many samples of the generation went out so far.
    Played {
        /// Whose.
        generation: Generation,
        /// Cumulative count.
        samples: u64,
    },
    /// All of the generation went out.
    Drained {
        /// Whose.
        generation: Generation,
        /// Final count.
        samples: u64,
    },
    /// A revoked generation is silent; the count is final.
    Silenced {
        /// Whose.
        generation: Generation,
        /// Final count.
        samples: u64,
    },
    /// The line's audio now has this rate. Counts of generations granted before keep theirs.
    LineRate(SampleRate),

    /// The operator takes the floor: the agent falls silent and only operator claims are granted.
    OperatorTake,
    /// The operator hands the floor back.
    OperatorRelease,
    /// Whether claims of [`Source::External`] are held: none is granted until they are let go. One
    /// that has the floor keeps it; their times to live go on.
    HoldExternal(bool),
    /// The operator says something to the brain that the caller does not hear.
    OperatorWhisper(String),
    /// The call is over.
    LineClosed,
    /// Nothing but time passed.
    Timeout,
}

/// Where a word of the granted text lies in the generation's audio.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LedgerWord {
    /// Byte range in the granted text.
    pub text: Range<usize>,
    /// Sample range, counted from the first sample of the generation.
    pub samples: Range<u64>,
}

impl From<&WordSpan> for LedgerWord {
    fn from(span: &WordSpan) -> Self {
        LedgerWord {
            text: span.text.clone(),
            samples: span.samples.start as u64..span.samples.end as u64,
        }
    }
}

/// Something to be done, or to be told.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Output {
    /// Write this down. Acknowledgements, endings and grants that come after it wait until it is
    /// safe; see [`Record`].
    Journal(Record),
    /// The claim is taken in and will end exactly once.
    Accepted(ClaimId),
    /// Speak this. The generation is new and from now on the current one.
    Grant {
        /// Who holds the floor.
        claim: ClaimId,
        /// The right to it.
        generation: Generation,
        /// What is to be heard; after a cut, only what is left.
        speech: Content,
        /// With which voice.
        voice: Voice,
    },
    /// The generation ends here: no sample of it may leave from now on.
    Revoke(Generation),
    /// Stop at the sample and keep the rest.
    Pause(Generation),
    /// Go on with the next sample.
    Resume(Generation),
    /// What became of a claim. Comes once for each accepted claim, unless that is
    /// [`Output::Carried`] to the next call; and once, without
    /// [`Output::Accepted`], for a submission that was turned away at the door.
    Ended {
        /// Which.
        claim: ClaimId,
        /// Whose it was.
        source: Source,
        /// What it answered.
        turn: Option<TurnId>,
        /// How it ended.
        ending: Ending,
        /// What the caller heard of it.
        heard: Heard,
    },
    /// The line closed before a claim that must be delivered was said. It has no ending: it stays
    /// unfinished in the journal, and waits for the next call.
    Carried(ClaimId),
    /// Tell the brain. Never becomes sound.
    Brief(Briefing),
    /// A whisper was not passed on.
    WhisperRefused(RefusalReason),
    /// The floor changed hands, or state. For pictures and logs.
    FloorChanged {
        /// Who holds it now.
        holder: Option<ClaimId>,
        /// Why.
        why: FloorReason,
    },
}

/// What the brain is told of the operator.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Briefing {
    /// The operator has the floor: the agent is not heard until it is handed back.
    OperatorTook,
    /// The agent may go on.
    OperatorReleased,
    /// The operator's words, for the brain alone.
    Whisper(String),
    /// What the caller heard the operator say.
    OperatorSaid(String),
}

/// Which voice speaks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Voice {
    /// The line's voice.
    Own,
    /// The system voice of last resort, because the line's voice stalled or failed.
    Fallback,
}

/// What the caller heard of a claim, from the samples that were sent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Heard {
    /// The words, from the first of the claim. For ready audio: its label once all was sent.
    pub text: String,
    /// How long it was audible, over all its turns on the floor.
    pub ms: u64,
    /// Samples sent, over all its turns on the floor, at the line's rate.
    pub samples: u64,
}

/// How a claim ended.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Ending {
    /// All of it was sent.
    Spoken,
    /// The caller spoke, and its policy was to drop it.
    Interrupted,
    /// Another claim took its place.
    Superseded,
    /// The caller said something new first.
    Stale,
    /// Its time to live was over before its turn came.
    Expired,
    /// The same is already waiting, being said, or was said.
    Duplicate,
    /// Its producer took it back.
    Withdrawn,
    /// It was never taken in.
    Refused(RefusalReason),
    /// It was taken in and could not be said.
    Failed(FailReason),
}
