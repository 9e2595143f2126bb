//! A line's audio on its way to the recorder thread.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use media_core::SampleRate;

use crate::control::Control;
use crate::line::LineShared;
use crate::recorder::{RecordMessage, RecorderPort};
use crate::rings::LineKey;
use crate::statistics::count;
use crate::tap::TapFrame;

/// Audio per message: 200 ms.
const BLOCK_MS: u32 = 200;

static SERIAL: AtomicU64 = AtomicU64::new(0);

/// Gathers frames into blocks, and places each by the tick it belongs to.
pub(crate) struct Recording {
    port: RecorderPort,
    serial: u64,
    /// Not sent yet; the recorder is told of the recording with the first message it takes.
    open: Option<RecordMessage>,
    shared: Arc<LineShared>,
    frame_samples: u64,
    block_samples: usize,
    start: u64,
    block: Vec<i16>,
    /// Where the line's audio ends so far.
    end: u64,
}

impl Recording {
    pub fn new(
        port: RecorderPort,
        path: PathBuf,
        rate: SampleRate,
        frame_samples: usize,
        shared: Arc<LineShared>,
    ) -> Self {
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        Self {
            port,
            serial,
            open: Some(RecordMessage::Open { recording: serial, path, rate }),
            shared,
            frame_samples: frame_samples as u64,
            block_samples: rate.samples_in_ms(BLOCK_MS),
            start: 0,
            block: Vec::new(),
            end: 0,
        }
    }

    /// Takes the next frame. One that does not join on begins a new block, so that the recorder
    /// sees the gap.
    pub fn push(&mut self, frame: &TapFrame) {
        let position = frame.head.tick * self.frame_samples;
        if position != self.end {
            self.send_block();
        }
        if self.block.is_empty() {
            self.start = position;
            self.block.reserve_exact(2 * self.block_samples);
        }
        let both = frame.heard().iter().zip(frame.sent());
        self.block.extend(both.flat_map(|(heard, sent)| [*heard, *sent]));
        self.end = position + frame.head.length as u64;
        if self.block.len() >= 2 * self.block_samples {
            self.send_block();
        }
    }

    /// Asks the recorder to finish the file and to report to `control`. False if it is too far
    /// behind to be asked now: ask again.
    pub fn try_close(&mut self, key: LineKey, control: &Arc<Control>) -> bool {
        self.send_block();
        let (recording, length) = (self.serial, self.end);
        let control = Arc::clone(control);
        self.announce()
            && self.port.try_send(RecordMessage::Close { recording, length, key, control }).is_ok()
    }

    fn send_block(&mut self) {
        if self.block.is_empty() {
            return;
        }
        let samples = std::mem::take(&mut self.block);
        let message = RecordMessage::Block { recording: self.serial, start: self.start, samples };
        if !self.announce() || self.port.try_send(message).is_err() {
            count(&self.shared.counters.recording_dropped);
        }
    }

    fn announce(&mut self) -> bool {
        if let Some(message) = self.open.take() {
            self.open = self.port.try_send(message).err();
        }
        self.open.is_none()
    }
}
