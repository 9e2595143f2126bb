use std::time::Instant;

use media_core::plugin::{SpeechChunk, SpeechSink};

use super::Finding;
use crate::config::Config;
use crate::engines;

pub(super) fn look(config: &Config, tell: &mut dyn FnMut(Finding)) {
    let spoken = voice(config, tell);
    recogniser(config, spoken, tell);
}

/// Speaks a sentence, and returns it at 16 kHz for the recogniser.
fn voice(config: &Config, tell: &mut dyn FnMut(Finding)) -> Option<Vec<i16>> {
    const WHAT: &str = "voice";
    let fallback = engines::last_resort();
    match &fallback {
        Ok(_) => tell(Finding::good("voice of last resort", "espeak-ng")),
        Err(error) => tell(Finding::failure(
            "voice of last resort",
            error.to_string(),
            "install the package espeak-ng-data, or set PIPER_ESPEAKNG_DATA_DIRECTORY",
        )),
    }
    let voice = match engines::voice(config) {
        Ok(voice) => voice,
        Err(error) => {
            tell(Finding::warning(
                WHAT,
                format!("{error}; the line would speak with the voice of last resort"),
                "set [voice] model = \"builtin\" and backend = \"rten\"",
            ));
            return None;
        }
    };
    let caps = voice.capabilities();
    let started = Instant::now();
    let mut sound = Sound { samples: Vec::new(), first_ms: 0.0, started };
    match voice.speak("what time is it", &mut sound) {
        Ok(()) if !sound.samples.is_empty() => {
            tell(Finding::good(
                WHAT,
                format!("{}: first audio after {:.0} ms", caps.name, sound.first_ms),
            ));
            Some(media_core::resample::convert_all(
                &sound.samples,
                caps.sample_rate,
                media_core::SampleRate::Hz16000,
            ))
        }
        Ok(()) => {
            tell(Finding::failure(WHAT, "made no sound", "choose another [voice] model"));
            None
        }
        Err(error) => {
            tell(Finding::failure(WHAT, error.to_string(), "choose another [voice] model"));
            None
        }
    }
}

fn recogniser(config: &Config, spoken: Option<Vec<i16>>, tell: &mut dyn FnMut(Finding)) {
    const WHAT: &str = "recogniser";
    let stt = match engines::recogniser(config) {
        Ok(stt) => stt,
        Err(error) => {
            tell(Finding::failure(
                WHAT,
                error.to_string(),
                "xenline models verify, xenline models list",
            ));
            return;
        }
    };
    let spoken = spoken.unwrap_or_else(|| vec![0; 16_000]);
    let started = Instant::now();
    let heard = stt.open().and_then(|mut stream| stream.decode(&spoken));
    match heard {
        Ok(heard) => {
            let ms = started.elapsed().as_secs_f64() * 1_000.0;
            let name = stt.capabilities().name;
            tell(Finding::good(WHAT, format!("{name}: heard {:?} in {ms:.0} ms", heard.text)));
        }
        Err(error) => {
            tell(Finding::failure(WHAT, error.to_string(), "choose another [hearing] model"))
        }
    }
}

struct Sound {
    samples: Vec<i16>,
    first_ms: f64,
    started: Instant,
}

impl SpeechSink for Sound {
    fn chunk(&mut self, chunk: SpeechChunk<'_>) -> std::ops::ControlFlow<()> {
        if self.samples.is_empty() {
            self.first_ms = self.started.elapsed().as_secs_f64() * 1_000.0;
        }
        self.samples.extend_from_slice(chunk.samples);
        std::ops::ControlFlow::Continue(())
    }
}
