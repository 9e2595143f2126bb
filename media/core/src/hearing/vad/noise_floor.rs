/// Follows the level of the background. Sound without pitch that lasts is background, and
/// anything quieter than what was thought to be background is, too; a voice lifts it only slowly.
#[derive(Clone, Debug)]
pub struct NoiseFloor {
    dbov: f32,
    /// Quietest of the present run of sound without pitch, and how long that run is.
    run_dbov: f32,
    run_ms: u32,
}

impl NoiseFloor {
    /// Assumes a quiet line.
    #[must_use]
    pub fn new() -> Self {
        Self { dbov: START_DBOV, run_dbov: 0.0, run_ms: 0 }
    }

    /// The background's level.
    #[must_use]
    pub fn dbov(&self) -> f32 {
        self.dbov
    }

    /// Takes the next `ms` milliseconds into account. `voice_like`: may be a voice.
    pub fn push(&mut self, level_dbov: f32, voice_like: bool, ms: u32) {
        let level_dbov = level_dbov.max(LOWEST_DBOV);
        let seconds = ms as f32 / 1_000.0;
        if level_dbov < self.dbov {
            self.dbov += (level_dbov - self.dbov) * (seconds / FALL_SECONDS).min(1.0);
        } else {
            self.dbov = (self.dbov + RISE_DB_PER_SECOND * seconds).min(level_dbov);
        }
        if voice_like {
            self.run_ms = 0;
            return;
        }
        self.run_dbov = if self.run_ms == 0 { level_dbov } else { self.run_dbov.min(level_dbov) };
        self.run_ms += ms;
        if self.run_ms >= RUN_MS {
            self.dbov = self.dbov.max(self.run_dbov);
            self.run_ms = 0;
        }
    }
}

impl Default for NoiseFloor {
    fn default() -> Self {
        Self::new()
    }
}

const START_DBOV: f32 = -60.0;
/// Digital silence is no reason to take a breath for speech afterwards.
const LOWEST_DBOV: f32 = -75.0;
const FALL_SECONDS: f32 = 0.08;
/// A sentence of five seconds lifts the floor by 10 dB at most, and the first pause brings it back.
const RISE_DB_PER_SECOND: f32 = 2.0;
/// Longer than any hissing consonant.
const RUN_MS: u32 = 192;
