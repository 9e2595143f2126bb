//! Voice activity detectors: a small network, and energy as the fallback.

mod energy;
mod network;
mod noise_floor;

pub use energy::EnergyVad;
pub use network::EarshotVad;
pub use noise_floor::NoiseFloor;
