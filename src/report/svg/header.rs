//! Whose call it was, what came of it, and what the colours mean.

use super::Drawing;
use super::canvas::{Anchor, Canvas, Rect, Style};
use super::theme::{
    ALARM_TINT, CALLER, CALLER_TINT, CALM_TINT, FAINT, GOOD, GOOD_TINT, INK, MARGIN, MUTED,
    PAGE_WIDTH, RULE, source,
};
use crate::report::event::ClaimSource;

/// Draws the header and says where it ends.
pub(super) fn draw(canvas: &mut Canvas, drawing: &Drawing<'_>) -> f64 {
    let title = Style::new(25.0, INK).bold();
    let room = PAGE_WIDTH - 2.0 * MARGIN - 380.0;
    canvas.text(MARGIN, 62.0, &title.fitted(&headline(drawing), room), title);
    let subtitle = Style::new(13.0, MUTED);
    canvas.text(MARGIN, 86.0, &subtitle.fitted(&details(drawing), room), subtitle);
    chips(canvas, drawing);
    legend(canvas, drawing, 116.0);
    132.0
}

fn headline(drawing: &Drawing<'_>) -> String {
    let opened = &drawing.record.opened;
    match (address(&opened.caller), address(&opened.called)) {
        ("", _) => "A call".to_owned(),
        (caller, "") => format!("A call from {caller}"),
        (caller, called) => format!("A call from {caller} to {called}"),
    }
}

/// What a person reads in a SIP URI.
fn address(uri: &str) -> &str {
    let uri = uri.trim_start_matches("sip:").trim_start_matches("sips:");
    uri.split([';', '?']).next().unwrap_or(uri)
}

fn details(drawing: &Drawing<'_>) -> String {
    let (opened, summary) = (&drawing.record.opened, drawing.summary);
    let mut details = Vec::new();
    if opened.answered_unix_ms > 0 {
        details.push(utc(opened.answered_unix_ms / 1_000));
    }
    details.push(format!("{:.1} s", summary.duration_ms / 1_000.0));
    details.push(opened.codec.clone());
    if !opened.trunk.is_empty() {
        details.push(format!("trunk {}", opened.trunk));
    }
    if !opened.call.is_empty() {
        details.push(format!("call {}", opened.call));
    }
    if !summary.complete {
        details.push("the record breaks off here".to_owned());
    } else if !summary.hangup_by.is_empty() {
        details.push(format!("ended by the {}", summary.hangup_by));
    }
    details.retain(|detail| !detail.is_empty());
    details.join("  ·  ")
}

/// `2026-11-20 20:31 UTC` (civil from days, H. Hinnant's algorithm).
fn utc(unix_s: u64) -> String {
    let days = unix_s / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute) = (unix_s / 3_600 % 24, unix_s / 60 % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

fn chips(canvas: &mut Canvas, drawing: &Drawing<'_>) {
    let summary = drawing.summary;
    let outcome = [
        ("interrupted", summary.interrupted),
        ("answered", summary.answered),
        ("heard", summary.heard),
    ];
    let mut right = PAGE_WIDTH - MARGIN;
    for (name, yes) in outcome {
        let style = Style::new(13.0, if yes { GOOD } else { MUTED }).bold();
        let label = if yes { format!("✓ {name}") } else { format!("not {name}") };
        let width = style.width(&label) + 26.0;
        let looks = if yes {
            format!(r#"fill="{GOOD_TINT}""#)
        } else {
            format!(r#"fill="none" stroke="{RULE}""#)
        };
        canvas.rect_with(Rect::new(right - width, 43.0, width, 28.0), 14.0, &looks);
        canvas.text(right - width / 2.0, 61.5, &label, style.anchored(Anchor::Middle));
        right -= width + 10.0;
    }
}

fn legend(canvas: &mut Canvas, drawing: &Drawing<'_>, y: f64) {
    let spoke = |source: ClaimSource| drawing.story.claims.iter().any(|c| c.source == source);
    let sources = SOURCES.iter().filter(|known| spoke(**known));
    let mut entries = vec![("caller".to_owned(), CALLER)];
    entries.extend(sources.map(|known| (known.to_string(), source(Some(*known)).0)));
    entries.push(("voice activity".to_owned(), CALLER_TINT));
    if !drawing.story.overlaps.is_empty() {
        entries.push(("overlap: interrupts".to_owned(), ALARM_TINT));
        entries.push(("overlap: goes on".to_owned(), CALM_TINT));
    }
    let style = Style::new(12.0, MUTED);
    let mut x = MARGIN;
    for (name, fill) in entries {
        canvas.rect(Rect::new(x, y - 10.0, 12.0, 12.0), fill, 3.0);
        canvas.text(x + 18.0, y, &name, style);
        x += 18.0 + style.width(&name) + 20.0;
    }
    let rest = "claims: pale while waiting or paused, full while heard";
    canvas.text(x, y, rest, Style::new(12.0, FAINT));
}

const SOURCES: [ClaimSource; 5] = [
    ClaimSource::Responder,
    ClaimSource::Worker,
    ClaimSource::System,
    ClaimSource::Operator,
    ClaimSource::External,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_as_people_tell_it() {
        assert_eq!(utc(0), "1970-01-01 00:00 UTC");
        assert_eq!(utc(951_825_600), "2000-02-29 12:00 UTC");
        assert_eq!(utc(1_795_206_660), "2026-11-20 20:31 UTC");
    }

    #[test]
    fn an_address_is_the_part_that_people_know() {
        assert_eq!(address("sip:+4930123@127.0.0.1;user=phone"), "+4930123@127.0.0.1");
        assert_eq!(address(""), "");
    }
}
