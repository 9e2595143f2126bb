//! The servers under load: ours, and the floor that it is measured against.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::config::{Config, LineMode};
use crate::control::Reply;
use crate::demo::{Server, loopback_config};

/// A port that was free may be taken by the time that sipp binds it; three times in a row, hardly.
const SIPP_STARTS: usize = 3;
const SIPP_READY: Duration = Duration::from_millis(500);

/// `xenline serve` in echo mode.
pub(super) struct EchoLine {
    server: Server,
    pid: u32,
    /// Call data records: what the server received.
    records: tempfile::TempDir,
    // Holds its sockets until it is gone.
    _config: (Config, tempfile::TempDir),
}

/// The audio tick's punctuality since the server began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticks {
    pub late_us_p999: u64,
    pub skipped: u64,
}

impl EchoLine {
    pub async fn start(calls: usize) -> Result<Self, String> {
        let (mut config, sockets) = loopback_config().map_err(|error| error.to_string())?;
        let records = tempfile::tempdir().map_err(|error| error.to_string())?;
        config.line.mode = LineMode::Echo;
        config.sip.channels = calls;
        config.sip.codecs = vec!["PCMU".into()];
        config.audio.lines_max = calls.max(config.audio.lines_max);
        (config.rtp.port_min, config.rtp.port_max) = (40_000, 60_000);
        config.cdr.path = Some(records.path().join("cdr.jsonl"));
        let config = (config, sockets);
        let (server, mut events) = Server::start(&config).await?;
        tokio::spawn(async move { while events.recv().await.is_some() {} });
        let pid = server.pid().ok_or("the line ended at once")?;
        Ok(Self { server, pid, records, _config: config })
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    pub fn target(&self) -> String {
        format!("sip:echo@{}", self.server.sip)
    }

    pub async fn ticks(&self) -> Option<Ticks> {
        match self.server.status().await {
            Some(Reply::Status { tick_late_us_p999, ticks_skipped, .. }) => {
                Some(Ticks { late_us_p999: tick_late_us_p999, skipped: ticks_skipped })
            }
            _ => None,
        }
    }

    /// Ends it. Returns how many of the callers' packets it missed, by its own records.
    pub async fn stop(self) -> u64 {
        self.server.stop().await;
        missed(self.records.path())
    }
}

/// Packets lost on the way to a server that kept its call data records in `dir`.
fn missed(dir: &Path) -> u64 {
    #[derive(serde::Deserialize)]
    struct Record {
        rtp_received: Option<u64>,
        loss_percent: Option<f64>,
    }
    let records = std::fs::read_to_string(dir.join("cdr.jsonl")).unwrap_or_default();
    let of_call = |line: &str| {
        let record: Record = serde_json::from_str(line).ok()?;
        let (received, lost) = (record.rtp_received? as f64, record.loss_percent? / 100.0);
        Some((received * lost / (1.0 - lost).max(f64::EPSILON)).round() as u64)
    };
    records.lines().filter_map(of_call).sum()
}

/// `sipp -sn uas -rtp_echo`.
pub(super) struct Sipp {
    child: Child,
    pid: u32,
    address: SocketAddr,
}

impl Sipp {
    /// Starts it on ports that were free a moment ago.
    ///
    /// # Errors
    /// It is not installed, or ended by itself [`SIPP_STARTS`] times.
    pub async fn start() -> std::io::Result<Self> {
        let log = tempfile::NamedTempFile::new()?;
        for _ in 0..SIPP_STARTS {
            let mut sipp = Self::spawn(log.reopen()?)?;
            // It has no way to say that it is ready; until it is, the INVITE is retransmitted.
            tokio::time::sleep(SIPP_READY).await;
            if sipp.child.try_wait()?.is_none() {
                return Ok(sipp);
            }
        }
        let said = std::fs::read_to_string(log.path())?;
        Err(std::io::Error::other(format!("it ends at once: {}", said.trim())))
    }

    fn spawn(stderr: std::fs::File) -> std::io::Result<Self> {
        let free = || std::net::UdpSocket::bind("127.0.0.1:0")?.local_addr();
        let (address, media) = (free()?, free()?);
        let child = Command::new("sipp")
            .args(["-sn", "uas", "-rtp_echo", "-nostdin", "-i", "127.0.0.1", "-mi", "127.0.0.1"])
            .args(["-mp", &media.port().to_string(), "-p", &address.port().to_string()])
            .env("TERM", "dumb")
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .kill_on_drop(true)
            .spawn()?;
        let pid = child.id().ok_or_else(|| std::io::Error::other("it ended at once"))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_that_the_server_missed_are_counted_over_all_its_calls() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(missed(dir.path()), 0, "no records, nothing missed that we know of");
        let records = "{\"rtp_received\":900,\"loss_percent\":10.0}\n\
                       {\"rtp_received\":1000,\"loss_percent\":0.0}\n\
                       {\"rtp_received\":null,\"loss_percent\":null}\n";
        std::fs::write(dir.path().join("cdr.jsonl"), records).expect("written");
        assert_eq!(missed(dir.path()), 100);
    }
}
