//! What we send.

use media_core::OpusFormat;
use media_core::codec::PacketEncoder;
use opus::{Application, Bandwidth, Bitrate, Channels};

use super::RATE_HZ;

pub(super) struct Encoder(opus::Encoder);

/// An encoder as the peer's decoder wants it.
pub(super) fn build(format: OpusFormat) -> Result<Encoder, opus::Error> {
    let mut encoder = opus::Encoder::new(RATE_HZ, Channels::Mono, Application::Voip)?;
    let asked = format.bitrate_max.map_or(BITRATE, |max| max.clamp(BITRATE_MIN, BITRATE));
    encoder.set_bitrate(Bitrate::Bits(asked.cast_signed()))?;
    encoder.set_vbr(!format.constant_bitrate)?;
    encoder.set_complexity(COMPLEXITY)?;
    encoder.set_max_bandwidth(bandwidth(format.playback_hz_max))?;
    encoder.set_inband_fec(format.forward_error_correction)?;
    if format.forward_error_correction {
        encoder.set_packet_loss_perc(LOSS_EXPECTED_PERCENT)?;
    }
    encoder.set_dtx(false)?;
    Ok(Encoder(encoder))
}

impl PacketEncoder for Encoder {
    fn encode(&mut self, pcm: &[i16], out: &mut [u8]) -> usize {
        self.0.encode(pcm, out).unwrap_or(0)
    }
}

/// The widest band whose sampling rate a decoder that plays at `hz` makes use of (RFC 7587 §6.1).
const fn bandwidth(hz: u32) -> Bandwidth {
    match hz {
        0..12_000 => Bandwidth::Narrowband,
        12_000..16_000 => Bandwidth::Mediumband,
        16_000..24_000 => Bandwidth::Wideband,
        24_000..48_000 => Bandwidth::Superwideband,
        _ => Bandwidth::Fullband,
    }
}

/// In the middle of what RFC 7587 §3.1.1 recommends for fullband speech.
const BITRATE: u32 = 32_000;
/// The least that libopus takes seriously (RFC 7587 §6.1).
const BITRATE_MIN: u32 = 6_000;

/// Of 10. Where the ear stops noticing and the processor does not: a third of the work of 10.
const COMPLEXITY: i32 = 5;

/// How much loss the repetition of packets is to be worth its bits for.
const LOSS_EXPECTED_PERCENT: i32 = 10;
