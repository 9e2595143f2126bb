use super::super::RtcpError;
use super::blocks::{REPORTS_MAX, ReportBlock, SenderInfo};
use super::xr::VoipMetrics;
use super::{
    EXTENDED_REPORT, GOODBYE, RECEIVER_REPORT, SDES_CNAME, SENDER_REPORT, SOURCE_DESCRIPTION,
};
use crate::Ssrc;

/// Writes a compound RTCP packet into a buffer, one packet after the other. Start it with a
/// report (RFC 3550 §6.1). Real-time safe. After an error the buffer holds what went before.
#[derive(Debug)]
pub struct CompoundWriter<'b> {
    out: &'b mut [u8],
    at: usize,
}

impl<'b> CompoundWriter<'b> {
    /// Writes into `out`.
    pub const fn new(out: &'b mut [u8]) -> Self {
        Self { out, at: 0 }
    }

    /// Adds a sender report.
    ///
    /// # Errors
    /// [`RtcpError::NoRoom`], [`RtcpError::Range`] for more than [`REPORTS_MAX`] blocks.
    pub fn sender_report(
        &mut self,
        ssrc: Ssrc,
        sender: &SenderInfo,
        reports: &[ReportBlock],
    ) -> Result<&mut Self, RtcpError> {
        let body = 24 + reports.len() * ReportBlock::BYTES;
        self.packet(SENDER_REPORT, report_count(reports)?, body, |w| {
            w.put(&ssrc.0.to_be_bytes());
            w.put(&sender.ntp.0.to_be_bytes());
            w.put(&sender.timestamp.0.to_be_bytes());
            w.put(&sender.packets.to_be_bytes());
            w.put(&sender.octets.to_be_bytes());
            reports.iter().for_each(|r| w.put(&r.to_bytes()));
        })
    }

    /// Adds a receiver report.
    ///
    /// # Errors
    /// [`RtcpError::NoRoom`], [`RtcpError::Range`] for more than [`REPORTS_MAX`] blocks.
    pub fn receiver_report(
        &mut self,
        ssrc: Ssrc,
        reports: &[ReportBlock],
    ) -> Result<&mut Self, RtcpError> {
        let body = 4 + reports.len() * ReportBlock::BYTES;
        self.packet(RECEIVER_REPORT, report_count(reports)?, body, |w| {
            w.put(&ssrc.0.to_be_bytes());
            reports.iter().for_each(|r| w.put(&r.to_bytes()));
        })
    }

    /// Adds a source description with the canonical name, at most 255 bytes of it.
    ///
    /// # Errors
    /// [`RtcpError::NoRoom`], [`RtcpError::Range`].
    pub fn cname(&mut self, ssrc: Ssrc, cname: &[u8]) -> Result<&mut Self, RtcpError> {
        let length = u8::try_from(cname.len()).map_err(|_| RtcpError::Range("CNAME"))?;
        let body = (4 + 2 + cname.len() + 1).next_multiple_of(4);
        self.packet(SOURCE_DESCRIPTION, 1, body, |w| {
            w.put(&ssrc.0.to_be_bytes());
            w.put(&[SDES_CNAME, length]);
            w.put(cname);
        })
    }

    /// Adds an extended report of `ssrc` with how `source` sounds.
    ///
    /// # Errors
    /// [`RtcpError::NoRoom`].
    pub fn voip_metrics(
        &mut self,
        ssrc: Ssrc,
        source: Ssrc,
        metrics: &VoipMetrics,
    ) -> Result<&mut Self, RtcpError> {
        self.packet(EXTENDED_REPORT, 0, 4 + VoipMetrics::BYTES, |w| {
            w.put(&ssrc.0.to_be_bytes());
            w.put(&metrics.to_bytes(source));
        })
    }

    /// Adds a goodbye, with a reason of at most 255 bytes; an empty one is left out.
    ///
    /// # Errors
    /// [`RtcpError::NoRoom`], [`RtcpError::Range`].
    pub fn goodbye(&mut self, ssrc: Ssrc, reason: &[u8]) -> Result<&mut Self, RtcpError> {
        let length = u8::try_from(reason.len()).map_err(|_| RtcpError::Range("reason"))?;
        let text = if reason.is_empty() { 0 } else { 1 + reason.len() };
        self.packet(GOODBYE, 1, (4 + text).next_multiple_of(4), |w| {
            w.put(&ssrc.0.to_be_bytes());
            if length > 0 {
                w.put(&[length]);
                w.put(reason);
            }
        })
    }

    /// Bytes written.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.at
    }

    /// Whether nothing was written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.at == 0
    }

    /// Writes a header, then `fill`, then zeros up to `body` bytes, a multiple of four.
    fn packet(
        &mut self,
        packet_type: u8,
        count: u8,
        body: usize,
        fill: impl FnOnce(&mut Self),
    ) -> Result<&mut Self, RtcpError> {
        let (need, room) = (4 + body, self.out.len() - self.at);
        if need > room {
            return Err(RtcpError::NoRoom { need, room });
        }
        let end = self.at + need;
        self.out[self.at..end].fill(0);
        self.put(&[0x80 | count, packet_type]);
        self.put(&((body / 4) as u16).to_be_bytes());
        fill(self);
        self.at = end;
        Ok(self)
    }

    fn put(&mut self, bytes: &[u8]) {
        self.out[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }
}

fn report_count(reports: &[ReportBlock]) -> Result<u8, RtcpError> {
    u8::try_from(reports.len())
        .ok()
        .filter(|&n| usize::from(n) <= REPORTS_MAX)
        .ok_or(RtcpError::Range("report blocks"))
}
