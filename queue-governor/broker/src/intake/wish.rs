use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::permit::Who;

/// Longest text to be said, in bytes: about five minutes of speech.
pub const TEXT_BYTES_MAX: usize = 4_096;
/// Longest time to live, in seconds: a week. What is older is history, not news.
pub const TTL_S_MAX: u64 = 7 * 24 * 3_600;
/// Longest name or key: what the governor takes.
const ID_BYTES_MAX: usize = 64;
const KEY_BYTES_MAX: usize = 128;

/// On whose behalf a wish asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum WishSource {
    /// Any program of the machine.
    #[default]
    External,
    /// An alert. Only the line's own user may raise one.
    System,
}

/// What an interruption by the caller does to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// It ends there.
    Drop,
    /// It goes on with the first word that was not heard.
    Resume,
    /// It goes on from the start of the clause that was cut.
    Restate,
}

/// Something that another program wants said, as it was handed in. Every field but the text (or
/// the sound) may be left out.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Wish {
    /// What to say; with `wav`, what is in it, for dedup and for the record.
    pub text: String,
    /// Ready sound instead of words for the voice: the path of a 16-bit PCM WAV file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wav: Option<PathBuf>,
    /// On this line only; absent: on every open one, or on the next that opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// For this caller only: the number, or the name, that the network says. It waits for that
    /// caller's next call if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// `external` or `system`.
    pub source: WishSource,
    /// Its class; absent: `xen-out`, which is what leaves the house.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Order among the wishes of one source; higher first.
    pub priority: i8,
    /// Forget it after so many seconds unsaid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_s: Option<u64>,
    /// Whether it may not be skipped.
    pub must_deliver: bool,
    /// The claim that it takes the place of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<String>,
    /// Names the content where the words alone do not: two with the same key are one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dedup_key: Option<String>,
    /// Absent: `resume` if it must be delivered, else `drop`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_interrupt: Option<Policy>,
    /// Whether the ending is wanted too, besides the id.
    pub wait: bool,
}

/// Why a wish was not let in.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// Neither words nor sound.
    #[error("nothing to say: give a text, or the path of a WAV file as \"wav\"")]
    NothingToSay,
    /// More words than are said at once.
    #[error("{got} bytes of text are more than {TEXT_BYTES_MAX}; say it in parts")]
    TextTooLong {
        /// What was offered.
        got: usize,
    },
    /// It would never be said, or never be forgotten.
    #[error("a ttl_s of {got} makes no sense: 1 to {TTL_S_MAX} seconds, or leave it out")]
    BadTtl {
        /// What was offered.
        got: u64,
    },
    /// A name or key that is not one.
    #[error("{field} has 1 to {max} bytes")]
    BadName {
        /// Which field.
        field: &'static str,
        /// The most that it may have.
        max: usize,
    },
    /// A WAV file that is somewhere depending on who reads it.
    #[error("\"wav\" must be an absolute path, because the line runs elsewhere")]
    RelativePath,
    /// Asked for more than its author may.
    #[error(
        "only the line's own user may raise an alert (source \"system\"); leave \"source\" out"
    )]
    NotYourSource,
    /// More wishes than are let in at once.
    #[error("too many at once: {per_second} a second are taken; try again in {again_in_ms} ms")]
    TooFast {
        /// The rate that is taken.
        per_second: u32,
        /// When one more will be.
        again_in_ms: u64,
    },
    /// As many as may wait are waiting.
    #[error("{max} are waiting to be said already; try again when some have been")]
    QueueFull {
        /// How many may wait.
        max: usize,
    },
    /// As much sound as may be held is held.
    #[error(
        "{max_mb} MB of sound wait to be said already; try again when some of it has been, or say it in words"
    )]
    TooMuchSound {
        /// How much may be held.
        max_mb: usize,
    },
}

impl Refusal {
    /// Milliseconds after which the same wish may be let in; `None`: it never will be.
    #[must_use]
    pub fn again_in_ms(&self) -> Option<u64> {
        match self {
            Refusal::TooFast { again_in_ms, .. } => Some(*again_in_ms),
            Refusal::QueueFull { .. } | Refusal::TooMuchSound { .. } => Some(1_000),
            _ => None,
        }
    }
}

impl Wish {
    /// A wish to say `text`, with every option at its default.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Wish {
        Wish { text: text.into(), ..Wish::default() }
    }

    /// Whether it makes sense, and asks for no more than `who` may.
    ///
    /// # Errors
    /// The [`Refusal`] that names the field.
    pub fn check(&self, who: Who) -> Result<(), Refusal> {
        if self.wav.is_none() && self.text.trim().is_empty() {
            return Err(Refusal::NothingToSay);
        }
        if self.text.len() > TEXT_BYTES_MAX {
            return Err(Refusal::TextTooLong { got: self.text.len() });
        }
        if let Some(got) = self.ttl_s.filter(|ttl| !(1..=TTL_S_MAX).contains(ttl)) {
            return Err(Refusal::BadTtl { got });
        }
        sized("supersedes", self.supersedes.as_deref(), ID_BYTES_MAX)?;
        sized("to", self.to.as_deref(), KEY_BYTES_MAX)?;
        sized("dedup_key", self.dedup_key.as_deref(), KEY_BYTES_MAX)?;
        if self.wav.as_ref().is_some_and(|path| !path.is_absolute()) {
            return Err(Refusal::RelativePath);
        }
        if self.source == WishSource::System && who != Who::Owner {
            return Err(Refusal::NotYourSource);
        }
        Ok(())
    }

    /// Whether it may wait for a call when none is open: it must be heard, or says how long it
    /// is worth hearing.
    #[must_use]
    pub fn can_wait(&self) -> bool {
        self.must_deliver || self.ttl_s.is_some()
    }
}

fn sized(field: &'static str, name: Option<&str>, max: usize) -> Result<(), Refusal> {
    match name.map(str::len) {
        Some(0) => Err(Refusal::BadName { field, max }),
        Some(got) if got > max => Err(Refusal::BadName { field, max }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused_by_the_field_that_does_not() {
        let words = Wish::text("the kettle boils");
        let with = |change: fn(&mut Wish)| {
            let mut wish = words.clone();
            change(&mut wish);
            wish.check(Who::Owner).expect_err("it makes no sense").to_string()
        };
        assert!(with(|w| w.text = " \t".into()).contains("nothing to say"));
        assert!(with(|w| w.text = "x".repeat(TEXT_BYTES_MAX + 1)).contains("4097"));
        assert!(with(|w| w.ttl_s = Some(0)).contains("ttl_s"));
        assert!(with(|w| w.ttl_s = Some(TTL_S_MAX + 1)).contains("ttl_s"));
        assert!(with(|w| w.supersedes = Some("x".repeat(65))).contains("supersedes"));
        assert!(with(|w| w.dedup_key = Some(String::new())).contains("dedup_key"));
        assert!(with(|w| w.to = Some(String::new())).contains("to has"));
        assert!(with(|w| w.wav = Some("chime.wav".into())).contains("absolute"));
        assert_eq!(words.check(Who::Owner), Ok(()));
    }

    #[test]
    fn an_alert_is_raised_by_the_lines_own_user_alone() {
        let alert = Wish { source: WishSource::System, ..Wish::text("fire") };
        assert_eq!(alert.check(Who::Owner), Ok(()));
        assert_eq!(alert.check(Who::Guest(1_000)), Err(Refusal::NotYourSource));
    }

    #[test]
    fn sound_needs_no_words() {
        let chime = Wish { wav: Some("/sounds/chime.wav".into()), ..Wish::default() };
        assert_eq!(chime.check(Who::Guest(7)), Ok(()));
    }
}
