//! RTCP compound packets: reports, source description, goodbye (RFC 3550 §6), and of the extended
//! reports VoIP metrics (RFC 3611).

mod blocks;
mod parse;
mod write;
mod xr;

pub use blocks::{
    NtpTime, REPORTS_MAX, ReportBlock, ReportBlocks, Sdes, SdesChunk, SdesItem, SenderInfo, Ssrcs,
};
pub use parse::{Compound, RtcpPacket};
pub use write::CompoundWriter;
pub(crate) use xr::GAP_PACKETS;
pub use xr::{ExtendedBlocks, VoipMetrics};

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
const EXTENDED_REPORT: u8 = 207;
const SDES_CNAME: u8 = 1;
