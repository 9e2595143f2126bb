//! Workers that break down when a test says so. Recogniser and voice are threads of the line, so no
//! signal ends one of them alone; what a test can do is have the next work of one panic.
//!
//! In builds with debug assertions only, and there only where [`FAULTS_VARIABLE`] names a directory.
//! A file in it named `recogniser` or `voice` is an order: whichever worker comes by first removes
//! the file, and panics.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use media_core::plugin::{
    SpeechChunk, SpeechSink, SpeechToText, SttCapabilities, SttError, SttStream, TextToSpeech,
    Transcript, TtsCapabilities, TtsError,
};

use super::Engines;

const FAULTS_VARIABLE: &str = "XENLINE_TEST_FAULTS";

/// The same engines; ones that break down to order where that is asked for.
pub fn as_ordered(engines: Engines) -> Engines {
    let Some(dir) = std::env::var_os(FAULTS_VARIABLE).map(PathBuf::from) else { return engines };
    tracing::warn!(dir = %dir.display(), "speech workers break down to order: this is a test");
    Engines {
        stt: Arc::new(Frail { engine: engines.stt, order: dir.join("recogniser") }),
        tts: Arc::new(Frail { engine: engines.tts, order: dir.join("voice") }),
        ..engines
    }
}

/// An engine, and the file that says when it breaks down.
struct Frail<E: ?Sized> {
    engine: Arc<E>,
    order: PathBuf,
}

/// Of several workers that come by at the same time one takes the order.
fn break_down_if_ordered(order: &Path) {
    assert!(std::fs::remove_file(order).is_err(), "{} breaks down to order", order.display());
}

impl TextToSpeech for Frail<dyn TextToSpeech> {
    fn capabilities(&self) -> TtsCapabilities {
        self.engine.capabilities()
    }

    fn speak(&self, text: &str, sink: &mut dyn SpeechSink) -> Result<(), TtsError> {
        break_down_if_ordered(&self.order);
        self.engine.speak(text, &mut Watched { sink, order: &self.order })
    }
}

/// Breaks down between two clauses, with the first of them made.
struct Watched<'s> {
    sink: &'s mut dyn SpeechSink,
    order: &'s Path,
}

impl SpeechSink for Watched<'_> {
    fn chunk(&mut self, chunk: SpeechChunk<'_>) -> ControlFlow<()> {
        let wanted = self.sink.chunk(chunk);
        break_down_if_ordered(self.order);
        wanted
    }
}

impl SpeechToText for Frail<dyn SpeechToText> {
    fn capabilities(&self) -> SttCapabilities {
        self.engine.capabilities()
    }

    fn open(&self) -> Result<Box<dyn SttStream>, SttError> {
        let stream = self.engine.open()?;
        Ok(Box::new(FrailStream { stream, order: self.order.clone() }))
    }
}

struct FrailStream {
    stream: Box<dyn SttStream>,
    order: PathBuf,
}

impl SttStream for FrailStream {
    fn decode(&mut self, samples: &[i16]) -> Result<Transcript, SttError> {
        break_down_if_ordered(&self.order);
        self.stream.decode(samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    struct Mute;

    impl TextToSpeech for Mute {
        fn capabilities(&self) -> TtsCapabilities {
            let sample_rate = media_core::SampleRate::Hz8000;
            TtsCapabilities { name: "mute".into(), sample_rate, text_bytes_max: 100 }
        }

        fn speak(&self, _: &str, sink: &mut dyn SpeechSink) -> Result<(), TtsError> {
            let _ = sink.chunk(SpeechChunk { samples: &[0], words: &[] });
            Ok(())
        }
    }

    struct Counted<'d>(usize, &'d Path);

    impl SpeechSink for Counted<'_> {
        fn chunk(&mut self, _: SpeechChunk<'_>) -> ControlFlow<()> {
            self.0 += 1;
            std::fs::write(self.1, "").expect("room for it");
            ControlFlow::Continue(())
        }
    }

    #[test]
    fn an_order_is_carried_out_once_before_a_clause_or_after_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let order = dir.path().join("voice");
        let voice: Frail<dyn TextToSpeech> = Frail { engine: Arc::new(Mute), order: order.clone() };
        let mut sink = Counted(0, &order);
        let mut speaks = || {
            let speak = AssertUnwindSafe(|| voice.speak("hello", &mut sink));
            (catch_unwind(speak).is_ok(), sink.0)
        };
        assert_eq!(speaks(), (false, 1), "ordered while it speaks");
        std::fs::write(&order, "").expect("room for it");
        assert_eq!(speaks(), (false, 1), "ordered before it speaks");
        assert!(!order.exists());
    }
}
