//! What the player reports, as the engine's `AudioEvent`.

use media_core::{Generation, MonoTime};

#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "the player fills in more than is looked at")]
pub enum AudioEvent {
    FirstSample { at: MonoTime, generation: Generation },
    Played { at: MonoTime, generation: Generation, samples: u64 },
    Drained { at: MonoTime, generation: Generation, samples: u64 },
    Silenced { at: MonoTime, generation: Generation, samples: u64 },
    Paused { at: MonoTime, generation: Generation, samples: u64 },
    Resumed { at: MonoTime, generation: Generation, samples: u64 },
}
