use super::RtpError;
use crate::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

/// Bytes of the fixed RTP header (RFC 3550 §5.1).
pub const HEADER_BYTES: usize = 12;

/// What the audio path needs of an RTP packet. Contributing sources, header extension and padding
/// are checked and stepped over; [`FullRtpPacket`] shows them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RtpPacket<'a> {
    /// First packet of a talk spurt.
    pub marker: bool,
    /// What the payload is.
    pub payload_type: PayloadType,
    /// Place in the packet order.
    pub sequence: SequenceNumber,
    /// Media time of the payload's first sample, in clock ticks.
    pub timestamp: RtpTimestamp,
    /// Who sends.
    pub ssrc: Ssrc,
    /// Encoded audio, or a telephone event.
    pub payload: &'a [u8],
}

impl<'a> RtpPacket<'a> {
    /// Reads an RTP packet. Real-time safe.
    ///
    /// # Errors
    /// [`RtpError::Truncated`], [`RtpError::Version`], [`RtpError::Padding`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RtpError> {
        FullRtpPacket::parse(bytes).map(|full| full.packet)
    }

    /// Writes the packet without contributing sources, extension or padding; returns its length.
    /// Real-time safe.
    ///
    /// # Errors
    /// [`RtpError::NoRoom`], [`RtpError::Range`] for a payload type above 127.
    pub fn write(&self, out: &mut [u8]) -> Result<usize, RtpError> {
        FullRtpPacket { packet: *self, csrcs: Csrcs(&[]), extension: None, padding: 0 }.write(out)
    }
}

/// An RTP packet with everything its header may carry (RFC 3550 §5.1, §5.3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FullRtpPacket<'a> {
    /// The packet itself.
    pub packet: RtpPacket<'a>,
    /// Contributing sources.
    pub csrcs: Csrcs<'a>,
    /// The header extension.
    pub extension: Option<HeaderExtension<'a>>,
    /// Bytes of padding after the payload, their count included; 0 for none.
    pub padding: u8,
}

/// Contributing sources, as they are on the wire: four bytes each, at most 15.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Csrcs<'a>(pub &'a [u8]);

impl Csrcs<'_> {
    /// The sources, in order.
    pub fn iter(&self) -> impl Iterator<Item = Ssrc> {
        self.0.chunks_exact(4).map(|b| Ssrc(be32(b)))
    }
}

/// A header extension (RFC 3550 §5.3.1, profiles of RFC 8285).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeaderExtension<'a> {
    /// Which kind it is: 0xBEDE for one-byte elements.
    pub profile: u16,
    /// Its content, a multiple of four bytes.
    pub data: &'a [u8],
}

impl<'a> FullRtpPacket<'a> {
    /// Reads an RTP packet. Real-time safe.
    ///
    /// # Errors
    /// [`RtpError::Truncated`], [`RtpError::Version`], [`RtpError::Padding`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RtpError> {
        let cut = RtpError::Truncated { got: bytes.len() };
        let (head, rest) = bytes.split_at_checked(HEADER_BYTES).ok_or(cut)?;
        let version = head[0] >> 6;
        if version != 2 {
            return Err(RtpError::Version(version));
        }
        let csrc_bytes = usize::from(head[0] & 0x0F) * 4;
        let (csrcs, rest) = rest.split_at_checked(csrc_bytes).ok_or(cut)?;
        let has_extension = head[0] & 0x10 != 0;
        let (extension, rest) =
            if has_extension { split_extension(rest).ok_or(cut)? } else { (None, rest) };
        let has_padding = head[0] & 0x20 != 0;
        let (payload, padding) = if has_padding { split_padding(rest)? } else { (rest, 0) };
        let packet = RtpPacket {
            marker: head[1] & 0x80 != 0,
            payload_type: PayloadType(head[1] & 0x7F),
            sequence: SequenceNumber(be16(&head[2..])),
            timestamp: RtpTimestamp(be32(&head[4..])),
            ssrc: Ssrc(be32(&head[8..])),
            payload,
        };
        Ok(Self { packet, csrcs: Csrcs(csrcs), extension, padding })
    }

    /// Bytes [`FullRtpPacket::write`] takes.
    #[must_use]
    pub fn wire_bytes(&self) -> usize {
        let extension = self.extension.map_or(0, |e| 4 + e.data.len());
        HEADER_BYTES
            + self.csrcs.0.len()
            + extension
            + self.packet.payload.len()
            + usize::from(self.padding)
    }

    /// Writes the packet; returns its length. Real-time safe.
    ///
    /// # Errors
    /// [`RtpError::NoRoom`], [`RtpError::Range`].
    pub fn write(&self, out: &mut [u8]) -> Result<usize, RtpError> {
        self.check_ranges()?;
        let need = self.wire_bytes();
        let room = out.len();
        let out = out.get_mut(..need).ok_or(RtpError::NoRoom { need, room })?;
        let p = &self.packet;
        let csrc_count = (self.csrcs.0.len() / 4) as u8;
        out[0] = 0x80
            | if self.padding > 0 { 0x20 } else { 0 }
            | if self.extension.is_some() { 0x10 } else { 0 }
            | csrc_count;
        out[1] = p.payload_type.0 | if p.marker { 0x80 } else { 0 };
        out[2..4].copy_from_slice(&p.sequence.0.to_be_bytes());
        out[4..8].copy_from_slice(&p.timestamp.0.to_be_bytes());
        out[8..12].copy_from_slice(&p.ssrc.0.to_be_bytes());
        let mut rest = &mut out[HEADER_BYTES..];
        rest = put(rest, self.csrcs.0);
        if let Some(e) = self.extension {
            rest = put(rest, &e.profile.to_be_bytes());
            rest = put(rest, &((e.data.len() / 4) as u16).to_be_bytes());
            rest = put(rest, e.data);
        }
        rest = put(rest, p.payload);
        if let Some((count, zeros)) = rest.split_last_mut() {
            zeros.fill(0);
            *count = self.padding;
        }
        Ok(need)
    }

    fn check_ranges(&self) -> Result<(), RtpError> {
        if self.packet.payload_type.0 > 127 {
            return Err(RtpError::Range("payload type"));
        }
        if !self.csrcs.0.len().is_multiple_of(4) || self.csrcs.0.len() > 15 * 4 {
            return Err(RtpError::Range("contributing sources"));
        }
        let extension = self.extension.map_or(0, |e| e.data.len());
        if !extension.is_multiple_of(4) || extension / 4 > usize::from(u16::MAX) {
            return Err(RtpError::Range("header extension"));
        }
        Ok(())
    }
}

/// Whether a datagram on a shared port is RTCP rather than RTP (RFC 5761 §4).
#[must_use]
pub fn looks_like_rtcp(bytes: &[u8]) -> bool {
    bytes.len() >= 2 && bytes[0] >> 6 == 2 && (192..=223).contains(&bytes[1])
}

/// Bytes of a packet's header, contributing sources and extension included; what follows may be
/// encrypted, and is not looked at.
pub(super) fn header_bytes(bytes: &[u8]) -> Result<usize, RtpError> {
    let cut = RtpError::Truncated { got: bytes.len() };
    let head = bytes.get(..HEADER_BYTES).ok_or(cut)?;
    let version = head[0] >> 6;
    if version != 2 {
        return Err(RtpError::Version(version));
    }
    let sources = usize::from(head[0] & 0x0F) * 4;
    let rest = bytes[HEADER_BYTES..].get(sources..).ok_or(cut)?;
    let rest = if head[0] & 0x10 != 0 { split_extension(rest).ok_or(cut)?.1 } else { rest };
    Ok(bytes.len() - rest.len())
}

type ExtensionAndRest<'a> = (Option<HeaderExtension<'a>>, &'a [u8]);

fn split_extension(rest: &[u8]) -> Option<ExtensionAndRest<'_>> {
    let (head, rest) = rest.split_at_checked(4)?;
    let (data, rest) = rest.split_at_checked(usize::from(be16(&head[2..])) * 4)?;
    Some((Some(HeaderExtension { profile: be16(head), data }), rest))
}

fn split_padding(rest: &[u8]) -> Result<(&[u8], u8), RtpError> {
    let padding = rest.last().copied().unwrap_or(0);
    let kept = rest.len().checked_sub(usize::from(padding)).filter(|_| padding > 0);
    kept.map(|n| (&rest[..n], padding)).ok_or(RtpError::Padding(padding))
}

fn put<'o>(out: &'o mut [u8], bytes: &[u8]) -> &'o mut [u8] {
    let (here, rest) = out.split_at_mut(bytes.len());
    here.copy_from_slice(bytes);
    rest
}

pub(super) fn be16(b: &[u8]) -> u16 {
    u16::from_be_bytes([b[0], b[1]])
}

pub(super) fn be32(b: &[u8]) -> u32 {
    u32::from_be_bytes([b[0], b[1], b[2], b[3]])
}
