//! `xenline calls ls`.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::date;
use super::find::CallFolder;
use crate::replay::LOG_FILE;
use crate::report::{CallRecord, Summary};

/// A call in a line.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// When it was answered, in milliseconds of the Unix epoch.
    pub answered_unix_ms: u64,
    /// How long it lasted.
    pub duration_ms: f64,
    /// Who called; all but the end of it hidden, unless `[log] show_pii` says otherwise.
    pub caller: String,
    /// Turns that the caller took.
    pub turns: usize,
    /// Of those, the ones that interrupted the agent.
    pub barge_ins: usize,
    /// Median from the end of speech to the reply.
    pub reply_ms_p50: Option<f64>,
    /// Who hung up; `died` if the record stops before the call's end, `unreadable` if there is none.
    pub ending: String,
    /// Whether it can be replayed.
    pub has_log: bool,
}

/// Reads the calls' records, each as far as it goes.
#[must_use]
pub fn list(calls: &[CallFolder], show_pii: bool) -> Vec<Listed> {
    calls.iter().map(|call| listed(call, show_pii)).collect()
}

fn listed(call: &CallFolder, show_pii: bool) -> Listed {
    let record = CallRecord::read(&call.path);
    let ending = match &record {
        Ok(CallRecord { closed: Some(closed), .. }) => closed.hangup_by.clone(),
        Ok(_) => "died".to_owned(),
        Err(_) => "unreadable".to_owned(),
    };
    let record = record.unwrap_or_default();
    let summary = Summary::of(&record);
    Listed {
        id: call.id.clone(),
        answered_unix_ms: record.opened.answered_unix_ms,
        duration_ms: summary.duration_ms,
        caller: if show_pii { summary.caller } else { hidden(&summary.caller) },
        turns: summary.turns.len(),
        barge_ins: summary.turns.iter().filter(|turn| turn.barged_in).count(),
        reply_ms_p50: summary.reply_ms_p50,
        ending,
        has_log: call.path.join(LOG_FILE).is_file(),
    }
}

/// The last two characters of the user part: enough to tell one's own callers apart.
pub(crate) fn hidden(caller: &str) -> String {
    let user = caller.split(['@', ';', '>']).next().unwrap_or_default();
    let count = user.chars().count();
    if count < SHOWN_FROM {
        return "…".to_owned();
    }
    let end: String = user.chars().skip(count - 2).collect();
    format!("…{end}")
}

/// Of a shorter name two characters would be most of it.
const SHOWN_FROM: usize = 6;

/// The calls as lines of text.
#[must_use]
pub fn list_table(calls: &[Listed]) -> String {
    let mut out = String::new();
    _ = writeln!(
        out,
        "{:<20} {:<19} {:>8} {:<8} {:>5} {:>9} {:>9}  {:<9} log",
        "id", "answered (UTC)", "lasted", "caller", "turns", "barge-ins", "reply p50", "ended by"
    );
    for call in calls {
        let answered = match call.answered_unix_ms {
            0 => "–".to_owned(),
            ms => date::utc(ms),
        };
        let lasted = call.duration_ms / 1_000.0;
        let reply = call.reply_ms_p50.map_or("–".to_owned(), |ms| format!("{ms:.0} ms"));
        let log = if call.has_log { "yes" } else { "no" };
        let Listed { id, caller, turns, barge_ins, ending, .. } = call;
        _ = writeln!(
            out,
            "{id:<20} {answered:<19} {lasted:>6.1} s {caller:<8} {turns:>5} {barge_ins:>9} {reply:>9}  {ending:<9} {log}"
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_caller_no_more_is_shown_than_the_end() {
        assert_eq!(hidden("sip:+4922155501@carrier.example"), "…01");
        assert_eq!(hidden("+1"), "…");
        assert_eq!(hidden(""), "…");
    }

    #[test]
    fn a_call_whose_record_is_broken_is_listed_and_says_so() {
        let dir = tempfile::tempdir().expect("a directory");
        let call = CallFolder { id: "1-1".into(), path: dir.path().to_owned() };
        let listed = list(&[call], false);
        assert_eq!(listed[0].ending, "unreadable");
        let table = list_table(&listed);
        assert_eq!(table.lines().count(), 2, "{table}");
    }
}
