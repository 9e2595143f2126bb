//! The recorder: one thread that writes stereo WAV files, left heard, right sent.
//!
//! A slow or full disk costs the recording, never the call: blocks go through a bounded channel
//! with `try_send`, and what does not fit is missing in the file as silence of the same length.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use media_core::SampleRate;

use crate::control::Control;
use crate::pump::PumpMessage;
use crate::rings::LineKey;

/// Blocks that may wait for the disk: 200 ms each, so a hundred calls for a second, or one call
/// for two minutes.
const CHANNEL_DEPTH: usize = 512;

/// A WAV file counts its bytes in 32 bits. A day at 16 kHz stereo is 5.5 GB, half a day 2.8 GB;
/// a longer call is recorded up to here.
const FRAMES_MAX: u64 = 1_000_000_000;

/// Blocks between two updates of the file's header, so that a crash costs at most 5 s.
const BLOCKS_PER_FLUSH: u32 = 25;

/// What the recorder is told.
pub(crate) enum RecordMessage {
    Open {
        recording: u64,
        path: PathBuf,
        rate: SampleRate,
    },
    /// Interleaved stereo that begins `start` sample frames after the line opened.
    Block {
        recording: u64,
        start: u64,
        samples: Vec<i16>,
    },
    /// Finish the file and tell the pump.
    Close {
        recording: u64,
        length: u64,
        key: LineKey,
        control: Arc<Control>,
    },
}

/// The way to the recorder thread. Cloned by every pump; the thread ends with the last clone.
#[derive(Clone)]
pub(crate) struct RecorderPort(SyncSender<RecordMessage>);

impl RecorderPort {
    pub fn new() -> (Self, Receiver<RecordMessage>) {
        let (port, messages) = sync_channel(CHANNEL_DEPTH);
        (Self(port), messages)
    }

    /// Hands over a message, or gives it back if the disk is behind.
    pub fn try_send(&self, message: RecordMessage) -> Result<(), RecordMessage> {
        self.0.try_send(message).map_err(|error| match error {
            TrySendError::Full(message) | TrySendError::Disconnected(message) => message,
        })
    }
}

/// Runs until all ports are dropped.
pub(crate) fn run(messages: &Receiver<RecordMessage>) {
    let mut open: BTreeMap<u64, Recording> = BTreeMap::new();
    while let Ok(message) = messages.recv() {
        match message {
            RecordMessage::Open { recording, path, rate } => {
                open.insert(recording, Recording::create(path, rate));
            }
            RecordMessage::Block { recording, start, samples } => {
                if let Some(recording) = open.get_mut(&recording) {
                    recording.write(start, &samples);
                }
            }
            RecordMessage::Close { recording, length, key, control } => {
                if let Some(recording) = open.remove(&recording) {
                    let result = recording.finish(length);
                    control.send(PumpMessage::Recorded { key, result });
                }
            }
        }
    }
}

struct Recording {
    path: PathBuf,
    /// The file; or what went wrong, after which nothing more is written.
    writer: Result<hound::WavWriter<BufWriter<File>>, String>,
    written: u64,
    blocks: u32,
}

impl Recording {
    fn create(path: PathBuf, rate: SampleRate) -> Self {
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: rate.hz(),
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let writer = hound::WavWriter::create(&path, spec).map_err(|e| describe(&path, &e));
        if let Err(error) = &writer {
            tracing::warn!(%error, "the call goes on without a recording");
        }
        Self { path, writer, written: 0, blocks: 0 }
    }

    fn write(&mut self, start: u64, samples: &[i16]) {
        self.guard(|this, writer| {
            this.pad(writer, start)?;
            let room = FRAMES_MAX.saturating_sub(this.written);
            let frames = (samples.len() as u64 / 2).min(room);
            for sample in &samples[..2 * frames as usize] {
                writer.write_sample(*sample)?;
            }
            this.written += frames;
            this.blocks += 1;
            if this.blocks.is_multiple_of(BLOCKS_PER_FLUSH) { writer.flush() } else { Ok(()) }
        });
    }

    fn finish(mut self, length: u64) -> Result<PathBuf, String> {
        self.guard(|this, writer| this.pad(writer, length));
        let Self { path, writer, .. } = self;
        writer?.finalize().map_err(|e| describe(&path, &e))?;
        Ok(path)
    }

    /// Silence up to `start`.
    fn pad(&mut self, writer: &mut Wav, start: u64) -> hound::Result<()> {
        while self.written < start.min(FRAMES_MAX) {
            writer.write_sample(0_i16)?;
            writer.write_sample(0_i16)?;
            self.written += 1;
        }
        Ok(())
    }

    /// Writes, unless writing has failed before. The first failure ends the recording.
    fn guard(&mut self, write: impl FnOnce(&mut Self, &mut Wav) -> hound::Result<()>) {
        let mut taken = std::mem::replace(&mut self.writer, Err(String::new()));
        if let Ok(writer) = &mut taken
            && let Err(error) = write(self, writer)
        {
            let error = describe(&self.path, &error);
            tracing::warn!(%error, "the call goes on, its recording ends here");
            taken = Err(error);
        }
        self.writer = taken;
    }
}

type Wav = hound::WavWriter<BufWriter<File>>;

fn describe(path: &Path, error: &hound::Error) -> String {
    format!("cannot record to {}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_silence_of_the_same_length() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("call.wav");
        let mut recording = Recording::create(path.clone(), SampleRate::Hz8000);
        recording.write(2, &[1, -1, 2, -2]);
        recording.write(5, &[3, -3]);
        assert_eq!(recording.finish(7), Ok(path.clone()));
        let mut reader = hound::WavReader::open(&path).expect("a WAV file");
        assert_eq!((reader.spec().channels, reader.spec().sample_rate), (2, 8_000));
        let samples: Vec<i16> = reader.samples().map(|s| s.expect("a sample")).collect();
        assert_eq!(samples, [0, 0, 0, 0, 1, -1, 2, -2, 0, 0, 3, -3, 0, 0]);
    }

    #[test]
    fn a_directory_that_does_not_exist_is_named_and_nothing_else_happens() {
        let path = PathBuf::from("/nowhere/at/all/call.wav");
        let mut recording = Recording::create(path, SampleRate::Hz8000);
        recording.write(0, &[1, 2]);
        let error = recording.finish(1).expect_err("it cannot be written");
        assert!(error.contains("/nowhere/at/all/call.wav"), "{error}");
    }
}
