//! `xenline load`: places many calls with real RTP from this process and reports what each costs
//! the server, beside `sipp -rtp_echo` under the same load.
//!
//! Method: all calls are set up at a fixed rate; when the last one is answered and a second has
//! passed, the server's CPU clock is read, read again after `--seconds`, and the difference is
//! divided by calls × seconds. Memory is the growth of its resident set over the calls. Loss is
//! what the callers miss of the server's RTP, by sequence number.

mod fleet;
mod process;
mod report;

use std::time::Duration;

use self::fleet::{Fleet, FleetReport};
use self::process::Measured;
use self::report::{Floor, LoadReport};
use crate::cli::LoadArgs;
use crate::exit::Failure;

/// Sound settles, and the last ACK arrives.
const SETTLE: Duration = Duration::from_secs(1);

/// Runs the load test and prints its report.
///
/// # Errors
/// [`Failure`]: no server, or calls were lost.
pub fn load(args: LoadArgs) -> Result<(), Failure> {
    if args.calls == 0 || args.seconds == 0 || args.rate == 0 {
        return Err(Failure::Usage("--calls, --seconds and --rate are at least 1".into()));
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
    match report.failed {
        0 => Ok(()),
        n => Err(Failure::Failed(format!("{n} of {} calls failed", report.calls))),
    }
}

async fn measure(args: &LoadArgs) -> Result<LoadReport, Failure> {
    if let Some(target) = &args.target {
        let (fleet, _) = run_fleet(target.clone(), args, None).await?;
        return Ok(LoadReport::new(args, fleet, None, None));
    }
    eprintln!("{} calls for {} s on `xenline serve --echo`", args.calls, args.seconds);
    let server = process::EchoLine::start(args.calls).await.map_err(Failure::Failed)?;
    let target = server.target();
    let (fleet, mut measured) = run_fleet(target, args, Some(server.pid())).await?;
    if let Some(measured) = &mut measured {
        measured.tick_late_us_p999 = server.tick_late_us_p999().await;
    }
    server.stop().await;
    let floor = if args.no_floor { None } else { floor(args).await };
    Ok(LoadReport::new(args, fleet, measured, floor))
}

/// The same load on sipp. `None`, with a word why, when sipp cannot be had.
async fn floor(args: &LoadArgs) -> Option<Floor> {
    eprintln!("{} calls for {} s on `sipp -sn uas -rtp_echo`", args.calls, args.seconds);
    let sipp = match process::Sipp::start() {
        Ok(sipp) => sipp,
        Err(error) => {
            eprintln!("no floor: sipp does not start ({error}); install the package sip-tester");
            return None;
        }
    };
    let run = run_fleet(sipp.target(), args, Some(sipp.pid())).await;
    sipp.stop().await;
    match run {
        Ok((fleet, Some(measured))) => Some(Floor { measured, failed: fleet.failed }),
        Ok(_) => None,
        Err(error) => {
            eprintln!("no floor: {error}");
            None
        }
    }
}

async fn run_fleet(
    target: String,
    args: &LoadArgs,
    server: Option<u32>,
) -> Result<(FleetReport, Option<Measured>), Failure> {
    let rss_before = server.and_then(process::rss_kb);
    let mut fleet = Fleet::new(args.calls).await.map_err(Failure::Failed)?;
    fleet.dial_all(&target, args.rate).await;
    fleet.run_for(SETTLE).await;
    let cpu_before = server.and_then(process::cpu);
    fleet.run_for(Duration::from_secs(args.seconds)).await;
    let cpu = server.and_then(process::cpu).zip(cpu_before).map(|(after, before)| after - before);
    let rss = server.and_then(process::rss_kb).zip(rss_before);
    let calls = fleet.talking();
    let report = fleet.hang_up_all(args.rate).await;
    let call_seconds = calls.max(1) as f64 * args.seconds as f64;
    let measured = cpu.zip(rss).map(|(cpu, (after, before))| Measured {
        cpu_ms_per_call_second: cpu.as_secs_f64() * 1_000.0 / call_seconds,
        rss_kb_per_call: after.saturating_sub(before) as f64 / calls.max(1) as f64,
        tick_late_us_p999: None,
    });
    Ok((report, measured))
}
