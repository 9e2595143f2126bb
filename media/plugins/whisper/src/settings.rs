use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::ModelShape;

/// How a model wants to be run. A property of the model, so it lives in a file beside it:
/// `<model>.settings.json` for `<model>.bin`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WhisperSettings {
    /// Language of the speech, as whisper.cpp writes it (`en`). Never detected: detection costs a
    /// decoder pass and is a coin toss on one word.
    pub language: String,
    /// How much of the encoder's context an utterance occupies.
    pub audio_context: AudioContext,
    /// Longest utterance, in milliseconds. Longer audio is refused, not cut.
    pub utterance_ms_max: u32,
    /// Longest result, in tokens. Stops a decoder that runs away.
    pub max_tokens: u16,
    /// Forbids an empty result at the first token. Off, or silence always becomes words.
    pub suppress_blank: bool,
    /// Probability of whisper's own no-speech token from which a doubtful text is dropped.
    /// `None` for models that were never trained on that token.
    pub no_speech_max: Option<f32>,
    /// Level under which nothing is decoded: the loudest 20 ms, in dB below full scale.
    pub silence_dbfs: f32,
    /// Whole utterances that this model is known to invent, normalised (lower case, no
    /// punctuation), in addition to the list every model gets.
    pub blocklist: Vec<String>,
}

/// How many encoder positions (20 ms each) an utterance is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AudioContext {
    /// The model's full context, always. What stock models were trained for; they get unreliable
    /// when it is cut.
    Full,
    /// As many as the utterance needs: `(seconds + 0.3) × 50`, rounded up to 16, within these
    /// bounds. Only for models trained on it; several times faster on short utterances.
    Trimmed {
        /// Least.
        min: u16,
        /// Most; the model's own context.
        max: u16,
    },
}

/// Why a settings file was not used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It exists and cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It is not what a settings file looks like.
    #[error(
        "{path} is not a settings file for a whisper model: {source}; see assets/models/README.md"
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A value that no model can be run with.
    #[error("{path}: {what}")]
    OutOfRange {
        /// The file.
        path: PathBuf,
        /// Which value, and its bounds.
        what: &'static str,
    },
}

impl WhisperSettings {
    /// For OpenAI's models as whisper.cpp distributes them.
    #[must_use]
    pub fn stock() -> Self {
        Self {
            language: "en".into(),
            audio_context: AudioContext::Full,
            utterance_ms_max: 28_000, // one window of 30 s, with room for its padding
            max_tokens: 200,
            suppress_blank: false,
            no_speech_max: Some(0.6), // OpenAI's own threshold
            silence_dbfs: -60.0,
            blocklist: vec!["you".into()], // what they hear in silence
        }
    }

    /// The settings for `model`: from `<model>.settings.json` beside it, otherwise
    /// [`WhisperSettings::stock`].
    ///
    /// # Errors
    /// When that file exists and is unreadable, malformed or out of range.
    pub fn beside(model: &Path) -> Result<Self, SettingsError> {
        let path = model.with_extension("settings.json");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::stock()),
            Err(source) => return Err(SettingsError::Unreadable { path, source }),
        };
        let settings: Self = serde_json::from_str(&text)
            .map_err(|source| SettingsError::Malformed { path: path.clone(), source })?;
        match settings.out_of_range() {
            None => Ok(settings),
            Some(what) => Err(SettingsError::OutOfRange { path, what }),
        }
    }

    /// These settings, with a trimmed context no larger than the model's: whisper.cpp stops the
    /// process when asked for positions that the model lacks.
    pub(crate) fn within(mut self, shape: &ModelShape) -> Self {
        if let AudioContext::Trimmed { min, max } = &mut self.audio_context {
            *max = (*max).min(u16::try_from(shape.audio_context).unwrap_or(u16::MAX));
            *min = (*min).min(*max);
        }
        self
    }

    fn out_of_range(&self) -> Option<&'static str> {
        if !(1_000..=30_000).contains(&self.utterance_ms_max) {
            return Some("utterance_ms_max must be 1000 to 30000");
        }
        if !(1..=224).contains(&self.max_tokens) {
            return Some("max_tokens must be 1 to 224");
        }
        if self.language.is_empty() || !self.language.bytes().all(|b| b.is_ascii_lowercase()) {
            return Some("language must be a code such as \"en\"");
        }
        match self.audio_context {
            AudioContext::Trimmed { min, max } if min == 0 || min > max || max > 1_500 => {
                Some("audio_context needs 1 <= min <= max <= 1500")
            }
            _ => None,
        }
    }
}

impl Default for WhisperSettings {
    fn default() -> Self {
        Self::stock()
    }
}

impl AudioContext {
    /// Encoder positions for an utterance of `samples` at 16 kHz; 0 asks for the full context.
    pub(crate) fn positions(self, samples: usize) -> i32 {
        let AudioContext::Trimmed { min, max } = self else { return 0 };
        let needed = (samples + SLACK_SAMPLES).div_ceil(SAMPLES_PER_POSITION);
        i32::try_from(needed.next_multiple_of(16).clamp(min.into(), max.into())).unwrap_or(0)
    }
}

const SAMPLES_PER_POSITION: usize = 320; // 20 ms
const SLACK_SAMPLES: usize = 4_800; // 0.3 s

#[cfg(test)]
mod tests {
    use super::*;

    const TRIMMED: AudioContext = AudioContext::Trimmed { min: 64, max: 400 };

    #[test]
    fn a_stock_model_gets_its_full_context() {
        assert_eq!(AudioContext::Full.positions(16_000), 0);
    }

    #[test]
    fn a_trimmed_context_covers_the_utterance_in_steps_of_sixteen_within_its_bounds() {
        assert_eq!(TRIMMED.positions(1_600), 64);
        assert_eq!(TRIMMED.positions(16_000), 80); // 1.3 s are 65
        assert_eq!(TRIMMED.positions(4 * 16_000), 224); // 4.3 s are 215
        assert_eq!(TRIMMED.positions(60 * 16_000), 400);
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("m.bin");
        let file = dir.path().join("m.settings.json");
        for (text, expected) in [
            (r#"{"utterance_ms_max": 99000}"#, "utterance_ms_max"),
            (r#"{"max_tokens": 0}"#, "max_tokens"),
            (r#"{"audio_context": {"trimmed": {"min": 9, "max": 3}}}"#, "audio_context"),
            (r#"{"language": "e\u0000n"}"#, "language"),
            (r#"{"temperature": 1}"#, "unknown field `temperature`"),
        ] {
            std::fs::write(&file, text).unwrap();
            let message = WhisperSettings::beside(&model).unwrap_err();
            let full = format!("{message}");
            assert!(full.contains(expected), "{full}");
        }
    }

    #[test]
    fn a_model_without_a_settings_file_is_a_stock_model() {
        let dir = tempfile::tempdir().unwrap();
        let settings = WhisperSettings::beside(&dir.path().join("ggml-tiny.en.bin")).unwrap();
        assert_eq!(settings, WhisperSettings::stock());
    }
}
