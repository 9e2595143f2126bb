use super::super::packet::be32;
use crate::{MonoTime, RtpTimestamp, Ssrc};

/// Report blocks one RTCP packet can carry.
pub const REPORTS_MAX: usize = 31;

/// A time in NTP's format, 32 bits of seconds and 32 of fraction.
///
/// RFC 3550 §6.4.1 lets a sender count from any origin, so ours is the monotonic clock: a
/// correction of the wall clock does not disturb round-trip times.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// `at` in NTP's format.
    #[must_use]
    pub const fn from_mono(at: MonoTime) -> Self {
        let micros = at.as_micros() as u128;
        Self((micros * (1 << 32) / 1_000_000) as u64)
    }

    /// The middle 32 bits, in 1/65536 s. They wrap every 18.2 h.
    #[must_use]
    pub const fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

/// What a sender tells about its sending.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SenderInfo {
    /// When the report was made, on the sender's clock.
    pub ntp: NtpTime,
    /// The same moment in media time.
    pub timestamp: RtpTimestamp,
    /// Packets sent; wraps.
    pub packets: u32,
    /// Payload bytes sent; wraps.
    pub octets: u32,
}

/// What a receiver tells about one sender.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReportBlock {
    /// The sender it is about.
    pub ssrc: Ssrc,
    /// Loss since the report before, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost since the beginning; negative if duplicates outweigh. 24 bits.
    pub cumulative_lost: i32,
    /// Highest sequence number received, with its cycles.
    pub highest_sequence: u32,
    /// Interarrival jitter, in clock ticks.
    pub jitter: u32,
    /// Middle 32 bits of the last sender report's NTP time; 0 if there was none.
    pub last_sr: u32,
    /// Delay since that report, in 1/65536 s.
    pub delay_since_last_sr: u32,
}

impl ReportBlock {
    pub(super) const BYTES: usize = 24;

    /// `b`: exactly [`ReportBlock::BYTES`] long.
    pub(super) fn read(b: &[u8]) -> Self {
        Self {
            ssrc: Ssrc(be32(b)),
            fraction_lost: b[4],
            cumulative_lost: (be32(&b[4..]) << 8) as i32 >> 8,
            highest_sequence: be32(&b[8..]),
            jitter: be32(&b[12..]),
            last_sr: be32(&b[16..]),
            delay_since_last_sr: be32(&b[20..]),
        }
    }

    pub(super) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut b = [0; Self::BYTES];
        b[..4].copy_from_slice(&self.ssrc.0.to_be_bytes());
        let lost = self.cumulative_lost.clamp(-0x80_0000, 0x7F_FFFF);
        b[4..8].copy_from_slice(&(lost as u32).to_be_bytes());
        b[4] = self.fraction_lost;
        b[8..12].copy_from_slice(&self.highest_sequence.to_be_bytes());
        b[12..16].copy_from_slice(&self.jitter.to_be_bytes());
        b[16..20].copy_from_slice(&self.last_sr.to_be_bytes());
        b[20..].copy_from_slice(&self.delay_since_last_sr.to_be_bytes());
        b
    }
}

/// The report blocks of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReportBlocks<'a>(pub(super) &'a [u8]);

impl ReportBlocks<'_> {
    /// The blocks, in order.
    pub fn iter(&self) -> impl Iterator<Item = ReportBlock> {
        self.0.chunks_exact(ReportBlock::BYTES).map(ReportBlock::read)
    }
}

/// The sources that say goodbye.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ssrcs<'a>(pub(super) &'a [u8]);

impl Ssrcs<'_> {
    /// The sources, in order.
    pub fn iter(&self) -> impl Iterator<Item = Ssrc> {
        self.0.chunks_exact(4).map(|b| Ssrc(be32(b)))
    }
}

/// Who the sources are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sdes<'a> {
    pub(super) count: u8,
    pub(super) body: &'a [u8],
}

/// One source's description.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SdesChunk<'a> {
    /// The source.
    pub ssrc: Ssrc,
    items: &'a [u8],
}

/// One statement about a source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SdesItem<'a> {
    /// 1 is CNAME (RFC 3550 §6.5).
    pub kind: u8,
    /// What is said, nominally UTF-8.
    pub text: &'a [u8],
}

impl<'a> Sdes<'a> {
    /// The descriptions, in order.
    pub fn chunks(&self) -> impl Iterator<Item = SdesChunk<'a>> + use<'a> {
        let mut rest = self.body;
        (0..self.count).map_while(move |_| {
            let (chunk, after) = split_chunk(rest)?;
            rest = after;
            Some(chunk)
        })
    }

    /// Whether every announced chunk is there and whole.
    pub(super) fn is_whole(&self) -> bool {
        self.chunks().count() == usize::from(self.count)
    }
}

impl<'a> SdesChunk<'a> {
    /// The statements, in order.
    pub fn items(&self) -> impl Iterator<Item = SdesItem<'a>> + use<'a> {
        let mut rest = self.items;
        core::iter::from_fn(move || {
            let (item, after) = split_item(rest)?;
            rest = after;
            Some(item)
        })
    }

    /// The canonical name, if it is stated.
    #[must_use]
    pub fn cname(&self) -> Option<&'a [u8]> {
        self.items().find(|i| i.kind == super::SDES_CNAME).map(|i| i.text)
    }
}

/// One chunk, its items without the terminating zeros, and what follows it.
fn split_chunk(body: &[u8]) -> Option<(SdesChunk<'_>, &[u8])> {
    let (ssrc, rest) = body.split_at_checked(4)?;
    let mut tail = rest;
    while let Some((_, after)) = split_item(tail) {
        tail = after;
    }
    let items_bytes = rest.len() - tail.len();
    if tail.first() != Some(&0) {
        return None;
    }
    let chunk_bytes = (items_bytes + 1).next_multiple_of(4);
    let after = rest.get(chunk_bytes..)?;
    Some((SdesChunk { ssrc: Ssrc(be32(ssrc)), items: &rest[..items_bytes] }, after))
}

fn split_item(rest: &[u8]) -> Option<(SdesItem<'_>, &[u8])> {
    let &[kind, length] = rest.first_chunk::<2>()?;
    if kind == 0 {
        return None;
    }
    let text = rest.get(2..2 + usize::from(length))?;
    Some((SdesItem { kind, text }, &rest[2 + text.len()..]))
}
