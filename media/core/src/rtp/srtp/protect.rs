use super::cipher::{Label, Packet, SessionKeys};
use super::{ENCRYPTED, RTCP_CLEAR_BYTES, RTCP_WORD_BYTES, SrtpError, SrtpKey, SrtpProfile};
use crate::rtp::packet::{be16, be32, header_bytes};
use crate::{SequenceNumber, Ssrc};

/// Protects what we send: one RTP stream and its RTCP.
pub struct Protector {
    profile: SrtpProfile,
    rtp: SessionKeys,
    rtcp: SessionKeys,
    /// The newest packet's index; counts on over the wraps of the sequence number.
    newest: Option<(Ssrc, u64)>,
    reports: u32,
}

impl Protector {
    /// Derives the keys. Not for the tick: it costs some microseconds.
    #[must_use]
    pub fn new(profile: SrtpProfile, key: &SrtpKey) -> Self {
        Self {
            profile,
            rtp: SessionKeys::derive(profile, key, Label::Rtp),
            rtcp: SessionKeys::derive(profile, key, Label::Rtcp),
            newest: None,
            reports: 0,
        }
    }

    /// Protects the RTP packet that is the first `length` bytes of `buffer`; returns its new length,
    /// which is at most [`super::SRTP_BYTES_ADDED_MAX`] more. Packets come in the order of their
    /// numbers, each number once: as an [`crate::rtp::RtpStream`] makes them. Real-time safe.
    ///
    /// # Errors
    /// [`SrtpError`]; the buffer is not to be sent then.
    pub fn rtp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, SrtpError> {
        let cut = SrtpError::Truncated { got: length };
        let packet = buffer.get(..length).ok_or(cut)?;
        let clear = header_bytes(packet).map_err(|_| cut)?;
        let (ssrc, sequence) = (Ssrc(be32(&packet[8..])), SequenceNumber(be16(&packet[2..])));
        let index = self.next_index(ssrc, sequence)?;
        let end = length + self.profile.rtp_tag_bytes();
        let room = buffer.len();
        let buffer = buffer.get_mut(..end).ok_or(SrtpError::NoRoom { need: end, room })?;
        let (packet, tag) = buffer.split_at_mut(length);
        self.rtp.seal_rtp(Packet { ssrc, index }, packet, clear, tag);
        Ok(end)
    }

    /// The same for a compound RTCP packet.
    ///
    /// # Errors
    /// [`SrtpError`].
    pub fn rtcp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, SrtpError> {
        let cut = SrtpError::Truncated { got: length };
        if length < RTCP_CLEAR_BYTES {
            return Err(cut);
        }
        let tag_bytes = self.profile.rtcp_tag_bytes();
        let end = length + RTCP_WORD_BYTES + tag_bytes;
        let room = buffer.len();
        let buffer = buffer.get_mut(..end).ok_or(SrtpError::NoRoom { need: end, room })?;
        let index = self.reports.checked_add(1).filter(|index| *index < ENCRYPTED);
        self.reports = index.ok_or(SrtpError::Exhausted)?;
        let which = Packet { ssrc: Ssrc(be32(&buffer[4..])), index: self.reports.into() };
        let word = self.reports | ENCRYPTED;
        let (packet, behind) = buffer.split_at_mut(length);
        // The tag, and the word before or behind it.
        let word_at = self.profile.rtcp_word_at();
        behind[word_at..word_at + RTCP_WORD_BYTES].copy_from_slice(&word.to_be_bytes());
        let tag_at = if word_at == 0 { RTCP_WORD_BYTES } else { 0 };
        self.rtcp.seal_rtcp(which, packet, word, &mut behind[tag_at..tag_at + tag_bytes]);
        Ok(end)
    }

    /// The index of the next packet. A stream with another SSRC starts at 0 again.
    fn next_index(&mut self, ssrc: Ssrc, sequence: SequenceNumber) -> Result<u64, SrtpError> {
        let first = u64::from(sequence.0);
        let index = match self.newest {
            Some((before, newest)) if before == ssrc => {
                let ahead = sequence.0.wrapping_sub(newest as u16);
                // The same number again would use up the same key stream twice.
                if ahead == 0 || ahead >= 1 << 15 {
                    return Err(SrtpError::Replayed);
                }
                newest + u64::from(ahead)
            }
            _ => first,
        };
        if index >= INDEX_END {
            return Err(SrtpError::Exhausted);
        }
        self.newest = Some((ssrc, index));
        Ok(index)
    }
}

/// RFC 3711 §9.2: 2⁴⁸ packets of RTP, 178,000 years of voice.
const INDEX_END: u64 = 1 << 48;
