use std::path::Path;

use media_core::SampleRate;
use media_core::plugin::{
    SpeechChunk, SpeechSink, TextToSpeech, TtsCapabilities, TtsError, WordSpan,
};

use crate::audio::{Voiced, delivered_rate, resampled};
use crate::config::VoiceConfig;
use crate::engine::{self, Backend, Engine, Made};
use crate::espeak::Library;
use crate::text::{Clause, clauses};
use crate::utterance::Utterance;
use crate::{LoadError, TEXT_BYTES_MAX, check_length};

/// File name of the voice that comes with xenline. Its description is the same with `.json`
/// behind.
pub const BUILTIN_VOICE: &str = "xenline-voice-8k.onnx";

/// A Piper voice, loaded once and shared by all lines.
pub struct Piper {
    name: String,
    config: VoiceConfig,
    engine: Box<dyn Engine>,
    espeak: Library,
    rate: SampleRate,
}

impl Piper {
    /// Loads a voice and speaks one word with it into the void, so that the first real word is
    /// not late and a graph that does not fit is found now.
    ///
    /// `onnx`, `config`: the two files of a Piper voice. `espeak_data`: the folder that is or
    /// holds `espeak-ng-data`; `None` looks in the usual places. The first engine or voice that a
    /// process loads decides on that folder.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load(
        onnx: &Path,
        config: &Path,
        espeak_data: Option<&Path>,
        backend: Backend,
    ) -> Result<Self, LoadError> {
        let espeak = Library::open(espeak_data)?;
        let description = VoiceConfig::read(config)?;
        let engine = engine::load(backend, onnx, &description, config)?;
        let stem = onnx.file_stem().map_or_else(|| "voice".into(), |s| s.to_string_lossy());
        let voice = Self {
            name: format!("piper/{} {stem}", engine.name()),
            rate: delivered_rate(description.audio.sample_rate),
            config: description,
            engine,
            espeak,
        };
        voice.warm_up(onnx)?;
        Ok(voice)
    }

    /// Loads the voice that comes with xenline from `assets_dir`: the folder of the models, or
    /// the one above it.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn builtin(assets_dir: &Path, backend: Backend) -> Result<Self, LoadError> {
        let below = assets_dir.join("models").join(BUILTIN_VOICE);
        let onnx = if below.is_file() { below } else { assets_dir.join(BUILTIN_VOICE) };
        Self::load(&onnx, &onnx.with_extension("onnx.json"), None, backend)
    }

    fn warm_up(&self, onnx: &Path) -> Result<(), LoadError> {
        let fault = |what: String| LoadError::Model { path: onnx.into(), what };
        let clauses = clauses("hello");
        let utterance = Utterance::new(&clauses[0], &self.config, self.espeak)?;
        let samples = self.engine.synthesise(&utterance).map_err(fault)?.samples;
        if samples.is_empty() || samples.iter().any(|s| !s.is_finite()) {
            return Err(fault("it makes no sound".into()));
        }
        Ok(())
    }

    /// A clause's sound and its words in it.
    fn synthesise(&self, clause: &Clause) -> Result<Option<(Voiced, Vec<WordSpan>)>, String> {
        let utterance =
            Utterance::new(clause, &self.config, self.espeak).map_err(|e| e.to_string())?;
        if utterance.is_empty() {
            return Ok(None);
        }
        let Made { samples, ends } = self.engine.synthesise(&utterance)?;
        let samples = resampled(samples, self.config.audio.sample_rate, self.rate.hz())?;
        let voiced = Voiced::trimmed(&samples, self.rate);
        let place = |end: f32| ((samples.len() as f32 * end) as usize).saturating_sub(voiced.cut);
        let ends: Option<Vec<usize>> = ends.map(|ends| ends.into_iter().map(place).collect());
        let words = utterance.spans(voiced.speech.clone(), ends.as_deref());
        Ok(Some((voiced, words)))
    }
}

impl TextToSpeech for Piper {
    fn capabilities(&self) -> TtsCapabilities {
        TtsCapabilities {
            name: self.name.clone(),
            sample_rate: self.rate,
            text_bytes_max: TEXT_BYTES_MAX,
        }
    }

    fn speak(&self, text: &str, sink: &mut dyn SpeechSink) -> Result<(), TtsError> {
        check_length(text)?;
        let clauses = clauses(text);
        let last = clauses.len().saturating_sub(1);
        for (i, clause) in clauses.iter().enumerate() {
            let made = self.synthesise(clause).map_err(TtsError::Engine)?;
            let Some((mut voiced, words)) = made else { continue };
            voiced.pause(clause.mark(), i == last, self.rate);
            let chunk = SpeechChunk { samples: &voiced.samples, words: &words };
            if sink.chunk(chunk).is_break() {
                break;
            }
        }
        Ok(())
    }
}
