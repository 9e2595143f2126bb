use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use std::os::unix::process::ExitStatusExt;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::SupervisorConfig;
use crate::handle::Shared;

/// The brain's process and what it started in its group. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Brain {
    child: Child,
    pid: u32,
}

impl Brain {
    pub(crate) fn start(
        config: &SupervisorConfig,
        socket_path: &std::path::Path,
        shared: &Arc<Shared>,
    ) -> io::Result<Self> {
        let (program, arguments) =
            config.command.split_first().ok_or_else(|| io::Error::other("no program"))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs(config.environment.iter().map(|(name, value)| (name, value)))
            .env(brain_protocol::SOCKET_VARIABLE, socket_path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(directory) = &config.working_dir {
            command.current_dir(directory);
        }
        let mut child = command.spawn().map_err(|error| named(program, &error))?;
        shared.counters.starts.fetch_add(1, Ordering::Relaxed);
        let pid = child.id().ok_or_else(|| io::Error::other("it ended at once"))?;
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(log_lines("stdout", pid, stdout, Arc::clone(shared)));
        }
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(log_lines("stderr", pid, stderr, Arc::clone(shared)));
        }
        Ok(Self { child, pid })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// How it ended, for people. Cancel safe.
    pub(crate) async fn exited(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => describe(status),
            Err(error) => format!("ended, and its status is lost: {error}"),
        }
    }

    /// Kills the whole process group; an error means that it is gone already.
    pub(crate) fn kill(pid: u32) {
        let group = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Brain {
    fn drop(&mut self) {
        // Reaped already means that the group was killed already, and the id may be another's.
        if self.child.id().is_some() {
            Self::kill(self.pid);
        }
    }
}

fn named(program: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{program}: {error}"))
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".into(),
    }
}

/// Copies a stream to the log: whole lines, shortened, so many per second.
async fn log_lines(
    stream: &'static str,
    pid: u32,
    source: impl AsyncRead + Unpin,
    shared: Arc<Shared>,
) {
    let mut source = BufReader::with_capacity(LOG_LINE_BYTES_MAX, source);
    let mut line = Vec::with_capacity(LOG_LINE_BYTES_MAX);
    let mut budget = LogBudget::new(Instant::now());
    while let Ok(more) = next_line(&mut source, &mut line).await {
        if !line.is_empty() {
            if budget.admits(Instant::now()) {
                tracing::info!(target: "brain", stream, pid, "{}", String::from_utf8_lossy(&line));
            } else {
                shared.counters.log_lines_dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        if !more {
            return;
        }
        line.clear();
    }
}

/// Reads up to the end of a line, and keeps the first [`LOG_LINE_BYTES_MAX`] bytes. `false` at
/// the end of the stream.
async fn next_line(
    source: &mut BufReader<impl AsyncRead + Unpin>,
    line: &mut Vec<u8>,
) -> io::Result<bool> {
    loop {
        let chunk = source.fill_buf().await?;
        if chunk.is_empty() {
            return Ok(false);
        }
        let end = chunk.iter().position(|&byte| byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        let room = LOG_LINE_BYTES_MAX - line.len();
        line.extend_from_slice(&part[..part.len().min(room)]);
        let used = end.map_or(chunk.len(), |end| end + 1);
        source.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}

/// So many lines in each second.
struct LogBudget {
    second_ends: Instant,
    left: u32,
}

impl LogBudget {
    fn new(now: Instant) -> Self {
        Self { second_ends: now + SECOND, left: LOG_LINES_PER_SECOND_MAX }
    }

    fn admits(&mut self, now: Instant) -> bool {
        if now >= self.second_ends {
            *self = Self::new(now);
        }
        let admitted = self.left > 0;
        self.left = self.left.saturating_sub(1);
        admitted
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// A brain that logs more per second is in trouble; the log is to survive it.
const LOG_LINES_PER_SECOND_MAX: u32 = 200;

/// Longer lines are cut.
const LOG_LINE_BYTES_MAX: usize = 4096;
