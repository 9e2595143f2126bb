//! RTCP compound packets: reports, source description, goodbye (RFC 3550 §6).

mod blocks;
mod parse;
mod write;

pub use blocks::{
    NtpTime, REPORTS_MAX, ReportBlock, ReportBlocks, Sdes, SdesChunk, SdesItem, SenderInfo, Ssrcs,
};
pub use parse::{Compound, RtcpPacket};
pub use write::CompoundWriter;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
const SDES_CNAME: u8 = 1;
