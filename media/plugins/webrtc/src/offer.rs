//! Judges an offer before anything is opened for it. Pure: text in, text or an error out.

use std::net::IpAddr;

use media_core::OpusFormat;

use crate::OfferError;

/// An offer that can be answered: one audio section with Opus, over DTLS and ICE.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    sdp: String,
    opus: OpusFormat,
}

impl Offer {
    /// Reads an offer as a browser makes it.
    ///
    /// Candidates that we could not use are left out of it: TCP, and names (`.local`, RFC draft
    /// mdns-ice-candidates), because nothing here resolves names.
    ///
    /// # Errors
    /// [`OfferError`].
    pub fn parse(text: &str) -> Result<Offer, OfferError> {
        if text.len() > OFFER_BYTES_MAX {
            return Err(OfferError::TooLong { bytes: text.len(), max: OFFER_BYTES_MAX });
        }
        if text.lines().next() != Some("v=0") {
            return Err(OfferError::NotSdp);
        }
        let mut seen = Seen::default();
        let mut sdp = String::with_capacity(text.len() + 64);
        for (index, line) in text.lines().enumerate() {
            if index >= LINES_MAX {
                return Err(OfferError::TooMany { what: "lines", max: LINES_MAX });
            }
            let (kind, value) = split(line).ok_or(OfferError::BadLine { line: index + 1 })?;
            if seen.look(kind, value)? {
                sdp.push_str(line);
                sdp.push_str("\r\n");
            }
        }
        let opus = seen.judge()?;
        Ok(Offer { sdp, opus })
    }

    /// The description, as far as it is used.
    #[must_use]
    pub fn sdp(&self) -> &str {
        &self.sdp
    }

    /// What the peer's decoder asks for.
    #[must_use]
    pub fn opus(&self) -> OpusFormat {
        self.opus
    }
}

/// What the lines so far have said.
#[derive(Default)]
struct Seen {
    audio: bool,
    candidates: usize,
    fingerprint: bool,
    credentials: (bool, bool),
    muxed: bool,
    opus: Option<u8>,
    /// Of any payload type; which is Opus may come later.
    formats: Vec<(u8, OpusFormat)>,
}

impl Seen {
    /// Takes a line; answers whether it is to stay.
    fn look(&mut self, kind: u8, value: &str) -> Result<bool, OfferError> {
        match kind {
            b'm' => self.media(value)?,
            b'a' => return self.attribute(value),
            _ => {}
        }
        Ok(true)
    }

    fn media(&mut self, value: &str) -> Result<(), OfferError> {
        if self.audio || !value.starts_with("audio ") {
            return Err(OfferError::MoreThanAudio);
        }
        self.audio = true;
        Ok(())
    }

    fn attribute(&mut self, value: &str) -> Result<bool, OfferError> {
        let (name, rest) = value.split_once(':').unwrap_or((value, ""));
        match name {
            "candidate" => return self.candidate(rest),
            "fingerprint" => self.fingerprint = true,
            "ice-ufrag" => self.credentials.0 = true,
            "ice-pwd" => self.credentials.1 = true,
            "rtcp-mux" => self.muxed = true,
            "rtpmap" => {
                let (number, codec) = rest.split_once(' ').unwrap_or((rest, ""));
                if codec.trim_end().eq_ignore_ascii_case("opus/48000/2") && self.opus.is_none() {
                    self.opus = number.parse().ok();
                }
            }
            "fmtp" => {
                let (number, parameters) = rest.split_once(' ').unwrap_or((rest, ""));
                if let Ok(number) = number.parse() {
                    self.formats.push((number, format(parameters)));
                }
            }
            _ => {}
        }
        Ok(true)
    }

    fn candidate(&mut self, value: &str) -> Result<bool, OfferError> {
        self.candidates += 1;
        if self.candidates > CANDIDATES_MAX {
            return Err(OfferError::TooMany { what: "candidates", max: CANDIDATES_MAX });
        }
        Ok(is_usable(value))
    }

    fn judge(self) -> Result<OpusFormat, OfferError> {
        let missing = |attribute| Err(OfferError::Missing { attribute });
        if !self.audio {
            return Err(OfferError::NoAudio);
        }
        let Some(opus) = self.opus else { return Err(OfferError::NoOpus) };
        if !self.fingerprint {
            return missing("fingerprint");
        }
        if self.credentials != (true, true) {
            return missing("ice-ufrag and ice-pwd");
        }
        if !self.muxed {
            return missing("rtcp-mux");
        }
        let format = self.formats.into_iter().find(|(number, _)| *number == opus);
        Ok(format.map_or_else(OpusFormat::default, |(_, format)| format))
    }
}

/// Whether a candidate is one of ours to try: UDP, towards a number.
pub(crate) fn is_usable(candidate: &str) -> bool {
    let mut fields = candidate.split_ascii_whitespace().skip(2);
    let (transport, address) = (fields.next(), fields.nth(1));
    transport.is_some_and(|transport| transport.eq_ignore_ascii_case("udp"))
        && address.is_some_and(|address| address.parse::<IpAddr>().is_ok())
}

fn split(line: &str) -> Option<(u8, &str)> {
    let (kind, value) = line.split_at_checked(2)?;
    match kind.as_bytes() {
        [kind @ b'a'..=b'z', b'='] => Some((*kind, value)),
        _ => None,
    }
}

/// RFC 7587 §6.1.
fn format(parameters: &str) -> OpusFormat {
    let mut format = OpusFormat::default();
    for parameter in parameters.split(';') {
        let (name, value) = parameter.trim().split_once('=').unwrap_or((parameter.trim(), ""));
        match name {
            "useinbandfec" => format.forward_error_correction = value == "1",
            "cbr" => format.constant_bitrate = value == "1",
            "maxplaybackrate" => {
                format.playback_hz_max = value.parse().unwrap_or(format.playback_hz_max);
            }
            "maxaveragebitrate" => format.bitrate_max = value.parse().ok(),
            _ => {}
        }
    }
    format
}

/// Chromium's with one audio section is 2 KB and some 60 lines.
const OFFER_BYTES_MAX: usize = 16 * 1024;
const LINES_MAX: usize = 256;

/// Two for each of a dozen addresses.
const CANDIDATES_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111 9\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n\
        a=fingerprint:sha-256 AA\r\na=setup:actpass\r\na=mid:0\r\na=rtcp-mux\r\n\
        a=fmtp:111 minptime=10;useinbandfec=1;maxplaybackrate=16000\r\na=rtpmap:111 opus/48000/2\r\n\
        a=rtpmap:9 G722/8000\r\n";

    #[test]
    fn a_browsers_offer_is_read_with_what_its_decoder_asks_for() {
        let offer = Offer::parse(PLAIN).unwrap();
        assert!(offer.opus().forward_error_correction);
        assert_eq!(offer.opus().playback_hz_max, 16_000);
        assert_eq!(offer.sdp(), PLAIN);
    }

    #[test]
    fn candidates_that_cannot_be_used_are_left_out() {
        let usable = "a=candidate:1 1 udp 2113937151 127.0.0.1 5000 typ host\r\n";
        let others = "a=candidate:2 1 udp 2113937151 0a1b.local 5000 typ host\r\n\
            a=candidate:3 1 tcp 1518280447 127.0.0.1 9 typ host tcptype active\r\na=candidate:\r\n";
        let offer = Offer::parse(&format!("{PLAIN}{usable}{others}")).unwrap();
        assert_eq!(offer.sdp(), format!("{PLAIN}{usable}"));
    }

    #[test]
    fn what_cannot_be_answered_says_why() {
        let without = |line: &str| {
            assert!(PLAIN.contains(line));
            Offer::parse(&PLAIN.replace(line, "")).unwrap_err()
        };
        assert_eq!(without("a=rtpmap:111 opus/48000/2\r\n"), OfferError::NoOpus);
        assert_eq!(without("v=0\r\n"), OfferError::NotSdp);
        for line in ["a=rtcp-mux\r\n", "a=ice-ufrag:abcd\r\n", "a=fingerprint:sha-256 AA\r\n"] {
            assert!(matches!(without(line), OfferError::Missing { .. }), "{line}");
        }
        let audio = "m=audio 9 UDP/TLS/RTP/SAVPF 111 9\r\n";
        assert_eq!(without(audio), OfferError::NoAudio);
        let video = format!("{PLAIN}m=video 9 UDP/TLS/RTP/SAVPF 96\r\n");
        assert_eq!(Offer::parse(&video), Err(OfferError::MoreThanAudio));
        assert_eq!(Offer::parse(&format!("{PLAIN}{audio}")), Err(OfferError::MoreThanAudio));
        assert_eq!(Offer::parse(&format!("{PLAIN}?")), Err(OfferError::BadLine { line: 15 }));
        assert_eq!(Offer::parse(&format!("{PLAIN}a\u{e4}")), Err(OfferError::BadLine { line: 15 }));
    }

    #[test]
    fn too_much_of_anything_is_refused_before_it_is_read() {
        let long = format!("{PLAIN}a={}\r\n", "x".repeat(OFFER_BYTES_MAX));
        assert_eq!(Offer::parse(&long).unwrap_err().http_status(), 413);
        let lines = format!("{PLAIN}{}", "a=x\r\n".repeat(LINES_MAX));
        assert_eq!(Offer::parse(&lines).unwrap_err().http_status(), 400);
        let candidates = "a=candidate:1 1 udp 1 127.0.0.1 5000 typ host\r\n".repeat(33);
        let many = OfferError::TooMany { what: "candidates", max: CANDIDATES_MAX };
        assert_eq!(Offer::parse(&format!("{PLAIN}{candidates}")), Err(many));
    }
}
