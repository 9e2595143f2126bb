//! Who wanted to speak, who could, and why the floor changed hands.

use super::Drawing;
use super::canvas::{Canvas, Rect, Style};
use super::plot::{Packer, Window, beside};
use super::strip::lane_name;
use super::theme::{ALARM, FAINT, INK, JOB, MUTED, source};
use crate::report::event::EndingKind;
use crate::report::story::{Claim, Span, Tenure};

/// Draws the jobs, the claims and the floor, and says where they end.
pub(super) fn draw(canvas: &mut Canvas, drawing: &Drawing<'_>, window: &Window, top: f64) -> f64 {
    let claims = draw_jobs(canvas, drawing, window, top);
    let floor = draw_claims(canvas, drawing, window, claims) + 6.0;
    for tenure in &drawing.story.tenures {
        draw_tenure(canvas, window, tenure, floor);
    }
    lane_name(canvas, floor + 15.0, "floor");
    draw_reasons(canvas, drawing, window, floor + FLOOR)
}

fn draw_jobs(canvas: &mut Canvas, drawing: &Drawing<'_>, window: &Window, top: f64) -> f64 {
    let mut packer = Packer::new(3, 8.0);
    let style = Style::new(10.5, MUTED);
    for job in &drawing.story.jobs {
        let Some((from, to)) = window.clip(job.span) else { continue };
        let label = style.fitted(&job.label, 260.0);
        let width = style.width(&label);
        let label_x = beside(window, (from, to), width);
        let Some(row) = packer.place(from.min(label_x), to.max(label_x + width)) else { continue };
        let y = top + row as f64 * CLAIM_ROW;
        canvas.rect(Rect::new(from, y + 4.0, to - from, 4.0), JOB, 2.0);
        if window.holds(job.span.to_ms) {
            canvas.text(label_x, y + 10.0, &label, style);
        }
    }
    if packer.rows() > 0 {
        lane_name(canvas, top + 10.0, "jobs");
    }
    top + packer.rows() as f64 * CLAIM_ROW
}

fn draw_claims(canvas: &mut Canvas, drawing: &Drawing<'_>, window: &Window, top: f64) -> f64 {
    let mut packer = Packer::new(6, 8.0);
    for claim in &drawing.story.claims {
        let whole = Span::new(claim.accepted_ms, claim.ended_ms.unwrap_or(drawing.story.end_ms));
        let Some((from, to)) = window.clip(whole) else { continue };
        let (label, style) = claim_label(claim);
        let width = style.width(&label);
        let label_x = beside(window, (from, to), width);
        let Some(row) = packer.place(from.min(label_x), to.max(label_x + width)) else { continue };
        let y = top + row as f64 * CLAIM_ROW;
        let told = format!("{} {}: {}", claim.source, claim.id, claim.text);
        canvas.titled(&told, |canvas| draw_claim(canvas, drawing, window, claim, whole, y));
        if window.holds(whole.to_ms.min(drawing.story.end_ms - 1.0)) {
            canvas.text(label_x, y + 10.5, &label, style);
        }
    }
    lane_name(canvas, top + 10.5, "claims");
    top + packer.rows().max(1) as f64 * CLAIM_ROW
}

/// Waiting as a tint, speaking as the full colour, pauses as gaps in it.
fn draw_claim(
    canvas: &mut Canvas,
    drawing: &Drawing<'_>,
    window: &Window,
    claim: &Claim,
    whole: Span,
    y: f64,
) {
    let (strong, tint) = source(Some(claim.source));
    let bar = |canvas: &mut Canvas, span: Span, fill: &str| {
        if let Some((from, to)) = window.clip(span) {
            canvas.rect(Rect::new(from, y + 2.0, to - from, CLAIM), fill, 2.5);
        }
    };
    bar(canvas, whole, tint);
    let Some(first_ms) = claim.first_sample_ms else { return };
    let silent_ms = claim.revoked_ms.zip(claim.silenced_after_ms).map(|(at, after)| at + after);
    let speaking = Span::new(first_ms, silent_ms.unwrap_or(whole.to_ms).min(whole.to_ms));
    bar(canvas, speaking, strong);
    for paused in &drawing.story.paused {
        let inside =
            Span::new(paused.from_ms.max(speaking.from_ms), paused.to_ms.min(speaking.to_ms));
        if inside.to_ms > inside.from_ms {
            bar(canvas, inside, tint);
        }
    }
}

fn claim_label(claim: &Claim) -> (String, Style) {
    let quiet = Style::new(10.5, MUTED);
    match claim.ending {
        Some(EndingKind::Spoken) => ("spoken".to_owned(), quiet),
        Some(EndingKind::Interrupted) => ("interrupted".to_owned(), Style::new(10.5, ALARM).bold()),
        Some(ending) => match &claim.reason {
            Some(reason) => (quiet.fitted(&format!("{ending}: {reason}"), 240.0), quiet),
            None => (ending.to_string(), quiet),
        },
        None => ("no ending recorded".to_owned(), Style::new(10.5, ALARM)),
    }
}

fn draw_tenure(canvas: &mut Canvas, window: &Window, tenure: &Tenure, top: f64) {
    let Some((from, to)) = window.clip(tenure.span) else { return };
    let Some(name) = tenure.source else {
        canvas.rect(Rect::new(from, top + FLOOR / 2.0 - 1.0, to - from, 2.0), source(None).0, 1.0);
        return;
    };
    canvas.rect(Rect::new(from, top, to - from, FLOOR), source(tenure.source).0, 3.0);
    let style = Style::new(11.5, "#ffffff").bold();
    let label = name.to_string();
    if style.width(&label) + 12.0 <= to - from {
        canvas.text(from + 7.0, top + 15.5, &label, style);
    }
}

/// Why the floor changed hands, each at the moment that it did.
fn draw_reasons(canvas: &mut Canvas, drawing: &Drawing<'_>, window: &Window, top: f64) -> f64 {
    let mut packer = Packer::new(3, 10.0);
    // The later one first: an earlier label that has to go lower then has its leader left of it.
    for tenure in drawing.story.tenures.iter().rev() {
        if !window.holds(tenure.span.from_ms) || tenure.why.is_empty() {
            continue;
        }
        let style = Style::new(11.0, if tenure.source.is_some() { INK } else { MUTED });
        let text = style.fitted(&tenure.why, 200.0);
        let at = window.x(tenure.span.from_ms);
        let width = style.width(&text);
        let x = beside(window, (at, at), width);
        let Some(row) = packer.place(at.min(x), at.max(x + width)) else { continue };
        let y = top + 14.0 + row as f64 * REASON_ROW;
        canvas.line((at, top), (at, y), FAINT, 1.0);
        canvas.text(x, y, &text, style);
    }
    lane_name(canvas, top + 14.0, "why");
    top + packer.rows().max(1) as f64 * REASON_ROW + 4.0
}

/// Height of the floor's lane.
const FLOOR: f64 = 22.0;
/// Height of a claim's bar, and from one to the next.
const CLAIM: f64 = 10.0;
const CLAIM_ROW: f64 = 16.0;
const REASON_ROW: f64 = 15.0;
