//! Mix-minus: everybody hears the sum of the others.
//!
//! A [`MixBus`] adds up one tick of everybody's audio and gives each party the sum without its own
//! part, exactly: what a party said is taken off the same integers that it was added to. Before
//! the bus a [`Fader`] sets how loud a party is and lets it come and go without a click, and a
//! [`Ducker`] makes room for who goes before; behind it a [`Limiter`] keeps a crowd below full
//! scale without the rasp of cut-off peaks.
//!
//! All of it is real-time safe, and knows frames of any length up to the bus's.

mod bus;
mod ducker;
mod fader;
mod limiter;

pub use bus::MixBus;
pub use ducker::{Ducker, DuckerConfig};
pub use fader::{Fader, GAIN_MAX, db_to_gain};
pub use limiter::Limiter;
