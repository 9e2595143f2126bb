//! Carries the audio of xenline's lines: RTP in, hearing, one voice, RTP out.
//!
//! Owns: RTP and RTCP sockets and their ports, the audio threads with their deadlines, the rings
//! between them and everybody else, the workers that run recogniser and voice, and recording. It
//! is the shell around media-core's cores and decides nothing itself: who may speak is decided
//! by the governor and arrives as [`Line::grant`], [`Line::revoke`], [`Line::pause`] and
//! [`Line::resume`].
//!
//! A line has one leg or many ([`Engine::join`]): each hears the line's voice and the others, never
//! itself, and is listened to by itself. A leg is carried by RTP on sockets of the engine's own, or
//! by somebody else's packets ([`Carrier`]).
//!
//! In: a [`LineSpec`] with what was negotiated, speech to be spoken, the floor. Out:
//! [`LineEvent`]s through a sink that the owner gives. Driven by its own threads; async code may
//! call everything here except [`Engine::shutdown`], which blocks.
//!
//! # Threads
//! - `audio-N`: owns its lines' sockets. Wakes at an absolute deadline every tick, in each line
//!   drains the socket, hears, speaks, sends. A late thread leaves out whole ticks and counts
//!   them; it never sends a burst.
//! - `pump-N`: beside each audio thread. Reports events, runs the ears, feeds speech, frees what
//!   the tick has retired. Woken at most once per tick.
//! - `stt-N`, `tts-N`: blocking engines.
//! - `recorder`: file I/O.
//!
//! The rings between them, their depths and what happens when one is full or empty: a table in
//! the source of `rings`.
//!
//! # Guarantees
//! - An RTP packet leaves every packet time from the tick after [`Engine::open_line`] until
//!   [`Line::close`], also in silence, unless the peer has put us on hold.
//! - After [`Line::revoke`] returns, no sample of that generation is encoded any more; at most the
//!   frame that was being sent leaves. Only the tick writes to the wire, and it asks the floor
//!   gate about each frame. On a leg whose rate is not the mix's, the tail of a filter follows: no
//!   more than 8 ms.
//! - The tick does not allocate, free, lock, format or wait. Test builds check the first two; see
//!   [`install_alloc_check`].
//! - A disk, recogniser, voice or event sink that stands still costs what it does, not the call.
//!
//! # Not done here
//! No signalling, no agreement on keys (SRTP itself is done here), no retransmission. A socket is not connected
//! to its peer: the kernel drops strangers by a filter instead, so that they get no ICMP answer.

mod audio;
#[doc(hidden)]
pub mod bench;
mod carrier;
mod clock;
mod config;
mod control;
mod engine;
mod event;
mod floor;
mod histogram;
mod leg;
mod line;
mod metrics;
mod open;
mod ports;
mod pump;
mod random;
mod realtime;
mod recorder;
mod rings;
mod sockets;
mod speech;
mod statistics;
mod sync;
mod tap;

pub use carrier::Carrier;
pub use clock::Clock;
pub use config::{EngineConfig, Engines, StartError};
pub use engine::Engine;
pub use event::{LineEvent, LineEventSink};
pub use histogram::Lateness;
pub use leg::{Leg, LegMix, LegSpec};
pub use line::{Line, LineMode, LineReport, LineSpec, OpenError, Speech};
pub use metrics::EngineMetrics;
pub use ports::{PortError, RtpPort};
pub use statistics::LineStatistics;

#[doc(hidden)]
pub use assert_no_alloc;

/// Makes allocating or freeing memory in a tick abort the process, in builds with debug
/// assertions. Write `media_engine::install_alloc_check!();` at the root of a test or a binary;
/// it defines the global allocator there. In release builds it is nothing.
#[macro_export]
macro_rules! install_alloc_check {
    () => {
        #[cfg(debug_assertions)]
        #[global_allocator]
        static ALLOC_CHECK: $crate::assert_no_alloc::AllocDisabler =
            $crate::assert_no_alloc::AllocDisabler;
    };
}
