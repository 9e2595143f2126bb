/// The factor for `db` decibels of gain; below -90 dB it is 0.
#[must_use]
pub fn db_to_gain(db: f32) -> f32 {
    if db < SILENT_DB { 0.0 } else { 10f32.powf(db / 20.0) }
}

/// 16 bits end there.
const SILENT_DB: f32 = -90.0;

/// A gain that changes over a frame instead of at a sample, so that nothing clicks.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Fader {
    now: f32,
    target: f32,
}

impl Fader {
    /// Silent, for who fades in.
    #[must_use]
    pub fn silent() -> Self {
        Self { now: 0.0, target: 0.0 }
    }

    /// As loud as it comes.
    #[must_use]
    pub fn open() -> Self {
        Self { now: 1.0, target: 1.0 }
    }

    /// From the next frame on `gain`, a factor, is where it goes. What is no number changes
    /// nothing; it is held between 0 and [`GAIN_MAX`].
    pub fn set(&mut self, gain: f32) {
        if gain.is_finite() {
            self.target = gain.clamp(0.0, GAIN_MAX);
        }
    }

    /// Whether nothing comes through, neither now nor after the next frame.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.now == 0.0 && self.target == 0.0
    }

    /// Takes one frame from the gain of the last to the one that was set.
    pub fn apply(&mut self, frame: &mut [i16]) {
        let (from, to) = (self.now, self.target);
        self.now = to;
        if from == to {
            match to {
                1.0 => {}
                0.0 => frame.fill(0),
                gain => frame.iter_mut().for_each(|sample| *sample = scaled(*sample, gain)),
            }
            return;
        }
        let step = (to - from) / frame.len().max(1) as f32;
        let mut gain = from;
        for sample in frame {
            gain += step;
            *sample = scaled(*sample, gain);
        }
    }
}

fn scaled(sample: i16, gain: f32) -> i16 {
    // Casts from float saturate.
    (f32::from(sample) * gain).round() as i16
}

/// 20 dB: a quiet telephone made loud, and no more.
pub const GAIN_MAX: f32 = 10.0;
