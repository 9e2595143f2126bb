//! G.722 at 64 kbit/s, the one mode that RTP carries (RFC 3551 §4.5.2).

use audio_codec::g722::{G722Decoder, G722Encoder};
use audio_codec::{Decoder as _, Encoder as _};

/// Samples per payload byte.
const SAMPLES_PER_BYTE: usize = 2;

pub(super) struct Encoder(Box<G722Encoder>);

impl Encoder {
    pub(super) fn new() -> Self {
        Self(Box::new(G722Encoder::new()))
    }

    pub(super) fn encode(&mut self, pcm: &[i16], out: &mut [u8]) -> usize {
        let bytes = (pcm.len() / SAMPLES_PER_BYTE).min(out.len());
        // Both sides were cut to fit, so the library has nothing left to refuse.
        self.0.encode_into(&pcm[..bytes * SAMPLES_PER_BYTE], &mut out[..bytes]).unwrap_or(0)
    }
}

pub(super) struct Decoder(Box<G722Decoder>);

impl Decoder {
    pub(super) fn new() -> Self {
        Self(Box::new(G722Decoder::new()))
    }

    pub(super) fn decode(&mut self, payload: &[u8], out: &mut [i16]) -> usize {
        let bytes = payload.len().min(out.len() / SAMPLES_PER_BYTE);
        let samples = bytes * SAMPLES_PER_BYTE;
        self.0.decode_into(&payload[..bytes], &mut out[..samples]).unwrap_or(0)
    }
}
