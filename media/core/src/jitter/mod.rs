//! The adaptive jitter buffer: packets in as they come, media out in order.
//!
//! It reorders and never invents: what is missing is said ([`Popped::Lost`]) and concealed
//! elsewhere. [`crate::playout::Playout`] joins it with a decoder, concealment and drift
//! correction, and is what an audio thread pulls.
//!
//! # Time
//! A packet's *transit* is its arrival minus its timestamp. The smallest transit of the last
//! seconds is the *base*; what a packet has above it is its jitter. *Delay* is how much later
//! than the base media is played. The *target* delay is what 99.75 % of the jitter of about the
//! last 20 s needs, but not less than `delay_min_ms`. Nothing is corrected while delay lies between
//! [`SHORT_OF_TARGET_MS`] below the target and [`BEYOND_TARGET_MS`] above it, so a steady stream
//! passes untouched, first packet included.
//!
//! # Bounds
//! All memory is taken by [`JitterBuffer::new`]: `capacity_packets` slots of
//! `payload_bytes_max` bytes (64 × 480 = 30 KiB by default) and about 3 KiB beside them. Inserting
//! and popping take time bounded by `capacity_packets`; in order and without loss, constant time.
//! A packet too far ahead for the slots pushes the oldest out; a delay above `delay_max_ms` is
//! cut by skipping packets. Every such case has its counter in [`JitterStatistics`].
//!
//! # Not done here
//! No decoding, no time stretching, no redundancy (RFC 2198), no retransmission. Telephone events
//! are to be given to [`JitterBuffer::pass_over`], so that their numbers do not look like loss.

mod buffer;
mod candidate;
mod config;
mod control;
mod delay;
mod epoch;
mod exercise;
mod slots;

pub use buffer::JitterBuffer;
pub use config::{
    COMFORT_NOISE, Inserted, JitterConfig, JitterStatistics, PacketLength, Popped, PoppedFrame,
};
pub use control::{BEYOND_TARGET_MS, SHORT_OF_TARGET_MS, Wish};
pub use exercise::exercise;
