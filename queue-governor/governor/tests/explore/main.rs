//! Small worlds, explored whole: a few claims, a caller, an operator and a voice that may hang,
//! in every order and at every time of a 100 ms grid, over the real governor.
//!
//! Each world starts with what may happen in it, and with how often; from there every state that
//! can be reached is visited once, breadth first, so that the trace of a broken promise is a
//! shortest one. States that differ only by when they are reached are one state: all times in
//! them are taken relative to now. So a world ends, and "whole" means for ever, not for a while.
//!
//! Where a world says so, the process is killed between any two outputs of any step, and started
//! again from the records that came out before; or one call follows another.
//!
//! The promises are checked after every step ([`promises`]); that nobody waits for ever is
//! checked on the finished graph ([`search`]).
//!
//! `EXPLORE=deep` explores larger worlds, for the night, and as much of them as there is time for;
//! `EXPLORE_STATES` says how much of each.

mod digest;
mod mouth;
mod promises;
mod search;
mod state;
mod step;
mod words;
mod worlds;
