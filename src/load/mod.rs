//! `xenline load`: places many calls with real RTP from this process and reports what each costs
//! the server, beside `sipp -rtp_echo` under the same load.
//!
//! Method: all calls are set up at a fixed rate; when the last one is answered and a second has
//! passed, the server's CPU clock is read, read again after `--seconds`, and the difference is
//! divided by calls × seconds. Memory is the growth of its resident set over the calls. Loss is
//! what the callers miss of the server's RTP and, for our own server, what it misses of theirs,
//! both by sequence number. The callers' audio tick counts what it had to leave out: a load that
//! was not offered was not borne.

mod fleet;
mod process;
mod report;
mod servers;

use std::time::Duration;

use self::fleet::{CALLS_MAX, Fleet, FleetReport};
use self::report::LoadReport;
use self::servers::{EchoLine, Sipp, Ticks};
use crate::cli::LoadArgs;
use crate::exit::Failure;

/// Sound settles, and the last ACK arrives.
const SETTLE: Duration = Duration::from_secs(1);

/// Beyond this a second's calls are a burst, whatever the pace.
const RATE_MAX: u32 = 10_000;

/// Runs the load test and prints its report.
///
/// # Errors
/// [`Failure`]: no server, calls were lost, or a limit that was given is broken.
pub fn load(args: LoadArgs) -> Result<(), Failure> {
    if args.calls == 0 || args.seconds == 0 || args.rate == 0 {
        return Err(Failure::Usage("--calls, --seconds and --rate are at least 1".into()));
    }
    if args.calls > CALLS_MAX || args.rate > RATE_MAX {
        let most = format!("--calls is at most {CALLS_MAX}, --rate at most {RATE_MAX}");
        return Err(Failure::Usage(most));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(Failure::because)?;
    let report = runtime.block_on(measure(&args))?;
    eprintln!("{report}");
    if let Some(path) = &args.json {
        let json = serde_json::to_string(&report).map_err(Failure::because)?;
        if path.as_os_str() == "-" {
            println!("{json}");
        } else {
            std::fs::write(path, json + "\n").map_err(|error| {
                Failure::Failed(format!("cannot write {}: {error}", path.display()))
            })?;
        }
    }
    if report.failed > 0 {
        let (failed, calls) = (report.failed, report.calls);
        return Err(Failure::Failed(format!("{failed} of {calls} calls failed")));
    }
    report.beyond(&args).map_or(Ok(()), |limit| Err(Failure::Failed(limit)))
}

async fn measure(args: &LoadArgs) -> Result<LoadReport, Failure> {
    if let Some(target) = &args.target {
        return Ok(LoadReport::new(args, run_fleet(target, args, None).await?, None));
    }
    eprintln!("{} calls for {} s on `xenline serve --echo`", args.calls, args.seconds);
    let server = EchoLine::start(args.calls).await.map_err(Failure::Failed)?;
    let mut run = run_fleet(&server.target(), args, Some(server.pid())).await?;
    run.ticks = server.ticks().await;
    run.fleet.rtp_lost += server.stop().await;
    let floor = if args.no_floor { None } else { floor(args).await };
    Ok(LoadReport::new(args, run, floor))
}

/// The same load on sipp. `None`, with a word why, when sipp cannot be had.
async fn floor(args: &LoadArgs) -> Option<Run> {
    eprintln!("{} calls for {} s on `sipp -sn uas -rtp_echo`", args.calls, args.seconds);
    let sipp = match Sipp::start().await {
        Ok(sipp) => sipp,
        Err(error) => {
            eprintln!("no floor: sipp does not start ({error}); install the package sip-tester");
            return None;
        }
    };
    let run = run_fleet(&sipp.target(), args, Some(sipp.pid())).await;
    sipp.stop().await;
    let mut run = run.map_err(|error| eprintln!("no floor: {error}")).ok()?;
    if run.fleet.failed > 0 {
        eprintln!("no floor: sipp lost {} of {} calls itself", run.fleet.failed, args.calls);
        run.server = None;
    }
    Some(run)
}

/// One load on one server.
struct Run {
    fleet: FleetReport,
    /// What it cost the server, if it is a process of this machine.
    server: Option<Cost>,
    /// What it cost the callers.
    callers: Option<Cost>,
    /// Share of the packets due that the callers sent, percent.
    offered_percent: f64,
    ticks: Option<Ticks>,
}

#[derive(Clone, Copy)]
struct Cost {
    cpu_ms_per_call_second: f64,
    rss_kb_per_call: f64,
}

async fn run_fleet(target: &str, args: &LoadArgs, server: Option<u32>) -> Result<Run, Failure> {
    let processes = [server, Some(std::process::id())];
    let rss_before = processes.map(|pid| pid.and_then(process::rss_kb));
    let mut fleet = Fleet::new(args.calls).await.map_err(Failure::Failed)?;
    fleet.dial_all(target, args.rate).await;
    // Nobody there: an hour of waiting would not change the report.
    let window =
        if fleet.talking() > 0 { Duration::from_secs(args.seconds) } else { Duration::ZERO };
    fleet.run_for(SETTLE).await;
    let (before, ticks_before) = (processes.map(|pid| pid.and_then(process::cpu)), fleet.ticks());
    fleet.run_for(window).await;
    let (after, ticks) = (processes.map(|pid| pid.and_then(process::cpu)), fleet.ticks());
    let rss = processes.map(|pid| pid.and_then(process::rss_kb));
    let calls = fleet.talking().max(1) as f64;
    let [server, callers] = [0, 1].map(|n| {
        let cpu = after[n]?.checked_sub(before[n]?)?;
        Some(Cost {
            cpu_ms_per_call_second: cpu.as_secs_f64() * 1_000.0 / (calls * args.seconds as f64),
            rss_kb_per_call: rss[n]?.saturating_sub(rss_before[n]?) as f64 / calls,
        })
    });
    Ok(Run {
        offered_percent: ticks.run_since(&ticks_before) * 100.0,
        fleet: fleet.hang_up_all(args.rate).await,
        server,
        callers,
        ticks: None,
    })
}
