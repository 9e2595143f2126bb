//! The vocabulary of xenline's audio path, the traits its engines stand behind, and the signal
//! processing that runs inside a real-time tick.
//!
//! Owns: units and frames ([`vocabulary`]), plugin traits ([`plugin`]), RTP and RTCP ([`rtp`]),
//! the jitter buffer ([`jitter`]) and the whole receiving path ([`playout`]), codecs ([`codec`]), resampling, concealment, comfort noise,
//! the hearing cores ([`hearing`]), the floor gate ([`floor`]), the mix ([`mix`]) and quality estimation.
//!
//! Every stateful type is a core: it is driven by its owner, is told the time as [`MonoTime`],
//! and never reads a clock, never performs I/O, never spawns, never logs. What is documented as
//! *real-time safe* neither allocates nor frees, and has bounded loops. Memory is taken when a
//! value is built, which happens at admission and not in the tick.
//!
//! Panics here are our own bugs. Bytes from a peer are answered with typed errors.
#![forbid(unsafe_code)]

pub mod codec;
pub mod comfort_noise;
pub mod concealment;
pub mod floor;
pub mod hearing;
pub mod jitter;
pub mod level;
pub mod mix;
pub mod playout;
pub mod plugin;
pub mod quality;
pub mod resample;
pub mod rtp;
pub mod vocabulary;

pub use vocabulary::*;
