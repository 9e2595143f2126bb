use ring::hmac;

use crate::digest::hex;
use crate::message::Head;

/// The To tags of answers that belong to no call. Some of those answers are not kept: a request that
/// comes again is answered anew, and has to get the same tag (RFC 3261 §8.2.7). Each is made from the
/// request under a key that is drawn at the start, so that nobody guesses one (§19.3).
pub(super) struct Tags(hmac::Key);

impl Tags {
    pub fn new(key: [u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &key))
    }

    /// The tag of whatever answers this request; a CANCEL's is that of its INVITE (§9.2).
    pub fn of(&self, head: &Head) -> Box<str> {
        let mut tag = hmac::Context::with_key(&self.0);
        // A line break is in none of them.
        for part in [head.call_id.as_str(), "\n", &head.from.tag, "\n", &head.via.branch, "\n"] {
            tag.update(part.as_bytes());
        }
        tag.update(&head.cseq.number.to_be_bytes());
        hex(tag.sign().as_ref().get(..TAG_BYTES).unwrap_or_default()).into()
    }
}

/// As long as the tags of calls.
const TAG_BYTES: usize = 8;
