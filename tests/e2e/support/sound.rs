//! Sound: the caller's recordings, what a recording says, how like two sounds are.

use std::f64::consts::TAU;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use media_core::Codec;
use media_core::SampleRate;
use media_core::codec::{Decoder, Encoder};
use media_core::plugin::{SpeechChunk, SpeechSink, SpeechToText, TextToSpeech};
use media_core::resample::convert_all;
use plugin_piper::Espeak;
use xenline::clip::Clip;
use xenline::config::Config;
use xenline::engines::{assets_dir, recogniser};

/// Samples of a packet at 8 kHz and 20 ms.
pub const FRAME: usize = 160;
/// Louder than this is speech: the line's comfort noise and codec steps stay far below.
const SPEECH_RMS: f64 = 200.0;
/// A longer pause separates utterances.
const PAUSE_FRAMES: usize = 25;
/// Kept around an utterance, for the recogniser.
const MARGIN_FRAMES: usize = 10;

/// Words alone: recognisers and voices differ in capitals and stops.
pub fn plain(text: &str) -> String {
    let letters = text.to_lowercase().replace(|c: char| !c.is_alphanumeric() && c != ' ', "");
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A caller's recording of these words, at 8 kHz.
pub fn recorded(words: &str) -> Vec<i16> {
    let file = assets_dir().join("caller").join(format!("{}.wav", words.replace(' ', "-")));
    let clip = clip(words, &file);
    convert_all(&clip.samples, clip.rate, SampleRate::Hz8000)
}

/// A caller's synthetic voice, which is not the line's, for words that nobody recorded; at 8 kHz.
pub fn synthesised(words: &str) -> Vec<i16> {
    struct Sound(Vec<i16>);
    impl SpeechSink for Sound {
        fn chunk(&mut self, chunk: SpeechChunk<'_>) -> ControlFlow<()> {
            self.0.extend_from_slice(chunk.samples);
            ControlFlow::Continue(())
        }
    }
    let voice = Espeak::new("en-us+m3", None).expect("espeak-ng's data");
    let mut sound = Sound(Vec::new());
    voice.speak(words, &mut sound).expect("a voice");
    convert_all(&sound.0, voice.capabilities().sample_rate, SampleRate::Hz8000)
}

/// The same as a clip that a softphone plays.
pub fn clip_of(words: &str) -> Clip {
    Clip { samples: recorded(words), rate: SampleRate::Hz8000 }
}

fn clip(what: &str, file: &Path) -> Clip {
    Clip::read(file).unwrap_or_else(|error| panic!("{what}: {error}"))
}

/// One channel of a WAV file, at 8 kHz.
pub fn channel(file: &Path, channel: usize) -> Vec<i16> {
    let mut reader =
        hound::WavReader::open(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let spec = reader.spec();
    let samples: Vec<i16> = reader.samples::<i16>().map_while(Result::ok).collect();
    let one: Vec<i16> =
        samples.iter().skip(channel).step_by(usize::from(spec.channels)).copied().collect();
    match spec.sample_rate {
        8_000 => one,
        16_000 => convert_all(&one, SampleRate::Hz16000, SampleRate::Hz8000),
        48_000 => convert_all(&one, SampleRate::Hz48000, SampleRate::Hz8000),
        other => panic!("{}: {other} Hz", file.display()),
    }
}

/// A WAV file of one channel.
pub fn write_wav(path: &Path, rate: u32, samples: impl IntoIterator<Item = i16>) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(path, spec).expect("a WAV file");
    samples.into_iter().for_each(|sample| wav.write_sample(sample).expect("it is written"));
    wav.finalize().expect("it is closed");
}

pub fn to_mu_law(samples: &[i16]) -> Vec<u8> {
    let mut bytes = vec![0; samples.len()];
    let written = Encoder::new(Codec::Pcmu).encode(samples, &mut bytes);
    assert_eq!(written, samples.len());
    bytes
}

pub fn from_mu_law(bytes: &[u8]) -> Vec<i16> {
    let mut samples = vec![0; bytes.len()];
    let written = Decoder::new(Codec::Pcmu).decode(bytes, &mut samples);
    assert_eq!(written, bytes.len());
    samples
}

/// The payloads of a stream in `codec`, G.711 or G.722, at 8 kHz.
pub fn decoded<'p>(payloads: impl Iterator<Item = &'p [u8]>, codec: Codec) -> Vec<i16> {
    let mut decoder = Decoder::new(codec);
    let mut sound = Vec::new();
    for payload in payloads {
        // G.722 has two samples in a byte.
        let mut samples = vec![0; payload.len() * 2];
        let written = decoder.decode(payload, &mut samples);
        sound.extend(&samples[..written]);
    }
    convert_all(&sound, codec.sample_rate(), SampleRate::Hz8000)
}

/// What is at 8 kHz, in `codec`: a byte for each sample, in both.
pub fn encoded(samples: &[i16], codec: Codec) -> Vec<u8> {
    let sound = convert_all(samples, SampleRate::Hz8000, codec.sample_rate());
    let mut bytes = vec![0; sound.len()];
    let written = Encoder::new(codec).encode(&sound, &mut bytes);
    bytes.truncate(written);
    bytes
}

/// Every utterance in `samples` (8 kHz), in order.
pub fn utterances(samples: &[i16]) -> Vec<Vec<i16>> {
    let loud: Vec<bool> = samples.chunks(FRAME).map(|frame| rms(frame) > SPEECH_RMS).collect();
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for (at, _) in loud.iter().enumerate().filter(|(_, loud)| **loud) {
        match spans.last_mut() {
            Some((_, to)) if at - *to <= PAUSE_FRAMES => *to = at,
            _ => spans.push((at, at)),
        }
    }
    let cut = |(from, to): (usize, usize)| {
        let from = from.saturating_sub(MARGIN_FRAMES) * FRAME;
        let to = ((to + 1 + MARGIN_FRAMES) * FRAME).min(samples.len());
        samples[from..to].to_vec()
    };
    spans.into_iter().map(cut).collect()
}

/// What the recogniser makes of every utterance in `samples` (8 kHz).
pub fn words_in(samples: &[i16]) -> Vec<String> {
    static RECOGNISER: OnceLock<Arc<dyn SpeechToText>> = OnceLock::new();
    let engine =
        RECOGNISER.get_or_init(|| recogniser(&Config::default()).expect("the built-in recogniser"));
    let mut stream = engine.open().expect("memory for a decode");
    let mut decode = |utterance: Vec<i16>| {
        let wide = convert_all(&utterance, SampleRate::Hz8000, SampleRate::Hz16000);
        // What is longer than the recogniser takes is not one of its sentences.
        stream.decode(&wide).map_or(String::new(), |heard| plain(&heard.text))
    };
    utterances(samples).into_iter().map(&mut decode).collect()
}

pub fn rms(samples: &[i16]) -> f64 {
    let sum: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum();
    (sum / samples.len().max(1) as f64).sqrt()
}

/// Correlation, and the ratio of `sent` to what `got` differs from it, in dB.
pub fn fidelity(sent: &[i16], got: &[i16]) -> (f64, f64) {
    let (mut ss, mut gg, mut sg, mut noise) = (0.0, 0.0, 0.0, 0.0);
    for (s, g) in sent.iter().zip(got) {
        let (s, g) = (f64::from(*s), f64::from(*g));
        (ss, gg, sg) = (ss + s * s, gg + g * g, sg + s * g);
        noise += (s - g).powi(2);
    }
    (sg / (ss * gg).sqrt().max(f64::MIN_POSITIVE), 10.0 * (ss / noise.max(1e-9)).log10())
}

/// What [`likeness`] looks for at once, in samples: 200 ms.
const PIECE: usize = 1_600;
/// A piece that is not a pause, by its RMS.
const LOUD: f64 = 300.0;

/// How well `words` are found in `heard`, piece by piece; half of the pieces are found better. A
/// machine that is busy stretches pauses, and moves what comes after them.
pub fn likeness(words: &[i16], heard: &[i16]) -> f64 {
    let found_in = |piece: &[i16]| {
        heard.windows(PIECE).map(|place| fidelity(piece, place).0).fold(0.0, f64::max)
    };
    let pieces = words.chunks_exact(PIECE).filter(|piece| rms(piece) > LOUD);
    let mut found: Vec<f64> = pieces.map(found_in).collect();
    found.sort_by(f64::total_cmp);
    found.get(found.len() / 2).copied().unwrap_or(0.0)
}

/// The power of one frequency in a sound at 8 kHz (Goertzel).
pub fn power_at(frame: &[i16], hz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in frame.iter().enumerate() {
        let angle = n as f64 * hz * TAU / 8_000.0;
        re += f64::from(*sample) * angle.cos();
        im += f64::from(*sample) * angle.sin();
    }
    let n = frame.len() as f64;
    2.0 * (re * re + im * im) / (n * n)
}
