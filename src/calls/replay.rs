//! `xenline calls replay`.

use std::fmt::Write as _;
use std::path::Path;

use super::find::{FindError, find};
use crate::exit::Failure;
use crate::replay::{Difference, Log, LogError, Replayed, replay};

/// Reads the log that `name` means (an id, a call's folder, or a log wherever it lies) and decides
/// it again. `partial`: also a log that stops in the middle, as far as it goes.
///
/// # Errors
/// [`Failure`], with what to do next.
pub fn replay_log(dir: Option<&Path>, name: &str, partial: bool) -> Result<Replayed, Failure> {
    let path = match Path::new(name) {
        path if path.is_file() => path.to_owned(),
        _ => find(dir, name).map_err(|error: FindError| Failure::because(error))?.path,
    };
    let log = if partial { Log::read_partial(&path) } else { Log::read(&path) };
    let log = log.map_err(|error: LogError| Failure::because(error))?;
    Ok(replay(&log))
}

/// What came of it as lines of text: the verdict last, before it the first differences side by
/// side.
#[must_use]
pub fn replay_table(replayed: &Replayed) -> String {
    let mut out = String::new();
    for difference in replayed.differences.iter().take(DIFFERENCES_SHOWN) {
        side_by_side(&mut out, difference);
    }
    let hidden = replayed.differing.saturating_sub(DIFFERENCES_SHOWN);
    if hidden > 0 {
        _ = writeln!(
            out,
            "… and {hidden} more steps (--json has up to {})\n",
            Replayed::DIFFERENCES_MAX
        );
    }
    if let Some(why) = &replayed.incomplete {
        _ = writeln!(out, "the log ends before the call does: {why}");
    }
    if replayed.unanswered > 0 {
        _ = writeln!(
            out,
            "{} times this build asked the sound something that was not asked then; beyond the first it is a guess",
            replayed.unanswered
        );
    }
    let steps = replayed.ear_steps + replayed.governor_steps;
    let decisions = replayed.decisions;
    match replayed.differing {
        0 => _ = writeln!(out, "{decisions} decisions in {steps} steps, identical"),
        n => {
            let build = &replayed.build;
            _ = writeln!(
                out,
                "{decisions} decisions in {steps} steps; {n} steps differ from what xenline {build} decided"
            );
        }
    }
    out
}

/// What a person reads before looking for the first cause, which is the first one.
const DIFFERENCES_SHOWN: usize = 10;
const COLUMN: usize = 70;

fn side_by_side(out: &mut String, difference: &Difference) {
    let at = difference.t_ms as f64 / 1_000.0;
    _ = writeln!(out, "{at:>9.3} s  {:<9} {}", difference.core, shortened(&difference.told));
    let rows = difference.logged.len().max(difference.now.len());
    for row in 0..rows {
        let cell = |side: &[String]| side.get(row).map_or("–".to_owned(), |text| shortened(text));
        let (then, now) = (cell(&difference.logged), cell(&difference.now));
        let mark = if then == now { ' ' } else { '≠' };
        _ = writeln!(out, "  {mark} {then:<COLUMN$} │ {now}");
    }
    _ = writeln!(out);
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= COLUMN {
        return text.to_owned();
    }
    text.chars().take(COLUMN - 1).chain(['…']).collect()
}
