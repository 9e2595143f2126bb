//! The console's picture. Pure: a [`Model`] in, cells out.

mod foot;
mod front;
mod side;
mod style;
#[cfg(test)]
mod tests;
mod transcript;
mod words;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use self::words::{clock, cut};
use super::model::Model;

/// Draws all of it, whatever the size. What there is no room for is left out, the least important
/// first: the side with its meters, then the lines of the transcript; the head, the foot and who has
/// the floor stay.
pub fn draw(model: &Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    let width = usize::from(area.width);
    let said = foot::last_lines(model, width);
    let rows = [
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
        Constraint::Length(said.len() as u16),
    ];
    let [head, body, status, last] = Layout::vertical(rows).areas(area);
    frame.render_widget(Paragraph::new(headline(model, width)), head);
    draw_body(model, frame, body);
    frame.render_widget(Paragraph::new(foot::status(model, width)), status);
    frame.render_widget(Paragraph::new(said), last);
    front::draw(model, frame, area);
}

fn draw_body(model: &Model, frame: &mut Frame<'_>, body: Rect) {
    if body.width >= WIDE && body.height >= HIGH {
        let side = (body.width / 3).clamp(SIDE, SIDE_MAX);
        let columns = [Constraint::Length(side), Constraint::Length(2), Constraint::Fill(1)];
        let [side, _, text] = Layout::horizontal(columns).areas(body);
        side::draw(model, frame, side);
        transcript::draw(model, frame, text);
        return;
    }
    let rows = [Constraint::Length(1), Constraint::Fill(1)];
    let [floor, text] = Layout::vertical(rows).areas(body);
    if let Some(call) = model.call() {
        let line = side::floor_line(call, usize::from(floor.width));
        frame.render_widget(Paragraph::new(line), floor);
    }
    transcript::draw(model, frame, text);
}

/// `line 3  +4930123 → 100  0:42   MOS 4.4      brain ●  queue 2`
fn headline(model: &Model, width: usize) -> Line<'static> {
    if let Some(why) = &model.down {
        let text = cut(&format!(" xenline  ✗ no line, trying again: {why}"), width);
        return Line::styled(text, style::BAD);
    }
    let right = house(model);
    let right_wide: usize = right.iter().map(Span::width).sum();
    let left = cut(&the_call(model), width.saturating_sub(right_wide + 1));
    let gap = width.saturating_sub(Span::raw(&left).width() + right_wide);
    let mut spans = vec![Span::styled(left, style::STRONG), Span::raw(" ".repeat(gap))];
    spans.extend(right);
    Line::from(spans)
}

fn the_call(model: &Model) -> String {
    let Some(call) = model.call() else { return " xenline".into() };
    let time = if call.ended.is_some() { "over".into() } else { clock(call.t_ms) };
    let mut text = format!(" line {}  {}", call.line, call.caller);
    if !call.called.is_empty() {
        text += &format!(" → {}", call.called);
    }
    text += &format!("  {time}");
    if let Some(stats) = &call.stats {
        text += &format!(
            "  MOS {:.1}  lost {}  jitter {:.0} ms",
            stats.mos_estimated, stats.rtp_lost, stats.jitter_ms
        );
    }
    text
}

fn house(model: &Model) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    let mut put = |text: String, style| spans.push(Span::styled(text, style));
    if let Some(left_s) = model.draining {
        put(format!("draining, {left_s} s  "), style::BAD);
    }
    if model.queue_paused {
        put("queue paused  ".into(), style::OPERATOR);
    }
    match model.brain {
        Some(true) => put("brain ● ".into(), style::GOOD),
        Some(false) => put("no brain ✗ ".into(), style::BAD),
        None => {}
    }
    spans
}

/// From so many columns and rows on there is room for a side.
const WIDE: u16 = 74;
const HIGH: u16 = 14;
const SIDE: u16 = 28;
const SIDE_MAX: u16 = 40;
