//! Levels for meters and pictures: one pair every 100 ms.

use media_core::{MonoTime, SampleRate, level};

use crate::event::LineEvent;

const PERIOD_MS: u32 = 100;

/// Gathers the power of both directions over 100 ms.
pub(crate) struct Levels {
    period_samples: usize,
    samples: usize,
    heard: f64,
    sent: f64,
}

impl Levels {
    pub fn new(rate: SampleRate) -> Self {
        Self { period_samples: rate.samples_in_ms(PERIOD_MS), samples: 0, heard: 0.0, sent: 0.0 }
    }

    /// Takes a frame of both directions; answers when 100 ms are full.
    pub fn push(
        &mut self,
        at: MonoTime,
        heard: &[i16],
        sent: &[i16],
        speech: bool,
    ) -> Option<LineEvent> {
        let length = heard.len() as f64;
        self.samples += heard.len();
        self.heard += f64::from(level::power(heard)) * length;
        self.sent += f64::from(level::power(sent)) * length;
        if self.samples < self.period_samples {
            return None;
        }
        let dbov = |sum: f64| level::power_to_dbov((sum / self.samples as f64) as f32);
        let (heard_dbov, sent_dbov) = (whole(dbov(self.heard)), whole(dbov(self.sent)));
        (self.samples, self.heard, self.sent) = (0, 0.0, 0.0);
        Some(LineEvent::Level { at, heard_dbov, sent_dbov, speech })
    }
}

fn whole(dbov: f32) -> i8 {
    dbov.round().clamp(-127.0, 0.0) as i8
}
