/// Why bytes are not an RTP packet, or do not fit where one is to be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RtpError {
    /// Shorter than its header says.
    #[error("RTP packet is cut short at {got} bytes")]
    Truncated {
        /// Bytes there were.
        got: usize,
    },
    /// Not RTP version 2.
    #[error("RTP version {0} is not 2")]
    Version(u8),
    /// The padding count is zero or larger than the payload.
    #[error("RTP padding of {0} bytes does not fit")]
    Padding(u8),
    /// The packet to be written does not fit into the buffer.
    #[error("{need} bytes do not fit into {room}")]
    NoRoom {
        /// Bytes it takes.
        need: usize,
        /// Bytes there are.
        room: usize,
    },
    /// A field of the packet to be written has no room in the wire format.
    #[error("{0} is out of the wire format's range")]
    Range(&'static str),
}

/// Why bytes are not a compound RTCP packet, or do not fit where one is to be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RtcpError {
    /// Shorter than a header says.
    #[error("RTCP packet is cut short at {got} bytes")]
    Truncated {
        /// Bytes there were.
        got: usize,
    },
    /// Not RTP version 2.
    #[error("RTCP version {0} is not 2")]
    Version(u8),
    /// The first packet is neither SR nor RR (RFC 3550 §6.1).
    #[error("compound RTCP starts with packet type {0}, neither SR nor RR")]
    First(u8),
    /// Padding on a packet that is not the last, or of a size that does not fit.
    #[error("RTCP padding does not fit")]
    Padding,
    /// A packet's content contradicts its header.
    #[error("RTCP packet of type {0} is malformed")]
    Malformed(u8),
    /// The packet to be written does not fit into the buffer.
    #[error("{need} bytes do not fit into {room}")]
    NoRoom {
        /// Bytes it takes.
        need: usize,
        /// Bytes there are.
        room: usize,
    },
    /// A field of the packet to be written has no room in the wire format.
    #[error("{0} is out of the wire format's range")]
    Range(&'static str),
}
