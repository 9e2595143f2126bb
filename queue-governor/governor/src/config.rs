//! The governor's times and bounds.

use core::time::Duration;

use media_core::SampleRate;

use crate::claim::{Content, Source, Tag};
use crate::reason::RefusalReason;

/// Times and bounds of one line. The default is what the specification says.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
pub struct GovernorConfig {
    /// Rate in which the line counts samples.
    pub line_rate: SampleRate,
    /// Tags known besides [`Tag::BUILT_IN`].
    pub registered_tags: Vec<Tag>,
    /// Within this after an onset the verdict must have come; otherwise it was not speech.
    pub decide: Duration,
    /// Longest open utterance of the caller. After it the floor is given again even if neither a
    /// turn nor silence was reported, so that a lost event cannot mute the line for ever.
    pub caller_turn_max: Duration,
    /// After a turn of the caller the responder has this long to claim the floor before workers
    /// and others get it.
    pub reply_window: Duration,
    /// Longest wait of a higher source for a lower one's clause to end.
    pub preempt_max: Duration,
    /// A worker or external claim that waited this long goes before the responder's.
    pub age: Duration,
    /// The holder of the floor is stalled when no frame left for this long.
    pub stall: Duration,
    /// What is said while a stalled claim is tried again. `None`: it is tried again at once.
    pub filler: Option<Content>,
    /// What was said is not said again within this.
    pub dedup_window: Duration,
    /// A revoked generation's final count is waited for this long; then the last one counts.
    pub silenced: Duration,
    /// After a pause of this length, in the middle of a word, speech goes on from the start of that
    /// word. After a shorter one it goes on at the sample.
    #[cfg_attr(feature = "serde", serde(default = "never"))]
    pub long_pause: Duration,
    /// Between the end of one saying and the start of another that has nothing to do with it.
    /// Answers, alerts, the operator and what has aged never wait for it. Zero: no gap.
    #[cfg_attr(feature = "serde", serde(default))]
    pub gap: Duration,
    /// What several updates of one thing that wait become.
    #[cfg_attr(feature = "serde", serde(default = "off"))]
    pub coalescing: Coalescing,
    /// A responder's claim is stale when the caller took so many turns after the one that it
    /// answers. Zero: never.
    pub responder_stale_turns: u64,
    /// The same for a worker's.
    pub worker_stale_turns: u64,
    /// The same for another program's, counted from the turn in which it was taken in.
    #[cfg_attr(feature = "serde", serde(default))]
    pub external_stale_turns: u64,
    /// Claims that are alive at once, those on the floor included.
    pub claims_max: usize,
    /// Longest text of a claim, in bytes.
    pub text_bytes_max: usize,
    /// Longest audio of a claim.
    pub audio_max: Duration,
}

/// What was written before there were long pauses was decided without them.
#[cfg(feature = "serde")]
fn never() -> Duration {
    Duration::MAX
}

/// And without coalescing.
#[cfg(feature = "serde")]
fn off() -> Coalescing {
    Coalescing::Off
}

/// What becomes of several waiting updates of one thing: claims of one source with the same
/// [`crate::Claim::coalesce`], or of workers that answer the same turn.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Coalescing {
    /// They are one saying: one right after the other, with nothing unrelated in between.
    #[default]
    Join,
    /// Of those with the same [`crate::Claim::coalesce`] only the latest is said; those before it
    /// that nobody heard yet, and that need not be delivered, end `superseded`. The rest is joined.
    Latest,
    /// They have nothing to do with each other.
    Off,
}

impl Default for GovernorConfig {
    fn default() -> Self {
        Self {
            line_rate: SampleRate::Hz8000,
            registered_tags: Vec::new(),
            decide: Duration::from_millis(500),
            // Hearing closes an utterance after 8 s; its decode may take a few more.
            caller_turn_max: Duration::from_secs(12),
            reply_window: Duration::from_millis(300),
            preempt_max: Duration::from_millis(400),
            age: Duration::from_secs(8),
            stall: Duration::from_millis(600),
            filler: Some(Content::Text("One moment.".to_owned())),
            dedup_window: Duration::from_secs(30),
            silenced: Duration::from_millis(100),
            // A caller who heard half of a word this long ago has forgotten the half.
            long_pause: Duration::from_millis(400),
            gap: Duration::from_millis(250),
            coalescing: Coalescing::Join,
            responder_stale_turns: 1,
            worker_stale_turns: 1,
            external_stale_turns: 0,
            // More would be stale before it is spoken.
            claims_max: 64,
            // About five minutes of speech.
            text_bytes_max: 4_096,
            audio_max: Duration::from_secs(300),
        }
    }
}

impl GovernorConfig {
    /// How many claims may be alive for one of `source` to be taken in. Lower sources leave room
    /// for higher ones, so that a flood from outside cannot refuse an alert or an answer.
    #[must_use]
    pub fn claims_max_for(&self, source: Source) -> usize {
        let eighths = match source {
            Source::Operator => 8,
            Source::System => 7,
            Source::Responder => 6,
            Source::Worker => 5,
            Source::External => 4,
        };
        (self.claims_max * eighths).div_ceil(8)
    }

    /// After how many turns a claim of `source` is stale, if it can be.
    pub(crate) fn stale_turns(&self, source: Source) -> Option<u64> {
        let turns = match source {
            Source::Responder => self.responder_stale_turns,
            Source::Worker => self.worker_stale_turns,
            Source::External => self.external_stale_turns,
            Source::Operator | Source::System => 0,
        };
        (turns > 0).then_some(turns)
    }

    /// Whether `tag` may be used.
    #[must_use]
    pub fn knows(&self, tag: &Tag) -> bool {
        knows(&self.registered_tags, tag).is_ok()
    }
}

/// Whether `tag` is one of those that may be used.
pub(crate) fn knows(registered: &[Tag], tag: &Tag) -> Result<(), RefusalReason> {
    match tag.as_str() {
        "" => Err(RefusalReason::Untagged),
        name if Tag::BUILT_IN.contains(&name) || registered.contains(tag) => Ok(()),
        // As much of it as a log needs.
        name => Err(RefusalReason::UnknownTag(name.chars().take(32).collect())),
    }
}
