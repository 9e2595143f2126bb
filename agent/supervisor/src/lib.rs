//! Starts, watches and restarts the brain sidecar.
//!
//! # What it owns
//!
//! A Unix socket (mode 0600, in a directory of mode 0700), the brain's process, and the one
//! connection between them. [`Supervisor::start`] returns a [`SupervisorHandle`] to send to the
//! brain with, and a receiver of [`SupervisorEvent`]s.
//!
//! # What it does
//!
//! - It binds the socket, starts the command with the socket's path in
//!   [`brain_protocol::SOCKET_VARIABLE`], and admits one connection of its own user.
//! - It exchanges the versioned hello within a time limit, then sends pings. A brain that leaves
//!   one unanswered, sends something that is no message, or ends, is killed with everything it
//!   started in its process group, and started again with exponential back-off up to a cap.
//! - What the brain writes to stdout and stderr goes to the log: a bounded number of lines, without
//!   telephone numbers unless [`SupervisorConfig::log_shows_pii`], and without what steers a terminal.
//!
//! # What it promises
//!
//! - **It never blocks the line.** [`SupervisorHandle::send`] is a `try_send`: it refuses and
//!   counts when the queue is full or the brain is away.
//! - **Order.** `Up` comes before the brain's messages, `Down` after them, and nothing of a lost
//!   brain comes after its `Down`.
//! - **Refusals are told.** A claim that finds the queue to the line full is answered with
//!   `claim_ended` / `refused`, as long as the brain reads its answers. Everything refused is
//!   counted, and a brain that floods is not mistaken for one that hangs.
//!
//! # What it does not do
//!
//! It keeps no state of the conversation. After `Up` its user sends `line_opened` and the turns
//! that nobody has acknowledged. The decisions are in [`lifecycle`], a core that is told the time.

mod config;
mod connection;
mod error;
mod handle;
pub mod lifecycle;
mod log;
mod process;
mod run;
mod socket;

pub use config::{SupervisorConfig, Timing};
pub use error::{SendError, StartError};
pub use handle::{Supervisor, SupervisorEvent, SupervisorHandle, SupervisorStatistics};
