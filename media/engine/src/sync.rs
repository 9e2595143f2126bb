//! The atomics that the floor is made of, named in one place: the model checker in tests/loom
//! compiles the same code with its own.

pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
