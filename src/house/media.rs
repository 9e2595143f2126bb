use std::time::Duration;

use media_core::hearing::EarConfig;
use media_core::{Ptime, SampleRate};
use media_engine::EngineConfig;

use crate::config::Config;

/// The engine's configuration in the words of ours.
pub(crate) fn engine_config(config: &Config) -> EngineConfig {
    EngineConfig {
        audio_threads: config.audio.threads,
        ptime: Ptime::MS20,
        lines_max: config.audio.lines_max,
        bind_ip: config.sip.media_ip,
        port_range: config.rtp.port_min..=config.rtp.port_max,
        realtime_priority: config.audio.realtime_priority,
        stt_workers: config.hearing.decodes,
        tts_workers: config.voice.workers,
        media_timeout: Duration::from_secs(config.rtp.timeout_s),
        media_quiet: Duration::from_secs(config.line.redial_quiet_s),
        port_rest: Duration::from_secs(config.rtp.rest_s),
    }
}

/// Turn-taking in the words of ours.
pub(crate) fn ear_config(config: &Config, decide_ms: u32, rate: SampleRate) -> EarConfig {
    EarConfig {
        decide_ms,
        vad_off_ms: config.hearing.vad_off_ms,
        complete_ms: config.hearing.complete_ms,
        incomplete_ms: config.hearing.incomplete_ms,
        digits_ms: config.hearing.digits_ms,
        confidence_min: config.hearing.confidence_min,
        ..EarConfig::new(rate)
    }
}
