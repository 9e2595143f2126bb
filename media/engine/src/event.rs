//! What a line reports.

use std::path::PathBuf;

use media_core::hearing::EarStep;
use media_core::plugin::WordSpan;
use media_core::{Generation, HearingEvent, MonoTime};

use crate::statistics::LineStatistics;

/// Takes a line's events, on a pump thread. Must not block and must not call back into the line
/// from inside: hand the event on, for example with `try_send` into a bounded channel.
pub type LineEventSink = Box<dyn Fn(LineEvent) + Send>;

/// Something that happened on a line. Sample counts are at the line's rate
/// ([`crate::Line::sample_rate`]) and count the named generation's own speech from its start.
#[derive(Clone, PartialEq, Debug)]
pub enum LineEvent {
    /// From the hearing side.
    Hearing(HearingEvent),
    /// What a traced ear decided on, and what it decided: about a second of it, for the call's log.
    /// The events in it were reported at their time.
    Listened {
        /// In order.
        steps: Vec<EarStep>,
    },
    /// Every 100 ms on lines that hear or play, for pictures and meters.
    Level {
        /// End of the 100 ms.
        at: MonoTime,
        /// Level of what the caller said, dBov (0 is full scale, -96 is silence).
        heard_dbov: i8,
        /// Level of what we sent, dBov.
        sent_dbov: i8,
        /// Whether the hearing side takes the caller to be speaking.
        speech: bool,
    },
    /// Speech was synthesised. It has not been played yet.
    SpeechChunk {
        /// When.
        at: MonoTime,
        /// Whose.
        generation: Generation,
        /// Where the chunk begins in the generation.
        first_sample: u64,
        /// Its length.
        samples: u64,
        /// Its words: byte ranges of the granted text, sample ranges of the generation.
        words: Vec<WordSpan>,
    },
    /// All of a generation's speech is synthesised.
    SpeechDone {
        /// When.
        at: MonoTime,
        /// Whose.
        generation: Generation,
        /// How much there is in all.
        samples: u64,
    },
    /// A generation's speech could not be made, or not in full. What was made before is played.
    SpeechFailed {
        /// When.
        at: MonoTime,
        /// Whose.
        generation: Generation,
        /// Why, for the log.
        error: String,
    },
    /// The first packet with a generation's speech has been handed to the network.
    FirstSample {
        /// When.
        at: MonoTime,
        /// Whose.
        generation: Generation,
    },
    /// How much of a generation has been sent so far. At least every 100 ms while it is heard.
    Played {
        /// When.
        at: MonoTime,
        /// Whose.
        generation: Generation,
        /// Sent so far.
        samples: u64,
    },
    /// All of a generation has been sent.
    Drained {
        /// When.
        at: MonoTime,
        /// Whose.
        generation: Generation,
        /// What was sent.
        samples: u64,
    },
    /// The audio thread's word that a revoked generation is silent. Follows every
    /// [`crate::Line::revoke`] that took effect, and every grant that took the floor from a
    /// generation that was still speaking.
    Silenced {
        /// When.
        at: MonoTime,
        /// Whose.
        generation: Generation,
        /// The final count of what was sent.
        samples: u64,
    },
    /// Playout stands still.
    Paused {
        /// When.
        at: MonoTime,
        /// Whose.
        generation: Generation,
        /// Sent so far.
        samples: u64,
    },
    /// Playout goes on with the sample after the one it paused at.
    Resumed {
        /// When.
        at: MonoTime,
        /// Whose.
        generation: Generation,
        /// Sent so far.
        samples: u64,
    },
    /// The caller pressed a key (RFC 4733). Once per key press.
    Dtmf {
        /// When.
        at: MonoTime,
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digit: char,
    },
    /// RTP from the peer arrives, for the first time or again after a [`LineEvent::MediaTimeout`].
    MediaStarted {
        /// When.
        at: MonoTime,
    },
    /// No RTP from the peer for a moment ([`crate::EngineConfig::media_quiet`]), though it is to send.
    /// Ended by [`LineEvent::MediaBack`], or by a [`LineEvent::MediaTimeout`].
    MediaQuiet {
        /// When it was noticed.
        at: MonoTime,
    },
    /// RTP from a peer that was quiet arrives again.
    MediaBack {
        /// When.
        at: MonoTime,
    },
    /// No RTP from the peer for as long as the configuration allows. Once per silence.
    MediaTimeout {
        /// When.
        at: MonoTime,
    },
    /// Something had to be left out because a ring or a channel was full.
    Dropped {
        /// When it was noticed.
        at: MonoTime,
        /// What: `events`, `hearing`, `recording`.
        what: &'static str,
        /// How many since the last report.
        count: u64,
    },
    /// The line's audio thread let go of it; ports are free, the recording is on disk. The last
    /// event of a line.
    Closed {
        /// When.
        at: MonoTime,
        /// Final figures.
        statistics: Box<LineStatistics>,
        /// The recording: its path, or what became of it.
        recording: Option<Result<PathBuf, String>>,
    },
}

/// What the tick reports, by value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AudioEvent {
    FirstSample { at: MonoTime, generation: Generation },
    Played { at: MonoTime, generation: Generation, samples: u64 },
    Drained { at: MonoTime, generation: Generation, samples: u64 },
    Silenced { at: MonoTime, generation: Generation, samples: u64 },
    Paused { at: MonoTime, generation: Generation, samples: u64 },
    Resumed { at: MonoTime, generation: Generation, samples: u64 },
    Dtmf { at: MonoTime, digit: char },
    MediaStarted { at: MonoTime },
    MediaQuiet { at: MonoTime },
    MediaBack { at: MonoTime },
    MediaTimeout { at: MonoTime },
}

impl AudioEvent {
    /// Whether a later event says the same and more, so that this one may be left out when the
    /// ring runs full.
    pub fn is_repeated_later(self) -> bool {
        matches!(self, AudioEvent::Played { .. })
    }
}

impl From<AudioEvent> for LineEvent {
    fn from(event: AudioEvent) -> Self {
        match event {
            AudioEvent::FirstSample { at, generation } => Self::FirstSample { at, generation },
            AudioEvent::Played { at, generation, samples } => {
                Self::Played { at, generation, samples }
            }
            AudioEvent::Drained { at, generation, samples } => {
                Self::Drained { at, generation, samples }
            }
            AudioEvent::Silenced { at, generation, samples } => {
                Self::Silenced { at, generation, samples }
            }
            AudioEvent::Paused { at, generation, samples } => {
                Self::Paused { at, generation, samples }
            }
            AudioEvent::Resumed { at, generation, samples } => {
                Self::Resumed { at, generation, samples }
            }
            AudioEvent::Dtmf { at, digit } => Self::Dtmf { at, digit },
            AudioEvent::MediaStarted { at } => Self::MediaStarted { at },
            AudioEvent::MediaQuiet { at } => Self::MediaQuiet { at },
            AudioEvent::MediaBack { at } => Self::MediaBack { at },
            AudioEvent::MediaTimeout { at } => Self::MediaTimeout { at },
        }
    }
}
