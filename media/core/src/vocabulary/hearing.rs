use super::MonoTime;

/// What the hearing side decided about sound from the caller while the agent had the floor.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Verdict {
    /// The caller is speaking to us: the agent yields.
    Speech,
    /// "mm-hm", "right": the caller listens on; the agent resumes.
    Backchannel,
    /// A cough, a door: the agent resumes.
    Noise,
    /// Our own voice come back: the agent resumes.
    Echo,
}

/// Why an utterance was considered finished.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum EndReason {
    /// What was said is complete in itself; the short pause sufficed.
    Complete,
    /// Silence lasted as long as an incomplete utterance is waited for.
    Silence,
    /// The utterance reached the longest length an engine takes.
    TooLong,
}

/// When an utterance passed each hop of hearing. All on the process's monotonic clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UtteranceTimes {
    /// First speech sample arrived.
    pub speech_start: MonoTime,
    /// Last speech sample arrived. The caller's end of speech.
    pub speech_end: MonoTime,
    /// The voice activity detector said silence.
    pub vad_off: MonoTime,
    /// The decode that produced the final text was asked for.
    pub decode_start: MonoTime,
    /// That decode was done.
    pub decode_end: MonoTime,
    /// The utterance was committed.
    pub endpoint: MonoTime,
}

/// What hearing tells the line.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum HearingEvent {
    /// Possible caller speech has begun. Playout pauses on it, nothing is decided yet.
    Onset {
        /// Arrival of the first sample that counts.
        at: MonoTime,
    },
    /// What the onset turned out to be. Follows every `Onset` exactly once, within `decide_ms`.
    Verdict {
        /// When it was decided.
        at: MonoTime,
        /// The decision.
        verdict: Verdict,
    },
    /// The open utterance as understood so far.
    Partial {
        /// When the decode was done.
        at: MonoTime,
        /// Text so far.
        text: String,
    },
    /// A finished utterance. Empty text is never reported.
    Final {
        /// What was said.
        text: String,
        /// Its way through hearing.
        times: UtteranceTimes,
        /// Why it ended.
        reason: EndReason,
    },
    /// Speech that the recogniser could make nothing of, or refused as a hallucination.
    NotUnderstood {
        /// Its way through hearing.
        times: UtteranceTimes,
    },
}
