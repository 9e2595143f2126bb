//! Sound from a WAV file, as a line can play it.

use std::io::Read;
use std::path::{Path, PathBuf};

use media_core::SampleRate;
use media_core::resample::convert_all;

/// A quarter of an hour; what is longer is not something to play into a call.
const CLIP_SECONDS_MAX: u32 = 900;

/// Mono sound at a rate that a line knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    /// Mono.
    pub samples: Vec<i16>,
    /// Samples per second.
    pub rate: SampleRate,
}

/// Why a file cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    /// Not readable, or not a WAV file.
    #[error("cannot play {}: {source}. It must be a WAV file with 16-bit PCM (convert: sox IN -b 16 OUT.wav)", path.display())]
    NotWav {
        /// Which file.
        path: PathBuf,
        /// What the reader said.
        source: hound::Error,
    },
    /// A WAV file of another kind.
    #[error("cannot play {}: {what}. Convert it: sox IN -r 8000 -c 1 -b 16 OUT.wav", path.display())]
    Unsupported {
        /// Which file.
        path: PathBuf,
        /// What is not supported.
        what: String,
    },
}

impl Clip {
    /// Reads a WAV file: 16-bit PCM, one or two channels (mixed), 8, 16 or 48 kHz.
    ///
    /// # Errors
    /// [`ClipError`], with the command that makes a file that fits.
    pub fn read(path: &Path) -> Result<Clip, ClipError> {
        let not_wav = |source: std::io::Error| ClipError::NotWav {
            path: path.to_path_buf(),
            source: source.into(),
        };
        let file = std::fs::File::open(path).map_err(not_wav)?;
        Clip::from_reader(std::io::BufReader::new(file), path)
    }

    /// The same from a file that is open already; `path` is its name in errors.
    ///
    /// # Errors
    /// As for [`Clip::read`].
    pub fn from_reader(wav: impl Read, path: &Path) -> Result<Clip, ClipError> {
        let not_wav = |source| ClipError::NotWav { path: path.to_path_buf(), source };
        let unsupported = |what: String| ClipError::Unsupported { path: path.to_path_buf(), what };
        let reader = hound::WavReader::new(wav).map_err(not_wav)?;
        let spec = reader.spec();
        let rate = match spec.sample_rate {
            8_000 => SampleRate::Hz8000,
            16_000 => SampleRate::Hz16000,
            48_000 => SampleRate::Hz48000,
            other => return Err(unsupported(format!("{other} samples a second"))),
        };
        if spec.bits_per_sample != 16 || spec.sample_format != hound::SampleFormat::Int {
            return Err(unsupported(format!(
                "{}-bit {:?} samples",
                spec.bits_per_sample, spec.sample_format
            )));
        }
        if !(1..=2).contains(&spec.channels) {
            return Err(unsupported(format!("{} channels", spec.channels)));
        }
        if reader.duration() > CLIP_SECONDS_MAX * spec.sample_rate {
            return Err(unsupported(format!("longer than {CLIP_SECONDS_MAX} s")));
        }
        let interleaved = samples_of(reader).map_err(not_wav)?;
        Ok(Clip { samples: mix_down(interleaved, usize::from(spec.channels)), rate })
    }

    /// The same at the rate `best`, if it has a higher one.
    #[must_use]
    pub fn at_most(self, best: SampleRate) -> Clip {
        if self.rate <= best {
            return self;
        }
        Clip { samples: convert_all(&self.samples, self.rate, best), rate: best }
    }

    /// How long it plays.
    #[must_use]
    pub fn duration(&self) -> std::time::Duration {
        std::time::Duration::from_secs_f64(self.samples.len() as f64 / f64::from(self.rate.hz()))
    }
}

/// All of them. One at a time takes ten times as long; the first says whether they are what they seem.
fn samples_of(mut reader: hound::WavReader<impl Read>) -> hound::Result<Vec<i16>> {
    let Some(first) = reader.samples::<i16>().next().transpose()? else { return Ok(Vec::new()) };
    let mut rest = vec![0; (reader.len() as usize - 1) * size_of::<i16>()];
    let mut samples = Vec::with_capacity(reader.len() as usize);
    reader.into_inner().read_exact(&mut rest)?;
    samples.push(first);
    samples.extend(rest.as_chunks::<2>().0.iter().map(|sample| i16::from_le_bytes(*sample)));
    Ok(samples)
}

fn mix_down(interleaved: Vec<i16>, channels: usize) -> Vec<i16> {
    if channels == 1 {
        return interleaved;
    }
    let mean =
        |frame: &[i16]| (frame.iter().map(|s| i32::from(*s)).sum::<i32>() / channels as i32) as i16;
    interleaved.chunks_exact(channels).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(spec: hound::WavSpec, samples: &[i16]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let mut writer = hound::WavWriter::create(file.path(), spec).expect("a WAV file");
        samples.iter().for_each(|s| writer.write_sample(*s).expect("it is written"));
        writer.finalize().expect("it is closed");
        file
    }

    fn spec(channels: u16, sample_rate: u32) -> hound::WavSpec {
        let sample_format = hound::SampleFormat::Int;
        hound::WavSpec { channels, sample_rate, bits_per_sample: 16, sample_format }
    }

    #[test]
    fn two_channels_become_their_mean() {
        let file = written(spec(2, 8_000), &[100, 300, -4, -6]);
        let clip = Clip::read(file.path()).expect("it is readable");
        assert_eq!((clip.samples, clip.rate), (vec![200, -5], SampleRate::Hz8000));
    }

    #[test]
    fn a_file_that_ends_before_its_samples_do_is_not_played() {
        let file = written(spec(1, 8_000), &[1, 2, 3]);
        let whole = file.as_file().metadata().expect("it is there").len();
        assert_eq!(Clip::read(file.path()).expect("it is readable").samples, [1, 2, 3]);
        file.as_file().set_len(whole - 1).expect("it is ours");
        assert!(Clip::read(file.path()).is_err());
    }

    #[test]
    fn what_does_not_fit_comes_with_the_command_that_mends_it() {
        let odd = written(spec(1, 11_025), &[0]);
        let none = Path::new("/nonexistent.wav");
        for path in [odd.path(), none] {
            let message = Clip::read(path).expect_err("it does not fit").to_string();
            assert!(message.contains("sox"), "{message}");
        }
    }
}
