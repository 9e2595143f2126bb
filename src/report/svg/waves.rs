//! Both sides of the sound, with the moments between them: replies and interruptions.

use std::fmt::Write as _;

use super::Drawing;
use super::canvas::{Anchor, Canvas, Rect, Style};
use super::plot::{Packer, Window, beside, held_inside};
use super::strip::lane_name;
use super::theme::{ALARM, ALARM_TINT, CALLER, CALLER_TINT, CALM_TINT, INK, MUTED, RULE, source};
use crate::report::event::{ClaimSource, VerdictKind};
use crate::report::story::{Overlap, Span, Turn};
use crate::report::waveform::Side;

/// Draws both waveforms and the lane between them, and says where they end.
pub(super) fn draw(canvas: &mut Canvas, drawing: &Drawing<'_>, window: &Window, top: f64) -> f64 {
    let between = top + HEIGHT;
    let mut moments = Canvas::default();
    let rows = draw_moments(&mut moments, drawing, window, between + 4.0);
    let line_top = between + 8.0 + rows as f64 * MOMENT_ROW;
    let bottom = line_top + HEIGHT;
    for overlap in &drawing.story.overlaps {
        shade_overlap(canvas, window, overlap, top, bottom);
    }
    shade_voice(canvas, drawing, window, top);
    wave(canvas, drawing, window, Side::Caller, top);
    wave(canvas, drawing, window, Side::Line, line_top);
    canvas.append(moments);
    lane_name(canvas, top + HEIGHT / 2.0 + 4.0, "caller");
    lane_name(canvas, line_top + HEIGHT / 2.0 + 4.0, "line");
    bottom
}

fn shade_voice(canvas: &mut Canvas, drawing: &Drawing<'_>, window: &Window, top: f64) {
    for (from, to) in drawing.story.voiced.iter().filter_map(|span| window.clip(*span)) {
        canvas.rect(Rect::new(from, top, to - from, HEIGHT), CALLER_TINT, 3.0);
        canvas.rect(Rect::new(from, top + HEIGHT - 3.0, to - from, 3.0), CALLER, 1.5);
    }
}

fn shade_overlap(canvas: &mut Canvas, window: &Window, overlap: &Overlap, top: f64, bottom: f64) {
    let Some((from, to)) = window.clip(overlap.span) else { return };
    let tint = if overlap.verdict == Some(VerdictKind::Speech) { ALARM_TINT } else { CALM_TINT };
    canvas.rect(Rect::new(from, top, to - from, bottom - top), tint, 3.0);
}

/// Bars as far apart as the eye wants them, one path for each colour.
fn wave(canvas: &mut Canvas, drawing: &Drawing<'_>, window: &Window, side: Side, top: f64) {
    let middle = top + HEIGHT / 2.0;
    canvas.line((window.left, middle), (window.right, middle), RULE, 1.0);
    let mut paths: Vec<(&'static str, String)> = Vec::new();
    let bar_ms = BAR_PX / window.px_per_ms();
    let end_ms = window.span.to_ms.min(drawing.story.end_ms);
    let bars = ((end_ms - window.span.from_ms) / bar_ms).floor().max(0.0) as usize;
    for bar in 0..bars {
        let from_ms = window.span.from_ms + bar as f64 * bar_ms;
        let peak = drawing.envelope.peak(side, from_ms, from_ms + bar_ms);
        // Loudness as it is felt rather than measured, so that quiet words are seen.
        let half = peak.powf(0.6) * (HEIGHT / 2.0 - 6.0);
        if half < 1.6 {
            continue;
        }
        let colour = colour_of(drawing, side, from_ms);
        let x = window.left + (bar as f64 + 0.5) * BAR_PX;
        let known = paths.iter().position(|(known, _)| *known == colour);
        let index = known.unwrap_or_else(|| {
            paths.push((colour, String::new()));
            paths.len() - 1
        });
        _ = write!(paths[index].1, "M{x:.1} {:.1}V{:.1}", middle - half, middle + half);
    }
    for (colour, data) in paths {
        let looks =
            format!(r#"stroke="{colour}" stroke-width="1.7" stroke-linecap="round" fill="none""#);
        canvas.path(&data, &looks);
    }
}

fn colour_of(drawing: &Drawing<'_>, side: Side, t_ms: f64) -> &'static str {
    match side {
        Side::Caller => CALLER,
        // What is on the wire was granted at most a few frames before.
        Side::Line => source(speaker_near(drawing, t_ms)).0,
    }
}

fn speaker_near(drawing: &Drawing<'_>, t_ms: f64) -> Option<ClaimSource> {
    let story = drawing.story;
    story.source_at(t_ms).or_else(|| story.source_at(t_ms - TAIL_MS))
}

fn draw_moments(canvas: &mut Canvas, drawing: &Drawing<'_>, window: &Window, top: f64) -> usize {
    let mut packer = Packer::new(3, 8.0);
    for turn in &drawing.story.turns {
        draw_reply(canvas, drawing, window, turn, &mut packer, top);
    }
    for overlap in &drawing.story.overlaps {
        draw_verdict(canvas, drawing, window, overlap, &mut packer, top);
    }
    packer.rows().max(1)
}

/// A bracket from the end of the caller's speech to the first sample of the reply.
fn draw_reply(
    canvas: &mut Canvas,
    drawing: &Drawing<'_>,
    window: &Window,
    turn: &Turn,
    packer: &mut Packer,
    top: f64,
) {
    let reply = turn.reply.map(|index| &drawing.story.claims[index]);
    let Some(first_ms) = reply.and_then(|reply| reply.first_sample_ms) else { return };
    let span = Span::new(turn.times.speech_end_ms, first_ms);
    let Some((from, to)) = window.clip(span).filter(|_| window.holds(first_ms)) else { return };
    let style = Style::new(11.5, INK).bold();
    let label = format!("{:.0} ms", span.to_ms - span.from_ms);
    let width = style.width(&label);
    let label_x = beside(window, (from, to), width);
    let Some(row) = packer.place(from.min(label_x), to.max(label_x + width)) else { return };
    let y = top + row as f64 * MOMENT_ROW + 9.0;
    canvas.line((from, y), (to, y), INK, 1.2);
    canvas.line((from, y - 4.0), (from, y + 4.0), INK, 1.2);
    canvas.path(
        &format!("M{:.1} {:.1}L{to:.1} {y:.1}L{:.1} {:.1}", to - 5.0, y - 4.0, to - 5.0, y + 4.0),
        &format!(r#"stroke="{INK}" stroke-width="1.2" fill="none""#),
    );
    canvas.text(label_x, y + 4.0, &label, style);
}

/// What an overlap turned out to be; for an interruption, how quickly the line fell silent.
fn draw_verdict(
    canvas: &mut Canvas,
    drawing: &Drawing<'_>,
    window: &Window,
    overlap: &Overlap,
    packer: &mut Packer,
    top: f64,
) {
    if !window.holds(overlap.span.from_ms) {
        return;
    }
    let decided = overlap.span.to_ms;
    let (label, fill) = match overlap.verdict {
        Some(VerdictKind::Speech) => (interruption(drawing, decided), ALARM),
        Some(verdict) => (format!("{verdict}: the line goes on"), MUTED),
        None => ("undecided".to_owned(), MUTED),
    };
    let style = Style::new(11.5, fill).bold();
    let width = style.width(&label);
    let x = held_inside(window, window.x(overlap.span.from_ms) + 5.0, width);
    let Some(row) = packer.place(x, x + width) else { return };
    canvas.text(x, top + row as f64 * MOMENT_ROW + 13.0, &label, style.anchored(Anchor::Start));
}

fn interruption(drawing: &Drawing<'_>, decided_ms: f64) -> String {
    let revoked = drawing.story.claims.iter().filter_map(|claim| {
        let revoked_ms = claim.revoked_ms.filter(|t_ms| (t_ms - decided_ms).abs() < NEAR_MS)?;
        Some((revoked_ms, claim.silenced_after_ms?))
    });
    match revoked.min_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((_, silent_ms)) => format!("interrupted: silent {silent_ms:.0} ms after the revoke"),
        None => "interrupted".to_owned(),
    }
}

/// Of one waveform.
const HEIGHT: f64 = 76.0;
/// Of one row of brackets and verdicts.
const MOMENT_ROW: f64 = 20.0;
/// From one bar of a waveform to the next.
const BAR_PX: f64 = 3.0;
/// A frame or two are still on their way when the floor is free again.
const TAIL_MS: f64 = 60.0;
/// A revoke this close to a verdict followed from it.
const NEAR_MS: f64 = 150.0;
