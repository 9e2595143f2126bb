use arrayvec::ArrayVec;
use core::time::Duration;

use super::{Digit, TelephoneEvent};
use crate::RtpTimestamp;

/// Key presses that wait for being sent. A longer number is refused, not cut.
pub const DIGITS_PENDING_MAX: usize = 32;

/// One telephone-event packet to be sent instead of voice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DtmfPacket {
    /// Set on the first packet of a key press.
    pub marker: bool,
    /// Media time at which the press, or its segment, began.
    pub timestamp: RtpTimestamp,
    /// The payload.
    pub payload: [u8; 4],
}

/// Sends key presses as RFC 4733 events: an update every ptime, then the end three times, then a
/// pause so that the same key twice is two presses. Real-time safe.
#[derive(Clone, Debug)]
pub struct DtmfSender {
    clock_rate_hz: u32,
    pending: ArrayVec<(Digit, u32), DIGITS_PENDING_MAX>,
    state: State,
}

impl DtmfSender {
    /// A sender for an event clock of `clock_rate_hz`: that of the voice beside it.
    #[must_use]
    pub fn new(clock_rate_hz: u32) -> Self {
        Self { clock_rate_hz, pending: ArrayVec::new(), state: State::Idle }
    }

    /// Adds a key press of `duration` (at least 40 ms, at most a minute). Returns whether there
    /// was room for it.
    pub fn start(&mut self, digit: Digit, duration: Duration) -> bool {
        let duration = duration.clamp(PRESS_MIN, PRESS_MAX);
        self.pending.try_push((digit, self.ticks(duration))).is_ok()
    }

    /// Whether presses are being sent or waiting.
    #[must_use]
    pub fn is_active(&self) -> bool {
        !(self.pending.is_empty() && matches!(self.state, State::Idle))
    }

    /// What to send in the ptime that begins at media time `now` and lasts `packet_ticks`.
    /// `None` means voice as usual.
    pub fn next_packet(&mut self, now: RtpTimestamp, packet_ticks: u32) -> Option<DtmfPacket> {
        match self.state {
            State::Idle => self.begin(now, packet_ticks),
            State::Pressing(press) => Some(self.update(press, packet_ticks)),
            State::Ending { press, left } => Some(self.end(press, left)),
            State::Pausing { ticks_left } => {
                let ticks_left = ticks_left.saturating_sub(packet_ticks);
                self.state =
                    if ticks_left == 0 { State::Idle } else { State::Pausing { ticks_left } };
                None
            }
        }
    }

    fn begin(&mut self, now: RtpTimestamp, packet_ticks: u32) -> Option<DtmfPacket> {
        let (digit, ticks_left) = self.pending.pop_at(0)?;
        let press = Press { digit, segment: now, duration_ticks: 0, ticks_left };
        Some(DtmfPacket { marker: true, ..self.update(press, packet_ticks) })
    }

    fn update(&mut self, mut press: Press, packet_ticks: u32) -> DtmfPacket {
        let grown = press.duration_ticks + packet_ticks;
        if grown > u32::from(u16::MAX) {
            press.segment = press.segment.advance(press.duration_ticks);
            press.duration_ticks = 0;
        }
        press.duration_ticks += packet_ticks;
        press.ticks_left = press.ticks_left.saturating_sub(packet_ticks);
        self.state = if press.ticks_left == 0 {
            State::Ending { press, left: END_PACKETS }
        } else {
            State::Pressing(press)
        };
        press.packet(false)
    }

    fn end(&mut self, press: Press, left: u8) -> DtmfPacket {
        self.state = if left > 1 {
            State::Ending { press, left: left - 1 }
        } else {
            State::Pausing { ticks_left: self.ticks(PAUSE) }
        };
        press.packet(true)
    }

    fn ticks(&self, duration: Duration) -> u32 {
        (duration.as_millis() as u32).saturating_mul(self.clock_rate_hz / 1_000)
    }
}

#[derive(Clone, Copy, Debug)]
enum State {
    Idle,
    Pressing(Press),
    Ending { press: Press, left: u8 },
    Pausing { ticks_left: u32 },
}

#[derive(Clone, Copy, Debug)]
struct Press {
    digit: Digit,
    segment: RtpTimestamp,
    duration_ticks: u32,
    ticks_left: u32,
}

impl Press {
    fn packet(&self, end: bool) -> DtmfPacket {
        let event = TelephoneEvent {
            event: self.digit.event(),
            end,
            volume: VOLUME,
            duration_ticks: self.duration_ticks.min(u32::from(u16::MAX)) as u16,
        };
        DtmfPacket { marker: false, timestamp: self.segment, payload: event.to_bytes() }
    }
}

// RFC 4733 §2.5.1.4: the end is sent three times, because it is what must not get lost.
const END_PACKETS: u8 = 3;
const VOLUME: u8 = 10;
const PRESS_MIN: Duration = Duration::from_millis(40);
const PRESS_MAX: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(80);
