//! The operator's microphone and loudspeaker as the two ends of a leg.
//!
//! Owns: the machine's sound devices while they are open, and what lies between their clock and
//! the line's. A device asks for and brings samples when it likes, in blocks of its own size, at a
//! rate that is never quite what it says; a line takes 10 ms at a time, on its tick. So there is a
//! ring between the two, a resampler behind it, and a core ([`Drift`]) that bends the resampler's
//! ratio by how much lies in the ring.
//!
//! - [`devices`] lists what there is. [`Microphone::open`] and [`Speaker::open`] open one, and give
//!   the end that an audio thread owns ([`AudioSource`](media_core::plugin::AudioSource),
//!   [`AudioSink`](media_core::plugin::AudioSink)) apart from the handle that keeps the device open.
//! - [`Talk`] decides what of the microphone is let through: push-to-talk, or whatever is speech and
//!   not the loudspeaker's own sound come back.
//! - [`Figures`] tell how it goes: levels, drift, what was starved or lost, what the device reports.
//!
//! Real-time safe in the ends; the devices' own threads only copy into and out of rings. Where there
//! is no device, opening says so ([`SoundError`]); nothing here is needed to listen with a keyboard
//! alone. Never: codecs, packets, a clock.
//!
//! The only foreign code is inside `cpal`; there is no `unsafe` of ours.
#![forbid(unsafe_code)]

mod bend;
mod device;
mod drift;
mod figures;
mod microphone;
mod speaker;
mod stream;
mod talk;

#[cfg(test)]
#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

pub use device::{Device, Direction, SoundError, devices, known};
pub use drift::{Bent, Drift};
pub use figures::Figures;
pub use microphone::{Microphone, OpenMicrophone, Switch};
pub use speaker::{OpenSpeaker, Speaker};
pub use talk::{Talk, TalkMode};
