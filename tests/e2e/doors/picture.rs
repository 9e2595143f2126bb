//! A picture of who is heard where: a row for each tone on each leg, over time.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::heard::{Heard, Hop};
use super::verdict::{NAMES, Times, tones};

const WIDTH: f64 = 1_600.0;
const LEFT: f64 = 150.0;
const ROW: f64 = 14.0;
const ROWS: [&str; 7] = ["voice A", "voice B", "alert", "phone", "room", "browser", "operator"];
const COLOURS: [&str; 7] = ["#4063d8", "#389826", "#cb3c33", "#888", "#9558b2", "#d18f2c", "#111"];
/// Hops that are drawn as one: 100 ms.
const STEP: usize = 10;

/// Draws what each leg heard; gives the file.
pub fn draw(legs: &[Heard; 4], times: &Times) -> PathBuf {
    let height = 40.0 + legs.len() as f64 * (ROWS.len() as f64 + 1.5) * ROW;
    let scale = (WIDTH - LEFT - 10.0) / (times.to_ms - times.from_ms).max(1.0);
    let x = |unix_ms: f64| LEFT + (unix_ms - times.from_ms) * scale;
    let mut svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{height}' \
         font-family='DejaVu Sans' font-size='11'><rect width='100%' height='100%' fill='white'/>"
    );
    for take in &times.takes {
        let (from, to) = (x(take.took_ms), x(take.back_ms));
        let _ = write!(
            svg,
            "<rect x='{from:.1}' y='20' width='{:.1}' height='{height}' fill='#f3e6c4'/>",
            to - from
        );
    }
    for (n, (heard, name)) in legs.iter().zip(NAMES).enumerate() {
        let top = 30.0 + n as f64 * (ROWS.len() as f64 + 1.5) * ROW;
        let _ = write!(svg, "<text x='5' y='{:.1}' font-weight='bold'>{name}</text>", top + 10.0);
        let hops = heard.hops(&tones(), times.from_ms, times.to_ms);
        for (tone, (row, colour)) in ROWS.iter().zip(COLOURS).enumerate() {
            let y = top + tone as f64 * ROW;
            let _ = write!(svg, "<text x='70' y='{:.1}'>{row}</text>", y + 10.0);
            for (from, to) in runs(&hops, tone) {
                let _ = write!(
                    svg,
                    "<rect x='{:.1}' y='{:.1}' width='{:.1}' height='{}' fill='{colour}'/>",
                    x(from),
                    y + 2.0,
                    ((to - from) * scale).max(0.5),
                    ROW - 4.0
                );
            }
        }
    }
    svg += "</svg>\n";
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("doors");
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("heard.svg");
    std::fs::write(&path, svg).expect("it is written");
    path
}

/// From when to when a tone is heard, again and again.
fn runs(hops: &[Hop], tone: usize) -> Vec<(f64, f64)> {
    let mut runs: Vec<(f64, f64)> = Vec::new();
    for step in hops.chunks(STEP) {
        if step.iter().filter(|hop| hop.has(tone)).count() * 2 < step.len() {
            continue;
        }
        let (from, to) = (step[0].unix_ms, step[step.len() - 1].unix_ms + 10.0);
        match runs.last_mut() {
            Some((_, end)) if from - *end < 50.0 => *end = to,
            _ => runs.push((from, to)),
        }
    }
    runs
}
