//! A leg's transport over WebRTC: one Opus track each way, behind
//! [`media_core::plugin::AudioSource`] and [`media_core::plugin::AudioSink`]. A browser is one
//! [`Session`]; a LiveKit room is made of the same parts, one [`Peer`] for each direction.
//!
//! Owns: peer connections (ICE, DTLS, SRTP by the crate `webrtc`), the tasks that move packets
//! between them and the rings, and the two ends that an audio thread holds ([`RemoteSource`],
//! [`LocalSink`]). In: an offer ([`Offer::parse`] judges it without doing anything) and a
//! [`PeerConfig`]. Out: an answer, the two ends, [`SessionEvent`]s. Driven by tokio; the ends are
//! driven by the audio thread.
//!
//! # Where the sound is made
//! Packets cross the rings, not samples. The audio thread decodes in its tick, out of the same
//! jitter buffer that telephone legs have ([`media_core::playout`]), so there is one clock, the
//! tick's; what the sender's clock drifts against it is corrected there, and loss is concealed
//! there, with Opus' own repetition where the sender sends it.
//!
//! | ring | writer → reader | depth | when full | when empty |
//! | --- | --- | --- | --- | --- |
//! | arrived | task → tick | [`ARRIVED_DEPTH`] packets | the packet is lost and counted | concealed, then silence |
//! | leaving | tick → task | [`LEAVING_DEPTH`] packets | the packet is lost and counted | the task sleeps until the tick rings a bell, which is a pair of sockets |
//! | events | connection → owner | [`EVENT_DEPTH`] | the event is lost and logged | the owner sleeps |
//!
//! All packet rings are single-producer, single-consumer and wait-free.
//!
//! # Guarantees
//! - Nothing is bound but [`PeerConfig::addresses`], by default one port on 127.0.0.1, from which the
//!   kernel lets nothing out. No STUN or TURN server is asked unless it is configured. No mDNS: a
//!   `.local` candidate is passed over, and the browser is found by its own checks.
//! - A peer that vanishes is told of ([`SessionEvent::Interrupted`], then [`SessionEvent::Lost`]); one
//!   that says goodbye is [`SessionEvent::Left`].
//! - A connection whose own task ends unasked, by an error or a panic of the stack's, is told of as lost.
//!   What panics takes nothing else with it, and ends its door.
//! - A connection opens within two seconds or so also where one packet in twenty is lost.
//! - After [`Session::close`] there are no tasks, sockets or descriptors left of it, but what the
//!   ends hold that are still elsewhere: memory, and a pair of sockets.
//!
//! # Not done here
//! No HTTP: whoever serves a browser maps [`OfferError::http_status`]. No video, no data channels of
//! a browser. No recording, no mixing.
#![forbid(unsafe_code)]

mod again;
mod config;
mod error;
mod offer;
mod peer;
mod port;
mod session;
mod voice;
mod watched;

pub use config::{Clock, IceServer, PeerConfig};
pub use error::{OfferError, PeerError, Step};
pub use offer::Offer;
pub use peer::{EVENT_DEPTH, Peer, PeerEvent, PeerEvents};
pub use port::{
    ARRIVED_DEPTH, Counts, Inbound, LEAVING_DEPTH, LocalSink, Outbound, RemoteSource, sink, source,
};
pub use session::{Answered, Session, SessionEvent};
pub use voice::{Microphone, Task, Voice, listen, speak};

/// The stack below, for a door that needs more of it than a browser does.
pub use webrtc;
