use media_core::codec::CodecError;

/// Why an offer is not answered. The peer's fault, all of it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OfferError {
    /// More than a browser has reason to send.
    #[error("the offer has {bytes} bytes, and {max} are read at most")]
    TooLong {
        /// What came.
        bytes: usize,
        /// What is read.
        max: usize,
    },
    /// So many lines, or candidates.
    #[error("the offer has more than {max} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are read.
        max: usize,
    },
    /// It is something else.
    #[error("this is no session description: it does not begin with v=0")]
    NotSdp,
    /// A line that is none of SDP's.
    #[error("line {line} of the offer is no line of a session description")]
    BadLine {
        /// Counted from 1.
        line: usize,
    },
    /// Nothing to talk over.
    #[error("the offer has no audio; add one audio transceiver")]
    NoAudio,
    /// Video, data, or a second microphone.
    #[error("the offer has media besides one audio section; offer audio alone, and once")]
    MoreThanAudio,
    /// Another codec.
    #[error("the offer's audio has no opus/48000/2, which is what is spoken here")]
    NoOpus,
    /// What WebRTC requires and the offer does not have.
    #[error("the offer has no {attribute}; WebRTC cannot do without")]
    Missing {
        /// The attribute of the description.
        attribute: &'static str,
    },
}

impl OfferError {
    /// The status that WHIP answers with (RFC 9725 §4.2).
    #[must_use]
    pub fn http_status(&self) -> u16 {
        match self {
            OfferError::TooLong { .. } => 413,
            OfferError::NotSdp | OfferError::BadLine { .. } | OfferError::TooMany { .. } => 400,
            OfferError::NoAudio
            | OfferError::MoreThanAudio
            | OfferError::NoOpus
            | OfferError::Missing { .. } => 422,
        }
    }
}

/// What was being done when a peer connection failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Sockets and state.
    Open,
    /// Our track.
    AddTrack,
    /// Our offer.
    Offer,
    /// Theirs.
    TakeOffer,
    /// Our answer.
    Answer,
    /// Theirs.
    TakeAnswer,
    /// A candidate of theirs.
    Candidate,
    /// A data channel.
    Channel,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Step::Open => "opening its sockets",
            Step::AddTrack => "adding our track",
            Step::Offer => "making our offer",
            Step::TakeOffer => "taking the peer's offer",
            Step::Answer => "making our answer",
            Step::TakeAnswer => "taking the peer's answer",
            Step::Candidate => "taking a candidate",
            Step::Channel => "opening a data channel",
        })
    }
}

/// Why there is no peer connection.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// The stack refused.
    #[error("peer connection failed while {step}: {source}")]
    Stack {
        /// Meanwhile.
        step: Step,
        /// Its reason.
        source: webrtc::error::Error,
    },
    /// Answers carry all candidates, and they did not come together in time. STUN and TURN servers
    /// that do not answer are the usual reason.
    #[error("our addresses were not found within {after_ms} ms; do the ICE servers answer?")]
    NoCandidates {
        /// How long was waited.
        after_ms: u64,
    },
    /// Offer and answer did not settle on a codec.
    #[error("the peer did not take our Opus track")]
    NotNegotiated,
    /// No encoder or no decoder.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// Nothing to wake a task with.
    #[error("no pair of sockets: {0}; is the limit of open files too low?")]
    Wake(std::io::Error),
    /// No random numbers to begin a stream with.
    #[error("the system has no random numbers")]
    Random,
}

impl PeerError {
    pub(crate) fn stack(step: Step) -> impl Fn(webrtc::error::Error) -> PeerError {
        move |source| PeerError::Stack { step, source }
    }
}
