use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::{Run, process};
use crate::cli::LoadArgs;

/// Below this the callers were the bottleneck.
const OFFERED_PERCENT_MIN: f64 = 99.0;

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
    /// The same for sipp.
    pub floor_rss_kb_per_call: Option<f64>,
    /// Packets that the callers sent.
    pub rtp_sent: u64,
    /// Packets that came back, as last counted: up to 100 ms before the end, which is no loss.
    pub rtp_received: u64,
    /// Packets that never came, by sequence number: the server's at the callers, and, with our
    /// own server, theirs at the server.
    pub rtp_lost: u64,
    /// Packets that sipp sent and the callers missed.
    pub floor_rtp_lost: Option<u64>,
    /// Lateness of the server's audio tick since it began, 99.9th percentile.
    pub tick_late_us_p999: Option<u64>,
    /// Ticks that the server left out because it was a whole tick late. Each is 20 ms in which
    /// no line sent.
    pub ticks_skipped: Option<u64>,
    /// INVITE to established, median.
    pub setup_ms_p50: Option<f64>,
    /// INVITE to established, 99th percentile.
    pub setup_ms_p99: Option<f64>,
    /// Calls that sipp lost under the same load.
    pub floor_failed: Option<usize>,
    /// Share of the packets due that the callers sent.
    pub offered_percent: f64,
    /// The same while sipp was under load.
    pub floor_offered_percent: Option<f64>,
    /// CPU of this process, for all callers.
    pub callers_cpu_ms_per_call_second: Option<f64>,
    /// Where it was measured.
    pub machine: String,
    /// How it was measured.
    pub method: String,
}

impl LoadReport {
    pub(super) fn new(args: &LoadArgs, run: Run, floor: Option<Run>) -> Self {
        let floor = floor.as_ref();
        let floor_cost = floor.and_then(|floor| floor.server);
        let server_cpu = run.server.map(|cost| cost.cpu_ms_per_call_second);
        let floor_cpu = floor_cost.map(|cost| cost.cpu_ms_per_call_second);
        LoadReport {
            calls: args.calls,
            failed: run.fleet.failed,
            seconds: args.seconds,
            server_cpu_ms_per_call_second: server_cpu,
            floor_cpu_ms_per_call_second: floor_cpu,
            cpu_over_floor: server_cpu.zip(floor_cpu).map(|(server, floor)| server / floor),
            rss_kb_per_call: run.server.map(|cost| cost.rss_kb_per_call),
            floor_rss_kb_per_call: floor_cost.map(|cost| cost.rss_kb_per_call),
            rtp_sent: run.fleet.rtp_sent,
            rtp_received: run.fleet.rtp_received,
            rtp_lost: run.fleet.rtp_lost,
            floor_rtp_lost: floor.map(|floor| floor.fleet.rtp_lost),
            tick_late_us_p999: run.ticks.map(|ticks| ticks.late_us_p999),
            ticks_skipped: run.ticks.map(|ticks| ticks.skipped),
            setup_ms_p50: percentile_ms(&run.fleet.setups, 0.50),
            setup_ms_p99: percentile_ms(&run.fleet.setups, 0.99),
            floor_failed: floor.map(|floor| floor.fleet.failed),
            offered_percent: run.offered_percent,
            floor_offered_percent: floor.filter(|f| f.server.is_some()).map(|f| f.offered_percent),
            callers_cpu_ms_per_call_second: run.callers.map(|cost| cost.cpu_ms_per_call_second),
            machine: process::machine(),
            method: method(args),
        }
    }

    /// The limit that was broken, or that was asked for and says nothing: because the figure could
    /// not be measured, or because the load was not offered.
    pub(super) fn beyond(&self, args: &LoadArgs) -> Option<String> {
        let lost = 100.0 * self.rtp_lost as f64 / self.rtp_sent.max(1) as f64;
        let limits = [
            ("server CPU over sipp's", self.cpu_over_floor, args.cpu_over_floor_max),
            ("KB of memory per call", self.rss_kb_per_call, args.rss_kb_max),
            ("percent of the packets lost", Some(lost), args.lost_percent_max),
        ];
        let limited = limits.iter().any(|(.., limit)| limit.is_some());
        if let Some(doubt) = self.doubt().filter(|_| limited) {
            return Some(doubt);
        }
        limits.into_iter().find_map(|(what, figure, limit)| match (figure, limit?) {
            (Some(figure), limit) if figure <= limit => None,
            (Some(figure), limit) => Some(format!("{what}: {figure:.2}, at most {limit}")),
            (None, limit) => Some(format!("{what}: not measured, at most {limit} was asked for")),
        })
    }

    /// Why the figures are not to be trusted, if so.
    fn doubt(&self) -> Option<String> {
        let offered = self.floor_offered_percent.unwrap_or(100.0).min(self.offered_percent);
        (offered < OFFERED_PERCENT_MIN).then(|| {
            format!(
                "the callers themselves were late and sent only {offered:.0} % of what they \
                 should have: the machine is too busy for this load, and the figures are for less"
            )
        })
    }
}

fn method(args: &LoadArgs) -> String {
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    let servers = match (&args.target, args.no_floor) {
        (Some(target), _) => format!("callers here, server {target}, whose cost is not seen here"),
        (None, true) => "callers and server on this machine".to_owned(),
        (None, false) => "callers and server on this machine, first our line, then sipp".to_owned(),
    };
    format!(
        "{} calls set up at {}/s, PCMU, 20 ms, a tone each way; process CPU clock over {} s in \
         which all talk, resident set before and at the end; {servers}; {build} build",
        args.calls, args.rate, args.seconds
    )
}

/// Nearest rank. `sorted` ascending.
fn percentile_ms(sorted: &[Duration], share: f64) -> Option<f64> {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).map(|time| time.as_secs_f64() * 1_000.0)
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |value: Option<f64>, digits: usize, unit: &str| {
            value.map_or("not measured".to_owned(), |v| format!("{v:.digits$} {unit}"))
        };
        let ms = |value, digits| number(value, digits, "ms");
        let count = |value: Option<u64>, unit| number(value.map(|n| n as f64), 0, unit);
        let rows = [
            ("machine", self.machine.clone()),
            ("method", self.method.clone()),
            ("calls", format!("{} for {} s, {} failed", self.calls, self.seconds, self.failed)),
            ("server CPU/call-second", ms(self.server_cpu_ms_per_call_second, 3)),
            ("sipp -rtp_echo", ms(self.floor_cpu_ms_per_call_second, 3)),
            ("server over sipp", number(self.cpu_over_floor, 2, "x")),
            ("memory per call", number(self.rss_kb_per_call, 0, "KB")),
            (
                "RTP sent/received/lost",
                format!("{} / {} / {}", self.rtp_sent, self.rtp_received, self.rtp_lost),
            ),
            ("tick lateness p99.9", count(self.tick_late_us_p999, "µs")),
            ("ticks left out", count(self.ticks_skipped, "")),
            (
                "set-up p50 / p99",
                format!("{} / {}", ms(self.setup_ms_p50, 1), ms(self.setup_ms_p99, 1)),
            ),
            ("load offered", format!("{:.1} % of the packets due", self.offered_percent)),
            ("callers' CPU", ms(self.callers_cpu_ms_per_call_second, 3)),
        ];
        for (name, value) in rows {
            write!(f, "\n  {name:<24} {}", value.trim_end())?;
        }
        match self.doubt() {
            Some(doubt) => write!(f, "\n  doubtful: {doubt}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile_ms(&times, 0.50), Some(100.0));
        assert_eq!(percentile_ms(&times, 0.99), Some(198.0));
        assert_eq!(percentile_ms(&times[..1], 0.99), Some(1.0));
        assert_eq!(percentile_ms(&[], 0.5), None);
    }
}
