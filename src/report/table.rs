//! A call's summary for the terminal.

use std::fmt::Write as _;

use super::summary::{Hops, Summary, TurnSummary};

/// The replies hop by hop, and the call's figures, as lines of text of at most 100 columns.
#[must_use]
pub fn table(summary: &Summary) -> String {
    let mut out = String::new();
    head(&mut out);
    for turn in &summary.turns {
        row(&mut out, turn);
    }
    if let Some(medians) = summary.hops_ms_p50 {
        let total = summary.reply_ms_p50.map(|ms| format!("{ms:.0}")).unwrap_or_default();
        _ = writeln!(out, "{:<4} {:<22} {}  {total:>6}", "", "median", cells(&medians));
    }
    _ = writeln!(out);
    for (name, value) in figures(summary) {
        _ = writeln!(out, "{name:<28} {value}");
    }
    out
}

fn head(out: &mut String) {
    let hops: String =
        Hops::default().parts().iter().map(|(name, _)| format!(" {name:>8}")).collect();
    _ = writeln!(out, "{:<4} {:<22} {hops}  {:>6}", "turn", "caller said", "reply");
}

fn row(out: &mut String, turn: &TurnSummary) {
    let said = shortened(&turn.text, 22);
    let (Some(reply_ms), Some(hops)) = (turn.reply_ms, turn.hops) else {
        let why = if turn.barged_in { "interrupted, needed no reply" } else { "no reply" };
        _ = writeln!(out, "{:<4} {said:<22}  {why}", turn.turn);
        return;
    };
    _ = writeln!(out, "{:<4} {said:<22} {}  {reply_ms:>6.0}", turn.turn, cells(&hops));
}

fn cells(hops: &Hops) -> String {
    hops.parts().iter().map(|(_, ms)| format!(" {ms:>8.1}")).collect()
}

fn figures(summary: &Summary) -> Vec<(&'static str, String)> {
    let ms = |value: Option<f64>| value.map_or("–".to_owned(), |ms| format!("{ms:.1} ms"));
    let stats = &summary.stats;
    vec![
        ("end of speech → reply", replies(summary)),
        ("largest share", largest(summary)),
        ("revoke → silence, longest", ms(summary.revoke_to_silence_ms_max)),
        (
            "RTP sent, received, lost",
            format!("{}, {}, {}", stats.rtp_sent, stats.rtp_received, stats.rtp_lost),
        ),
        ("jitter", format!("{:.2} ms", stats.jitter_ms)),
        ("MOS, estimated (G.107)", format!("{:.2}", stats.mos_estimated)),
        (
            "MOS, as the peer reports it",
            stats.peer_mos.map_or("–".into(), |mos| format!("{mos:.1}")),
        ),
    ]
}

fn replies(summary: &Summary) -> String {
    match (summary.reply_ms_p50, summary.reply_ms_p95) {
        (Some(p50), Some(p95)) => format!("p50 {p50:.0} ms, p95 {p95:.0} ms"),
        _ => "–".to_owned(),
    }
}

fn largest(summary: &Summary) -> String {
    let Some(hop) = &summary.largest_hop else { return "–".to_owned() };
    let share = 100.0 * summary.largest_hop_share;
    format!("{hop}, {share:.0} %: {}", why_it_takes_time(hop))
}

fn why_it_takes_time(hop: &str) -> &'static str {
    match hop {
        "VAD off" => "only silence that lasts tells an end from a breath",
        "STT" => "the recogniser decodes the whole turn once it has ended",
        "endpoint" => "what was said could have gone on, so the line waited for more",
        "brain" => "the brain thought about it",
        "governor" => "somebody else had the floor",
        "TTS" => "the voice speaks its first clause only when it has all of it",
        _ => "the first frame waits for its packet",
    }
}

fn shortened(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(columns - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn the_table_lines_up_and_fits_a_terminal() {
        let table = table(&Summary::of(&sample::record()));
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[0].starts_with("turn caller said"));
        let columns: Vec<usize> = lines[..3].iter().map(|line| line.chars().count()).collect();
        assert!(columns.iter().all(|wide| *wide == columns[0]), "{table}");
        assert!(columns[0] <= 100, "{} columns", columns[0]);
    }
}
