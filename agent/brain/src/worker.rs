//! Runs allow-listed commands, each as its own task, with a deadline and an ending.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use brain_protocol::{JobId, JobOutcome};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// What to run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    /// The job.
    pub job: JobId,
    /// Program and arguments.
    pub run: Vec<String>,
    /// Its environment, beside `PATH`.
    pub environment: BTreeMap<String, String>,
    /// Where it runs.
    pub directory: Option<PathBuf>,
    /// Killed after that.
    pub timeout: Duration,
}

/// What became of it. Comes exactly once per order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// The job.
    pub job: JobId,
    /// How it ended.
    pub outcome: JobOutcome,
    /// "failed with status 2", for people.
    pub how: String,
    /// How long it took.
    pub took: Duration,
    /// The first [`OUTPUT_BYTES_MAX`] of what it printed to stdout.
    pub output: String,
}

/// Cancels the job when dropped or told so.
#[derive(Debug)]
pub struct Cancel(oneshot::Sender<()>);

impl Cancel {
    /// Kills the job; its report says `cancelled`, unless it was done already.
    pub fn cancel(self) {
        let _ = self.0.send(());
    }
}

/// Starts the job. The report is sent when it has ended.
#[must_use]
pub fn start(order: Order, reports: mpsc::Sender<Report>) -> Cancel {
    let (cancel, cancelled) = oneshot::channel();
    tokio::spawn(async move {
        let report = carry_out(order, cancelled).await;
        // Without a receiver the brain is ending.
        let _ = reports.send(report).await;
    });
    Cancel(cancel)
}

async fn carry_out(order: Order, cancelled: oneshot::Receiver<()>) -> Report {
    let began = Instant::now();
    let (outcome, how, output) = match spawn(&order) {
        Ok(child) => watch(child, began + order.timeout, cancelled).await,
        Err(error) => (JobOutcome::Failed, error, String::new()),
    };
    Report { job: order.job, outcome, how, took: began.elapsed(), output }
}

fn spawn(order: &Order) -> Result<Child, String> {
    let (program, arguments) = order.run.split_first().ok_or("could not be started")?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into()))
        .envs(&order.environment)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    if let Some(directory) = &order.directory {
        command.current_dir(directory);
    }
    command.spawn().map_err(|error| {
        tracing::warn!(%program, %error, "a command of the configuration cannot be started");
        "could not be started".into()
    })
}

async fn watch(
    mut child: Child,
    deadline: Instant,
    cancelled: oneshot::Receiver<()>,
) -> (JobOutcome, String, String) {
    let pid = child.id();
    let stdout = child.stdout.take();
    let work = async {
        let output = match stdout {
            Some(stdout) => first_part(stdout).await,
            None => String::new(),
        };
        (child.wait().await, output)
    };
    let ended = tokio::select! {
        ended = work => Ok(ended),
        _ = cancelled => Err((JobOutcome::Cancelled, "was cancelled")),
        () = tokio::time::sleep_until(deadline) => Err((JobOutcome::TimedOut, "took too long and was stopped")),
    };
    match ended {
        Ok((Ok(status), output)) if status.success() => {
            (JobOutcome::Done, "is done".into(), output)
        }
        Ok((Ok(status), output)) => {
            let how = match status.code() {
                Some(code) => format!("failed with status {code}"),
                None => "was killed".into(),
            };
            (JobOutcome::Failed, how, output)
        }
        Ok((Err(_), output)) => (JobOutcome::Failed, "failed".into(), output),
        Err((outcome, how)) => {
            kill_tree(pid);
            let _ = child.wait().await;
            (outcome, how.into(), String::new())
        }
    }
}

/// Keeps the beginning and reads the rest away, so that the program does not wait for a reader.
async fn first_part(mut source: impl AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(length @ 1..) = source.read(&mut chunk).await {
        let room = OUTPUT_BYTES_MAX - kept.len();
        kept.extend_from_slice(&chunk[..length.min(room)]);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// Kills the program and what it started. They stay in the brain's own process group, so that
/// whoever kills the brain's group has killed its jobs too.
fn kill_tree(pid: Option<u32>) {
    let mut tree: Vec<u32> = pid.into_iter().collect();
    let mut next = 0;
    while let Some(&parent) = tree.get(next)
        && tree.len() < TREE_MAX
    {
        let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
        let children = children.unwrap_or_default();
        tree.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        next += 1;
    }
    for pid in tree {
        let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

/// A report is a few sentences; what is longer belongs into a file.
pub const OUTPUT_BYTES_MAX: usize = 16 * 1024;

/// A command that starts more processes than this is no command for a phone line.
const TREE_MAX: usize = 1024;
