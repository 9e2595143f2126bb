//! The engine's feeder.

#[path = "../../../media/engine/src/pump/feeder.rs"]
mod feeder;

pub(crate) use feeder::Feeder;
