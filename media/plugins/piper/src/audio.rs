//! What happens to an engine's floats before they are a chunk: rate, edges, pause.

use media_core::SampleRate;
use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{
    Async, FixedAsync, Resampler, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

use crate::text::Mark;

/// The telephone rate at which a voice of `rate_hz` is delivered: its own where the line knows
/// it, otherwise 16 kHz, or 8 kHz where the voice has no more to give.
pub(crate) const fn delivered_rate(rate_hz: u32) -> SampleRate {
    match rate_hz {
        48_000 => SampleRate::Hz48000,
        0..16_000 => SampleRate::Hz8000,
        _ => SampleRate::Hz16000,
    }
}

/// `samples` at another rate. The whole clip at once, the filter's delay taken off.
pub(crate) fn resampled(samples: Vec<f32>, from_hz: u32, to_hz: u32) -> Result<Vec<f32>, String> {
    if from_hz == to_hz || samples.is_empty() {
        return Ok(samples);
    }
    let ratio = f64::from(to_hz) / f64::from(from_hz);
    let parameters = SincInterpolationParameters::new(TAPS, WindowFunction::Blackman)
        .f_cutoff(CUTOFF_OF_NYQUIST)
        .oversampling_factor(PHASES)
        .interpolation(SincInterpolationType::Linear);
    let count = samples.len();
    let mut filter = Async::new_sinc(ratio, 1.0, &parameters, CHUNK, 1, FixedAsync::Input)
        .map_err(|e| e.to_string())?;
    let input = SequentialSlice::new(&samples, 1, count).map_err(|e| e.to_string())?;
    let output = filter.process_all(&input, count, None).map_err(|e| e.to_string())?;
    Ok(output.take_data())
}

/// A clause's audio with its edges found.
pub(crate) struct Voiced {
    /// From the first to the last audible sample, with a little air around.
    pub samples: Vec<i16>,
    /// Where speech is in it.
    pub speech: std::ops::Range<usize>,
    /// How much silence was taken off its start.
    pub cut: usize,
}

impl Voiced {
    /// Takes the silence off both ends of `samples`: it would delay the first word, and pauses
    /// between clauses are set by [`Voiced::pause`], not by the voice's habits.
    pub(crate) fn trimmed(samples: &[f32], rate: SampleRate) -> Self {
        let window = rate.samples_in_ms(5);
        let loud = |frame: &[f32]| {
            frame.iter().map(|s| s * s).sum::<f32>() > AUDIBLE * AUDIBLE * frame.len() as f32
        };
        let first = samples.chunks(window).position(loud).map_or(0, |n| n * window);
        let last = samples
            .chunks(window)
            .rposition(loud)
            .map_or(0, |n| ((n + 1) * window).min(samples.len()));
        let start = first.saturating_sub(rate.samples_in_ms(AIR_BEFORE_MS));
        let end = (last + rate.samples_in_ms(AIR_AFTER_MS)).min(samples.len()).max(start);
        let samples: Vec<i16> = samples[start..end].iter().map(|&s| to_i16(s)).collect();
        Self { speech: first - start..last.max(first) - start, samples, cut: start }
    }

    /// Adds the pause that follows a clause ending with `mark`; `last` if the text ends there.
    pub(crate) fn pause(&mut self, mark: Mark, last: bool, rate: SampleRate) {
        let ms = match mark {
            _ if last => 20, // lets the last sound fade into the line's comfort noise
            Mark::None => 0,
            Mark::Weak => 120,
            Mark::Stop | Mark::Exclamation | Mark::Question => 280,
        };
        self.samples.resize(self.samples.len() + rate.samples_in_ms(ms), 0);
    }
}

fn to_i16(sample: f32) -> i16 {
    (sample * 32_767.0).round().clamp(-32_768.0, 32_767.0) as i16 // NaN becomes 0
}

const AUDIBLE: f32 = 0.003; // -50 dB below full scale
const AIR_BEFORE_MS: u32 = 10; // a plosive starts before it is loud
const AIR_AFTER_MS: u32 = 20;

const TAPS: usize = 96;
const PHASES: usize = 128;
const CHUNK: usize = 1_024;
const CUTOFF_OF_NYQUIST: f32 = 0.92;

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate_hz: u32, samples: usize) -> Vec<f32> {
        let step = 1_000.0 * std::f32::consts::TAU / rate_hz as f32;
        (0..samples).map(|i| 0.5 * (i as f32 * step).sin()).collect()
    }

    #[test]
    fn silence_at_the_edges_goes_and_speech_is_found() {
        let rate = SampleRate::Hz8000;
        let mut clip = vec![0.0; 800];
        clip.extend(tone(8_000, 1_600));
        clip.extend(vec![0.0; 2_000]);
        let voiced = Voiced::trimmed(&clip, rate);
        assert_eq!(voiced.speech, 80..1_680);
        assert_eq!(voiced.samples.len(), 80 + 1_600 + 160);
    }

    #[test]
    fn nothing_audible_leaves_nothing_that_is_speech() {
        let voiced = Voiced::trimmed(&[0.0; 800], SampleRate::Hz8000);
        assert!(voiced.speech.is_empty());
        assert!(Voiced::trimmed(&[], SampleRate::Hz8000).samples.is_empty());
        assert_eq!(Voiced::trimmed(&[f32::NAN; 80], SampleRate::Hz8000).speech, 0..0);
    }

    #[test]
    fn a_voice_at_22_khz_arrives_at_16_khz_with_its_tone_undisturbed() {
        let out = resampled(tone(22_050, 22_050), 22_050, 16_000).unwrap();
        assert_eq!(out.len(), 16_000);
        // Whatever is no sine of that frequency, at any phase, is error.
        let (mut power, mut re, mut im) = (0.0, 0.0, 0.0);
        for (i, &x) in out[1_000..15_000].iter().enumerate() {
            let angle = i as f64 * std::f64::consts::TAU / 16.0;
            let x = f64::from(x);
            (power, re, im) = (power + x * x, re + x * angle.cos(), im + x * angle.sin());
        }
        let fitted = 2.0 * (re * re + im * im) / 14_000.0;
        let snr_db = 10.0 * (fitted / (power - fitted)).log10();
        println!("resampling 22050 to 16000: SNR of a 1 kHz tone {snr_db:.1} dB");
        assert!(snr_db > 50.0, "{snr_db}");
    }
}
