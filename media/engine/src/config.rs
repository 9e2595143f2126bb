//! What an engine is started with.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use media_core::Ptime;
use media_core::codec::Codecs;
use media_core::plugin::{SpeechToText, TextToSpeech};

use crate::ports::{PORT_REST, PortError};

/// Sizes and times of an engine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EngineConfig {
    /// Threads that carry RTP. Lines are spread over them. One carries some hundred lines.
    pub audio_threads: usize,
    /// Length of a tick: 10 or 20 ms. Lines whose packets are longer or shorter are served too.
    pub ptime: Ptime,
    /// Lines at once, over all threads.
    pub lines_max: usize,
    /// Address that RTP is bound to.
    pub bind_ip: IpAddr,
    /// Ports for RTP (even) and RTCP (odd).
    pub port_range: RangeInclusive<u16>,
    /// `SCHED_FIFO` priority of the audio threads, 1 to 99. A kernel that refuses costs
    /// punctuality under load, is warned about, and is no error.
    pub realtime_priority: Option<u8>,
    /// Threads that run the recogniser: decodes side by side.
    pub stt_workers: usize,
    /// Threads that run the voice: claims synthesised side by side.
    pub tts_workers: usize,
    /// A peer that sends no RTP for this long is reported.
    pub media_timeout: Duration,
    /// And so soon already that it is quiet; zero: it is not.
    pub media_quiet: Duration,
    /// How long the ports of a line that is closed stay unused.
    pub port_rest: Duration,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            audio_threads: 1,
            ptime: Ptime::MS20,
            lines_max: 256,
            bind_ip: IpAddr::from([127, 0, 0, 1]),
            port_range: 10_000..=20_000,
            realtime_priority: None,
            stt_workers: 1,
            tts_workers: 1,
            media_timeout: Duration::from_secs(30),
            media_quiet: Duration::ZERO,
            port_rest: PORT_REST,
        }
    }
}

/// The engines behind hearing and speaking. A missing one is no error: lines that need it say so.
#[derive(Clone, Default)]
pub struct Engines {
    /// The recogniser.
    pub stt: Option<Arc<dyn SpeechToText>>,
    /// The line's voice.
    pub tts: Option<Arc<dyn TextToSpeech>>,
    /// The voice of last resort, for [`crate::Speech::FallbackText`].
    pub fallback_tts: Option<Arc<dyn TextToSpeech>>,
    /// What lines can be coded with.
    pub codecs: Codecs,
}

impl fmt::Debug for Engines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let voice = |v: &Option<Arc<dyn TextToSpeech>>| v.as_ref().map(|v| v.capabilities().name);
        f.debug_struct("Engines")
            .field("stt", &self.stt.as_ref().map(|stt| stt.capabilities().name))
            .field("tts", &voice(&self.tts))
            .field("fallback_tts", &voice(&self.fallback_tts))
            .field("codecs", &self.codecs)
            .finish()
    }
}

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A tick that is not offered.
    #[error("a tick of {ms} ms is not offered; use 10 or 20")]
    Ptime {
        /// What was asked for.
        ms: u32,
    },
    /// A count that must not be zero, or is beyond reason.
    #[error("{name} = {value} is out of range; use {min} to {max}")]
    OutOfRange {
        /// Which.
        name: &'static str,
        /// What was asked for.
        value: usize,
        /// The least.
        min: usize,
        /// The most.
        max: usize,
    },
    /// The ports do not do.
    #[error(transparent)]
    Ports(#[from] PortError),
    /// The system gives no more threads.
    #[error("cannot start thread {name}: {source}")]
    Thread {
        /// Which.
        name: String,
        /// What the system said.
        source: io::Error,
    },
}

impl EngineConfig {
    pub(crate) fn check(&self) -> Result<(), StartError> {
        if !matches!(self.ptime.ms(), 10 | 20) {
            return Err(StartError::Ptime { ms: self.ptime.ms() });
        }
        // The upper bounds only catch slips: far more than a machine has use for.
        in_range("audio_threads", self.audio_threads, 1, 256)?;
        in_range("lines_max", self.lines_max, 1, 30_000)?;
        in_range("stt_workers", self.stt_workers, 0, 256)?;
        in_range("tts_workers", self.tts_workers, 0, 256)?;
        in_range("realtime_priority", self.realtime_priority.map_or(1, usize::from), 1, 99)
    }
}

fn in_range(name: &'static str, value: usize, min: usize, max: usize) -> Result<(), StartError> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(StartError::OutOfRange { name, value, min, max })
    }
}
