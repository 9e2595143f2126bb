use std::path::Path;

use media_core::SampleRate;
use media_core::plugin::{
    SpeechChunk, SpeechSink, TextToSpeech, TtsCapabilities, TtsError, WordSpan,
};

use crate::audio::{Voiced, resampled};
use crate::espeak::{EspeakError, FORMANT_RATE_HZ, Library, SpokenAt};
use crate::text::{Clause, clauses};
use crate::{TEXT_BYTES_MAX, check_length};

/// espeak-ng's own formant voice: the voice of last resort. It needs no model file, takes no
/// memory worth mentioning, and sounds like it.
pub struct Espeak {
    voice: String,
    library: Library,
}

impl Espeak {
    /// `voice`: a name that espeak-ng knows, such as `en-us` or `en-us+f3`. `espeak_data`: the
    /// folder that is or holds `espeak-ng-data`; `None` looks in the usual places.
    ///
    /// # Errors
    /// [`EspeakError`]: no data folder, or no such voice.
    pub fn new(voice: &str, espeak_data: Option<&Path>) -> Result<Self, EspeakError> {
        let library = Library::open(espeak_data)?;
        library.phonemes(voice, "hello")?;
        Ok(Self { voice: voice.to_owned(), library })
    }

    fn synthesise(&self, clause: &Clause) -> Result<(Voiced, Vec<WordSpan>), String> {
        let text = Written::of(clause);
        let formant = self.library.speak(&self.voice, &text.spoken).map_err(|e| e.to_string())?;
        let floats = formant.samples.iter().map(|&s| f32::from(s) / 32_768.0).collect();
        let samples = resampled(floats, FORMANT_RATE_HZ, RATE.hz())?;
        let voiced = Voiced::trimmed(&samples, RATE);
        // Trimming moved everything forward by what it took off the front.
        let first = formant.words.first().map_or(0, |w| at_rate(w.sample));
        let spans = text.spans(&formant.words, first, &voiced);
        Ok((voiced, spans))
    }
}

impl TextToSpeech for Espeak {
    fn capabilities(&self) -> TtsCapabilities {
        TtsCapabilities {
            name: format!("espeak-ng {}", self.voice),
            sample_rate: RATE,
            text_bytes_max: TEXT_BYTES_MAX,
        }
    }

    fn speak(&self, text: &str, sink: &mut dyn SpeechSink) -> Result<(), TtsError> {
        check_length(text)?;
        let clauses = clauses(text);
        let last = clauses.len().saturating_sub(1);
        for (i, clause) in clauses.iter().enumerate() {
            let (mut voiced, words) = self.synthesise(clause).map_err(TtsError::Engine)?;
            voiced.pause(clause.mark(), i == last, RATE);
            let chunk = SpeechChunk { samples: &voiced.samples, words: &words };
            if sink.chunk(chunk).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// A clause as one string, and which of our words begins at which of its characters.
struct Written {
    spoken: String,
    starts: Vec<(usize, std::ops::Range<usize>)>,
}

impl Written {
    fn of(clause: &Clause) -> Self {
        let mut spoken = String::new();
        let mut starts = Vec::with_capacity(clause.words.len());
        for word in &clause.words {
            if !spoken.is_empty() {
                spoken.push(' ');
            }
            starts.push((spoken.chars().count(), word.source.clone()));
            spoken.push_str(&word.spoken);
            spoken.extend(word.mark.symbol());
        }
        Self { spoken, starts }
    }

    /// Word spans from espeak-ng's own events, where it names one for each of our words; a word
    /// that it fused with another shares that one's beginning.
    fn spans(&self, events: &[SpokenAt], first: usize, voiced: &Voiced) -> Vec<WordSpan> {
        let speech = &voiced.speech;
        let begin = |character: usize| {
            let event = events.iter().rev().find(|e| e.character <= character);
            let sample = event.map_or(0, |e| at_rate(e.sample).saturating_sub(first));
            (speech.start + sample).min(speech.end)
        };
        let begins: Vec<usize> = self.starts.iter().map(|(c, _)| begin(*c)).collect();
        let ends = begins.iter().skip(1).chain([&speech.end]);
        self.starts
            .iter()
            .zip(begins.iter().zip(ends))
            .map(|((_, text), (&from, &to))| WordSpan {
                text: text.clone(),
                samples: from..to.max(from),
            })
            .collect()
    }
}

fn at_rate(sample: usize) -> usize {
    sample * RATE.hz() as usize / FORMANT_RATE_HZ as usize
}

const RATE: SampleRate = SampleRate::Hz16000;
