//! What carries a leg's audio between the line and its peer.

use media_core::codec::{CodecError, Codecs};
use media_core::plugin::{AudioSink, AudioSource};
use media_core::{MonoTime, NegotiatedMedia, SampleRate};

use crate::audio::{Carriage, Coders, Ends, Leg, LegParts};
use crate::ports::RtpPort;

/// The way that audio takes between a leg and its peer.
pub enum Carrier {
    /// RTP over sockets of the audio thread's own.
    Rtp {
        /// Where it receives, from [`crate::Engine::reserve_port`].
        port: RtpPort,
        /// What was negotiated with the peer.
        media: NegotiatedMedia,
    },
    /// Somebody else's packets: a browser's, a room's, a sound device's. Such a peer presses no keys
    /// and has no re-INVITEs, and its silence is no [`crate::LineEvent::MediaTimeout`]: whoever
    /// carries it knows when it is gone.
    Ends {
        /// What the peer says. The leg has its rate.
        source: Box<dyn AudioSource>,
        /// What it is sent; converted where its rate is another.
        sink: Box<dyn AudioSink>,
    },
}

impl std::fmt::Debug for Carrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rtp { port, media } => {
                let (at, codec) = (port.local_addr(), media.codec);
                f.debug_struct("Rtp").field("port", &at).field("codec", &codec).finish()
            }
            Self::Ends { source, .. } => {
                f.debug_struct("Ends").field("rate", &source.sample_rate()).finish()
            }
        }
    }
}

impl Carrier {
    /// Rate of the peer's audio.
    #[must_use]
    pub fn sample_rate(&self) -> SampleRate {
        match self {
            Self::Rtp { media, .. } => media.codec.sample_rate(),
            Self::Ends { source, .. } => source.sample_rate(),
        }
    }

    /// What was negotiated, where anything was.
    pub(crate) fn media(&self) -> Option<&NegotiatedMedia> {
        match self {
            Self::Rtp { media, .. } => Some(media),
            Self::Ends { .. } => None,
        }
    }

    /// Takes what coding needs, so that a refusal comes before anything is counted in.
    pub(crate) fn equip(self, codecs: &Codecs) -> Result<Equipped, CodecError> {
        let coders = self.media().map(|media| Coders::new(codecs, media)).transpose()?;
        Ok(Equipped { carrier: self, coders })
    }
}

/// A carrier with its coders, if it needs any.
pub(crate) struct Equipped {
    pub carrier: Carrier,
    coders: Option<Coders>,
}

impl Equipped {
    /// The tick's half. `line_rate`: the seat's.
    pub fn mount(self, line_rate: SampleRate, tick_ms: u32, now: MonoTime) -> Carriage {
        match (self.carrier, self.coders) {
            (Carrier::Rtp { port, media }, Some(coders)) => {
                let parts = LegParts { port, media, coders, line_rate, tick_ms, now };
                Carriage::Rtp(Box::new(Leg::new(parts)))
            }
            (Carrier::Ends { source, sink }, _) => Carriage::Ends(Ends::new(source, sink)),
            (Carrier::Rtp { .. }, None) => Carriage::Nobody,
        }
    }
}
