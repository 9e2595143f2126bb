//! RTP and RTCP: packets, wrap-safe counters, reception statistics, DTMF events, source lock.
//!
//! Everything here is real-time safe unless it says otherwise: no allocation, bounded loops, and
//! typed errors for whatever a peer may send. Sources: RFC 3550 (RTP, RTCP), RFC 3551 (profile),
//! RFC 4733 (telephone events), RFC 3711 (secure RTP, in [`srtp`]).

mod continuity;
mod dtmf;
mod dtmf_sender;
mod error;
mod exercise;
mod packet;
mod peer;
mod rtcp;
mod session;
mod source_lock;
pub mod srtp;
mod statistics;
mod stream;
mod unwrap;

pub use continuity::{Continuity, QUIET, QUIET_BETWEEN_WORDS};
pub use dtmf::{Digit, DtmfReceiver, TelephoneEvent};
pub use dtmf_sender::{DIGITS_PENDING_MAX, DtmfPacket, DtmfSender};
pub use error::{RtcpError, RtpError};
pub use exercise::{exercise_dtmf, exercise_rtcp, exercise_rtp};
pub use packet::{Csrcs, FullRtpPacket, HEADER_BYTES, HeaderExtension, RtpPacket, looks_like_rtcp};
pub use peer::Peer;
pub(crate) use rtcp::GAP_PACKETS;
pub use rtcp::{
    Compound, CompoundWriter, ExtendedBlocks, NtpTime, REPORTS_MAX, ReportBlock, ReportBlocks,
    RtcpPacket, Sdes, SdesChunk, SdesItem, SenderInfo, Ssrcs, VoipMetrics,
};
pub use session::{RemoteView, RtcpSession};
pub use source_lock::{Admission, CONSISTENT_PACKETS, SourceLock};
pub use statistics::{ReceiverStatistics, ReceptionSnapshot};
pub use stream::RtpStream;
pub use unwrap::{ExtendedSequence, SequenceUnwrapper, TimestampUnwrapper};
