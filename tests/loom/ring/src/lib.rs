//! A ring with rtrb's name and signatures in place of the real one, whose own atomics loom cannot
//! see. Each operation is one step that loom may put anywhere between those of other threads.

use std::collections::VecDeque;

use loom::sync::{Arc, Mutex};

/// The writing half.
pub struct Producer<T> {
    ring: Arc<Mutex<VecDeque<T>>>,
    depth: usize,
}

/// The reading half.
pub struct Consumer<T> {
    ring: Arc<Mutex<VecDeque<T>>>,
    first: Option<T>,
}

/// Nothing is in the ring.
#[derive(Debug)]
pub struct Empty;

/// The ring is full; what was to be pushed.
#[derive(Debug)]
pub struct Full<T>(pub T);

/// A ring of `depth` places.
pub fn ring<T: Copy>(depth: usize) -> (Producer<T>, Consumer<T>) {
    let ring = Arc::new(Mutex::new(VecDeque::new()));
    (Producer { ring: ring.clone(), depth }, Consumer { ring, first: None })
}

impl<T: Copy> Producer<T> {
    pub fn is_full(&self) -> bool {
        self.ring.lock().expect("no panic").len() >= self.depth
    }

    pub fn push(&mut self, value: T) -> Result<(), Full<T>> {
        let mut ring = self.ring.lock().expect("no panic");
        if ring.len() >= self.depth {
            return Err(Full(value));
        }
        ring.push_back(value);
        Ok(())
    }
}

impl<T: Copy> Consumer<T> {
    pub fn peek(&mut self) -> Result<&T, Empty> {
        self.first = self.ring.lock().expect("no panic").front().copied();
        self.first.as_ref().ok_or(Empty)
    }

    pub fn pop(&mut self) -> Result<T, Empty> {
        self.ring.lock().expect("no panic").pop_front().ok_or(Empty)
    }
}
