//! `xenline status`: how the running line is, for people and for monitoring.

use std::path::Path;

use crate::cli::StatusArgs;
use crate::control::{
    CallStatus, KeptStatus, OutboundStatus, ProcessStatus, ReloadStatus, Reply, Request,
};
use crate::exit::Failure;

pub(super) fn run(file: Option<&Path>, args: StatusArgs) -> Result<(), Failure> {
    let reach = super::say::reach(file, args.at)?;
    let mut status = None;
    reach.ask(&Request::Status, |reply| status = Some(reply))?;
    let status =
        status.ok_or_else(|| Failure::Failed("the line closed before it answered".to_owned()))?;
    if args.json {
        println!("{}", serde_json::to_string(&status).map_err(Failure::because)?);
    } else {
        rows(&status).iter().for_each(|(what, told)| println!("{what:<8} {told}"));
    }
    match ailments(&status).join("; ") {
        well if well.is_empty() => Ok(()),
        ill => Err(Failure::Failed(ill)),
    }
}

/// What needs help, each with what to do.
fn ailments(status: &Reply) -> Vec<String> {
    let mut ailments = Vec::new();
    match status {
        Reply::Status { brain_up, process, journal, .. } => {
            if process.agent && !brain_up {
                ailments.push(
                    "the brain is away, callers hear [brain] away_text: see its last lines in the log".into(),
                );
            }
            if process.strained {
                ailments.push(
                    "the machine is at its limit and sends new calls elsewhere: see [admission], or give it less to do".into(),
                );
            }
            if process.signalling_panics > 0 {
                let times = process.signalling_panics;
                ailments.push(format!("SIP signalling came upon a bug {times} times and went on: report the panic in the log; a restart sets the count back"));
            }
            if let Some(ReloadStatus { refused: Some(why), .. }) = &process.reload {
                ailments.push(format!("the changed configuration is not in force: {why}"));
            }
            if let Some(reason) = journal {
                ailments.push(format!("what is accepted could not be kept: {reason}"));
            }
        }
        other => ailments.push(format!("an answer to something else: {other:?}")),
    }
    ailments
}

fn rows(status: &Reply) -> Vec<(&'static str, String)> {
    let Reply::Status {
        calls,
        brain_up,
        process,
        tick_late_us_p999,
        tick_late_us_max,
        ticks_skipped,
        queued,
        paused,
        journal,
        tap,
    } = status
    else {
        return Vec::new();
    };
    let mut rows = vec![
        ("line", line(process)),
        ("calls", if calls.is_empty() { "none".to_owned() } else { calls.len().to_string() }),
    ];
    rows.extend(calls.iter().map(|open| ("", call(open))));
    rows.extend([
        ("brain", brain(process, *brain_up)),
        ("queue", queue(*queued, *paused, journal.as_deref())),
        ("speech", speech(process)),
        (
            "ticks",
            format!(
                "late by {tick_late_us_p999} us (99.9 %), {tick_late_us_max} us at most; {ticks_skipped} skipped"
            ),
        ),
        (
            "ports",
            format!("{} pairs in use, {} rest", process.ports_in_use, process.ports_resting),
        ),
    ]);
    rows.extend(forgotten(process).map(|told| ("text", told)));
    rows.extend(process.routes_down.iter().map(|route| ("trunk", route.clone())));
    rows.extend(process.outbound.iter().map(|out| ("out", calls_out(out))));
    rows.extend(process.kept.iter().map(|kept| ("kept", kept_open(kept))));
    rows.extend(tap.as_ref().map(|tap| ("tap", super::tap::told(tap))));
    rows
}

/// The next brain gets them again: that may be this one, started anew.
fn forgotten(process: &ProcessStatus) -> Option<String> {
    let messages = process.forgotten;
    (messages > 0).then(|| {
        format!("{messages} messages that the brain was given twice and has not said it dealt with; they come again when it is started anew")
    })
}

fn calls_out(out: &OutboundStatus) -> String {
    let OutboundStatus { calls, minutes_used, minutes_per_day, spent_millionths } = out;
    let spent = *spent_millionths as f64 / 1e6;
    format!(
        "{calls} calls open; today {minutes_used} of {minutes_per_day} minutes, {spent:.2} spent"
    )
}

fn kept_open(kept: &KeptStatus) -> String {
    let KeptStatus { up, up_seconds, kept_seconds, reconnects, next_try_s, trouble } = kept;
    let share = 100.0 * *up_seconds as f64 / (*kept_seconds).max(1) as f64;
    let state = match (up, next_try_s) {
        (true, _) => "up".to_owned(),
        (false, Some(wait)) => format!("down, tried again in {wait} s"),
        (false, None) => "being called".to_owned(),
    };
    let trouble =
        trouble.as_ref().filter(|_| !up).map(|why| format!(": {why}")).unwrap_or_default();
    format!(
        "{state}{trouble}; up for {} of {} ({share:.1} %), called again {reconnects} times",
        lasting(*up_seconds),
        lasting(*kept_seconds)
    )
}

fn line(process: &ProcessStatus) -> String {
    let ProcessStatus { version, pid, up_seconds, agent, .. } = process;
    let mode = if *agent { "" } else { ", every call gets its own echo" };
    format!("xenline {version}, process {pid}, up {}{mode}", lasting(*up_seconds))
}

fn call(open: &CallStatus) -> String {
    let CallStatus { line, trunk, seconds } = open;
    format!("line {line} from {trunk}, {}", lasting(*seconds))
}

fn brain(process: &ProcessStatus, up: bool) -> String {
    match (process.agent, up, process.brain_pid) {
        (false, ..) => "none".to_owned(),
        (true, true, Some(pid)) => format!("connected, process {pid}"),
        (true, true, None) => "connected".to_owned(),
        (true, false, _) => "away".to_owned(),
    }
}

fn queue(queued: usize, paused: bool, journal: Option<&str>) -> String {
    let paused = if paused { "; paused until `xenline queue resume`" } else { "" };
    let unkept = if journal.is_some() { "; nothing new is kept" } else { "" };
    format!("{queued} claims of other programs{paused}{unkept}")
}

fn speech(process: &ProcessStatus) -> String {
    let ProcessStatus { stt_waiting, tts_waiting, .. } = process;
    format!("{stt_waiting} lines wait for the recogniser, {tts_waiting} claims for the voice")
}

/// `1 d 02:03:04`.
fn lasting(seconds: u64) -> String {
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let days = if days > 0 { format!("{days} d ") } else { String::new() };
    format!("{days}{hours:02}:{:02}:{:02}", seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(brain_up: bool, journal: Option<&str>) -> Reply {
        let process = ProcessStatus {
            version: "1.2.3".into(),
            pid: 42,
            up_seconds: 90_061,
            agent: true,
            brain_pid: brain_up.then_some(43),
            ..ProcessStatus::default()
        };
        Reply::Status {
            calls: vec![CallStatus { line: 7, trunk: "carrier".into(), seconds: 61 }],
            brain_up,
            process: Box::new(process),
            tick_late_us_p999: 120,
            tick_late_us_max: 900,
            ticks_skipped: 0,
            queued: 2,
            paused: true,
            journal: journal.map(str::to_owned),
            tap: None,
        }
    }

    fn printed(status: &Reply) -> String {
        rows(status).into_iter().map(|(what, told)| format!("{what} {told}\n")).collect()
    }

    #[test]
    fn a_line_that_is_well_says_how_it_is() {
        let status = status(true, None);
        assert_eq!(ailments(&status), Vec::<String>::new());
        let printed = printed(&status);
        for told in [
            "line xenline 1.2.3, process 42, up 1 d 01:01:01",
            "line 7 from carrier, 00:01:01",
            "brain connected, process 43",
            "queue 2 claims of other programs; paused until `xenline queue resume`",
        ] {
            assert!(printed.contains(told), "{printed}");
        }
    }

    #[test]
    fn what_a_brain_has_forgotten_is_counted() {
        let mut status = status(true, None);
        assert!(!printed(&status).contains("text "));
        if let Reply::Status { process, .. } = &mut status {
            process.forgotten = 3;
        }
        assert!(printed(&status).contains("text 3 messages that the brain was given twice"));
    }

    #[test]
    fn a_bug_that_was_contained_is_an_ailment() {
        let mut status = status(true, None);
        if let Reply::Status { process, .. } = &mut status {
            process.signalling_panics = 2;
        }
        assert!(ailments(&status)[0].contains("a bug 2 times"), "{:?}", ailments(&status));
    }

    #[test]
    fn what_needs_help_is_named_with_what_to_do() {
        let ill = ailments(&status(false, Some("no space left")));
        assert!(
            ill[0].contains("the brain is away") && ill[1].contains("no space left"),
            "{ill:?}"
        );
    }
}
