//! The tick's end of a line's event ring.

use std::sync::Arc;

use rtrb::Producer;

use crate::event::AudioEvent;
use crate::line::LineShared;
use crate::rings::EVENT_RESERVE;
use crate::statistics::count;

/// Reports by value; never waits.
pub(crate) struct EventPort {
    ring: Producer<AudioEvent>,
    shared: Arc<LineShared>,
    /// Whether something was reported since the pump was last woken.
    news: bool,
}

impl EventPort {
    pub fn new(ring: Producer<AudioEvent>, shared: Arc<LineShared>) -> Self {
        Self { ring, shared, news: false }
    }

    /// Reports `event`, or counts it as lost.
    pub fn push(&mut self, event: AudioEvent) {
        self.news = true;
        if event.is_repeated_later() && self.ring.slots() <= EVENT_RESERVE {
            return;
        }
        if self.ring.push(event).is_err() {
            count(&self.shared.counters.events_dropped);
        }
    }

    /// Whether there is news, once.
    pub fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }
}
