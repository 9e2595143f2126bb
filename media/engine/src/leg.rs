//! More than one peer at a line: what a leg joins with, and its handle.

use std::sync::{Arc, Mutex, PoisonError};

use arrayvec::ArrayVec;
use media_core::codec::Codecs;
use media_core::hearing::EarConfig;
use media_core::rtp::Digit;
use media_core::{LineId, NegotiatedMedia, SampleRate};

use crate::audio::{GUESTS_MAX, MediaUpdate, Seat, Table, TableParts};
use crate::carrier::Carrier;
use crate::control::Control;
use crate::line::{LineShared, OpenError};
use crate::rings::{Command, LineKey, SeatKey};
use crate::statistics::LineStatistics;

/// What a leg joins a line with.
pub struct LegSpec {
    /// What carries it.
    pub carrier: Carrier,
    /// How the line listens to it; its sample rate is set to the leg's. `None`: the line does not
    /// listen, and only the others hear it.
    pub ear: Option<EarConfig>,
    /// How it takes part at first.
    pub mix: LegMix,
}

/// How a leg takes part in the mix.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LegMix {
    /// How loud the others hear it, in dB: below -90 not at all, 20 at most.
    pub gain_db: f32,
    /// Whether the other legs hear it.
    pub audible: bool,
    /// Whether the line's ear hears it. A leg that is heard and not audible whispers to the agent;
    /// one that is neither is muted.
    pub heard: bool,
    /// Whether everybody else, the line's voice included, makes room while it sounds.
    pub goes_before: bool,
    /// Whether it hears the line's voice and the others.
    pub hears: bool,
}

impl Default for LegMix {
    /// As loud as it comes, to everybody.
    fn default() -> Self {
        Self { gain_db: 0.0, audible: true, heard: true, goes_before: false, hears: true }
    }
}

impl LegMix {
    /// Nobody hears it.
    #[must_use]
    pub fn muted() -> Self {
        Self { audible: false, heard: false, ..Self::default() }
    }

    /// Only the agent hears it.
    #[must_use]
    pub fn whispering() -> Self {
        Self { audible: false, ..Self::default() }
    }
}

/// A leg that joined a line. Dropping it leaves; the others hear it fade. A line that closes takes
/// its legs with it.
///
/// All methods may be called from any thread, return at once and take effect with the next tick.
pub struct Leg {
    pub(crate) shared: Arc<LineShared>,
    pub(crate) key: SeatKey,
    pub(crate) control: Arc<Control>,
    pub(crate) company: Arc<Company>,
    pub(crate) media: Agreed,
}

impl std::fmt::Debug for Leg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leg").field("line", &self.line()).field("key", &self.key).finish()
    }
}

impl Leg {
    /// The line that it joined.
    #[must_use]
    pub fn line(&self) -> LineId {
        self.shared.id
    }

    /// Rate at which its audio is heard.
    #[must_use]
    pub fn sample_rate(&self) -> SampleRate {
        self.shared.rate
    }

    /// Changes how it takes part, over one tick.
    pub fn set_mix(&self, mix: LegMix) {
        self.command(Command::Mix(self.key, mix));
    }

    /// Follows a re-INVITE: new address, direction, payload types, packet length or codec. Without
    /// effect on a leg with nothing to negotiate.
    pub fn update_media(&self, media: NegotiatedMedia) {
        if let Some(update) = follow(&self.media, media, &self.shared, &self.company) {
            self.command(Command::Update(self.key, update));
        }
    }

    /// Sends key presses (RFC 4733) to its peer, if it agreed to them; other characters are left
    /// out. What everybody hears waits meanwhile.
    pub fn send_digits(&self, digits: &str) {
        for digit in digits.chars().filter(|d| Digit::from_char(*d).is_some()) {
            self.command(Command::Digit(self.key, digit));
        }
    }

    /// Figures as of the last tick.
    #[must_use]
    pub fn statistics(&self) -> LineStatistics {
        self.shared.counters.snapshot(ptime_ms(&self.media, &self.company))
    }

    fn command(&self, command: Command) {
        // What does not even fit into the backlog is counted there.
        let _ = self.control.command(command);
    }
}

impl Drop for Leg {
    fn drop(&mut self) {
        self.company.leave(self.key.seat, |table| {
            self.command(Command::Reseat(self.key.line, table));
        });
    }
}

/// What was last agreed on with a leg's peer, if anything was to be.
pub(crate) type Agreed = Mutex<Option<NegotiatedMedia>>;

/// Audio per packet towards the peer.
pub(crate) fn ptime_ms(agreed: &Agreed, company: &Company) -> u32 {
    let agreed = agreed.lock().unwrap_or_else(PoisonError::into_inner);
    agreed.as_ref().map_or(company.tick_ms, |media| media.ptime.ms())
}

/// The parts of a change of `current` to `media`; `None` if it cannot be coded, which is our own
/// mistake: what cannot be coded is not to be negotiated.
pub(crate) fn follow(
    current: &Agreed,
    media: NegotiatedMedia,
    shared: &LineShared,
    company: &Company,
) -> Option<Box<MediaUpdate>> {
    let mut current = current.lock().unwrap_or_else(PoisonError::into_inner);
    let before = current.as_mut()?;
    match MediaUpdate::new(before, &media, &company.codecs, shared.rate, company.tick_ms) {
        Ok(update) => {
            *before = media;
            Some(Box::new(update))
        }
        Err(error) => {
            tracing::error!(line = %shared.id, %error, "the call goes on as it was");
            None
        }
    }
}

/// Who sits at a line besides the peer that it was opened with, as seen from outside the tick.
#[derive(Debug)]
pub(crate) struct Company {
    pub line_rate: SampleRate,
    pub tick_ms: u32,
    pub codecs: Codecs,
    guests: Mutex<ArrayVec<(LineKey, SampleRate), GUESTS_MAX>>,
}

impl Company {
    pub fn new(line_rate: SampleRate, tick_ms: u32, codecs: Codecs) -> Self {
        Self { line_rate, tick_ms, codecs, guests: Mutex::default() }
    }

    /// Has `send` tell the tick of a table at which `seat` sits, too. Tables are told in the order
    /// in which they are made.
    ///
    /// # Errors
    /// [`OpenError::LineFull`]; [`OpenError::Busy`] if `send` could not.
    pub fn join(
        &self,
        seat: Seat,
        mix: LegMix,
        send: impl FnOnce(Box<Table>) -> bool,
    ) -> Result<(), OpenError> {
        let mut guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        let guest = (seat.key(), seat.shared().rate);
        guests.try_push(guest).map_err(|_| OpenError::LineFull { max: GUESTS_MAX })?;
        let sent = send(self.table(guests.clone(), Some((seat, mix))));
        if !sent {
            guests.pop();
            return Err(OpenError::Busy);
        }
        Ok(())
    }

    /// Has `send` tell the tick of a table at which `key` sits no longer.
    pub fn leave(&self, key: LineKey, send: impl FnOnce(Box<Table>)) {
        let mut guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        guests.retain(|(guest, _)| *guest != key);
        send(self.table(guests.clone(), None));
    }

    fn table(
        &self,
        guests: ArrayVec<(LineKey, SampleRate), GUESTS_MAX>,
        new: Option<(Seat, LegMix)>,
    ) -> Box<Table> {
        let (tick_ms, line_rate) = (self.tick_ms, self.line_rate);
        Box::new(Table::new(TableParts { tick_ms, line_rate, guests, new }))
    }
}
