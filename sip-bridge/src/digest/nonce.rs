use core::net::IpAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use media_core::MonoTime;
use ring::hmac;

use super::hex;

/// Nonces that need not be remembered: each says when it was made, and for whom, and proves that we
/// made it. What is remembered, within a bound, is how often each was used, so that no proof counts
/// twice.
#[derive(Debug)]
pub(crate) struct Nonces {
    key: hmac::Key,
    /// The last count of each nonce in use, by the time it was made.
    used: BTreeMap<(u64, String), u32>,
    /// Nonces made until then have been forgotten, and count no more.
    forgotten_us: Option<u64>,
}

/// What a nonce is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NonceVerdict {
    Good,
    /// Ours, and too old, or used before with this count: a new one is given.
    Stale,
    /// Not ours, or not made for this peer.
    Foreign,
}

impl Nonces {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        Self { key, used: BTreeMap::new(), forgotten_us: None }
    }

    /// A new one for `peer`.
    pub(crate) fn make(&self, now: MonoTime, peer: IpAddr) -> String {
        let made = now.as_micros();
        format!("{made:016x}{}", self.mark(made, peer))
    }

    /// Whether a proof with `nonce` and `count` may count. It does so once.
    pub(crate) fn take(
        &mut self,
        now: MonoTime,
        peer: IpAddr,
        nonce: &str,
        count: u32,
    ) -> NonceVerdict {
        let Some((made, mark)) = self.ours(peer, nonce) else { return NonceVerdict::Foreign };
        let age = Duration::from_micros(now.as_micros().saturating_sub(made));
        let key = (made, mark.to_owned());
        let last = self.used.get(&key).copied();
        let forgotten = last.is_none() && self.forgotten_us.is_some_and(|until| made <= until);
        if age > LIFE || forgotten || count <= last.unwrap_or_default() {
            return NonceVerdict::Stale;
        }
        self.used.insert(key, count);
        if self.used.len() > USED_MAX
            && let Some(((oldest, _), _)) = self.used.pop_first()
        {
            self.forgotten_us = self.forgotten_us.max(Some(oldest));
        }
        NonceVerdict::Good
    }

    /// Whether we made it for `peer`, however long ago: who has it can read what we send there.
    pub(crate) fn is_for(&self, peer: IpAddr, nonce: &str) -> bool {
        self.ours(peer, nonce).is_some()
    }

    /// When it was made and what proves that, if we made it for `peer`.
    fn ours<'a>(&self, peer: IpAddr, nonce: &'a str) -> Option<(u64, &'a str)> {
        let (made, mark) = nonce.split_at_checked(16)?;
        let made = u64::from_str_radix(made, 16).ok()?;
        let ours = self.mark(made, peer);
        super::constant_time_eq(mark.as_bytes(), ours.as_bytes()).then_some((made, mark))
    }

    /// What only we can write.
    fn mark(&self, made: u64, peer: IpAddr) -> String {
        let tag = hmac::sign(&self.key, format!("{made} {}", peer.to_canonical()).as_bytes());
        hex(tag.as_ref().get(..MARK_BYTES).unwrap_or_default())
    }
}

/// A telephone registers every few minutes, with a nonce of its own each time or the last one.
const LIFE: Duration = Duration::from_secs(300);
/// Some sixty telephones, each with a few nonces in five minutes.
const USED_MAX: usize = 512;
/// 96 bits: nobody guesses that in five minutes.
const MARK_BYTES: usize = 12;
