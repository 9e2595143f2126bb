use std::sync::{Condvar, Mutex};
use std::time::Duration;

use lane_broker::tap::TapEvent;
use lane_broker::{
    Delivery, Entry, GroupError, Lane, LaneInfo, LaneStore, Pending, Position, PublishError,
    Published, Retention, StoreError,
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

    fn publish_many(
        &self,
        lane: &Lane,
        entries: &[(String, Vec<u8>)],
    ) -> Result<Vec<Published>, PublishError> {
        entries.iter().map(|(key, body)| self.publish(lane, key, body)).collect()
    }

    fn read(&self, _: &Lane, _: Position, _: usize) -> Result<Vec<Entry>, StoreError> {
        Err(StoreError::Unavailable)
    }

    fn lanes(&self) -> Result<Vec<LaneInfo>, StoreError> {
        Err(StoreError::Unavailable)
    }

    fn join(&self, _: &Lane, _: &str, _: Position) -> Result<(), GroupError> {
        Err(StoreError::Unavailable.into())
    }

    fn take(&self, _: &Lane, _: &str, _: &str, _: usize) -> Result<Vec<Delivery>, GroupError> {
        Err(StoreError::Unavailable.into())
    }

    fn ack(&self, _: &Lane, _: &str, _: Position) -> Result<bool, GroupError> {
        Err(StoreError::Unavailable.into())
    }

    fn pending(&self, _: &Lane, _: &str) -> Result<Vec<Pending>, GroupError> {
        Err(StoreError::Unavailable.into())
    }

    fn give_up(&self, _: &Lane, _: &str, _: &str) -> Result<usize, GroupError> {
        Err(StoreError::Unavailable.into())
    }

    fn give_up_idle(&self, _: &Lane, _: &str, _: Duration) -> Result<usize, GroupError> {
        Err(StoreError::Unavailable.into())
    }

    fn trim(&self, _: &Lane, _: Position) -> Result<usize, StoreError> {
        Ok(0)
    }

    fn retain(&self, _: &Lane, _: &Retention) -> Result<usize, StoreError> {
        Ok(0)
    }

    fn remove(&self, _: &Lane) -> Result<bool, StoreError> {
        Ok(false)
    }
}
