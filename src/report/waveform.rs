//! The peak envelope of a call's recording.

use std::path::Path;

/// Peaks of both sides of a call, one for every [`BIN_MS`].
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Envelope {
    caller: Vec<u16>,
    line: Vec<u16>,
    start_ms: f64,
}

/// Which side of the recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    /// Left channel.
    Caller,
    /// Right channel.
    Line,
}

impl Envelope {
    /// Reads a recording whose first sample was taken at `start_ms`. A WAV that breaks off (its
    /// process died) gives what is there.
    pub(crate) fn read(path: &Path, start_ms: f64) -> Result<Self, hound::Error> {
        let mut wav = hound::WavReader::open(path)?;
        let spec = wav.spec();
        if spec.sample_format != hound::SampleFormat::Int || spec.bits_per_sample != 16 {
            return Err(hound::Error::Unsupported);
        }
        let channels = usize::from(spec.channels.max(1));
        let bin_frames = (spec.sample_rate as usize * BIN_MS as usize / 1_000).max(1);
        let mut envelope = Self { start_ms, ..Self::default() };
        for (index, sample) in wav.samples::<i16>().map_while(Result::ok).enumerate() {
            let (frame, channel) = (index / channels, index % channels);
            let peaks = match channel {
                0 => &mut envelope.caller,
                1 => &mut envelope.line,
                _ => continue,
            };
            let bin = frame / bin_frames;
            if bin >= BINS_MAX {
                break;
            }
            peaks.resize(peaks.len().max(bin + 1), 0);
            peaks[bin] = peaks[bin].max(sample.unsigned_abs());
        }
        Ok(envelope)
    }

    /// The loudest sample between two moments, 0 to 1 of the side's own loudest.
    pub(crate) fn peak(&self, side: Side, from_ms: f64, to_ms: f64) -> f64 {
        let peaks = self.side(side);
        let bin = |t_ms: f64| ((t_ms - self.start_ms) / f64::from(BIN_MS)).max(0.0) as usize;
        let from = bin(from_ms).min(peaks.len());
        let to = (bin(to_ms) + 1).clamp(from, peaks.len());
        let loudest = peaks[from..to].iter().copied().max().unwrap_or(0);
        f64::from(loudest) / self.loudest(side)
    }

    fn side(&self, side: Side) -> &[u16] {
        match side {
            Side::Caller => &self.caller,
            Side::Line => &self.line,
        }
    }

    fn loudest(&self, side: Side) -> f64 {
        let loudest = self.side(side).iter().copied().max().unwrap_or(0);
        f64::from(loudest.max(QUIET))
    }
}

/// Fine enough for a packet of 10 ms to be seen.
const BIN_MS: u32 = 5;
/// Six hours. A longer call is drawn as far as that.
const BINS_MAX: usize = 6 * 3_600 * 1_000 / BIN_MS as usize;
/// A side that was never louder than this is drawn as the silence it was.
const QUIET: u16 = 1_000;

#[cfg(test)]
mod tests {
    use super::super::{RECORDING_FILE, sample};
    use super::*;

    #[test]
    fn each_side_is_loud_where_it_spoke_and_silent_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        sample::write(folder.path());
        let envelope = Envelope::read(&folder.path().join(RECORDING_FILE), 0.0).unwrap();
        assert!(envelope.peak(Side::Caller, 3_700.0, 4_600.0) > 0.5);
        assert!(envelope.peak(Side::Line, 3_700.0, 4_600.0) < 0.1);
        assert!(envelope.peak(Side::Line, 5_100.0, 7_500.0) > 0.5);
        assert!(envelope.peak(Side::Caller, 5_100.0, 7_500.0) < 0.1);
        assert_eq!(envelope.peak(Side::Line, 90_000.0, 91_000.0), 0.0);
    }

    #[test]
    fn a_recording_that_breaks_off_gives_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        sample::write(folder.path());
        let path = folder.path().join(RECORDING_FILE);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 3]).unwrap();
        let envelope = Envelope::read(&path, 0.0).unwrap();
        assert!(envelope.peak(Side::Caller, 3_700.0, 4_600.0) > 0.5);
        assert_eq!(envelope.peak(Side::Line, 9_900.0, 10_000.0), 0.0);
    }
}
