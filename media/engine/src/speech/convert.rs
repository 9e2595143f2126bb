//! Speech from the voice's rate to the line's, clause by clause, with the words kept in place.

use media_core::SampleRate;
use media_core::plugin::{SpeechChunk, WordSpan};
use media_core::resample::Resampler;

/// Converts one generation's speech. The filter's delay is taken off, so that positions in the
/// output are positions in the input, scaled.
pub(crate) struct Converter {
    resampler: Resampler,
    /// Output samples that are still to be left out at the start.
    skip: usize,
    taken: u64,
    given: u64,
}

impl Converter {
    pub fn new(from: SampleRate, to: SampleRate) -> Self {
        let resampler = Resampler::new(from, to);
        let skip = resampler.delay_samples();
        Self { resampler, skip, taken: 0, given: 0 }
    }

    /// The chunk's samples at the line's rate, as far as the filter has them already, and its
    /// words with positions in the whole generation.
    pub fn chunk(&mut self, chunk: SpeechChunk<'_>) -> (Vec<i16>, Vec<WordSpan>) {
        let start = self.taken;
        let place = |at: usize| self.scale(start + at as u64) as usize;
        let words = chunk
            .words
            .iter()
            .map(|word| WordSpan {
                text: word.text.clone(),
                samples: place(word.samples.start)..place(word.samples.end),
            })
            .collect();
        (self.push(chunk.samples), words)
    }

    /// What is still in the filter, cut to the exact length.
    pub fn rest(&mut self) -> Vec<i16> {
        let due = self.scale(self.taken);
        let (from, to) = (self.resampler.from_rate(), self.resampler.to_rate());
        if from == to || due == self.given {
            return Vec::new();
        }
        let missing = (due - self.given) as usize;
        // The filter holds its delay and less than one step of input.
        let flush = from.samples_in_ms(FLUSH_MS);
        let mut rest = self.convert(&vec![0; flush]);
        rest.truncate(missing);
        self.given += rest.len() as u64;
        rest
    }

    fn push(&mut self, samples: &[i16]) -> Vec<i16> {
        self.taken += samples.len() as u64;
        let out = self.convert(samples);
        self.given += out.len() as u64;
        out
    }

    fn convert(&mut self, samples: &[i16]) -> Vec<i16> {
        let (from, to) = (self.resampler.from_rate(), self.resampler.to_rate());
        // One step of input may have been waiting in the filter.
        let room = (samples.len() + from.samples_in_ms(FLUSH_MS)) * to.hz() as usize;
        let mut out = vec![0; room / from.hz() as usize];
        let made = self.resampler.process(samples, &mut out);
        out.truncate(made);
        let skipped = self.skip.min(made);
        self.skip -= skipped;
        out.drain(..skipped);
        out
    }

    fn scale(&self, position: u64) -> u64 {
        let (from, to) = (self.resampler.from_rate(), self.resampler.to_rate());
        position * u64::from(to.hz()) / u64::from(from.hz())
    }
}

/// More than the filter's delay (4 ms) and its step (10 ms) together.
const FLUSH_MS: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_join_without_a_gap_and_words_keep_their_place() {
        let from = SampleRate::Hz16000;
        let tone: Vec<i16> = (0..16_037)
            .map(|n| ((f64::from(n) * 440.0 * std::f64::consts::TAU / 16_000.0).sin() * 9e3) as i16)
            .collect();
        let mut converter = Converter::new(from, SampleRate::Hz8000);
        let mut out = Vec::new();
        let mut spans = Vec::new();
        for clause in tone.chunks(3_001) {
            let words = [WordSpan { text: 0..1, samples: 0..clause.len() }];
            let (samples, words) = converter.chunk(SpeechChunk { samples: clause, words: &words });
            out.extend(samples);
            spans.extend(words);
        }
        out.extend(converter.rest());
        assert_eq!(out.len(), 8_018);
        assert_eq!(spans[1].samples, 1_500..3_001);
        assert_eq!(spans.last().expect("six clauses").samples.end, 8_018);
        let (amplitude, late, rest) = fit(&out[200..7_800], 200, 440.0 / 8_000.0);
        assert!((amplitude / 9e3 - 1.0).abs() < 0.02, "{amplitude} of 9000");
        assert!(late.abs() < 2.0, "{late} samples late");
        assert!(rest < 90.0, "clauses join within 1 % of the tone, not {rest}");
    }

    /// Amplitude and lateness in samples of a tone of `frequency` cycles a sample that begins
    /// `offset` samples before `samples`, and the RMS of what is not the tone.
    fn fit(samples: &[i16], offset: usize, frequency: f64) -> (f64, f64, f64) {
        let phase = |n: usize| (n + offset) as f64 * frequency * std::f64::consts::TAU;
        let dot = |f: fn(f64) -> f64| {
            let sum: f64 =
                samples.iter().enumerate().map(|(n, &s)| f64::from(s) * f(phase(n))).sum();
            2.0 * sum / samples.len() as f64
        };
        let (sine, cosine) = (dot(f64::sin), dot(f64::cos));
        let rest: f64 = samples
            .iter()
            .enumerate()
            .map(|(n, &s)| {
                let tone = sine * phase(n).sin() + cosine * phase(n).cos();
                (f64::from(s) - tone).powi(2)
            })
            .sum();
        let late = -cosine.atan2(sine) / (frequency * std::f64::consts::TAU);
        (sine.hypot(cosine), late, (rest / samples.len() as f64).sqrt())
    }

    #[test]
    fn equal_rates_pass_untouched() {
        let mut converter = Converter::new(SampleRate::Hz8000, SampleRate::Hz8000);
        let samples = [1, 2, 3, 4, 5];
        let (out, _) = converter.chunk(SpeechChunk { samples: &samples, words: &[] });
        assert_eq!(out, samples);
        assert!(converter.rest().is_empty());
    }
}
