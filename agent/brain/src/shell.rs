//! Connects the mind to the line's socket, the clock, the workers and the state file.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use brain_protocol::{
    BrainMessage, DecodeError, JobId, LineMessage, LineSplitter, Overlong, VERSION, Version,
    decode, encode,
};
use jiff::Zoned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};

use crate::config::{Config, ConfigError};
use crate::memory::{Memory, StateError};
use crate::mind::{Input, Mind, Output};
use crate::tools::figures::Figures;
use crate::worker::{self, Cancel, Report};

/// The brain ends with this.
#[derive(Debug, thiserror::Error)]
pub enum BrainError {
    /// The line is not there.
    #[error("cannot connect to the line at {}: {error}; is it running?", .path.display())]
    Connect {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The connection broke.
    #[error("lost the line: {0}")]
    Lost(#[from] io::Error),
    /// The line sent something that is no message.
    #[error("the line sent something that is no message: {0}")]
    Garbled(DecodeError),
    /// The line sent a line without an end.
    #[error("the line sent something that is no message: {0}")]
    Overlong(#[from] Overlong),
    /// The line speaks another major version.
    #[error(
        "the line speaks protocol {theirs}, this brain {VERSION}; install the one that belongs to the line"
    )]
    Version {
        /// What the line speaks.
        theirs: Version,
    },
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The state cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Serves the line at `socket` until it asks the brain to end or goes away.
///
/// # Errors
/// [`BrainError`]; a line that closes the connection is not an error.
pub async fn serve(socket: &Path, config: Config) -> Result<(), BrainError> {
    let library = Arc::new(config.library()?);
    let state = config.state_path();
    let memory = match &state {
        Some(path) => Memory::load(path)?,
        None => Memory::default(),
    };
    let stream = UnixStream::connect(socket)
        .await
        .map_err(|error| BrainError::Connect { path: socket.into(), error })?;
    let config = Arc::new(config);
    let mind = Mind::new(&Zoned::now(), Arc::clone(&config), library, memory);
    Shell::new(stream, mind, &config, state).run().await
}

struct Shell {
    mind: Mind,
    source: OwnedReadHalf,
    splitter: LineSplitter,
    to_line: mpsc::Sender<Vec<u8>>,
    jobs: HashMap<JobId, Cancel>,
    reports_in: mpsc::Sender<Report>,
    reports: mpsc::Receiver<Report>,
    figures: watch::Receiver<Figures>,
    state: Option<watch::Sender<Memory>>,
    keeper: Option<tokio::task::JoinHandle<()>>,
}

impl Shell {
    fn new(stream: UnixStream, mind: Mind, config: &Config, state: Option<PathBuf>) -> Self {
        let (source, sink) = stream.into_split();
        let (to_line, lines) = mpsc::channel(OUTBOUND_MAX);
        tokio::spawn(write_all(sink, lines));
        let (reports_in, reports) = mpsc::channel(REPORTS_MAX);
        let (figures_in, figures) = watch::channel(Figures::default());
        tokio::spawn(sample_figures(config.disk.clone(), figures_in));
        let (state, keeper) = match state {
            Some(path) => {
                let (state, changes) = watch::channel(mind.memory().clone());
                (Some(state), Some(tokio::spawn(keep(path, changes))))
            }
            None => (None, None),
        };
        Self {
            mind,
            source,
            splitter: LineSplitter::new(),
            to_line,
            jobs: HashMap::new(),
            reports_in,
            reports,
            figures,
            state,
            keeper,
        }
    }

    async fn run(mut self) -> Result<(), BrainError> {
        self.send(BrainMessage::Hello { version: VERSION, name: NAME.into() }).await;
        let served = self.serve().await;
        // Every job ends, also when the line is gone.
        self.jobs.clear();
        self.state = None;
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.await;
        }
        served
    }

    async fn serve(&mut self) -> Result<(), BrainError> {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            if self.act().await {
                return Ok(());
            }
            let room = self.splitter.room().min(chunk.len());
            let timeout = until(self.mind.next_timeout());
            tokio::select! {
                read = self.source.read(&mut chunk[..room]) => match read? {
                    0 => return Ok(()),
                    length => self.take_in(&chunk[..length]).await?,
                },
                Some(report) = self.reports.recv() => {
                    self.jobs.remove(&report.job);
                    self.mind.handle(&Zoned::now(), Input::Job(report));
                }
                Ok(()) = self.figures.changed() => {
                    let figures = *self.figures.borrow_and_update();
                    self.mind.handle(&Zoned::now(), Input::Figures(figures));
                }
                () = tokio::time::sleep(timeout) => {
                    self.mind.handle(&Zoned::now(), Input::Timeout);
                }
            }
        }
    }

    async fn take_in(&mut self, bytes: &[u8]) -> Result<(), BrainError> {
        self.splitter.push(bytes);
        while let Some(line) = self.splitter.next_line()? {
            let message = match decode::<LineMessage>(line) {
                Ok(message) => message,
                Err(error) if error.may_be_skipped() => continue,
                Err(error) => return Err(BrainError::Garbled(error)),
            };
            if let LineMessage::Hello { version, .. } = message
                && !version.speaks(VERSION)
            {
                return Err(BrainError::Version { theirs: version });
            }
            self.mind.handle(&Zoned::now(), Input::Line(message));
            if self.act().await {
                break;
            }
        }
        Ok(())
    }

    /// Does what the mind asks for. `true` when the line ends.
    async fn act(&mut self) -> bool {
        while let Some(output) = self.mind.poll_output() {
            match output {
                Output::Send(message) => self.send(message).await,
                Output::Start(order) => {
                    let job = order.job.clone();
                    let cancel = worker::start(order, self.reports_in.clone());
                    self.jobs.insert(job, cancel);
                }
                Output::Cancel(job) => {
                    if let Some(cancel) = self.jobs.remove(&job) {
                        cancel.cancel();
                    }
                }
                Output::Save => {
                    if let Some(state) = &self.state {
                        state.send_replace(self.mind.memory().clone());
                    }
                }
                Output::End => return true,
            }
        }
        false
    }

    /// Waits if the line does not read; there is nobody to talk to then anyway.
    async fn send(&self, message: BrainMessage) {
        match encode(&message) {
            // An error means that the connection is gone, which the reader notices.
            Ok(line) => drop(self.to_line.send(line).await),
            Err(error) => tracing::warn!(%error, "a message is too long and was left out"),
        }
    }
}

async fn write_all(mut sink: OwnedWriteHalf, mut lines: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        if sink.write_all(&line).await.is_err() {
            return;
        }
    }
}

/// Looks at the machine now and then, where it may block.
async fn sample_figures(disk: PathBuf, figures: watch::Sender<Figures>) {
    loop {
        let disk = disk.clone();
        let Ok(sample) = tokio::task::spawn_blocking(move || Figures::sample(&disk)).await else {
            return;
        };
        if figures.send(sample).is_err() {
            return;
        }
        tokio::time::sleep(FIGURES_EVERY).await;
    }
}

/// Writes the latest state; what came in between is skipped.
async fn keep(path: PathBuf, mut changes: watch::Receiver<Memory>) {
    while changes.changed().await.is_ok() {
        let memory = changes.borrow_and_update().clone();
        let path = path.clone();
        let saved = tokio::task::spawn_blocking(move || memory.save(&path)).await;
        if let Ok(Err(error)) = saved {
            tracing::warn!(%error, "timers and notes are not saved");
        }
    }
}

/// Short enough to follow a clock that was set.
fn until(at: Option<jiff::Timestamp>) -> Duration {
    let Some(at) = at else { return LOOK_AGAIN };
    let wait = at.duration_since(jiff::Timestamp::now());
    Duration::try_from(wait).unwrap_or_default().min(LOOK_AGAIN)
}

const NAME: &str = concat!("xenline-brain ", env!("CARGO_PKG_VERSION"));

const FIGURES_EVERY: Duration = Duration::from_secs(5);

const LOOK_AGAIN: Duration = Duration::from_secs(30);

const CHUNK_BYTES: usize = 16 * 1024;

/// The line reads at once; this only evens out a burst.
const OUTBOUND_MAX: usize = 256;

/// Jobs at the same time, at most, so that no report waits.
const REPORTS_MAX: usize = 64;
