//! `xenline serve`: the house with everything in it, and the desk where calls, brain and clients
//! are passed on to the lines.

mod account;
mod budget;
mod desk;
pub mod doors;
mod heap;
mod keep_open;
mod lanes;
mod media;
mod redial;
mod rooms;
mod start;
mod tap;
mod writing;

pub use keep_open::{KeepOpen, Keeping};
pub(crate) use lanes::redis;
pub use lanes::{LanesFailure, OpenLanes, open_lanes};
pub use start::{ServeOptions, StartFailure, say_socket, serve, serve_with};
