//! The ring that shows the pump what a line heard and said, tick by tick.
//!
//! Two rings in one: what is to be known of a tick, and its samples, for which there is as much
//! room as the line's rate needs. The samples are written before and read after what is known of
//! them, so whoever finds the one finds the other.

use media_core::MonoTime;
use rtrb::{Consumer, Producer, RingBuffer};

use crate::rings::FRAME_SAMPLES;

/// One second of a pump that does not run.
pub(crate) const TAP_DEPTH: usize = 50;

/// What is to be known of one tick.
#[derive(Clone, Copy)]
pub(crate) struct TapHead {
    /// Ticks since the line opened, those left out included. A jump is a gap.
    pub tick: u64,
    /// When its last sample arrived.
    pub at: MonoTime,
    /// Whether what was sent is speech, not comfort noise.
    pub speaking: bool,
    /// Samples each way.
    pub length: usize,
}

/// One tick of a line's audio, both ways.
pub(crate) struct TapFrame {
    pub head: TapHead,
    pub heard: [i16; FRAME_SAMPLES],
    pub sent: [i16; FRAME_SAMPLES],
}

/// The tick's end. Real-time safe.
pub(crate) struct TapWriter {
    heads: Producer<TapHead>,
    samples: Producer<i16>,
}

/// The pump's end.
pub(crate) struct TapReader {
    heads: Consumer<TapHead>,
    samples: Consumer<i16>,
    frame: Box<TapFrame>,
}

/// A tap for ticks of `frame_samples`, at most [`FRAME_SAMPLES`].
pub(crate) fn tap(frame_samples: usize) -> (TapWriter, TapReader) {
    let (heads_in, heads) = RingBuffer::new(TAP_DEPTH);
    let (samples_in, samples) = RingBuffer::new(2 * TAP_DEPTH * frame_samples.min(FRAME_SAMPLES));
    let head = TapHead { tick: 0, at: MonoTime::ZERO, speaking: false, length: 0 };
    let frame = Box::new(TapFrame { head, heard: [0; FRAME_SAMPLES], sent: [0; FRAME_SAMPLES] });
    let writer = TapWriter { heads: heads_in, samples: samples_in };
    (writer, TapReader { heads, samples, frame })
}

impl TapWriter {
    /// Shows a tick: as much of both directions as `head` says. False if there is no room for it.
    pub fn push(&mut self, head: TapHead, heard: &[i16], sent: &[i16]) -> bool {
        let (Some(heard), Some(sent)) = (heard.get(..head.length), sent.get(..head.length)) else {
            return false;
        };
        if self.heads.is_full() || self.samples.slots() < 2 * head.length {
            return false;
        }
        self.samples.push_entire_slice(heard).is_ok()
            && self.samples.push_entire_slice(sent).is_ok()
            && self.heads.push(head).is_ok()
    }
}

impl TapReader {
    /// The next tick.
    pub fn pop(&mut self) -> Option<&TapFrame> {
        let head = self.heads.pop().ok()?;
        let frame = &mut *self.frame;
        frame.head = head;
        self.samples.pop_entire_slice(&mut frame.heard[..head.length]).ok()?;
        self.samples.pop_entire_slice(&mut frame.sent[..head.length]).ok()?;
        Some(frame)
    }
}

impl TapFrame {
    /// What was heard.
    pub fn heard(&self) -> &[i16] {
        &self.heard[..self.head.length]
    }

    /// What was sent.
    pub fn sent(&self) -> &[i16] {
        &self.sent[..self.head.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(tick: u64, length: usize) -> TapHead {
        TapHead { tick, at: MonoTime::ZERO, speaking: false, length }
    }

    #[test]
    fn a_second_of_ticks_fits_and_the_next_is_refused_whole() {
        let (mut writer, mut reader) = tap(160);
        let (heard, sent) = ([1; 160], [2; 160]);
        for tick in 0..TAP_DEPTH as u64 {
            assert!(writer.push(head(tick, 160), &heard, &sent));
        }
        assert!(!writer.push(head(50, 160), &heard, &sent));
        assert!(!writer.push(head(50, 161), &heard, &sent), "longer than what there is");
        for tick in 0..TAP_DEPTH as u64 {
            let frame = reader.pop().expect("it was written");
            assert_eq!(frame.head.tick, tick);
            assert_eq!((frame.heard(), frame.sent()), (&heard[..], &sent[..]));
        }
        assert!(reader.pop().is_none());
        assert!(writer.push(head(51, 160), &heard, &sent), "and there is room again");
    }
}
