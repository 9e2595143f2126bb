use super::super::RtcpError;
use super::super::packet::{be16, be32};
use super::blocks::{NtpTime, ReportBlock, ReportBlocks, Sdes, SenderInfo, Ssrcs};
use super::xr::ExtendedBlocks;
use super::{EXTENDED_REPORT, GOODBYE, RECEIVER_REPORT, SENDER_REPORT, SOURCE_DESCRIPTION};
use crate::{RtpTimestamp, Ssrc};

/// One packet of a compound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RtcpPacket<'a> {
    /// From somebody who sends media.
    SenderReport {
        /// Who reports.
        ssrc: Ssrc,
        /// What was sent.
        sender: SenderInfo,
        /// What was received.
        reports: ReportBlocks<'a>,
    },
    /// From somebody who only receives.
    ReceiverReport {
        /// Who reports.
        ssrc: Ssrc,
        /// What was received.
        reports: ReportBlocks<'a>,
    },
    /// Who the sources are.
    SourceDescription(Sdes<'a>),
    /// Sources that leave.
    Goodbye {
        /// Which.
        ssrcs: Ssrcs<'a>,
        /// Why, nominally UTF-8.
        reason: Option<&'a [u8]>,
    },
    /// More than a report has room for (RFC 3611).
    ExtendedReport {
        /// Who reports.
        ssrc: Ssrc,
        /// What.
        blocks: ExtendedBlocks<'a>,
    },
    /// A kind we have no use for: APP, feedback, extended reports that are not whole.
    Other {
        /// Which kind.
        packet_type: u8,
        /// What follows its first word.
        body: &'a [u8],
    },
}

/// A compound RTCP packet, checked as RFC 3550 A.2 says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Compound<'a>(&'a [u8]);

impl<'a> Compound<'a> {
    /// Checks a datagram. Real-time safe.
    ///
    /// # Errors
    /// [`RtcpError`], for a compound that is malformed in any of its packets.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RtcpError> {
        let mut rest = bytes;
        let mut first = true;
        while first || !rest.is_empty() {
            let (packet, after) = split_packet(rest)?;
            if first && !matches!(packet.packet_type, SENDER_REPORT | RECEIVER_REPORT) {
                return Err(RtcpError::First(packet.packet_type));
            }
            if packet.padded && !after.is_empty() {
                return Err(RtcpError::Padding);
            }
            packet.read()?;
            first = false;
            rest = after;
        }
        Ok(Self(bytes))
    }

    /// Its packets, in order.
    pub fn iter(&self) -> impl Iterator<Item = RtcpPacket<'a>> + use<'a> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let (packet, after) = split_packet(rest).ok()?;
            rest = after;
            packet.read().ok()
        })
    }
}

struct Raw<'a> {
    packet_type: u8,
    count: u8,
    padded: bool,
    body: &'a [u8],
}

fn split_packet(bytes: &[u8]) -> Result<(Raw<'_>, &[u8]), RtcpError> {
    let cut = RtcpError::Truncated { got: bytes.len() };
    let (head, rest) = bytes.split_at_checked(4).ok_or(cut)?;
    if head[0] >> 6 != 2 {
        return Err(RtcpError::Version(head[0] >> 6));
    }
    let (body, after) = rest.split_at_checked(usize::from(be16(&head[2..])) * 4).ok_or(cut)?;
    let padded = head[0] & 0x20 != 0;
    let body = if padded { without_padding(body)? } else { body };
    Ok((Raw { packet_type: head[1], count: head[0] & 0x1F, padded, body }, after))
}

fn without_padding(body: &[u8]) -> Result<&[u8], RtcpError> {
    let padding = usize::from(body.last().copied().unwrap_or(0));
    let kept = body.len().checked_sub(padding);
    kept.filter(|_| padding > 0 && padding.is_multiple_of(4))
        .map(|n| &body[..n])
        .ok_or(RtcpError::Padding)
}

impl<'a> Raw<'a> {
    fn read(&self) -> Result<RtcpPacket<'a>, RtcpError> {
        self.read_known().ok_or(RtcpError::Malformed(self.packet_type))
    }

    fn read_known(&self) -> Option<RtcpPacket<'a>> {
        match self.packet_type {
            SENDER_REPORT => {
                let (head, rest) = self.body.split_at_checked(24)?;
                let sender = SenderInfo {
                    ntp: NtpTime(u64::from(be32(&head[4..])) << 32 | u64::from(be32(&head[8..]))),
                    timestamp: RtpTimestamp(be32(&head[12..])),
                    packets: be32(&head[16..]),
                    octets: be32(&head[20..]),
                };
                let reports = self.reports(rest)?;
                Some(RtcpPacket::SenderReport { ssrc: Ssrc(be32(head)), sender, reports })
            }
            RECEIVER_REPORT => {
                let (head, rest) = self.body.split_at_checked(4)?;
                let reports = self.reports(rest)?;
                Some(RtcpPacket::ReceiverReport { ssrc: Ssrc(be32(head)), reports })
            }
            SOURCE_DESCRIPTION => {
                let sdes = Sdes { count: self.count, body: self.body };
                sdes.is_whole().then_some(RtcpPacket::SourceDescription(sdes))
            }
            GOODBYE => {
                let (ssrcs, rest) = self.body.split_at_checked(usize::from(self.count) * 4)?;
                let reason = match rest.split_first() {
                    None => None,
                    Some((&length, text)) => Some(text.get(..usize::from(length))?),
                };
                Some(RtcpPacket::Goodbye { ssrcs: Ssrcs(ssrcs), reason })
            }
            EXTENDED_REPORT if let Some(report) = self.extended() => Some(report),
            packet_type => Some(RtcpPacket::Other { packet_type, body: self.body }),
        }
    }

    /// An extended report, if it is whole. One that is not costs nobody the reports beside it.
    fn extended(&self) -> Option<RtcpPacket<'a>> {
        let (ssrc, rest) = self.body.split_at_checked(4)?;
        let blocks = ExtendedBlocks(rest);
        blocks.is_whole().then_some(RtcpPacket::ExtendedReport { ssrc: Ssrc(be32(ssrc)), blocks })
    }

    /// The report blocks; profile-specific extensions after them are ignored (RFC 3550 §6.4.3).
    fn reports(&self, rest: &'a [u8]) -> Option<ReportBlocks<'a>> {
        rest.get(..usize::from(self.count) * ReportBlock::BYTES).map(ReportBlocks)
    }
}
