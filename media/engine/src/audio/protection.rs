//! SRTP in the tick: what the peer sends is believed or not, also while its keys change.

use std::sync::Arc;
use std::time::Duration;

use media_core::MonoTime;
use media_core::rtp::srtp::{Protector, SrtpError, SrtpKeys, Unprotector};

/// How long packets with the former key are still taken: they were on the way when the key changed.
const FORMER_KEY: Duration = Duration::from_secs(2);

type Keys<'a> = Option<&'a Arc<SrtpKeys>>;

/// What opens the peer's packets. Real-time safe.
#[derive(Default)]
pub(crate) struct Seal {
    current: Option<Box<Unprotector>>,
    former: Option<Box<Unprotector>>,
    former_until: MonoTime,
}

/// Another key, made outside the tick; what it replaces goes back into it. The outer `None`: the key
/// is the same, and counting goes on.
pub(crate) struct KeyUpdate {
    pub protector: Option<Option<Box<Protector>>>,
    unprotector: Option<Option<Box<Unprotector>>>,
}

/// Both ways of a session. Derives keys.
pub(crate) fn both(keys: Keys<'_>) -> (Option<Box<Protector>>, Seal) {
    let seal = Seal { current: keys.map(opener), ..Seal::default() };
    (keys.map(protector), seal)
}

impl KeyUpdate {
    /// From `before` to `after`. Derives keys.
    pub fn new(before: Keys<'_>, after: Keys<'_>) -> Self {
        let sent = |keys: Keys<'_>| keys.map(|keys| (keys.profile, keys.send.clone()));
        let received = |keys: Keys<'_>| keys.map(|keys| (keys.profile, keys.receive.clone()));
        Self {
            protector: (sent(before) != sent(after)).then(|| after.map(protector)),
            unprotector: (received(before) != received(after)).then(|| after.map(opener)),
        }
    }

    /// Whether what we send is protected with another key from now on.
    pub fn protects_anew(&self) -> bool {
        matches!(self.protector, Some(Some(_)))
    }
}

impl Seal {
    /// Whether packets are sealed at all.
    pub fn is_used(&self) -> bool {
        self.current.is_some()
    }

    /// Makes a packet readable where it lies; its length.
    pub fn open(
        &mut self,
        now: MonoTime,
        packet: &mut [u8],
        open: fn(&mut Unprotector, &mut [u8]) -> Result<usize, SrtpError>,
    ) -> Result<usize, SrtpError> {
        let Some(current) = &mut self.current else { return Ok(packet.len()) };
        let opened = open(current, packet);
        match &mut self.former {
            Some(former) if opened.is_err() && now < self.former_until => open(former, packet),
            _ => opened,
        }
    }

    /// Follows a change of the peer's key.
    pub fn follow(&mut self, now: MonoTime, update: &mut KeyUpdate) {
        let Some(next) = &mut update.unprotector else { return };
        std::mem::swap(&mut self.current, next);
        // `next` is the former key now, and what it replaces leaves with the update.
        std::mem::swap(&mut self.former, next);
        if let (Some(current), Some(former)) = (&mut self.current, &self.former) {
            current.go_on_after(former);
        }
        self.former_until = now + FORMER_KEY;
    }
}

fn protector(keys: &Arc<SrtpKeys>) -> Box<Protector> {
    Box::new(Protector::new(keys.profile, &keys.send))
}

fn opener(keys: &Arc<SrtpKeys>) -> Box<Unprotector> {
    Box::new(Unprotector::new(keys.profile, &keys.receive))
}
