//! Where the time of each reply went.

use super::Drawing;
use super::canvas::{Anchor, Canvas, Rect, Style};
use super::strip::clock;
use super::theme::{CALLER, CARD, FAINT, GRID, HOPS, INK, MUTED, RULE};
use crate::report::summary::{Hops, TurnSummary};

/// Draws the card of the replies into `area`, and below it as far as it needs; says where it ends.
pub(super) fn draw(canvas: &mut Canvas, drawing: &Drawing<'_>, area: Rect) -> f64 {
    let turns = &drawing.summary.turns;
    let shown = &turns[..turns.len().min(TURNS_MAX)];
    let rows_top = area.y + 84.0;
    let rows_bottom = rows_top + shown.len().max(1) as f64 * ROW;
    let bottom = (rows_bottom + 34.0).max(area.y + area.h);
    let card = Rect::new(area.x, area.y, area.w, bottom - area.y);
    canvas.rect_with(card, 8.0, &format!(r#"fill="{CARD}" stroke="{RULE}""#));
    let title = Style::new(15.0, INK).bold();
    canvas.text(area.x + 18.0, area.y + 28.0, "From the end of speech to the reply", title);
    legend(canvas, drawing.summary.hops_ms_p50, area.x + 18.0, area.y + 54.0);
    let scale = Scale::of(shown, area);
    scale.draw(canvas, rows_top, rows_bottom);
    percentile_marks(canvas, drawing, &scale, rows_top - 8.0, rows_bottom);
    for (row, turn) in shown.iter().enumerate() {
        draw_turn(canvas, turn, &scale, area.x + 18.0, rows_top + row as f64 * ROW);
    }
    if shown.is_empty() {
        let style = Style::new(12.0, MUTED);
        canvas.text(
            area.x + 18.0,
            rows_top + 18.0,
            "The caller said nothing that was understood.",
            style,
        );
    }
    if shown.len() < turns.len() {
        let more =
            format!("and {} turns more: summary.json has them all", turns.len() - shown.len());
        canvas.text(area.x + 18.0, bottom - 12.0, &more, Style::new(11.0, MUTED));
    }
    bottom
}

/// Milliseconds to pixels.
struct Scale {
    left: f64,
    right: f64,
    end_ms: f64,
}

impl Scale {
    fn of(turns: &[TurnSummary], area: Rect) -> Self {
        let longest = turns.iter().filter_map(|turn| turn.reply_ms).fold(300.0, f64::max);
        let end_ms = (longest * 1.02 / 100.0).ceil() * 100.0;
        Self { left: area.x + 18.0 + LABEL, right: area.x + area.w - 96.0, end_ms }
    }

    fn x(&self, ms: f64) -> f64 {
        self.left + ms / self.end_ms * (self.right - self.left)
    }

    fn draw(&self, canvas: &mut Canvas, top: f64, bottom: f64) {
        let step = if self.end_ms <= 1_200.0 {
            100.0
        } else {
            (self.end_ms / 10.0 / 500.0).ceil() * 500.0
        };
        let style = Style::new(10.5, FAINT).anchored(Anchor::Middle);
        for n in 0..=(self.end_ms / step) as u32 {
            let ms = f64::from(n) * step;
            canvas.line((self.x(ms), top - 4.0), (self.x(ms), bottom), GRID, 1.0);
            canvas.text(self.x(ms), bottom + 14.0, &format!("{ms:.0}"), style);
        }
        canvas.text(self.right + 14.0, bottom + 14.0, "ms", Style::new(10.5, FAINT));
    }
}

fn legend(canvas: &mut Canvas, medians: Option<Hops>, left: f64, y: f64) {
    let style = Style::new(11.5, MUTED);
    let mut x = left;
    let names = Hops::default().parts();
    for (index, (name, _)) in names.iter().enumerate() {
        let label = match medians {
            Some(medians) => format!("{name} {}", milliseconds(medians.parts()[index].1)),
            None => (*name).to_owned(),
        };
        canvas.rect(Rect::new(x, y - 9.0, 11.0, 11.0), HOPS[index].0, 2.0);
        canvas.text(x + 16.0, y, &label, style);
        x += 16.0 + style.width(&label) + 18.0;
    }
    if medians.is_some() {
        canvas.text(x, y, "(medians, ms)", Style::new(11.5, FAINT));
    }
}

fn percentile_marks(
    canvas: &mut Canvas,
    drawing: &Drawing<'_>,
    scale: &Scale,
    top: f64,
    bottom: f64,
) {
    let summary = drawing.summary;
    let (Some(p50), Some(p95)) = (summary.reply_ms_p50, summary.reply_ms_p95) else { return };
    let style = Style::new(10.5, INK).bold();
    let apart = scale.x(p95) - scale.x(p50) > 40.0;
    let marks = [(p50, "p50", Anchor::End, -4.0), (p95, "p95", Anchor::Start, 4.0)];
    for (ms, name, anchor, dx) in marks {
        let x = scale.x(ms);
        let looks =
            format!(r#"stroke="{INK}" stroke-width="1" stroke-dasharray="2 3" fill="none""#);
        canvas.path(&format!("M{x:.1} {top:.1}V{bottom:.1}"), &looks);
        let anchor = if apart { Anchor::Middle } else { anchor };
        canvas.text(if apart { x } else { x + dx }, top - 3.0, name, style.anchored(anchor));
    }
}

fn draw_turn(canvas: &mut Canvas, turn: &TurnSummary, scale: &Scale, left: f64, top: f64) {
    let time = Style::new(11.0, FAINT);
    let said = Style::new(12.5, CALLER).bold();
    canvas.text(left, top + 17.0, &clock(turn.speech_end_ms), time);
    let text = said.fitted(&format!("“{}”", turn.text), LABEL - 52.0);
    canvas.text(left + 34.0, top + 17.0, &text, said);
    let (Some(reply_ms), Some(hops)) = (turn.reply_ms, turn.hops) else {
        let why = if turn.barged_in { "interrupted, needed no reply" } else { "no reply" };
        canvas.text(scale.left + 4.0, top + 17.0, why, Style::new(11.5, MUTED));
        return;
    };
    let mut at = 0.0;
    for (part, (fill, ink)) in hops.parts().iter().zip(HOPS) {
        let (name, ms) = *part;
        let (from, to) = (scale.x(at), scale.x(at + ms));
        at += ms;
        let style = Style::new(10.5, ink).anchored(Anchor::Middle);
        let label = milliseconds(ms);
        canvas.titled(&format!("{name}: {ms:.1} ms"), |canvas| {
            canvas.rect(Rect::new(from, top + 4.0, to - from, ROW - 10.0), fill, 0.0);
            if style.width(&label) + 6.0 <= to - from {
                canvas.text((from + to) / 2.0, top + 17.0, &label, style);
            }
        });
    }
    let total = Style::new(12.5, INK).bold().haloed();
    canvas.text(scale.x(reply_ms) + 8.0, top + 17.5, &format!("{reply_ms:.0} ms"), total);
}

/// Whole milliseconds, with a decimal where that is all there is.
fn milliseconds(ms: f64) -> String {
    if ms < 9.95 { format!("{ms:.1}") } else { format!("{ms:.0}") }
}

/// From one turn to the next.
const ROW: f64 = 28.0;
/// Room for the time and the words of a turn.
const LABEL: f64 = 236.0;
/// As many as a person looks through.
const TURNS_MAX: usize = 60;
