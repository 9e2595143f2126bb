//! xenline: an always-open phone line to your own agent, on your own machine.
//!
//! This package is the composition root: it wires the crates of the workspace into the program
//! `xenline` and holds what belongs to no single one of them.
//!
//! - [`models`]: which speech models there are, fetched and verified.
//! - [`report`]: a finished call, drawn.
//!
//! The rooms of the house are crates of their own: `media-core` and `media-engine` hear and speak,
//! `sip-bridge` answers the trunk, `queue-governor` decides who has the floor, `brain-protocol` and
//! `brain-supervisor` hold the one process hop to the brain.

pub mod models;
pub mod report;
