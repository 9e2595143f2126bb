//! What the brain prints, as it may be logged.

use std::fmt::Write;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::time::Instant;

use crate::handle::Shared;

/// Copies a stream to the log: whole lines, shortened, made fit to be seen, so many per second.
pub(crate) async fn log_lines(
    stream: &'static str,
    pid: u32,
    source: impl AsyncRead + Unpin,
    hides_pii: bool,
    shared: Arc<Shared>,
) {
    let mut source = BufReader::with_capacity(LOG_LINE_BYTES_MAX, source);
    let mut line = Vec::with_capacity(LOG_LINE_BYTES_MAX);
    let mut budget = LogBudget::new(Instant::now());
    while let Ok(more) = next_line(&mut source, &mut line).await {
        if !line.is_empty() {
            if budget.admits(Instant::now()) {
                tracing::info!(target: "brain", stream, pid, "{}", presentable(&line, hides_pii));
            } else {
                shared.counters.log_lines_dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        if !more {
            return;
        }
        line.clear();
    }
}

/// Reads up to the end of a line, and keeps the first [`LOG_LINE_BYTES_MAX`] bytes. `false` at
/// the end of the stream.
async fn next_line(
    source: &mut BufReader<impl AsyncRead + Unpin>,
    line: &mut Vec<u8>,
) -> io::Result<bool> {
    loop {
        let chunk = source.fill_buf().await?;
        if chunk.is_empty() {
            return Ok(false);
        }
        let end = chunk.iter().position(|&byte| byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        let room = LOG_LINE_BYTES_MAX - line.len();
        line.extend_from_slice(&part[..part.len().min(room)]);
        let used = end.map_or(chunk.len(), |end| end + 1);
        source.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}

/// So many lines in each second.
struct LogBudget {
    second_ends: Instant,
    left: u32,
}

impl LogBudget {
    fn new(now: Instant) -> Self {
        Self { second_ends: now + SECOND, left: LOG_LINES_PER_SECOND_MAX }
    }

    fn admits(&mut self, now: Instant) -> bool {
        if now >= self.second_ends {
            *self = Self::new(now);
        }
        let admitted = self.left > 0;
        self.left = self.left.saturating_sub(1);
        admitted
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// A brain that logs more per second is in trouble; the log is to survive it.
const LOG_LINES_PER_SECOND_MAX: u32 = 200;

/// Longer lines are cut.
const LOG_LINE_BYTES_MAX: usize = 4096;

/// A line as text that cannot steer a terminal. With `hides_pii`, what could be a telephone number
/// is left out.
fn presentable(line: &[u8], hides_pii: bool) -> String {
    let text = String::from_utf8_lossy(line);
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some(first) = rest.chars().next() {
        let number = if hides_pii { telephone_number(rest) } else { 0 };
        if number > 0 {
            shown.push_str("[redacted]");
            rest = &rest[number..];
            continue;
        }
        // A number is looked for at its beginning, so no digit of a shorter one begins another.
        let whole = rest.len() - rest.trim_start_matches(|it: char| it.is_ascii_digit()).len();
        let taken = whole.max(first.len_utf8());
        for character in rest[..taken].chars() {
            match character {
                '\t' => shown.push('\t'),
                hidden if is_invisible(hidden) => {
                    // Writing to a String does not fail.
                    let _ = write!(shown, "{}", hidden.escape_unicode());
                }
                seen => shown.push(seen),
            }
        }
        rest = &rest[taken..];
    }
    shown
}

/// Control characters, and those that turn the direction of the text.
fn is_invisible(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// How many bytes at the beginning of `text` are a telephone number: seven digits or more in a row,
/// or after a `+` with spaces, dots, dashes and brackets between them. 0: none.
fn telephone_number(text: &str) -> usize {
    let international = text.starts_with('+');
    let separates = |it: u8| international && matches!(it, b'+' | b' ' | b'.' | b'-' | b'(' | b')');
    let (mut digits, mut end) = (0, 0);
    for (at, byte) in text.bytes().enumerate() {
        if byte.is_ascii_digit() {
            (digits, end) = (digits + 1, at + 1);
        } else if !separates(byte) {
            break;
        }
    }
    if digits >= PHONE_DIGITS_MIN { end } else { 0 }
}

/// The shortest subscriber numbers have about so many digits; dates and times have fewer in a row.
const PHONE_DIGITS_MIN: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        presentable(line.as_bytes(), true)
    }

    #[test]
    fn telephone_numbers_are_left_out_however_they_are_written() {
        assert_eq!(shown("call from +15551230001 ended"), "call from [redacted] ended");
        assert_eq!(shown("sip:15551230001@10.0.0.1"), "sip:[redacted]@10.0.0.1");
        assert_eq!(shown("+1 (555) 123-0001, twice"), "[redacted], twice");
        assert_eq!(shown("tel=5551230"), "tel=[redacted]");
    }

    #[test]
    fn dates_times_and_counters_stay() {
        for line in ["2026-11-28 16:20:59.123456 INFO turn 12", "took 123456 us", "+5 more", "a+b"]
        {
            assert_eq!(shown(line), line);
        }
    }

    #[test]
    fn who_shows_numbers_sees_them() {
        assert_eq!(presentable(b"from +15551230001", false), "from +15551230001");
    }

    #[test]
    fn nothing_that_steers_a_terminal_comes_through() {
        assert_eq!(shown("\u{1b}[2Jgone\rover"), "\\u{1b}[2Jgone\\u{d}over");
        assert_eq!(shown("a\tb\u{202e}c"), "a\tb\\u{202e}c");
        assert_eq!(presentable(b"\xff\xfeok", true), "\u{fffd}\u{fffd}ok");
    }
}
