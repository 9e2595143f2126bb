//! SIP for one machine's phone line: who may call, what is agreed, and how each call stands.
//!
//! # What it owns
//!
//! The SIP sockets (UDP, TCP and TLS), the trunks' source-address list, message framing, offer/answer,
//! transactions, dialogs, calls and admission. It knows media as a value, [`NegotiatedMedia`], and
//! never touches audio.
//!
//! # In and out
//!
//! [`Bridge::start`] opens the listeners; what happens to calls arrives as [`BridgeEvent`]s on the
//! channel it is given; the line answers with [`Bridge::answer`], [`Bridge::reject`],
//! [`Bridge::hangup`], or calls out with [`Bridge::dial`]. Those return at once and never wait for
//! the network. A consumer that reads its events late delays nothing but its own events: the
//! receive loop never waits for it.
//!
//! # What a packet passes, in this order
//!
//! ```text
//! socket ▶ acl (source address; foreign: no byte back) ▶ throttle (of each source, each trunk, and of all)
//!        ▶ guard (framing, bounds, start line) ▶ stack (the SIP grammar) ▶ agent (transactions ▶ call ▶ negotiation) ▶ events
//! ```
//!
//! The agent is a core: told the time and given its randomness, driven by one message, command or
//! timeout at a time, drained of its outputs after each. Sockets, tasks and clocks are in
//! [`bridge`](Bridge) alone.
//!
//! # What keeps a call, and a trunk
//!
//! A session timer where the peer wants one, refreshed by whoever is to; an `OPTIONS` in the dialog
//! where not. A trunk's own addresses are asked outside any call; [`Bridge::routes`] says which
//! answer, and a call out whose host is the trunk's name takes the first one that does.
//!
//! # What may be called
//!
//! [`outbound`] judges numbers and keeps the day's account; whoever dials for the line asks it first.
//! The bridge itself dials whatever it is told to: a softphone is told by its user.
//!
//! # What becomes of a call besides
//!
//! It may go on in another dialog: a transfer that the peer asks for and the line allows, or an INVITE
//! that replaces it. Then [`BridgeEvent::Moved`] names both, and the line's socket stays. Telephones of
//! a trunk with [`Phones`] register and prove who they are; to an exchange that wants it the bridge
//! registers itself. None of this happens unless the configuration says so.
//!
//! # What it never does
//!
//! Send a byte to an address that no trunk lists and that we did not dial. Spawn a task or a
//! thread per call. Resolve a name that came in a packet. Panic on what a peer sent.

pub mod acl;
pub mod admission;
mod agent;
mod bridge;
mod call;
mod caller;
mod cdr;
mod config;
mod digest;
pub mod digits;
mod event;
mod flow;
#[doc(hidden)]
pub mod fuzzing;
mod gate;
pub mod guard;
mod ids;
pub mod message;
pub mod negotiation;
pub mod outbound;
mod pii;
mod policy;
pub mod sdp;
#[doc(hidden)]
pub mod simulation;
pub mod stack;
mod throttle;
mod timers;
mod transaction;

pub use acl::{Acl, Trunk};
pub use admission::AdmissionLimits;
pub use bridge::{
    Bridge, BridgeCounts, DialError, NotConfigured, ReferTarget, RegistrationState, RouteState,
    StartError, TlsError, check_tls, is_tls_name,
};
pub use caller::{Attestation, CallerIdentity, Diversion};
pub use cdr::{CallDirection, Cdr, ConversationFigures, MediaFigures};
pub use config::{BridgeConfig, DialSpec, RegistrationSpec, TlsCalls, TlsConfig};
pub use digest::{Credentials, DigestAlgorithm};
pub use event::{
    BridgeEvent, CallId, CallOutcome, HangupBy, HangupReason, Rejection, TransferResult,
};
pub use media_core::NegotiatedMedia;
pub use message::Replaces;
pub use pii::{Pii, pii_is_revealed, reveal_pii};
pub use policy::{Phones, TrunkPolicy, Unwanted, is_custom_header};
