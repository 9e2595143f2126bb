use super::Wish;
use crate::codec::opus;
use crate::rtp::ExtendedSequence;
use crate::{Codec, PayloadType, Ptime, RtpTimestamp};

/// Payload type of comfort noise (RFC 3389 §4). Such a packet has a place in the packet order and
/// in media time, and no length.
pub const COMFORT_NOISE: PayloadType = PayloadType(13);

/// How the length of a packet shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PacketLength {
    /// A byte is a clock tick: G.711 and G.722.
    Bytes,
    /// As an Opus packet's first bytes say. What is no Opus packet counts as long as the one before.
    Opus,
}

impl PacketLength {
    /// How the packets of `codec` show their length.
    #[must_use]
    pub const fn of(codec: Codec) -> Self {
        match codec {
            Codec::Pcmu | Codec::Pcma | Codec::G722 => PacketLength::Bytes,
            Codec::Opus => PacketLength::Opus,
        }
    }

    /// Clock ticks that `payload` lasts; `None` if it does not say.
    #[must_use]
    pub(crate) fn ticks(self, payload: &[u8]) -> Option<u32> {
        match self {
            PacketLength::Bytes => Some(payload.len() as u32),
            PacketLength::Opus => opus::packet_ticks(payload),
        }
    }

    /// The most that a payload of at most `bytes` can last.
    pub(crate) const fn ticks_max(self, bytes: usize) -> usize {
        match self {
            PacketLength::Bytes => bytes,
            PacketLength::Opus => opus::PACKET_TICKS_MAX as usize,
        }
    }
}

/// What a jitter buffer is built for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JitterConfig {
    /// Ticks of the RTP clock per second.
    pub clock_rate_hz: u32,
    /// The sender's ptime as far as it is known; learnt from the packets afterwards.
    pub ptime: Ptime,
    /// How much media is pulled at a time: our own ptime.
    pub pull_ms: u32,
    /// Delay that a stream without jitter gets. Two packets: enough for a sender and an audio
    /// thread that are each a few milliseconds late.
    pub delay_min_ms: u32,
    /// Delay that is never exceeded; media beyond it is skipped.
    pub delay_max_ms: u32,
    /// How long an empty buffer waits for the next packet of a stream before it takes the stream
    /// for paused, and starts anew when it goes on.
    pub hold_max_ms: u32,
    /// Packets that can wait, 8 to 256. 64 are 640 ms at the shortest ptime.
    pub capacity_packets: usize,
    /// Longest payload, in bytes, 1 to 1500. 60 ms of G.711 or G.722 are 480.
    pub payload_bytes_max: usize,
    /// How the length of a packet shows.
    pub packet_length: PacketLength,
}

impl Default for JitterConfig {
    fn default() -> Self {
        Self {
            clock_rate_hz: 8_000,
            ptime: Ptime::MS20,
            pull_ms: 20,
            delay_min_ms: 40,
            delay_max_ms: 240,
            hold_max_ms: 200,
            capacity_packets: 64,
            payload_bytes_max: 480,
            packet_length: PacketLength::Bytes,
        }
    }
}

/// What became of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Inserted {
    /// It waits for its turn.
    Queued,
    /// It is here or was played already.
    Duplicate,
    /// Its turn is over.
    Late,
    /// It does not fit the stream; if the next one fits it, the sender has started over, and
    /// neither is lost.
    Held,
    /// The sender has started over with this packet and the one before it. Both wait.
    Restarted,
    /// It waits, and so many older packets were pushed out to make room.
    Overflowed {
        /// Packets pushed out.
        dropped: u32,
    },
    /// Its payload is longer than a slot. Refused.
    Oversize,
}

/// The next piece of media.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Popped<'a> {
    /// A packet.
    Frame(PoppedFrame<'a>),
    /// A packet of so many ticks did not come. Conceal it.
    Lost {
        /// How long.
        ticks: u32,
    },
    /// The sender sent nothing for so many ticks, on purpose: silence or comfort noise.
    Silence {
        /// How long.
        ticks: u32,
    },
    /// Nothing is here. Conceal so many ticks; the stream goes on where it is.
    Underrun {
        /// How long.
        ticks: u32,
    },
    /// There is no stream, or its beginning is being delayed. Silence until the next pull.
    Waiting,
}

/// A packet whose turn has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoppedFrame<'a> {
    /// Encoded audio.
    pub payload: &'a [u8],
    /// What it is.
    pub payload_type: PayloadType,
    /// The sender's timestamp.
    pub timestamp: RtpTimestamp,
    /// Its place in the packet order, over wraps and restarts.
    pub sequence: ExtendedSequence,
    /// Media it holds, in clock ticks.
    pub ticks: u32,
    /// Packets before it were skipped: the signal jumps.
    pub after_cut: bool,
    /// How delay would meet its target. Tell [`super::JitterBuffer::stretched`] what was done.
    pub wish: Wish,
}

/// Counters and figures of a jitter buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct JitterStatistics {
    /// Packets given out.
    pub played: u64,
    /// Packets reported lost.
    pub lost: u64,
    /// Packets that came after their turn.
    pub late: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Packets pushed out for want of slots.
    pub overflowed: u64,
    /// Packets skipped because delay had reached its maximum.
    pub skipped: u64,
    /// Packets refused as too long.
    pub oversize: u64,
    /// Times the buffer ran empty.
    pub underruns: u64,
    /// Times the sender started over.
    pub restarts: u64,
    /// Packets that fitted nothing and were given up.
    pub strays: u64,
    /// Media taken out by stretching, in clock ticks.
    pub shortened_ticks: u64,
    /// Media added by stretching, in clock ticks.
    pub lengthened_ticks: u64,
    /// Delay of the last packet played above the fastest one's, in milliseconds.
    pub delay_ms: u32,
    /// Highest such delay.
    pub delay_max_ms: u32,
    /// Delay aimed for.
    pub target_ms: u32,
    /// Packets waiting.
    pub waiting: u32,
}
