//! xenline: an always-open phone line to your own agent, on your own machine.
//!
//! This package is the composition root: it wires the crates of the workspace into the program
//! `xenline` and holds what belongs to no single one of them.
//!
//! - [`cli`], [`verbs`], [`exit`]: what can be asked for, and how it ends.
//! - [`config`], [`check`]: what the operator decides, and whether this machine can do it.
//! - [`house`], [`line`](mod@line): the running line; one conversation of it.
//! - [`control`], [`say`]: how other programs of this machine reach the running line, and what
//!   becomes of what they want said.
//! - [`carrier`], [`firewall`]: what a carrier publishes about itself; who may reach the line's ports.
//! - [`durable`], [`secret`]: what survives a crash; what is written nowhere.
//! - [`watch`]: what goes on, for whoever watches.
//! - [`text`](mod@text), [`http`]: what is written; the door through which programs write and read it.
//! - [`console`]: the terminal of the operator, who listens, whispers and takes over.
//! - [`talk`]: browsers that talk with the line.
//! - [`rooms`](mod@rooms): rooms of a LiveKit server, whose people sit down at the line.
//! - [`softphone`], [`demo`], [`load`]: callers, one at a time, scripted, and by the hundred.
//! - [`engines`], [`models`]: recogniser and voice; which models there are, fetched and verified.
//! - [`report`], [`calls`]: a finished call, drawn; past calls, listed and shown.
//! - [`cdr`]: one line for each call, in a file that the operator keeps.
//! - [`replay`]: what a call decided on, logged, and decided again.
//!
//! The rooms of the house are crates of their own: `media-core` and `media-engine` hear and speak,
//! `sip-bridge` answers the trunk, `queue-governor` decides who has the floor, `brain-protocol` and
//! `brain-supervisor` hold the one process hop to the brain.

pub mod calls;
pub mod carrier;
pub mod cdr;
pub mod check;
pub mod cli;
pub mod clip;
pub mod config;
pub mod console;
pub mod control;
pub mod demo;
pub mod durable;
pub mod engines;
pub mod exit;
pub mod firewall;
pub mod house;
pub mod http;
pub mod line;
pub mod load;
pub mod models;
pub mod replay;
pub mod report;
pub mod rooms;
pub mod say;
pub mod secret;
pub mod softphone;
pub mod talk;
pub mod text;
pub mod verbs;
pub mod watch;
