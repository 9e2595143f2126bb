use arrayvec::ArrayVec;

use super::cipher::{Label, SessionKeys};
use super::index::{STREAMS_MAX, Stream};
use super::{ENCRYPTED, RTCP_CLEAR_BYTES, RTCP_TAG_BYTES, SrtpError, SrtpKey, SrtpProfile};
use crate::rtp::packet::{be16, be32, header_bytes};
use crate::{SequenceNumber, Ssrc};

/// Believes what the peer sends, or not: its RTP streams and their RTCP.
pub struct Unprotector {
    profile: SrtpProfile,
    rtp: SessionKeys,
    rtcp: SessionKeys,
    /// The one heard last comes last.
    streams: ArrayVec<Stream, STREAMS_MAX>,
}

impl Unprotector {
    /// Derives the keys. Not for the tick: it costs some microseconds.
    #[must_use]
    pub fn new(profile: SrtpProfile, key: &SrtpKey) -> Self {
        Self {
            profile,
            rtp: SessionKeys::derive(key, Label::Rtp),
            rtcp: SessionKeys::derive(key, Label::Rtcp),
            streams: ArrayVec::new(),
        }
    }

    /// Makes a protected RTP packet readable where it lies; returns its length without the tag.
    /// Real-time safe.
    ///
    /// # Errors
    /// [`SrtpError`]: it is not to be believed. Neither the packet nor what is known of the stream
    /// has changed.
    pub fn rtp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let cut = SrtpError::Truncated { got: packet.len() };
        let length = packet.len().checked_sub(self.profile.rtp_tag_bytes()).ok_or(cut)?;
        let (packet, tag) = packet.split_at_mut(length);
        let clear = header_bytes(packet).map_err(|_| cut)?;
        let ssrc = Ssrc(be32(&packet[8..]));
        let (known, mut stream) = self.stream(ssrc);
        let index = stream.index(SequenceNumber(be16(&packet[2..])));
        if !stream.is_new(index) {
            return Err(SrtpError::Replayed);
        }
        let rollover = ((index >> 16) as u32).to_be_bytes();
        if !self.rtp.is_tag([packet, &rollover], tag) {
            return Err(SrtpError::Authentication);
        }
        stream.take(index);
        self.remember(known, stream);
        self.rtp.apply(ssrc, index, &mut packet[clear..]);
        Ok(length)
    }

    /// The same for RTCP.
    ///
    /// # Errors
    /// [`SrtpError`].
    pub fn rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let cut = SrtpError::Truncated { got: packet.len() };
        let tagged = packet.len().checked_sub(RTCP_TAG_BYTES).ok_or(cut)?;
        let length = tagged.checked_sub(4).filter(|length| *length >= RTCP_CLEAR_BYTES);
        let length = length.ok_or(cut)?;
        let (packet, tag) = packet.split_at_mut(tagged);
        let word = be32(&packet[length..]);
        let index = u64::from(word & !ENCRYPTED);
        let ssrc = Ssrc(be32(&packet[4..]));
        let (known, mut stream) = self.stream(ssrc);
        if !stream.reports.is_new(index) {
            return Err(SrtpError::Replayed);
        }
        if !self.rtcp.is_tag([packet, &[]], tag) {
            return Err(SrtpError::Authentication);
        }
        stream.reports.take(index);
        self.remember(known, stream);
        if word & ENCRYPTED != 0 {
            self.rtcp.apply(ssrc, index, &mut packet[RTCP_CLEAR_BYTES..length]);
        }
        Ok(length)
    }

    fn stream(&self, ssrc: Ssrc) -> (Option<usize>, Stream) {
        let known = self.streams.iter().position(|stream| stream.ssrc == ssrc);
        (known, known.map_or(Stream::new(ssrc), |at| self.streams[at]))
    }

    fn remember(&mut self, known: Option<usize>, stream: Stream) {
        match known {
            Some(at) => drop(self.streams.remove(at)),
            None if self.streams.is_full() => drop(self.streams.remove(0)),
            None => {}
        }
        self.streams.push(stream);
    }
}
