//! The rings between an audio thread and the tasks, and the ends that the audio thread holds.

mod counts;
mod packet;
mod sink;
mod source;

pub use counts::Counts;
pub(crate) use packet::Packet;
pub use sink::{LocalSink, Outbound, sink};
pub use source::{Inbound, RemoteSource, source};

/// Packets that have arrived and were not taken by a tick: over a second of a tick that does not
/// come. What would wait longer is too late to be heard.
pub const ARRIVED_DEPTH: usize = 64;

/// Packets that the tick has made and no task has taken: a third of a second of a runtime that
/// stands still. What would wait longer, the peer's jitter buffer throws away.
pub const LEAVING_DEPTH: usize = 16;
