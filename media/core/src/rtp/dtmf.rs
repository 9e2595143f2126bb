use arrayvec::ArrayVec;
use core::fmt;
use core::time::Duration;

use crate::{MonoTime, RtpTimestamp};

/// A key of a telephone: 0–9, `*`, `#`, A–D.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digit(u8);

impl Digit {
    /// The digit a key is labelled with; lower case a–d are taken too.
    #[must_use]
    pub fn from_char(key: char) -> Option<Digit> {
        let key = key.to_ascii_uppercase();
        KEYS.iter().position(|&k| char::from(k) == key).map(|i| Digit(i as u8))
    }

    /// The digit of an RFC 4733 event code, 0 to 15.
    #[must_use]
    pub const fn from_event(code: u8) -> Option<Digit> {
        if code < 16 { Some(Digit(code)) } else { None }
    }

    /// The label on the key.
    #[must_use]
    pub fn as_char(self) -> char {
        char::from(KEYS[usize::from(self.0)])
    }

    /// The RFC 4733 event code.
    #[must_use]
    pub const fn event(self) -> u8 {
        self.0
    }
}

impl fmt::Debug for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digit({})", self.as_char())
    }
}

/// The four bytes of a telephone event (RFC 4733 §2.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TelephoneEvent {
    /// Event code; 0 to 15 are digits.
    pub event: u8,
    /// The event is over with this packet.
    pub end: bool,
    /// Power of the tone, in −dBm0.
    pub volume: u8,
    /// How long it has lasted, in clock ticks.
    pub duration_ticks: u16,
}

impl TelephoneEvent {
    /// Reads the first event of a payload; `None` if it is too short.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<TelephoneEvent> {
        let &[event, flags, high, low] = payload.first_chunk::<4>()?;
        Some(TelephoneEvent {
            event,
            end: flags & 0x80 != 0,
            volume: flags & 0x3F,
            duration_ticks: u16::from_be_bytes([high, low]),
        })
    }

    /// The event as it is on the wire.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 4] {
        let [high, low] = self.duration_ticks.to_be_bytes();
        let end = if self.end { 0x80 } else { 0 };
        [self.event, end | (self.volume & 0x3F), high, low]
    }
}

/// Turns telephone-event packets into digits: exactly one per key press, whatever is lost,
/// repeated or reordered, and as soon as the first packet of it arrives.
///
/// A press is an interval of media time that begins at the packets' RTP timestamp; packets whose
/// interval touches a known press of the same key belong to it. A press longer than the
/// duration field holds (8.19 s at 8 kHz) goes on in segments with a new timestamp each
/// (RFC 4733 §2.5.1.3), which is still one press.
#[derive(Clone, Debug, Default)]
pub struct DtmfReceiver {
    recent: ArrayVec<Press, PRESSES_REMEMBERED>,
}

impl DtmfReceiver {
    /// A receiver that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the payload of a telephone-event packet; answers the digit when a key press begins.
    /// Real-time safe.
    pub fn on_event(
        &mut self,
        now: MonoTime,
        timestamp: RtpTimestamp,
        payload: &[u8],
    ) -> Option<Digit> {
        let event = TelephoneEvent::parse(payload)?;
        let digit = Digit::from_event(event.event)?;
        self.recent.retain(|p| now.since(p.last_seen) < PRESS_REMEMBERED);
        let known = self.recent.iter_mut().find(|p| p.holds(now, digit, timestamp));
        if let Some(press) = known {
            press.prolong(now, timestamp, event);
            return None;
        }
        if self.recent.is_full() {
            self.recent.remove(0);
        }
        self.recent.push(Press {
            digit,
            segment: timestamp,
            duration_ticks: event.duration_ticks,
            ended: event.end,
            last_seen: now,
        });
        Some(digit)
    }
}

#[derive(Clone, Copy, Debug)]
struct Press {
    digit: Digit,
    segment: RtpTimestamp,
    duration_ticks: u16,
    ended: bool,
    last_seen: MonoTime,
}

impl Press {
    fn holds(&self, now: MonoTime, digit: Digit, timestamp: RtpTimestamp) -> bool {
        if self.digit != digit {
            return false;
        }
        let offset = timestamp.distance(self.segment);
        if offset == 0 {
            return true;
        }
        let inside = offset > 0 && offset < i32::from(self.duration_ticks);
        let earlier_segment = (-DURATION_MAX..=-SEGMENT_MIN).contains(&offset);
        let next_segment = !self.ended && (SEGMENT_MIN..=DURATION_MAX).contains(&offset);
        let unbroken = now.since(self.last_seen) < SEGMENT_GAP_MAX;
        inside || (unbroken && (next_segment || earlier_segment))
    }

    fn prolong(&mut self, now: MonoTime, timestamp: RtpTimestamp, event: TelephoneEvent) {
        self.last_seen = now;
        let offset = timestamp.distance(self.segment);
        if offset >= SEGMENT_MIN {
            self.segment = timestamp;
            self.duration_ticks = event.duration_ticks;
        } else if offset >= 0 {
            self.duration_ticks = self.duration_ticks.max(event.duration_ticks);
        }
        self.ended |= event.end;
    }
}

const KEYS: [u8; 16] = *b"0123456789*#ABCD";

// A late packet belongs to one of the last presses; people press no four keys within its delay.
const PRESSES_REMEMBERED: usize = 4;

// Longer than one segment lasts, so that the repeats of an end that came late are still known.
const PRESS_REMEMBERED: Duration = Duration::from_secs(15);

const DURATION_MAX: i32 = 0xFFFF;

// A segment ends when another update would overflow its duration: at most 60 ms at 8 kHz before
// that. Senders that round to whole updates of their own stay well above this.
const SEGMENT_MIN: i32 = 0xFFFF - 8_000;

// Updates come every 10 to 60 ms; some may be lost.
const SEGMENT_GAP_MAX: Duration = Duration::from_millis(500);
