use media_core::{MonoTime, RtpTimestamp, SequenceNumber, Ssrc};

/// The longest Opus frame (RFC 6716 §3.4); packets of several are shorter than a datagram anyway.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 1_275;

/// One packet on its way through a ring.
#[derive(Clone, Copy)]
pub(crate) struct Packet {
    /// When it came from the peer; for one of ours, of no meaning.
    pub at: MonoTime,
    pub ssrc: Ssrc,
    pub sequence: SequenceNumber,
    pub timestamp: RtpTimestamp,
    /// First of a spurt.
    pub marker: bool,
    length: u16,
    bytes: [u8; PAYLOAD_BYTES_MAX],
}

impl Packet {
    /// Without a payload yet.
    pub fn new(ssrc: Ssrc, sequence: SequenceNumber, timestamp: RtpTimestamp) -> Self {
        Self {
            at: MonoTime::ZERO,
            ssrc,
            sequence,
            timestamp,
            marker: false,
            length: 0,
            bytes: [0; PAYLOAD_BYTES_MAX],
        }
    }

    pub fn payload(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// Copies `payload` in; `false` if it is longer than any that are sent.
    pub fn set_payload(&mut self, payload: &[u8]) -> bool {
        let Some(room) = self.bytes.get_mut(..payload.len()) else { return false };
        room.copy_from_slice(payload);
        self.length = payload.len() as u16;
        true
    }

    /// Has `write` fill the payload; it answers with the length.
    pub fn write_payload(&mut self, write: impl FnOnce(&mut [u8]) -> usize) {
        let length = write(&mut self.bytes).min(PAYLOAD_BYTES_MAX);
        self.length = length as u16;
    }
}
