//! Voice codecs: G.711 by table, G.722 by the crate `audio-codec`, which writes into the caller's
//! buffers (`ezk-g722` returns a new `Vec` per frame, so it cannot run in a tick). Opus is a foreign
//! library and comes as a [`CodecPlugin`]; [`Codecs`] knows them all.
//!
//! Real-time safe: no allocation, bounded loops. A payload of any length and content decodes to
//! something; what does not fit into the output is left out.

mod g711;
mod g722;
pub mod opus;
mod plugin;

use crate::Codec;
use crate::playout::Decode;

pub use plugin::{CodecError, CodecPlugin, Codecs, PacketDecoder, PacketEncoder};

/// Linear audio to payloads, one direction of one leg.
pub struct Encoder {
    state: EncoderState,
}

enum EncoderState {
    Pcmu,
    Pcma,
    G722(g722::Encoder),
    Packets(Codec, Box<dyn PacketEncoder>),
}

impl Encoder {
    /// An encoder in its initial state.
    ///
    /// # Panics
    /// For a codec that only a plugin has; ask [`Codecs`] where it may be one.
    #[must_use]
    pub fn new(codec: Codec) -> Self {
        let state = match codec {
            Codec::Pcmu => EncoderState::Pcmu,
            Codec::Pcma => EncoderState::Pcma,
            Codec::G722 => EncoderState::G722(g722::Encoder::new()),
            Codec::Opus => panic!("{}", CodecError::Missing(codec)),
        };
        Self { state }
    }

    pub(super) fn packets(codec: Codec, encoder: Box<dyn PacketEncoder>) -> Self {
        Self { state: EncoderState::Packets(codec, encoder) }
    }

    /// Which codec it is.
    #[must_use]
    pub fn codec(&self) -> Codec {
        match self.state {
            EncoderState::Pcmu => Codec::Pcmu,
            EncoderState::Pcma => Codec::Pcma,
            EncoderState::G722(_) => Codec::G722,
            EncoderState::Packets(codec, _) => codec,
        }
    }

    /// Encodes `pcm` into `out` and returns the payload's length in bytes: one byte per sample
    /// for G.711, one per two samples for G.722 (a last odd sample is left out). Encodes less
    /// when `out` is shorter than that. A plugin's codec takes whole packets, and answers with as
    /// many bytes as it likes, or none.
    ///
    /// `pcm`: mono at `codec.sample_rate()`.
    pub fn encode(&mut self, pcm: &[i16], out: &mut [u8]) -> usize {
        match &mut self.state {
            EncoderState::Pcmu => g711::map(pcm, out, g711::ulaw_encode),
            EncoderState::Pcma => g711::map(pcm, out, g711::alaw_encode),
            EncoderState::G722(encoder) => encoder.encode(pcm, out),
            EncoderState::Packets(_, encoder) => encoder.encode(pcm, out).min(out.len()),
        }
    }
}

/// Payloads to linear audio, one direction of one leg.
pub struct Decoder {
    state: DecoderState,
}

enum DecoderState {
    Pcmu,
    Pcma,
    G722(g722::Decoder),
    Packets(Codec, Box<dyn PacketDecoder>),
}

impl Decoder {
    /// A decoder in its initial state.
    ///
    /// # Panics
    /// For a codec that only a plugin has; ask [`Codecs`] where it may be one.
    #[must_use]
    pub fn new(codec: Codec) -> Self {
        let state = match codec {
            Codec::Pcmu => DecoderState::Pcmu,
            Codec::Pcma => DecoderState::Pcma,
            Codec::G722 => DecoderState::G722(g722::Decoder::new()),
            Codec::Opus => panic!("{}", CodecError::Missing(codec)),
        };
        Self { state }
    }

    pub(super) fn packets(codec: Codec, decoder: Box<dyn PacketDecoder>) -> Self {
        Self { state: DecoderState::Packets(codec, decoder) }
    }

    /// Which codec it is.
    #[must_use]
    pub fn codec(&self) -> Codec {
        match self.state {
            DecoderState::Pcmu => Codec::Pcmu,
            DecoderState::Pcma => Codec::Pcma,
            DecoderState::G722(_) => Codec::G722,
            DecoderState::Packets(codec, _) => codec,
        }
    }

    /// Decodes `payload` into `out` and returns the number of samples: one per byte for G.711,
    /// two per byte for G.722. Decodes less when `out` is shorter than that; a plugin's codec
    /// nothing, then.
    ///
    /// `out` becomes mono audio at `codec.sample_rate()`.
    pub fn decode(&mut self, payload: &[u8], out: &mut [i16]) -> usize {
        match &mut self.state {
            DecoderState::Pcmu => g711::map(payload, out, g711::ulaw_decode),
            DecoderState::Pcma => g711::map(payload, out, g711::alaw_decode),
            DecoderState::G722(decoder) => decoder.decode(payload, out),
            DecoderState::Packets(_, decoder) => decoder.decode(payload, out),
        }
    }
}

impl Decode for Decoder {
    fn decode(&mut self, payload: &[u8], out: &mut [i16]) -> usize {
        Decoder::decode(self, payload, out)
    }

    fn recover(&mut self, next: &[u8], out: &mut [i16]) -> usize {
        match &mut self.state {
            DecoderState::Packets(_, decoder) => decoder.recover(next, out),
            _ => 0,
        }
    }

    fn conceal(&mut self, out: &mut [i16]) -> usize {
        match &mut self.state {
            DecoderState::Packets(_, decoder) => decoder.conceal(out),
            _ => 0,
        }
    }
}

/// The byte that G.711 sends for silence; the others have none, their state decides.
#[must_use]
pub const fn silence_byte(codec: Codec) -> Option<u8> {
    match codec {
        Codec::Pcmu => Some(0xFF),
        Codec::Pcma => Some(0xD5),
        Codec::G722 | Codec::Opus => None,
    }
}
