use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::fleet::FleetReport;
use super::process::Measured;
use crate::cli::LoadArgs;

/// sipp under the same load.
#[derive(Clone, Copy, Debug)]
pub(super) struct Floor {
    pub measured: Measured,
    pub failed: usize,
}

/// What a load test found. `None` where it could not be measured.
#[derive(Debug, Serialize)]
pub struct LoadReport {
    /// Calls asked for.
    pub calls: usize,
    /// Calls not answered, or ended before their time.
    pub failed: usize,
    /// Seconds in which all of them talked.
    pub seconds: u64,
    /// CPU of the server, user and system, over calls × seconds.
    pub server_cpu_ms_per_call_second: Option<f64>,
    /// The same for `sipp -sn uas -rtp_echo`.
    pub floor_cpu_ms_per_call_second: Option<f64>,
    /// The first over the second.
    pub cpu_over_floor: Option<f64>,
    /// Growth of the server's resident set, over calls.
    pub rss_kb_per_call: Option<f64>,
    /// Packets that the callers sent.
    pub rtp_sent: u64,
    /// Packets that came back.
    pub rtp_received: u64,
    /// Packets of the server that never came, by sequence number.
    pub rtp_lost: u64,
    /// Lateness of the server's audio tick, 99.9th percentile.
    pub tick_late_us_p999: Option<u64>,
    /// INVITE to established, median.
    pub setup_ms_p50: f64,
    /// INVITE to established, 99th percentile.
    pub setup_ms_p99: f64,
    /// Calls that sipp lost under the same load.
    pub floor_failed: Option<usize>,
    /// Where it was measured.
    pub machine: String,
}

impl LoadReport {
    pub(super) fn new(
        args: &LoadArgs,
        fleet: FleetReport,
        server: Option<Measured>,
        floor: Option<Floor>,
    ) -> Self {
        let server_cpu = server.map(|s| s.cpu_ms_per_call_second);
        let floor_cpu = floor.map(|f| f.measured.cpu_ms_per_call_second);
        LoadReport {
            calls: args.calls,
            failed: fleet.failed,
            seconds: args.seconds,
            server_cpu_ms_per_call_second: server_cpu,
            floor_cpu_ms_per_call_second: floor_cpu,
            cpu_over_floor: server_cpu.zip(floor_cpu).map(|(server, floor)| server / floor),
            rss_kb_per_call: server.map(|s| s.rss_kb_per_call),
            rtp_sent: fleet.rtp_sent,
            rtp_received: fleet.rtp_received,
            rtp_lost: fleet.rtp_lost,
            tick_late_us_p999: server.and_then(|s| s.tick_late_us_p999),
            setup_ms_p50: percentile_ms(&fleet.setups, 0.50),
            setup_ms_p99: percentile_ms(&fleet.setups, 0.99),
            floor_failed: floor.map(|f| f.failed),
            machine: machine(),
        }
    }
}

/// Nearest rank. `sorted` ascending; 0 for an empty list.
fn percentile_ms(sorted: &[Duration], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    format!("{cores} cores, {model}")
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figure = |value: Option<f64>, digits: usize, unit: &str| {
            value.map_or("not measured".to_owned(), |v| format!("{v:.digits$} {unit}"))
        };
        let floor = figure(self.floor_cpu_ms_per_call_second, 3, "ms");
        writeln!(f)?;
        writeln!(f, "  machine                  {}", self.machine)?;
        writeln!(
            f,
            "  calls                    {} for {} s, {} failed",
            self.calls, self.seconds, self.failed
        )?;
        writeln!(
            f,
            "  server CPU/call-second   {}",
            figure(self.server_cpu_ms_per_call_second, 3, "ms")
        )?;
        writeln!(f, "  sipp -rtp_echo           {floor}")?;
        writeln!(f, "  server over sipp         {}", figure(self.cpu_over_floor, 2, "x"))?;
        writeln!(f, "  memory per call          {}", figure(self.rss_kb_per_call, 0, "KB"))?;
        writeln!(
            f,
            "  RTP sent/received/lost   {} / {} / {}",
            self.rtp_sent, self.rtp_received, self.rtp_lost
        )?;
        let late = self.tick_late_us_p999.map(|us| us as f64);
        writeln!(f, "  tick lateness p99.9      {}", figure(late, 0, "µs"))?;
        write!(
            f,
            "  set-up p50 / p99         {:.1} / {:.1} ms",
            self.setup_ms_p50, self.setup_ms_p99
        )
    }
}
