//! Tagged lanes: bounded streams with positions, consumers and replay.
