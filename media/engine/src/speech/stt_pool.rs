//! The recogniser's threads.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use media_core::hearing::DecodeJobId;
use media_core::plugin::{SpeechToText, SttError, SttStream, Transcript};

use crate::control::Control;
use crate::pump::PumpMessage;
use crate::rings::LineKey;

/// One decode.
pub(crate) struct Decode {
    pub job: DecodeJobId,
    pub samples: Vec<i16>,
}

/// Threads that decode side by side, one thread per decode. The queue holds lines, not decodes:
/// a line is in it at most once and has at most one decode waiting, the newest, because a newer
/// one contains what the older one would have heard. So it is no longer than there are lines.
pub(crate) struct SttPool {
    engine: Option<Arc<dyn SpeechToText>>,
    queue: Mutex<Queue>,
    ready: Condvar,
}

#[derive(Default)]
struct Queue {
    lanes: VecDeque<Arc<SttLane>>,
    stopped: bool,
}

/// A line's recogniser: its state, and what it is to do next.
pub(crate) struct SttLane {
    key: LineKey,
    control: Arc<Control>,
    state: Mutex<Lane>,
}

struct Lane {
    /// Away while a worker decodes with it; absent until the first use.
    stream: Option<Box<dyn SttStream>>,
    next: Option<Decode>,
    /// In the queue, or with a worker.
    busy: bool,
    closed: bool,
}

impl SttLane {
    pub fn new(key: LineKey, control: Arc<Control>) -> Self {
        let state = Lane { stream: None, next: None, busy: false, closed: false };
        Self { key, control, state: Mutex::new(state) }
    }

    /// The line is gone: what waits is dropped, and the state with it.
    pub fn close(&self) {
        let mut lane = self.lock();
        lane.closed = true;
        lane.next = None;
        lane.stream = None;
    }

    fn lock(&self) -> MutexGuard<'_, Lane> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SttPool {
    pub fn new(engine: Option<Arc<dyn SpeechToText>>) -> Self {
        Self { engine, queue: Mutex::default(), ready: Condvar::new() }
    }

    /// Whether there is a recogniser at all.
    pub fn can_hear(&self) -> bool {
        self.engine.is_some()
    }

    /// Has a line's state made ready, so that the first decode need not wait for it.
    pub fn warm_up(&self, lane: &Arc<SttLane>) {
        if self.can_hear() {
            self.enqueue(lane, None);
        }
    }

    /// Decodes for a line. One that still waits for the same line is forgotten; one that runs
    /// is finished first.
    ///
    /// # Errors
    /// [`SttError::Engine`] if there is no recogniser.
    pub fn submit(&self, lane: &Arc<SttLane>, decode: Decode) -> Result<(), SttError> {
        if !self.can_hear() {
            return Err(SttError::Engine("no recogniser is configured".to_owned()));
        }
        self.enqueue(lane, Some(decode));
        Ok(())
    }

    fn enqueue(&self, lane: &Arc<SttLane>, decode: Option<Decode>) {
        let mut state = lane.lock();
        if state.closed {
            return;
        }
        if decode.is_some() {
            state.next = decode;
        }
        if std::mem::replace(&mut state.busy, true) {
            return;
        }
        drop(state);
        self.lock().lanes.push_back(Arc::clone(lane));
        self.ready.notify_one();
    }

    /// Lines that wait.
    pub fn waiting(&self) -> usize {
        self.lock().lanes.len()
    }

    /// Ends all workers.
    pub fn stop(&self) {
        let mut queue = self.lock();
        queue.stopped = true;
        queue.lanes.clear();
        drop(queue);
        self.ready.notify_all();
    }

    /// One worker's life.
    pub fn run(&self) {
        let Some(engine) = self.engine.clone() else { return };
        while let Some(lane) = self.next() {
            self.serve(&*engine, lane);
        }
    }

    fn next(&self) -> Option<Arc<SttLane>> {
        let mut queue = self.lock();
        loop {
            if queue.stopped {
                return None;
            }
            if let Some(lane) = queue.lanes.pop_front() {
                return Some(lane);
            }
            queue = self.ready.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// One decode of a line; if there is another by then, the line queues up again.
    fn serve(&self, engine: &dyn SpeechToText, lane: Arc<SttLane>) {
        let (stream, decode) = {
            let mut state = lane.lock();
            (state.stream.take(), state.next.take())
        };
        let mut stream = stream.or_else(|| open(engine));
        if let Some(Decode { job, samples }) = decode {
            let result = decode_anyhow(engine, &mut stream, &samples);
            Self::report(&lane, job, result);
        }
        let mut state = lane.lock();
        if state.closed {
            return;
        }
        state.stream = stream;
        state.busy = state.next.is_some();
        let again = state.busy;
        drop(state);
        if again {
            self.lock().lanes.push_back(lane);
            self.ready.notify_one();
        }
    }

    fn report(lane: &SttLane, job: DecodeJobId, result: Result<Transcript, SttError>) {
        lane.control.send(PumpMessage::Decoded { key: lane.key, job, result });
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(engine: &dyn SpeechToText) -> Option<Box<dyn SttStream>> {
    match catch_unwind(AssertUnwindSafe(|| engine.open())) {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::warn!(%error, "no recogniser state for a line");
            None
        }
        Err(_) => {
            tracing::error!("the recogniser panicked while it opened a state");
            None
        }
    }
}

/// Decodes. A panic costs the state, which may be broken, and some time: what was said is decoded
/// once more, with a new one.
fn decode_anyhow(
    engine: &dyn SpeechToText,
    stream: &mut Option<Box<dyn SttStream>>,
    samples: &[i16],
) -> Result<Transcript, SttError> {
    for _ in 0..TRIES {
        let Some(mut taken) = stream.take().or_else(|| open(engine)) else {
            return Err(SttError::OutOfMemory);
        };
        let decoded = catch_unwind(AssertUnwindSafe(move || {
            let result = taken.decode(samples);
            (taken, result)
        }));
        if let Ok((kept, result)) = decoded {
            *stream = Some(kept);
            return result;
        }
        tracing::error!("the recogniser panicked; the line gets another state");
    }
    Err(SttError::Engine("the recogniser panicked".to_owned()))
}

/// What brings a recogniser down twice is in the sound, and would do so again.
const TRIES: usize = 2;
