//! The servers under load, and what the system says of their processes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::config::{Config, LineMode};
use crate::control::{Reply, Request, client};
use crate::demo::{Server, loopback_config};

/// What the server cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub cpu_ms_per_call_second: f64,
    pub rss_kb_per_call: f64,
    pub tick_late_us_p999: Option<u64>,
}

/// CPU time that the process has used, all threads, user and system.
pub(super) fn cpu(pid: u32) -> Option<Duration> {
    let mut clock: libc::clockid_t = 0;
    let pid = libc::pid_t::try_from(pid).ok()?;
    // SAFETY: `clock` is a valid place for the answer.
    if unsafe { libc::clock_getcpuclockid(pid, &raw mut clock) } != 0 {
        return None;
    }
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer.
    if unsafe { libc::clock_gettime(clock, &raw mut time) } != 0 {
        return None;
    }
    let seconds = u64::try_from(time.tv_sec).ok()?;
    let nanos = u32::try_from(time.tv_nsec).ok()?;
    Some(Duration::new(seconds, nanos))
}

/// Resident memory, in KB.
pub(super) fn rss_kb(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// `xenline serve` in echo mode.
pub(super) struct EchoLine {
    server: Server,
    pid: u32,
    // Holds its sockets until it is gone.
    _config: (Config, tempfile::TempDir),
}

impl EchoLine {
    pub async fn start(calls: usize) -> Result<Self, String> {
        let (mut config, sockets) = loopback_config().map_err(|error| error.to_string())?;
        config.line.mode = LineMode::Echo;
        config.sip.channels = calls;
        config.sip.codecs = vec!["PCMU".into()];
        config.audio.lines_max = calls.max(config.audio.lines_max);
        (config.rtp.port_min, config.rtp.port_max) = (40_000, 60_000);
        let config = (config, sockets);
        let (server, mut events) = Server::start(&config).await?;
        tokio::spawn(async move { while events.recv().await.is_some() {} });
        let pid = server.pid().ok_or("the line ended at once")?;
        Ok(Self { server, pid, _config: config })
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    pub fn target(&self) -> String {
        format!("sip:echo@{}", self.server.sip)
    }

    pub async fn tick_late_us_p999(&self) -> Option<u64> {
        let socket: PathBuf = self.server.say.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let mut late = None;
            let asked = client::ask(&socket, &Request::Status, |reply| {
                if let Reply::Status { tick_late_us_p999, .. } = reply {
                    late = Some(tick_late_us_p999);
                }
            });
            asked.ok().and(late)
        });
        asked.await.ok().flatten()
    }

    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// `sipp -sn uas -rtp_echo`.
pub(super) struct Sipp {
    child: Child,
    pid: u32,
    address: SocketAddr,
}

impl Sipp {
    pub fn start() -> std::io::Result<Self> {
        let free = std::net::UdpSocket::bind("127.0.0.1:0")?;
        let address = free.local_addr()?;
        drop(free);
        let child = Command::new("sipp")
            .args(["-sn", "uas", "-rtp_echo", "-nostdin", "-i", "127.0.0.1", "-mi", "127.0.0.1"])
            .args(["-mp", "28000", "-p", &address.port().to_string()])
            .env("TERM", "dumb")
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let pid = child.id().ok_or_else(|| std::io::Error::other("it ended at once"))?;
        // It has no way to say that it is ready; until it is, the INVITE is retransmitted.
        std::thread::sleep(Duration::from_millis(500));
        Ok(Self { child, pid, address })
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    pub fn target(&self) -> String {
        format!("sip:echo@{}", self.address)
    }

    pub async fn stop(mut self) {
        // Failing to kill means that it is gone.
        let _ = self.child.kill().await;
    }
}
