use media_core::{Generation, MonoTime};
use rtrb::{Consumer, Producer, RingBuffer};

use crate::rings::{FRAME_SAMPLES, SPEECH_DEPTH, SpeechFrame};
use crate::tap::{TapHead, TapReader, TapWriter, tap};

/// The ring that carries speech to the tick.
pub struct SpeechRing {
    ends: (Producer<SpeechFrame>, Consumer<SpeechFrame>),
    frame: SpeechFrame,
}

/// The ring that carries what was heard and said from the tick.
pub struct TapRing {
    ends: (TapWriter, TapReader),
}

impl SpeechRing {
    /// What one element takes, in bytes.
    pub const FRAME_BYTES: usize = size_of::<SpeechFrame>();

    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        let samples = [1_234; FRAME_SAMPLES];
        let frame = SpeechFrame { generation: Generation::NONE, length: FRAME_SAMPLES, samples };
        Self { ends: RingBuffer::new(SPEECH_DEPTH), frame }
    }

    /// A frame goes in at one end and out at the other. Returns a sample of it.
    pub fn pass(&mut self) -> i16 {
        let pushed = self.ends.0.push(self.frame).is_ok();
        self.ends.1.pop().map_or(0, |frame| frame.samples[usize::from(pushed)])
    }
}

impl TapRing {
    /// What one element takes at 8 kHz, in bytes.
    pub const FRAME_BYTES: usize = size_of::<TapHead>() + 2 * 2 * 160;

    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self { ends: tap(160) }
    }

    /// A frame goes in at one end and out at the other. Returns a sample of it.
    pub fn pass(&mut self) -> i16 {
        let head = TapHead { tick: 0, at: MonoTime::ZERO, speaking: true, length: 160 };
        let pushed = self.ends.0.push(head, &[1_234; 160], &[4_321; 160]);
        self.ends.1.pop().map_or(0, |frame| frame.heard()[usize::from(pushed)])
    }
}

impl Default for SpeechRing {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for TapRing {
    fn default() -> Self {
        Self::new()
    }
}
