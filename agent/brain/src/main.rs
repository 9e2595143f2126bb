//! The reference brain: a fast responder and parallel workers.
fn main() {}
