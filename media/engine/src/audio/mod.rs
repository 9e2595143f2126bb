//! What runs inside the tick. Nothing here allocates, frees, locks, formats or waits.

mod carriage;
mod ends;
mod events;
mod leg;
mod line;
mod player;
mod protection;
mod receiver;
mod seat;
mod sender;
mod table;
mod thread;
mod watchdog;

pub(crate) use carriage::Carriage;
pub(crate) use ends::Ends;
pub(crate) use events::EventPort;
pub(crate) use leg::{Coders, Leg, LegParts, MediaUpdate};
pub(crate) use line::{AudioLine, Tick};
pub(crate) use player::Player;
pub(crate) use seat::{Seat, SeatParts};
pub(crate) use table::{GUESTS_MAX, Guest, Table, TableParts};
pub(crate) use thread::AudioThread;
pub(crate) use watchdog::Silence;
