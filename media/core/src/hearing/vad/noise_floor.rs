/// Follows the level of the background: quick to fall, slow to rise, so that speech does not lift
/// it and a noise that stays does.
#[derive(Clone, Debug)]
pub struct NoiseFloor {
    dbov: f32,
}

impl NoiseFloor {
    /// Assumes a quiet line.
    #[must_use]
    pub fn new() -> Self {
        Self { dbov: START_DBOV }
    }

    /// The background's level.
    #[must_use]
    pub fn dbov(&self) -> f32 {
        self.dbov
    }

    /// Takes the level of the next `ms` milliseconds into account.
    pub fn push(&mut self, level_dbov: f32, ms: u32) {
        let seconds = ms as f32 / 1_000.0;
        let step = level_dbov.max(LOWEST_DBOV) - self.dbov;
        self.dbov += if step < 0.0 {
            step * (seconds / FALL_SECONDS).min(1.0)
        } else {
            (RISE_DB_PER_SECOND * seconds).min(step)
        };
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
/// A sentence of five seconds lifts the floor by 15 dB at most, and the first pause brings it back.
const RISE_DB_PER_SECOND: f32 = 3.0;
