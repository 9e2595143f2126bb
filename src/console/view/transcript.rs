//! Who said what.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::super::call::{Call, Entry, SPEAKING, Who};
use super::super::model::Model;
use super::style;
use super::words::{clock, wrapped};

pub(super) fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let Some(call) = model.call() else { return nobody(model, frame, area) };
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    let mut lines = partial(call, width);
    lines.reverse();
    let wanted = height + model.back;
    // From the newest up, as far as is seen.
    for entry in call.entries.iter().rev() {
        if lines.len() >= wanted {
            break;
        }
        let mut more = of_entry(entry, width);
        more.reverse();
        lines.append(&mut more);
    }
    let back = model.back.min(lines.len().saturating_sub(height));
    let mut seen: Vec<Line<'_>> = lines.into_iter().skip(back).take(height).collect();
    seen.reverse();
    if let (true, Some(last)) = (back > 0, seen.last_mut()) {
        *last = Line::styled(format!("↓ {back} more lines (End)"), style::DIM);
    }
    frame.render_widget(Paragraph::new(seen), area);
}

fn nobody(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let mut lines = match &model.down {
        Some(why) => {
            let text = format!("The line does not answer: {why}. It is tried again every second.");
            wrapped(&[(&text, style::DIM)], usize::from(area.width).saturating_sub(2), 0)
        }
        None => vec![Line::styled("Nobody calls.", style::DIM)],
    };
    lines.truncate(usize::from(area.height));
    let above = (area.height - lines.len() as u16) / 2;
    let middle = Rect { y: area.y + above, height: lines.len() as u16, ..area };
    frame.render_widget(Paragraph::new(lines).centered(), middle);
}

fn partial(call: &Call, width: usize) -> Vec<Line<'static>> {
    let Some((who, text)) = &call.partial else { return Vec::new() };
    let name: String = who.chars().take(NAME).collect();
    let name = format!("{name:<NAME$} ");
    let time = time(call.t_ms, width);
    let parts = [
        (time.as_str(), style::DIM),
        (name.as_str(), style::of(&Who::Caller(who.clone()))),
        (text, style::DIM),
        (" …", style::DIM),
    ];
    wrapped(&parts, width, indent(width))
}

fn of_entry(entry: &Entry, width: usize) -> Vec<Line<'static>> {
    let time = time(entry.t_ms, width);
    let whose = style::of(&entry.who);
    let name = match &entry.who {
        Who::Caller(label) => label.clone(),
        Who::Voice(source) => source.to_string(),
        Who::Note { .. } => {
            let parts = [(time.as_str(), style::DIM), ("· ", whose), (entry.text.as_str(), whose)];
            return wrapped(&parts, width, TIME + 3);
        }
    };
    let name: String = name.chars().take(NAME).collect();
    let name = format!("{name:<NAME$} ");
    let mark = match entry.mark {
        "" | SPEAKING => String::new(),
        mark => format!(" ⌿ {mark} "),
    };
    let rest = if entry.mark == SPEAKING { style::PLAIN } else { style::DIM };
    let now = if entry.mark == SPEAKING { "▸ " } else { "" };
    let parts = [
        (time.as_str(), style::DIM),
        (name.as_str(), whose),
        (now, whose),
        (entry.text.as_str(), style::PLAIN),
        (mark.as_str(), style::DIM),
        (entry.unheard.as_str(), rest),
    ];
    let mut lines = wrapped(&parts, width, indent(width));
    if rest == style::DIM {
        strike_out(&mut lines, &entry.unheard);
    }
    lines
}

/// The time's column, where there is room for one.
fn time(ms: f64, width: usize) -> String {
    if width < NARROW { String::new() } else { format!("{:>TIME$} ", clock(ms)) }
}

fn indent(width: usize) -> usize {
    if width < NARROW { 2 } else { TIME + 1 + NAME + 1 }
}

/// What was not heard is struck through, where a terminal can do that.
fn strike_out(lines: &mut [Line<'static>], unheard: &str) {
    if unheard.is_empty() {
        return;
    }
    let spans = lines.iter_mut().flat_map(|line| line.spans.iter_mut());
    let mut behind = false;
    for span in spans {
        behind |= span.style == style::PLAIN;
        if behind && span.style == style::DIM && !span.content.contains('⌿') {
            *span = Span::styled(span.content.clone(), span.style.crossed_out());
        }
    }
}

/// Columns of the time, and of a name.
const TIME: usize = 5;
const NAME: usize = 9;
/// Narrower than this, times and a column for names would leave nothing for the words.
const NARROW: usize = 56;
