//! Loom's atomics in place of the machine's.

pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};
