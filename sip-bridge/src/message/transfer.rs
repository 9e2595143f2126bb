use super::SipUri;

/// A dialog that is to be replaced (RFC 3891), as its owner knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replaces {
    /// Its Call-ID.
    pub call_id: String,
    /// The tag of the side that gets the INVITE.
    pub to_tag: String,
    /// The tag of that side's peer.
    pub from_tag: String,
    /// Only while it is not answered.
    pub early_only: bool,
}

impl Replaces {
    /// As it is written in a header.
    #[must_use]
    pub fn text(&self) -> String {
        let early = if self.early_only { ";early-only" } else { "" };
        format!("{};to-tag={};from-tag={}{early}", self.call_id, self.to_tag, self.from_tag)
    }
}

/// Where a REFER points (RFC 3515 §2.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReferTo {
    /// The number or user part: what is judged before it is called.
    pub number: String,
    /// The address, unless it is only a number (`tel:`).
    pub uri: Option<SipUri>,
    /// The dialog there that the new call is to replace: an attended transfer.
    pub replaces: Option<Replaces>,
}

/// What a message says about transfers, and about the subscription that reports on one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TransferHeaders {
    /// `Refer-To`, if there is exactly one that can be followed.
    pub refer_to: Option<ReferTo>,
    /// `Refer-Sub: false` (RFC 4488): the sender wants no reports.
    pub unreported: bool,
    /// `Replaces`, if there is one that can be read.
    pub replaces: Option<Replaces>,
    /// Whether a `Replaces` is there that is malformed, or more than one.
    pub bad_replaces: bool,
    /// The package of `Event`, lower case.
    pub event: Option<String>,
    /// Whether `Subscription-State` says that this report is the last.
    pub is_last: bool,
}
