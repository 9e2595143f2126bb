use arrayvec::ArrayVec;

use super::cipher::{Label, Packet, SessionKeys};
use super::index::{STREAMS_MAX, Stream};
use super::{ENCRYPTED, RTCP_CLEAR_BYTES, RTCP_WORD_BYTES, SrtpError, SrtpKey, SrtpProfile};
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
            rtp: SessionKeys::derive(profile, key, Label::Rtp),
            rtcp: SessionKeys::derive(profile, key, Label::Rtcp),
            streams: ArrayVec::new(),
        }
    }

    /// Takes over from `before`, whose key the peer uses no more: its streams may count on. Real-time
    /// safe.
    pub fn go_on_after(&mut self, before: &Self) {
        self.streams = before.streams.iter().map(Stream::under_another_key).collect();
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
        let sequence = SequenceNumber(be16(&packet[2..]));
        let index = stream.index(sequence);
        if !stream.is_new(index) {
            return Err(SrtpError::Replayed);
        }
        let guesses = [stream.index_after_a_turn(sequence), stream.index_going_on(sequence)];
        let mut may_be = [Some(index)].into_iter().chain(guesses).flatten();
        let is = may_be.find(|&index| {
            // One that it is not leaves the packet as it was.
            self.rtp.open_rtp(Packet { ssrc, index }, packet, clear, tag)
        });
        stream.take(is.ok_or(SrtpError::Authentication)?);
        self.remember(known, stream);
        Ok(length)
    }

    /// The same for RTCP.
    ///
    /// # Errors
    /// [`SrtpError`].
    pub fn rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let cut = SrtpError::Truncated { got: packet.len() };
        let tag_bytes = self.profile.rtcp_tag_bytes();
        let length = packet.len().checked_sub(tag_bytes + RTCP_WORD_BYTES);
        let length = length.filter(|length| *length >= RTCP_CLEAR_BYTES).ok_or(cut)?;
        let (packet, behind) = packet.split_at_mut(length);
        // The tag, and the word before or behind it.
        let word_at = self.profile.rtcp_word_at();
        let word = be32(&behind[word_at..]);
        let tag_at = if word_at == 0 { RTCP_WORD_BYTES } else { 0 };
        let tag = &behind[tag_at..tag_at + tag_bytes];
        let index = u64::from(word & !ENCRYPTED);
        let ssrc = Ssrc(be32(&packet[4..]));
        let (known, mut stream) = self.stream(ssrc);
        if !stream.reports.is_new(index) {
            return Err(SrtpError::Replayed);
        }
        let encrypted = word & ENCRYPTED != 0;
        if !self.rtcp.open_rtcp(Packet { ssrc, index }, packet, (word, encrypted), tag) {
            return Err(SrtpError::Authentication);
        }
        stream.reports.take(index);
        self.remember(known, stream);
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
