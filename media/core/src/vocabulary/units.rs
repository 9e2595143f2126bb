use core::fmt;

/// Longest frame any part of the audio path handles: 60 ms at 48 kHz would be three of these.
/// 20 ms at 48 kHz, in samples.
pub const FRAME_SAMPLES_MAX: usize = 960;

/// How many samples of linear audio make a second. Not a clock rate: G.722's RTP clock says 8000
/// while its audio has 16000 samples a second (RFC 3551 §4.5.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SampleRate {
    /// Narrowband telephony.
    Hz8000,
    /// Wideband telephony, and what the recogniser hears.
    Hz16000,
    /// Opus and sound devices.
    Hz48000,
}

impl SampleRate {
    /// Samples per second.
    #[must_use]
    pub const fn hz(self) -> u32 {
        match self {
            SampleRate::Hz8000 => 8_000,
            SampleRate::Hz16000 => 16_000,
            SampleRate::Hz48000 => 48_000,
        }
    }

    /// Samples in `ms` milliseconds.
    #[must_use]
    pub const fn samples_in_ms(self, ms: u32) -> usize {
        (self.hz() / 1_000 * ms) as usize
    }
}

/// Audio per packet, in milliseconds: 10 to 60.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ptime(u8);

impl Ptime {
    /// 20 ms, what every trunk uses.
    pub const MS20: Ptime = Ptime(20);

    /// A ptime of `ms` milliseconds, if it is one that telephony uses: 10, 20, 30, 40, 50 or 60.
    #[must_use]
    pub const fn from_ms(ms: u8) -> Option<Ptime> {
        match ms {
            10 | 20 | 30 | 40 | 50 | 60 => Some(Ptime(ms)),
            _ => None,
        }
    }

    /// Milliseconds of audio per packet.
    #[must_use]
    pub const fn ms(self) -> u32 {
        self.0 as u32
    }
}

impl Default for Ptime {
    fn default() -> Self {
        Ptime::MS20
    }
}

/// One conversation. It can have several legs, and has one voice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LineId(pub u64);

impl fmt::Display for LineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line-{}", self.0)
    }
}

/// The floor generation: a counter stamped on every speech frame. A frame is played only while
/// its generation is the current one; revoking the floor is one increment.
///
/// 0 means that nobody has the floor; no frame carries it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Generation(pub u32);

impl Generation {
    /// Nobody has the floor.
    pub const NONE: Generation = Generation(0);

    /// The generation after this one. Skips [`Generation::NONE`] when the counter wraps.
    #[must_use]
    pub const fn next(self) -> Generation {
        match self.0.wrapping_add(1) {
            0 => Generation(1),
            n => Generation(n),
        }
    }
}
