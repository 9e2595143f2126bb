//! Whom the line may call, and for how much: the one gate that every call out passes, whoever wants
//! it, and every transfer.
//!
//! Owns the judgement of a number, the number of calls out at a time, and the day's account of
//! minutes and money. A core: told the time, driven by [`OutboundGate::ask`] before a call and
//! [`OutboundGate::settle`] after it. It places no call and writes no file: whoever drives it keeps
//! [`OutboundGate::book`] before the call leaves, and hangs up when [`Permit::longest`] is over.
//!
//! # What it promises
//!
//! Nothing is allowed that the policy does not name. A day (UTC) costs no more than the policy says, also
//! across restarts, with several calls at once, over midnight and with a wall clock that is set: what a
//! call may cost at most is on the account before it begins, and on the next day's when that begins
//! meanwhile, and what it did not cost is taken off when it ends. After a crash the whole of it stays.
//!
//! # What it does not know
//!
//! What a carrier charges: prices are the policy's word. How long a call lasts that the peer places in our
//! place: it is on the account with the longest that a call may last, to the end of the day. Every premium range of the world: [the list](REFUSED_RANGES) is the second
//! lock, the policy's prefixes are the first.

mod book;
mod gate;
mod number;
mod policy;
mod ranges;
mod refusal;
#[cfg(test)]
mod tests;

pub use book::Book;
pub use gate::{Now, OutboundGate, Permit, Ticket};
pub use policy::{AllowedPrefix, Micros, OutboundPolicy};
pub use ranges::{REFUSED_RANGES, RefusedRange, Why};
pub use refusal::OutboundRefusal;
