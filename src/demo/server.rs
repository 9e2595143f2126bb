use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc;

use crate::config::{AdmissionSection, Config, LineMode, TrunkSection};
use crate::control::{Reply, Request, client};
use crate::line::read_printed;
use crate::report::CallEvent;

/// Loading models and starting the brain takes a second or two; a busy machine a few more.
const READY_WITHIN: Duration = Duration::from_secs(60);
const STOPPED_WITHIN: Duration = Duration::from_secs(20);
/// Events that wait for the script; it reads them all the time.
const EVENTS_MAX: usize = 4_096;

/// An event of the call that is going on, and its time in milliseconds since the answer.
pub type Timed = (f64, CallEvent);

/// A line in a process of its own, as `xenline serve` runs it.
pub struct Server {
    child: Child,
    /// Where it takes calls.
    pub sip: SocketAddr,
    /// Where it takes `xenline say`.
    pub say: PathBuf,
    // Sockets live here: a path in the working directory can be too long for one.
    _sockets: tempfile::TempDir,
}

/// The configuration of a line of our own: loopback, any free port, and a directory for its
/// sockets that lasts as long as the second value.
///
/// # Errors
/// When that directory cannot be made.
pub fn loopback_config() -> std::io::Result<(Config, tempfile::TempDir)> {
    let sockets = tempfile::Builder::new().prefix("xenline-").tempdir()?;
    let mut config = Config::default();
    config.sip.listen_udp = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    config.sip.listen_tcp = None;
    config.sip.drain_s = 2;
    let loopback = "127.0.0.1/32".parse().map_err(std::io::Error::other)?;
    config.trunk = vec![TrunkSection {
        name: "loopback".into(),
        allow: vec![loopback],
        ..TrunkSection::default()
    }];
    // One machine calls itself, as often and as fast as it likes.
    config.admission = AdmissionSection::open();
    config.http.listen = None;
    config.say.socket = Some(sockets.path().join("say.sock"));
    config.brain.socket_dir = Some(sockets.path().join("brain"));
    config.cdr.path = Some(sockets.path().join("cdr.jsonl"));
    config.lanes.path = Some(sockets.path().join("lanes.sqlite"));
    config.line.mode = LineMode::Agent;
    Ok((config, sockets))
}

/// Whether an environment variable would change how a line behaves, other than by where its
/// models are.
fn configures(variable: &std::ffi::OsStr) -> bool {
    let name = variable.to_string_lossy();
    name.starts_with("XENLINE_") && !["XENLINE_ASSETS", "XENLINE_MODELS"].contains(&name.as_ref())
}

impl Server {
    /// Starts `xenline serve` with this configuration and waits until it takes calls.
    ///
    /// # Errors
    /// What it said on standard error goes to ours; this says at which step it stopped.
    pub async fn start(
        (config, sockets): &(Config, tempfile::TempDir),
    ) -> Result<(Server, mpsc::Receiver<Timed>), String> {
        let own =
            tempfile::Builder::new().prefix("xenline-").tempdir().map_err(|e| e.to_string())?;
        let file = own.path().join("xenline.toml");
        let text = toml::to_string(config).map_err(|error| error.to_string())?;
        std::fs::write(&file, text).map_err(|error| error.to_string())?;
        let exe = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = Command::new(exe);
        // The configuration is in the file; what is set for another line is not meant for this one.
        for (variable, _) in std::env::vars_os().filter(|(variable, _)| configures(variable)) {
            command.env_remove(variable);
        }
        let mut child = command
            .args(["serve", "--events", "--config"])
            .arg(&file)
            .env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| "warn".into()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("the line does not start: {error}"))?;
        let stdout = child.stdout.take().ok_or("the line has no standard output")?;
        let mut lines = BufReader::new(stdout).lines();
        let ready = tokio::time::timeout(READY_WITHIN, lines.next_line()).await;
        let sip = match ready {
            Ok(Ok(Some(line))) => ready_address(&line)
                .ok_or(format!("the line says {line:?}, not where it listens"))?,
            Ok(_) => return Err("the line ended before it was ready; see above".into()),
            Err(_) => return Err(format!("the line was not ready within {READY_WITHIN:?}")),
        };
        let (to_script, events) = mpsc::channel(EVENTS_MAX);
        tokio::spawn(pass_on(lines, to_script));
        let say = sockets.path().join("say.sock");
        Ok((Server { child, sip, say, _sockets: own }, events))
    }

    /// The line's process.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Its [`Reply::Status`]; `None`: it does not answer.
    pub async fn status(&self) -> Option<Reply> {
        let socket = self.say.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let mut status = None;
            let asked = client::ask(&socket, &Request::Status, |reply| status = Some(reply));
            asked.ok().and(status)
        });
        asked.await.ok().flatten()
    }

    /// Asks it to end, and waits until it has.
    pub async fn stop(mut self) {
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            // SAFETY: the child was not waited for yet, so the pid is its own.
            unsafe { libc::kill(pid, libc::SIGTERM) };
        }
        if tokio::time::timeout(STOPPED_WITHIN, self.child.wait()).await.is_err() {
            eprintln!("the line did not end within {STOPPED_WITHIN:?}; it is killed");
            // Failing to kill means that it is gone.
            let _ = self.child.kill().await;
        }
    }
}

fn ready_address(line: &str) -> Option<SocketAddr> {
    let ready: serde_json::Value = serde_json::from_str(line).ok()?;
    ready.get("udp")?.as_str()?.parse().ok()
}

async fn pass_on(mut lines: Lines<BufReader<ChildStdout>>, to_script: mpsc::Sender<Timed>) {
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some((_, event, t_ms)) = read_printed(&line)
            && to_script.send((t_ms, event)).await.is_err()
        {
            return;
        }
    }
}
