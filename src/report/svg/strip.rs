//! One stretch of the call: its lanes from the time axis down to the floor.

use super::Drawing;
use super::canvas::{Anchor, Canvas, Rect, Style};
use super::plot::{Packer, Window, held_inside};
use super::theme::{ALARM, CARD, FAINT, GRID, GUTTER, MARGIN, MUTED, PAGE_WIDTH, RULE};
use super::{captions, floor, waves};
use crate::report::story::Span;

/// Draws the stretch as a card whose top is at `top`, and says where it ends.
pub(super) fn draw(canvas: &mut Canvas, drawing: &Drawing<'_>, span: Span, top: f64) -> f64 {
    let window = Window { span, left: MARGIN + GUTTER, right: PAGE_WIDTH - MARGIN - PADDING };
    let mut lanes = Canvas::default();
    let mut y = top + 14.0;
    y = axis(&mut lanes, &window, y);
    let axis_bottom = y;
    y = remarks(&mut lanes, drawing, &window, y);
    y = captions::caller(&mut lanes, drawing, &window, y + 4.0);
    y = waves::draw(&mut lanes, drawing, &window, y + 4.0);
    y = captions::line(&mut lanes, drawing, &window, y + 4.0);
    y = floor::draw(&mut lanes, drawing, &window, y + 8.0);
    let bottom = y + 12.0;
    let card = Rect::new(MARGIN, top, PAGE_WIDTH - 2.0 * MARGIN, bottom - top);
    canvas.rect_with(card, 8.0, &format!(r#"fill="{CARD}" stroke="{RULE}""#));
    grid(canvas, &window, axis_bottom, bottom - 8.0);
    canvas.append(lanes);
    bottom
}

/// The name of a lane, left of it.
pub(super) fn lane_name(canvas: &mut Canvas, y: f64, name: &str) {
    let style = Style::new(11.0, MUTED).anchored(Anchor::End);
    canvas.text(MARGIN + GUTTER - 12.0, y, name, style);
}

fn axis(canvas: &mut Canvas, window: &Window, top: f64) -> f64 {
    let style = Style::new(10.5, FAINT).anchored(Anchor::Middle);
    for t_ms in ticks(window) {
        canvas.text(window.x(t_ms), top + 8.0, &clock(t_ms), style);
    }
    top + 16.0
}

fn grid(canvas: &mut Canvas, window: &Window, top: f64, bottom: f64) {
    for t_ms in ticks(window) {
        let x = window.x(t_ms);
        canvas.line((x, top), (x, bottom), GRID, 1.0);
    }
}

/// Whole seconds, or more of them, so that labels keep their distance.
fn ticks(window: &Window) -> Vec<f64> {
    let wide_enough = |step: &&f64| **step * window.px_per_ms() >= TICK_DISTANCE_MIN;
    let step = TICKS_MS.iter().find(wide_enough).unwrap_or(&TICKS_MS[TICKS_MS.len() - 1]);
    let first = (window.span.from_ms / step).ceil() as u64;
    let last = (window.span.to_ms / step).floor() as u64;
    (first..=last).map(|n| n as f64 * step).collect()
}

/// Minutes and seconds: `1:05`.
pub(super) fn clock(t_ms: f64) -> String {
    let seconds = (t_ms / 1_000.0).round() as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn remarks(canvas: &mut Canvas, drawing: &Drawing<'_>, window: &Window, top: f64) -> f64 {
    let mut packer = Packer::new(3, 10.0);
    for remark in drawing.story.remarks.iter().filter(|remark| window.holds(remark.t_ms)) {
        let style = Style::new(11.0, if remark.bad { ALARM } else { MUTED });
        let text = style.fitted(&format!("▼ {}", remark.text), 320.0);
        let x = held_inside(window, window.x(remark.t_ms) - 5.0, style.width(&text));
        let Some(row) = packer.place(x, x + style.width(&text)) else { continue };
        canvas.text(x, top + 12.0 + row as f64 * 15.0, &text, style);
    }
    top + packer.rows() as f64 * 15.0
}

/// Inside a card, from its edge to what is on it.
const PADDING: f64 = 18.0;
const TICKS_MS: [f64; 7] = [1e3, 2e3, 5e3, 1e4, 3e4, 6e4, 3e5];
const TICK_DISTANCE_MIN: f64 = 64.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_keep_their_distance_at_any_scale() {
        for seconds in [4.0, 16.0, 90.0, 3_600.0] {
            let span = Span::new(0.0, seconds * 1e3);
            let window = Window { span, left: 0.0, right: 1_500.0 };
            let ticks = ticks(&window);
            let apart = window.x(ticks[1]) - window.x(ticks[0]);
            assert!(apart >= TICK_DISTANCE_MIN, "{seconds} s: {apart} px");
        }
    }

    #[test]
    fn the_clock_counts_minutes_and_seconds() {
        assert_eq!([clock(5_000.0), clock(65_000.0)], ["0:05", "1:05"]);
    }
}
