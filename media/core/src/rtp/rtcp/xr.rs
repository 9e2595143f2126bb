use super::super::packet::{be16, be32};
use crate::Ssrc;

/// How a call sounds to whoever reports it: the VoIP metrics block of an extended report (RFC 3611
/// §4.7). What is not measured is left out on the wire with the value that says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct VoipMetrics {
    /// Packets that never came, in 1/256.
    pub loss_rate: u8,
    /// Packets that came too late to be played, in 1/256.
    pub discard_rate: u8,
    /// Loss within bursts, in 1/256.
    pub burst_density: u8,
    /// Loss between bursts, in 1/256.
    pub gap_density: u8,
    /// Mean length of a burst.
    pub burst_ms: u16,
    /// Mean length of a gap.
    pub gap_ms: u16,
    /// Between the two RTP ends and back; 0 if it is not known.
    pub round_trip_ms: u16,
    /// What the reporting end adds by itself, packet and jitter buffer.
    pub end_system_delay_ms: u16,
    /// The E-model's rating, 0 to 100; 127: not known.
    pub r_factor: u8,
    /// Mean opinion score of what is heard, in tenths; 127: not known.
    pub mos_listening: u8,
    /// The same with delay taken into account.
    pub mos_conversation: u8,
    /// What the jitter buffer aims for now.
    pub jitter_buffer_ms: u16,
    /// The most that it had in mind so far.
    pub jitter_buffer_max_ms: u16,
    /// The most that it will have.
    pub jitter_buffer_limit_ms: u16,
}

impl VoipMetrics {
    /// Bytes of the block, its header included.
    pub(super) const BYTES: usize = 36;
    /// Says that a value is not known.
    pub const UNKNOWN: u8 = 127;

    /// The block about `source`.
    pub(super) fn to_bytes(self, source: Ssrc) -> [u8; Self::BYTES] {
        let mut out = [0; Self::BYTES];
        // Block type, nothing, and the length in words after the first.
        out[..4].copy_from_slice(&[VOIP_METRICS, 0, 0, 8]);
        out[4..8].copy_from_slice(&source.0.to_be_bytes());
        out[8..12].copy_from_slice(&[
            self.loss_rate,
            self.discard_rate,
            self.burst_density,
            self.gap_density,
        ]);
        let durations = [self.burst_ms, self.gap_ms, self.round_trip_ms, self.end_system_delay_ms];
        put_words(&mut out[12..20], &durations);
        // Signal, noise and echo levels are not measured; bursts end after 16 packets (§4.7.2).
        out[20..24].copy_from_slice(&[Self::UNKNOWN, Self::UNKNOWN, Self::UNKNOWN, GAP_PACKETS]);
        out[24..28].copy_from_slice(&[
            self.r_factor,
            Self::UNKNOWN,
            self.mos_listening,
            self.mos_conversation,
        ]);
        out[28] = RECEIVER_CONFIGURATION;
        let buffer =
            [self.jitter_buffer_ms, self.jitter_buffer_max_ms, self.jitter_buffer_limit_ms];
        put_words(&mut out[30..36], &buffer);
        out
    }

    /// The block after its header; `None` if it is shorter than that.
    fn parse(body: &[u8]) -> Option<(Ssrc, Self)> {
        let body = body.first_chunk::<{ Self::BYTES - 4 }>()?;
        let metrics = Self {
            loss_rate: body[4],
            discard_rate: body[5],
            burst_density: body[6],
            gap_density: body[7],
            burst_ms: be16(&body[8..]),
            gap_ms: be16(&body[10..]),
            round_trip_ms: be16(&body[12..]),
            end_system_delay_ms: be16(&body[14..]),
            r_factor: body[20],
            mos_listening: body[22],
            mos_conversation: body[23],
            jitter_buffer_ms: be16(&body[26..]),
            jitter_buffer_max_ms: be16(&body[28..]),
            jitter_buffer_limit_ms: be16(&body[30..]),
        };
        Some((Ssrc(be32(body)), metrics))
    }
}

/// The blocks of an extended report, checked to lie within it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExtendedBlocks<'a>(pub(super) &'a [u8]);

impl<'a> ExtendedBlocks<'a> {
    /// VoIP metrics with whom they are about. Blocks of other kinds are stepped over.
    pub fn voip_metrics(&self) -> impl Iterator<Item = (Ssrc, VoipMetrics)> + use<'a> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let (kind, body, after) = split_block(rest)?;
            rest = after;
            Some((kind, body))
        })
        .filter(|(kind, _)| *kind == VOIP_METRICS)
        .filter_map(|(_, body)| VoipMetrics::parse(body))
    }

    /// Whether every block is whole.
    pub(super) fn is_whole(&self) -> bool {
        let mut rest = self.0;
        while let Some((_, _, after)) = split_block(rest) {
            rest = after;
        }
        rest.is_empty()
    }
}

/// A block's type, what follows its header, and what follows it.
fn split_block(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (head, rest) = bytes.split_at_checked(4)?;
    let (body, after) = rest.split_at_checked(usize::from(be16(&head[2..])) * 4)?;
    Some((head[0], body, after))
}

fn put_words(out: &mut [u8], words: &[u16]) {
    for (to, word) in out.chunks_exact_mut(2).zip(words) {
        to.copy_from_slice(&word.to_be_bytes());
    }
}

const VOIP_METRICS: u8 = 7;

/// `Gmin`: so many good packets end a burst. What the RFC recommends.
pub(crate) const GAP_PACKETS: u8 = 16;

/// Standard concealment, and an adaptive jitter buffer (§4.7.6).
const RECEIVER_CONFIGURATION: u8 = 0b1111_0000;
