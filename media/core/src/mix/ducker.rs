use std::time::Duration;

use super::db_to_gain;

/// How others make room.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct DuckerConfig {
    /// Gain of the others meanwhile, in dB.
    pub depth_db: f32,
    /// How long they stay down after the last sound: pauses between words do not pump.
    pub hold: Duration,
    /// How long they take to come back.
    pub release: Duration,
}

impl Default for DuckerConfig {
    fn default() -> Self {
        Self {
            depth_db: -18.0,
            hold: Duration::from_millis(400),
            release: Duration::from_millis(300),
        }
    }
}

/// Decides, frame by frame, how loud everybody else is while somebody goes before.
#[derive(Clone, Debug)]
pub struct Ducker {
    depth: f32,
    hold: Duration,
    release: Duration,
    /// Since the last sound.
    quiet_for: Duration,
}

impl Ducker {
    /// Nobody has spoken yet.
    #[must_use]
    pub fn new(config: DuckerConfig) -> Self {
        let DuckerConfig { depth_db, hold, release } = config;
        let depth = db_to_gain(depth_db).min(1.0);
        Self { depth, hold, release, quiet_for: hold + release }
    }

    /// The others' gain in a frame that lasts `frame`, in which who goes before `sounds` or not.
    /// Down within the frame, held, and back in a straight line.
    pub fn gain(&mut self, sounds: bool, frame: Duration) -> f32 {
        if sounds {
            self.quiet_for = Duration::ZERO;
            return self.depth;
        }
        self.quiet_for = (self.quiet_for + frame).min(self.hold + self.release);
        let back = self.quiet_for.saturating_sub(self.hold).as_secs_f32();
        let share = back / self.release.as_secs_f32().max(f32::MIN_POSITIVE);
        self.depth + (1.0 - self.depth) * share.min(1.0)
    }
}
