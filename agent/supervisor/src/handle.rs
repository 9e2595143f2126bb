use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use brain_protocol::{BrainMessage, LineMessage, Version};
use tokio::sync::{mpsc, watch};

use crate::run::Run;
use crate::socket::PrivateSocket;
use crate::{SendError, StartError, SupervisorConfig};

/// Starts the supervisor. See the crate's front page.
#[derive(Debug)]
pub struct Supervisor;

impl Supervisor {
    /// Binds the socket and starts the brain. To be called within a tokio runtime.
    ///
    /// The receiver is bounded; when nobody reads it the brain's messages are refused, and when
    /// there is no room even for `Up` and `Down`, restarts wait.
    ///
    /// # Errors
    /// [`StartError`] when there is no place to listen. A command that cannot be started is not
    /// an error here: it is reported as `Down`, and tried again.
    pub fn start(
        config: SupervisorConfig,
    ) -> Result<(SupervisorHandle, mpsc::Receiver<SupervisorEvent>), StartError> {
        if config.command.is_empty() {
            return Err(StartError::NoCommand);
        }
        let socket = PrivateSocket::bind(&config.socket_dir)?;
        let (events_in, events_out) = mpsc::channel(config.inbound_max.max(1) + LIFECYCLE_ROOM);
        let (stop, stop_asked) = watch::channel(false);
        let (finished, done) = watch::channel(false);
        let shared = Arc::new(Shared::default());
        let handle = SupervisorHandle {
            shared: Arc::clone(&shared),
            socket_path: socket.path().into(),
            stop: Arc::new(stop),
            done,
        };
        let run = Run::new(config, socket, shared, events_in, stop_asked);
        tokio::spawn(async move {
            run.until_stopped().await;
            let _ = finished.send(true);
        });
        Ok((handle, events_out))
    }
}

/// What the line learns about its brain.
#[derive(Clone, PartialEq, Debug)]
pub enum SupervisorEvent {
    /// A brain said hello. Send it the open lines and the turns that wait.
    Up {
        /// Its process.
        pid: u32,
        /// As it calls itself.
        name: String,
        /// What it speaks.
        version: Version,
    },
    /// The brain said something. Hello and pong are not among these.
    Message(BrainMessage),
    /// There is no brain. Comes once per lost brain, and once per failed start.
    Down {
        /// Why, for people.
        reason: String,
        /// When it is started again.
        retry_in: Duration,
    },
}

/// Talks to the brain. Cheap to clone. The brain ends with the last handle.
#[derive(Clone, Debug)]
pub struct SupervisorHandle {
    shared: Arc<Shared>,
    socket_path: PathBuf,
    stop: Arc<watch::Sender<bool>>,
    done: watch::Receiver<bool>,
}

impl SupervisorHandle {
    /// Queues a message for the brain, at once or not at all.
    ///
    /// # Errors
    /// [`SendError`]; counted in the statistics.
    pub fn send(&self, message: &LineMessage) -> Result<(), SendError> {
        self.shared.send(message)
    }

    /// Whether a brain is up.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.shared.outbound().is_some()
    }

    /// Where the brain connects.
    #[must_use]
    pub fn socket_path(&self) -> &Path {
        &self.socket_path
    }

    /// Counters since the start.
    #[must_use]
    pub fn statistics(&self) -> SupervisorStatistics {
        self.shared.counters.snapshot()
    }

    /// Asks the brain to end, kills it if it does not, and removes the socket.
    pub async fn shutdown(&self) {
        let _ = self.stop.send(true);
        let mut done = self.done.clone();
        // An error means that the task is gone, which is what is waited for.
        let _ = done.wait_for(|done| *done).await;
    }
}

/// Counters since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SupervisorStatistics {
    /// Processes started.
    pub starts: u64,
    /// Messages to the brain refused: it was away, its queue was full, or they were too long.
    pub outbound_refused: u64,
    /// Messages of the brain refused because the line did not keep up.
    pub inbound_refused: u64,
    /// Messages of the brain that this version has no word for.
    pub inbound_skipped: u64,
    /// Connections turned away: a second one, or another user's.
    pub connections_refused: u64,
    /// Lines of stdout and stderr left out of the log.
    pub log_lines_dropped: u64,
}

/// What the handles and the task share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    outbound: Mutex<Option<mpsc::Sender<Vec<u8>>>>,
    pub(crate) counters: Counters,
}

impl Shared {
    pub(crate) fn send(&self, message: &LineMessage) -> Result<(), SendError> {
        let sent = self.try_send(message);
        if sent.is_err() {
            self.counters.outbound_refused.fetch_add(1, Ordering::Relaxed);
        }
        sent
    }

    fn try_send(&self, message: &LineMessage) -> Result<(), SendError> {
        let queue = self.outbound().ok_or(SendError::NotConnected)?;
        if queue.capacity() <= CONTROL_ROOM {
            return Err(SendError::Full);
        }
        let line = brain_protocol::encode(message).map_err(|_| SendError::TooLong)?;
        queue.try_send(line).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => SendError::Full,
            mpsc::error::TrySendError::Closed(_) => SendError::NotConnected,
        })
    }

    fn outbound(&self) -> Option<mpsc::Sender<Vec<u8>>> {
        self.outbound.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_outbound(&self, queue: Option<mpsc::Sender<Vec<u8>>>) {
        *self.outbound.lock().unwrap_or_else(PoisonError::into_inner) = queue;
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) starts: AtomicU64,
    pub(crate) outbound_refused: AtomicU64,
    pub(crate) inbound_refused: AtomicU64,
    pub(crate) inbound_skipped: AtomicU64,
    pub(crate) connections_refused: AtomicU64,
    pub(crate) log_lines_dropped: AtomicU64,
}

impl Counters {
    fn snapshot(&self) -> SupervisorStatistics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SupervisorStatistics {
            starts: read(&self.starts),
            outbound_refused: read(&self.outbound_refused),
            inbound_refused: read(&self.inbound_refused),
            inbound_skipped: read(&self.inbound_skipped),
            connections_refused: read(&self.connections_refused),
            log_lines_dropped: read(&self.log_lines_dropped),
        }
    }
}

/// Slots of the queue to the brain that only pings and `shutdown` may use: a brain that is flooded,
/// or floods, is not to look like one that hangs.
pub(crate) const CONTROL_ROOM: usize = 8;

/// Slots of the event channel that the brain's messages may not use, so that `Up` and `Down`
/// find room even when the line does not keep up.
pub(crate) const LIFECYCLE_ROOM: usize = 8;
