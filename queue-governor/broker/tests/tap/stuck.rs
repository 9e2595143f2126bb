use std::sync::{Condvar, Mutex};

use lane_broker::tap::TapEvent;
use lane_broker::{
    Delivery, Entry, GroupError, Lane, LaneStore, Pending, Position, PublishError, Published,
};

/// A store in which writing hangs until it is opened.
#[derive(Default)]
pub struct Stuck {
    open: Mutex<bool>,
    opened: Condvar,
    written: Mutex<Vec<TapEvent>>,
}

impl Stuck {
    pub fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    pub fn close(&self) {
        *self.open.lock().unwrap() = false;
    }

    pub fn written(&self) -> Vec<TapEvent> {
        self.written.lock().unwrap().clone()
    }
}

impl LaneStore for Stuck {
    fn publish(&self, _: &Lane, _: &str, body: &[u8]) -> Result<Published, PublishError> {
        let open = self.open.lock().unwrap();
        drop(self.opened.wait_while(open, |open| !*open).unwrap());
        let mut written = self.written.lock().unwrap();
        written.push(serde_json::from_slice(body).expect("an event"));
        Ok(Published { position: Position(written.len() as u64), duplicate: false })
    }

    fn read(&self, _: &Lane, _: Position, _: usize) -> Vec<Entry> {
        Vec::new()
    }

    fn join(&self, _: &Lane, _: &str, _: Position) -> Result<(), GroupError> {
        Err(GroupError::Unavailable)
    }

    fn take(&self, _: &Lane, _: &str, _: &str, _: usize) -> Result<Vec<Delivery>, GroupError> {
        Err(GroupError::Unavailable)
    }

    fn ack(&self, _: &Lane, _: &str, _: Position) -> Result<bool, GroupError> {
        Err(GroupError::Unavailable)
    }

    fn pending(&self, _: &Lane, _: &str) -> Result<Vec<Pending>, GroupError> {
        Err(GroupError::Unavailable)
    }

    fn give_up(&self, _: &Lane, _: &str, _: &str) -> Result<usize, GroupError> {
        Err(GroupError::Unavailable)
    }

    fn trim(&self, _: &Lane, _: Position) -> usize {
        0
    }

    fn remove(&self, _: &Lane) -> bool {
        false
    }
}
