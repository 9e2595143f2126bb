/// Which side of a transaction refreshes the session (RFC 4028 §4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refresher {
    /// Who sent the request.
    Uac,
    /// Who answered it.
    Uas,
}

impl Refresher {
    /// As written in Session-Expires.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Refresher::Uac => "uac",
            Refresher::Uas => "uas",
        }
    }
}

/// What a message says about the session timer and other extensions.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Extensions {
    /// Session-Expires, in seconds.
    pub expires_s: Option<u32>,
    /// The `refresher` of Session-Expires.
    pub refresher: Option<Refresher>,
    /// Min-SE, in seconds.
    pub expires_min_s: Option<u32>,
    /// Whether Supported or Require name `timer`.
    pub timer: bool,
    /// Whether Allow lists UPDATE.
    pub update: bool,
    /// Whether Require names `100rel`.
    pub reliable: bool,
    /// RSeq of a provisional response (RFC 3262).
    pub rseq: Option<u32>,
    /// RAck of a PRACK: what it acknowledges, RSeq and CSeq.
    pub rack: Option<(u32, u32)>,
    /// Whether Accept is there and takes no SDP.
    pub refuses_sdp: bool,
}
