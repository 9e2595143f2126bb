//! A room hears the line once, however many of its people sit at it: their legs have one way out
//! between them, which one of them holds at a time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use media_core::SampleRate;
use media_core::plugin::{AudioSink, Circle};

/// The way out, and who holds it.
pub(super) struct Baton {
    sink: Arc<Mutex<Box<dyn AudioSink>>>,
    rate: SampleRate,
    circle: Circle,
    /// The end that holds it; 0: none.
    holder: Arc<AtomicU64>,
    ends: u64,
}

impl Baton {
    /// Nobody holds it yet. `circle`: no other room's.
    pub fn new(sink: Box<dyn AudioSink>, circle: Circle) -> Self {
        let rate = sink.sample_rate();
        Self { sink: Arc::new(Mutex::new(sink)), rate, circle, holder: Arc::default(), ends: 0 }
    }

    /// An end for one more leg, and its number. It is silent until it holds the baton.
    pub fn end(&mut self) -> (u64, Box<dyn AudioSink>) {
        self.ends += 1;
        let (sink, holder) = (Arc::clone(&self.sink), Arc::clone(&self.holder));
        let (number, rate, circle) = (self.ends, self.rate, self.circle);
        let end = End { number, sink, rate, circle, holder, held: false };
        (self.ends, Box::new(end))
    }

    /// From the next tick on this end holds it.
    pub fn pass(&self, to: u64) {
        self.holder.store(to, Ordering::Release);
    }

    /// Who holds it.
    pub fn holder(&self) -> u64 {
        self.holder.load(Ordering::Acquire)
    }
}

/// A leg's end. Real-time safe: the lock is tried and never waited for, and only the tick takes it.
/// Two legs of one line are ticked one after the other, so that it is taken only where the baton goes
/// to another line's leg while the one before is in the middle of a frame; that frame is then lost.
struct End {
    number: u64,
    sink: Arc<Mutex<Box<dyn AudioSink>>>,
    rate: SampleRate,
    circle: Circle,
    holder: Arc<AtomicU64>,
    /// In the tick before.
    held: bool,
}

impl End {
    fn with(&mut self, use_it: impl FnOnce(&mut dyn AudioSink)) {
        let holds = self.holder.load(Ordering::Acquire) == self.number;
        let before = std::mem::replace(&mut self.held, holds);
        if !holds {
            return;
        }
        let Ok(mut sink) = self.sink.try_lock() else { return };
        if !before {
            // What comes now does not follow on what another end sent.
            sink.pass(0);
        }
        use_it(&mut **sink);
    }
}

impl AudioSink for End {
    fn sample_rate(&self) -> SampleRate {
        self.rate
    }

    fn push(&mut self, frame: &[i16]) {
        self.with(|sink| sink.push(frame));
    }

    fn circle(&self) -> Option<Circle> {
        Some(self.circle)
    }

    fn pass(&mut self, samples: usize) {
        self.with(|sink| sink.pass(samples));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Log(Arc<Mutex<Vec<i16>>>);

    impl AudioSink for Log {
        fn sample_rate(&self) -> SampleRate {
            SampleRate::Hz48000
        }

        fn push(&mut self, frame: &[i16]) {
            self.0.lock().expect("nobody panics").extend(frame);
        }

        fn pass(&mut self, _: usize) {
            self.0.lock().expect("nobody panics").push(-1);
        }
    }

    #[test]
    fn a_room_hears_the_one_leg_that_holds_the_baton() {
        let log = Log::default();
        let heard = Arc::clone(&log.0);
        let mut baton = Baton::new(Box::new(log), Circle(1));
        let (first, mut one) = baton.end();
        let (second, mut other) = baton.end();
        let mut tick = || {
            one.push(&[1]);
            other.push(&[2]);
        };
        tick();
        baton.pass(first);
        tick();
        tick();
        baton.pass(second);
        tick();
        assert_eq!(*heard.lock().unwrap(), [-1, 1, 1, -1, 2]);
        assert_eq!(baton.holder(), second);
    }
}
