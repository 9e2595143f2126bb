//! What we hear.

use media_core::codec::{PacketDecoder, opus as packet};
use opus::Channels;

use super::RATE_HZ;

pub(super) struct Decoder(opus::Decoder);

pub(super) fn build() -> Result<Decoder, opus::Error> {
    opus::Decoder::new(RATE_HZ, Channels::Mono).map(Decoder)
}

impl PacketDecoder for Decoder {
    fn decode(&mut self, payload: &[u8], out: &mut [i16]) -> usize {
        // To the library no bytes are a packet that was lost.
        if payload.is_empty() {
            return 0;
        }
        self.0.decode(payload, out, false).unwrap_or(0)
    }

    fn recover(&mut self, next: &[u8], out: &mut [i16]) -> usize {
        if !packet::repeats_previous(next) || !is_whole(out) {
            return 0;
        }
        self.0.decode(next, out, true).unwrap_or(0)
    }

    fn conceal(&mut self, out: &mut [i16]) -> usize {
        if !is_whole(out) {
            return 0;
        }
        self.0.decode(&[], out, false).unwrap_or(0)
    }
}

/// Whether the library conceals so much in one go: 120 ms at most, in steps of 2.5 ms.
fn is_whole(out: &[i16]) -> bool {
    (1..=5_760).contains(&out.len()) && out.len().is_multiple_of(120)
}
