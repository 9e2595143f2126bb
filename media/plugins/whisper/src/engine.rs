use std::path::Path;
use std::sync::Arc;

use media_core::SampleRate;
use media_core::plugin::{SpeechToText, SttCapabilities, SttError, SttStream, Transcript};
use whisper_rs::{
    FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState,
    install_logging_hooks,
};

use crate::model_file::check_model_file;
use crate::{LoadError, WhisperSettings, guard};

/// File name of the recogniser that comes with xenline.
pub const BUILTIN_MODEL: &str = "xenline-tiny-en.bin";

/// A whisper.cpp model, loaded once and shared by all lines.
pub struct Whisper {
    context: WhisperContext,
    shared: Arc<Shared>,
}

struct Shared {
    name: String,
    settings: WhisperSettings,
    template: Template,
}

impl Whisper {
    /// Loads the model at `path`. [`WhisperSettings::beside`] finds the settings that belong to it.
    ///
    /// # Errors
    /// See [`LoadError`]. The file is read to its end and checked before whisper.cpp sees it.
    pub fn load(path: &Path, settings: WhisperSettings) -> Result<Self, LoadError> {
        let shape = check_model_file(path)?;
        let settings = settings.within(&shape);
        install_logging_hooks(); // without a logging feature: silence
        let mut parameters = WhisperContextParameters::new();
        // Flash attention is no faster on a CPU (27 against 25 ms) and ruins a trimmed context: 55 %
        // of the held-out words came out wrong with it, 8 % without.
        parameters.use_gpu(false).flash_attn(false);
        let context = WhisperContext::new_with_params(path, parameters)
            .map_err(|e| LoadError::Engine { path: path.into(), reason: e.to_string() })?;
        let stem = path.file_stem().map_or_else(|| "model".into(), |s| s.to_string_lossy());
        let name = format!("whisper {stem}");
        let language = if shape.is_multilingual() { settings.language.as_str() } else { "en" };
        let template = Template::new(&settings, language);
        Ok(Self { context, shared: Arc::new(Shared { name, settings, template }) })
    }

    /// Loads the recogniser that comes with xenline, with its own settings, from `assets_dir`:
    /// the folder of the models, or the one above it.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn builtin(assets_dir: &Path) -> Result<Self, LoadError> {
        let below = assets_dir.join("models").join(BUILTIN_MODEL);
        let path = if below.is_file() { below } else { assets_dir.join(BUILTIN_MODEL) };
        let settings = WhisperSettings::beside(&path)?;
        Self::load(&path, settings)
    }
}

impl SpeechToText for Whisper {
    fn capabilities(&self) -> SttCapabilities {
        SttCapabilities {
            name: self.shared.name.clone(),
            sample_rate: RATE,
            utterance_ms_max: self.shared.settings.utterance_ms_max,
            incremental: false,
        }
    }

    fn open(&self) -> Result<Box<dyn SttStream>, SttError> {
        let state = self.context.create_state().map_err(|_| SttError::OutOfMemory)?;
        let longest = RATE.samples_in_ms(self.shared.settings.utterance_ms_max);
        Ok(Box::new(Stream {
            state,
            shared: Arc::clone(&self.shared),
            floats: Vec::with_capacity(longest),
        }))
    }
}

struct Stream {
    state: WhisperState,
    shared: Arc<Shared>,
    floats: Vec<f32>,
}

impl SttStream for Stream {
    fn decode(&mut self, samples: &[i16]) -> Result<Transcript, SttError> {
        let settings = &self.shared.settings;
        let audio_ms =
            u32::try_from(samples.len() as u64 * 1_000 / u64::from(RATE.hz())).unwrap_or(u32::MAX);
        if audio_ms > settings.utterance_ms_max {
            return Err(SttError::TooLong { got_ms: audio_ms, max_ms: settings.utterance_ms_max });
        }
        if audio_ms < SHORTEST_MS || is_silent(samples, settings.silence_dbfs) {
            return Ok(Transcript::default());
        }
        self.floats.clear();
        self.floats.extend(samples.iter().map(|&s| f32::from(s) / 32_768.0));
        let params = self.shared.template.with_context(settings, samples.len());
        self.state.full(params, &self.floats).map_err(|e| SttError::Engine(e.to_string()))?;
        self.transcript(audio_ms)
    }
}

impl Stream {
    fn transcript(&self, audio_ms: u32) -> Result<Transcript, SttError> {
        let mut raw = String::new();
        let (mut probability, mut tokens) = (0.0, 0u16);
        for segment in self.state.as_iter() {
            let text = segment.to_str_lossy().map_err(|e| SttError::Engine(e.to_string()))?;
            raw.push_str(&text);
            for token in (0..segment.n_tokens()).filter_map(|i| segment.get_token(i)) {
                probability += token.token_probability();
                tokens += 1;
            }
        }
        let text = guard::clean(&raw);
        if guard::is_invented(&text, audio_ms, &self.shared.settings.blocklist) {
            return Ok(Transcript::default());
        }
        Ok(Transcript { text, confidence: (tokens > 0).then(|| probability / f32::from(tokens)) })
    }
}

/// Whether no 20 ms of `samples` is louder than `limit_dbfs`. Silence is not worth a decode, and
/// stock models answer it with words.
fn is_silent(samples: &[i16], limit_dbfs: f32) -> bool {
    let limit = 10f64.powf(f64::from(limit_dbfs) / 10.0) * 32_768.0 * 32_768.0;
    samples.chunks(RATE.samples_in_ms(20)).all(|frame| {
        let energy: i64 = frame.iter().map(|&s| i64::from(s) * i64::from(s)).sum();
        energy as f64 / frame.len() as f64 <= limit
    })
}

/// Decoding parameters, made once per model and copied for every decode: whisper-rs leaks a C
/// string each time the language is set.
struct Template(FullParams<'static, 'static>);

// SAFETY: `FullParams` is not `Send` because it may hold callbacks and pointers into borrowed
// data. This one holds neither: no callback, grammar, prompt or token list is ever set, and its
// only pointer is the leaked, immutable language string. It is never changed after `new`.
unsafe impl Send for Template {}
// SAFETY: as above; sharing it allows nothing but copying it.
unsafe impl Sync for Template {}

impl Template {
    fn new(settings: &WhisperSettings, language: &str) -> Self {
        let mut params = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
        params.set_n_threads(1); // see the crate's front page
        params.set_translate(false);
        params.set_no_context(true);
        params.set_no_timestamps(true);
        params.set_single_segment(true);
        params.set_print_special(false);
        params.set_print_progress(false);
        params.set_print_realtime(false);
        params.set_print_timestamps(false);
        params.set_temperature(0.0);
        params.set_temperature_inc(0.0); // one pass, one latency
        params.set_suppress_blank(settings.suppress_blank);
        params.set_max_tokens(settings.max_tokens.into());
        // Above 1 the engine's own rule never fires.
        params.set_no_speech_thold(settings.no_speech_max.unwrap_or(2.0));
        if language != "en" {
            // whisper.cpp's default is a static "en". Any other is leaked once per model.
            params.set_language(Some(Box::leak(language.to_owned().into_boxed_str())));
        }
        Self(params)
    }

    fn with_context(&self, settings: &WhisperSettings, samples: usize) -> FullParams<'_, '_> {
        let mut params = self.0.clone();
        params.set_audio_ctx(settings.audio_context.positions(samples));
        params
    }
}

const RATE: SampleRate = SampleRate::Hz16000;

/// Less cannot hold a word, and whisper.cpp itself refuses less than 100 ms.
const SHORTEST_MS: u32 = 100;
