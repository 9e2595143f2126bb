//! A LiveKit room as a door: we join as a participant of kind AGENT, say what the line says on one
//! Opus track, and hear everybody, each as a leg of its own.
//!
//! Owns: the signalling connection (LiveKit's own crates), the two peer connections of a session
//! ([`plugin_webrtc`]), who is in the room ([`People`]), texts on its data channel ([`text`]), and
//! the decision how to come back when something breaks ([`link`], a core). In: a [`RoomConfig`], and
//! what the handle [`Room`] is asked for. Out: [`RoomEvent`]s, among them a
//! [`plugin_webrtc::RemoteSource`] for every voice, and one [`plugin_webrtc::LocalSink`] that outlives
//! every session. One task drives it all; the ends are driven by an audio thread.
//!
//! # Guarantees
//! - Voices are told apart: one source for each track, labelled with the participant's identity. A
//!   [`RoomEvent::Heard`] is always followed by its [`RoomEvent::Unheard`] before the end.
//! - A broken session is resumed, and where that fails joined anew, with waits in between, ten times
//!   ([`link`]). State, attributes and mute are as they were afterwards.
//! - What anybody in the room can make grow is bounded: people, tracks, texts.
//! - With the server on this machine nothing leaves it: media is bound to loopback and no STUN server
//!   is asked unless the configuration says so.
//!
//! # Conventions of rooms
//! `lk.agent.state` says what we are doing ([`AgentState`]); transcripts are texts on
//! [`text::TRANSCRIPTION_TOPIC`] and people write on [`text::CHAT_TOPIC`]; a telephone in the room is a
//! participant of kind SIP ([`Participant::phone`]). A server tells of its rooms by [`Webhook`]s, and
//! answers those who ask with a [`server_token`].
//!
//! # Not done here
//! No video, no end-to-end encryption, no recording. Which rooms are joined is the owner's
//! decision, and so is what may be written into them.
#![forbid(unsafe_code)]

mod config;
mod event;
pub mod link;
mod people;
mod room;
pub mod text;
mod token;
mod webhook;

pub use config::{IceServers, RoomConfig};
pub use event::{Heard, RoomError, RoomEvent};
pub use link::{Ending, Lost};
pub use people::{Change, PEOPLE_MAX, Participant, ParticipantKind, People, Phone};
pub use room::{AgentState, EVENT_DEPTH, Joining, Room, Segment, Whose};
pub use text::{Text, TextError};
pub use token::{ApiKey, TOKEN_VALID, server_token, token};
pub use webhook::{Webhook, WebhookError};
