//! Opus (RFC 6716) with libopus, behind [`media_core::codec::CodecPlugin`]: for calls over TCP or
//! TLS, softphones and browsers.
//!
//! Owns: one encoder and one decoder state per leg, made at the call's start. Takes and gives mono
//! audio at 48 kHz. Driven from inside the tick: libopus allocates only when a state is made, its
//! scratch memory is on the stack, and its work is bounded by the length of a packet.
//!
//! Our own packets come without a pause, also in silence: discontinuous transmission stays off,
//! because a stream that stops is taken for a dead one by what lies between two phones. A peer may
//! use it; what it leaves out is filled by the decoder's own noise.
#![forbid(unsafe_code)]

mod decoder;
mod encoder;

use media_core::codec::{CodecError, CodecPlugin, PacketDecoder, PacketEncoder};
use media_core::{Codec, OpusFormat};

/// Opus by libopus.
#[derive(Clone, Copy, Debug, Default)]
pub struct Opus;

impl CodecPlugin for Opus {
    fn codec(&self) -> Codec {
        Codec::Opus
    }

    fn encoder(&self, format: OpusFormat) -> Result<Box<dyn PacketEncoder>, CodecError> {
        encoder::build(format).map(|encoder| Box::new(encoder) as Box<_>).map_err(refused)
    }

    fn decoder(&self) -> Result<Box<dyn PacketDecoder>, CodecError> {
        decoder::build().map(|decoder| Box::new(decoder) as Box<_>).map_err(refused)
    }
}

fn refused(error: opus::Error) -> CodecError {
    CodecError::Library { codec: Codec::Opus, message: error.code().description() }
}

/// The rate at which states are made; libopus encodes less where less is asked for.
const RATE_HZ: u32 = 48_000;
