//! Codecs that this crate does not contain, and where they are looked up.

use std::sync::Arc;

use crate::{Codec, NegotiatedMedia, OpusFormat};

use super::{Decoder, Encoder};

/// Linear audio to packets of a plugin's codec, one direction of one leg. Real-time safe once
/// built.
pub trait PacketEncoder: Send {
    /// Encodes `pcm`, which is one whole packet of a length that the codec has (for Opus 10, 20, 40
    /// or 60 ms), into `out`. Returns the payload's length; 0 if it could not be encoded.
    fn encode(&mut self, pcm: &[i16], out: &mut [u8]) -> usize;
}

/// Packets of a plugin's codec to linear audio, one direction of one leg. Real-time safe once
/// built. Whatever a peer sends is answered with a count of samples, 0 for what is no packet.
pub trait PacketDecoder: Send {
    /// Decodes `payload` into `out`; returns how many samples that is.
    fn decode(&mut self, payload: &[u8], out: &mut [i16]) -> usize;

    /// Fills `out` with what the lost packet right before `next` held, as far as `next` repeats it.
    fn recover(&mut self, next: &[u8], out: &mut [i16]) -> usize;

    /// Fills `out` with what may have been lost.
    fn conceal(&mut self, out: &mut [i16]) -> usize;
}

/// Builds both directions of a codec. Called outside the tick.
pub trait CodecPlugin: Send + Sync {
    /// Which codec it is.
    fn codec(&self) -> Codec;

    /// An encoder for a peer whose decoder asks for `format`.
    ///
    /// # Errors
    /// [`CodecError::Library`].
    fn encoder(&self, format: OpusFormat) -> Result<Box<dyn PacketEncoder>, CodecError>;

    /// A decoder.
    ///
    /// # Errors
    /// [`CodecError::Library`].
    fn decoder(&self) -> Result<Box<dyn PacketDecoder>, CodecError>;
}

/// Why a codec cannot be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CodecError {
    /// It was negotiated, and no plugin brings it: list it only where one does.
    #[error("no plugin for the codec {}", .0.encoding_name())]
    Missing(Codec),
    /// Its library has no memory, or does not know a setting.
    #[error("the library of {} refuses: {message}", .codec.encoding_name())]
    Library {
        /// Which codec.
        codec: Codec,
        /// What the library said.
        message: &'static str,
    },
}

/// The codecs that can be spoken: those of this crate, and those of plugins. Cheap to clone.
#[derive(Clone, Default)]
pub struct Codecs {
    opus: Option<Arc<dyn CodecPlugin>>,
}

impl core::fmt::Debug for Codecs {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Codecs").field("opus", &self.opus.is_some()).finish()
    }
}

impl Codecs {
    /// The same with `plugin`, in place of any other for its codec. A plugin for a codec that this
    /// crate has is not asked.
    #[must_use]
    pub fn with(mut self, plugin: Arc<dyn CodecPlugin>) -> Self {
        if plugin.codec() == Codec::Opus {
            self.opus = Some(plugin);
        }
        self
    }

    /// An encoder for what was negotiated. Allocates.
    ///
    /// # Errors
    /// [`CodecError`].
    pub fn encoder(&self, media: &NegotiatedMedia) -> Result<Encoder, CodecError> {
        match media.codec {
            Codec::Opus => Ok(Encoder::packets(media.codec, self.opus()?.encoder(media.opus)?)),
            codec => Ok(Encoder::new(codec)),
        }
    }

    /// A decoder for `codec`. Allocates.
    ///
    /// # Errors
    /// [`CodecError`].
    pub fn decoder(&self, codec: Codec) -> Result<Decoder, CodecError> {
        match codec {
            Codec::Opus => Ok(Decoder::packets(codec, self.opus()?.decoder()?)),
            codec => Ok(Decoder::new(codec)),
        }
    }

    fn opus(&self) -> Result<&dyn CodecPlugin, CodecError> {
        self.opus.as_deref().ok_or(CodecError::Missing(Codec::Opus))
    }
}
