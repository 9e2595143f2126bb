//! Fakes: a recogniser that says what it was told to, a voice that sings.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use media_core::SampleRate;
use media_core::plugin::{
    SpeechChunk, SpeechSink, SpeechToText, SttCapabilities, SttError, SttStream, TextToSpeech,
    Transcript, TtsCapabilities, TtsError, WordSpan,
};

use super::signal::tone;

/// Understands the same in everything that is loud enough. Its first `panics` decodes panic.
pub struct Parrot {
    pub text: &'static str,
    pub takes: Duration,
    pub decodes: Arc<AtomicUsize>,
    pub panics: usize,
}

struct ParrotStream {
    text: &'static str,
    takes: Duration,
    decodes: Arc<AtomicUsize>,
    panics: usize,
}

impl SpeechToText for Parrot {
    fn capabilities(&self) -> SttCapabilities {
        SttCapabilities {
            name: "parrot".to_owned(),
            sample_rate: SampleRate::Hz16000,
            utterance_ms_max: 8_000,
            incremental: false,
        }
    }

    fn open(&self) -> Result<Box<dyn SttStream>, SttError> {
        let (text, takes, decodes) = (self.text, self.takes, Arc::clone(&self.decodes));
        Ok(Box::new(ParrotStream { text, takes, decodes, panics: self.panics }))
    }
}

impl SttStream for ParrotStream {
    fn decode(&mut self, _: &[i16]) -> Result<Transcript, SttError> {
        let earlier = self.decodes.fetch_add(1, Ordering::Relaxed);
        assert!(earlier >= self.panics, "asked to");
        std::thread::sleep(self.takes);
        Ok(Transcript { text: self.text.to_owned(), confidence: Some(0.9) })
    }
}

/// Sings each word for 100 ms, word by word, each a clause. Fails on "fail", panics on "panic", and
/// from its second text on whenever it is asked what it is, if it is `shy`.
pub struct Singer {
    pub rate: SampleRate,
    pub hz: f64,
    /// How long synthesis of a word takes.
    pub takes: Duration,
    pub words_sung: Arc<AtomicUsize>,
    pub shy: bool,
}

impl TextToSpeech for Singer {
    fn capabilities(&self) -> TtsCapabilities {
        let sung = self.words_sung.load(Ordering::Relaxed);
        assert!(!self.shy || sung == 0, "asked what it is");
        TtsCapabilities { name: "singer".to_owned(), sample_rate: self.rate, text_bytes_max: 4_096 }
    }

    fn speak(&self, text: &str, sink: &mut dyn SpeechSink) -> Result<(), TtsError> {
        let length = self.rate.samples_in_ms(100);
        for word in text.split_whitespace() {
            if word == "fail" {
                return Err(TtsError::Engine("asked to".to_owned()));
            }
            assert_ne!(word, "panic", "asked to");
            std::thread::sleep(self.takes);
            let start = word.as_ptr() as usize - text.as_ptr() as usize;
            let samples = tone(self.hz, self.rate.hz(), length, 8_000.0);
            let words = [WordSpan { text: start..start + word.len(), samples: 0..length }];
            self.words_sung.fetch_add(1, Ordering::Relaxed);
            let chunk = SpeechChunk { samples: &samples, words: &words };
            if sink.chunk(chunk) == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }
}
