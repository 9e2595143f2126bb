//! Beside the transcript: calls, the floor and who waits for it, levels.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::super::call::Call;
use super::super::model::Model;
use super::super::seat::Sound;
use super::style;
use super::words::{clock, cut, wrapped};

pub(super) fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let width = usize::from(area.width);
    let (calls, levels) = (calls(model, width), levels(model, width));
    let most_calls = (area.height / 3).max(2);
    let heights = [
        Constraint::Length((calls.len() as u16).min(most_calls)),
        Constraint::Fill(1),
        Constraint::Length(levels.len() as u16),
    ];
    let [top, middle, bottom] = Layout::vertical(heights).areas(area);
    frame.render_widget(Paragraph::new(calls), top);
    let room = usize::from(middle.height);
    frame.render_widget(Paragraph::new(floor_and_queue(model, width, room)), middle);
    frame.render_widget(Paragraph::new(levels), bottom);
}

/// `── name ─────`
fn title(name: &str, width: usize) -> Line<'static> {
    let rule = width.saturating_sub(name.chars().count() + 4);
    Line::styled(format!("── {name} {}", "─".repeat(rule)), style::DIM)
}

fn calls(model: &Model, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![title("calls", width)];
    for call in model.calls.values().rev() {
        let chosen = model.chosen == Some(call.line);
        let sits = if model.seat.line() == Some(call.line) { "●" } else { " " };
        let over = if call.ended.is_some() { "over" } else { "" };
        let time = if over.is_empty() { clock(call.t_ms) } else { over.to_owned() };
        let name = if call.caller.is_empty() { &call.trunk } else { &call.caller };
        let room = width.saturating_sub(time.len() + 8);
        let text = format!("{sits}{:>3} {:<room$} {time} ", call.line, cut(name, room));
        let style = match (chosen, over) {
            (true, _) => style::CHOSEN,
            (false, "") => style::PLAIN,
            (false, _) => style::DIM,
        };
        lines.push(Line::styled(text, style));
    }
    if lines.len() == 1 {
        lines.push(Line::styled(" none", style::DIM));
    }
    lines
}

fn floor_and_queue(model: &Model, width: usize, room: usize) -> Vec<Line<'static>> {
    let mut queue = say_queue(model, width);
    let floor = model.call().map(|call| floor(call, width)).unwrap_or_default();
    // The floor goes before; the queue has what is left, and two lines at least.
    let most = room.saturating_sub(queue.len().min(3));
    let mut lines: Vec<_> = floor.into_iter().take(most).collect();
    queue.truncate(room.saturating_sub(lines.len()));
    lines.append(&mut queue);
    lines
}

/// In one line, where there is no room for more.
pub(super) fn floor_line(call: &Call, width: usize) -> Line<'static> {
    let (who, whose) = holder(call);
    let waiting = call.waiting().count();
    let behind = if waiting > 0 { format!(", {waiting} wait") } else { String::new() };
    let rest = width.saturating_sub(who.chars().count() + 8);
    let why = cut(&format!("{}{behind}", call.why), rest);
    Line::from(vec![
        Span::styled("floor ", style::DIM),
        Span::styled(who, whose),
        Span::raw(" "),
        Span::styled(why, style::DIM),
    ])
}

fn holder(call: &Call) -> (String, Style) {
    match call.speaking() {
        _ if call.ended.is_some() => ("nobody".into(), style::DIM),
        Some(claim) if call.paused => {
            (format!("‖ {}", claim.source), style::of_source(claim.source))
        }
        Some(claim) => (format!("▸ {}", claim.source), style::of_source(claim.source)),
        None if call.operator => ("● operator".into(), style::OPERATOR),
        None => match &call.partial {
            Some((who, _)) => (format!("● {who}"), style::CALLER),
            None => ("nobody".into(), style::DIM),
        },
    }
}

fn floor(call: &Call, width: usize) -> Vec<Line<'static>> {
    let (who, whose) = holder(call);
    let mut lines = vec![title("floor", width)];
    let paused = if call.paused { ", paused" } else { "" };
    let why = format!("  {}{paused}", call.why);
    lines.extend(wrapped(&[(" ", style::PLAIN), (&who, whose), (&why, style::DIM)], width, 3));
    if let Some(claim) = call.speaking() {
        let words = format!("   {}", claim.text);
        lines.extend(wrapped(&[(&words, style::PLAIN)], width, 3).into_iter().take(3));
    }
    for claim in call.waiting() {
        let waits = ((call.t_ms - claim.since_ms).max(0.0) / 1_000.0) as u64;
        let head = format!(" · {} {waits} s ", claim.source);
        let room = width.saturating_sub(head.chars().count());
        lines.push(Line::from(vec![
            Span::styled(head, style::of_source(claim.source)),
            Span::styled(cut(&claim.text, room), style::DIM),
        ]));
    }
    lines
}

fn say_queue(model: &Model, width: usize) -> Vec<Line<'static>> {
    let name = if model.queue_paused { "say-queue, paused" } else { "say-queue" };
    // What this call has taken is shown with its floor.
    let taken = |id: &str| model.call().is_some_and(|it| it.claims.iter().any(|c| c.id == id));
    let waiting: Vec<_> = model.queue.iter().filter(|it| !taken(&it.claim)).collect();
    if waiting.is_empty() && !model.queue_paused {
        return Vec::new();
    }
    let mut lines = vec![title(name, width)];
    for queued in waiting {
        let must = if queued.must_deliver { "!" } else { "·" };
        let head = format!(" {must} {} {} {} s ", queued.source, queued.state, queued.age_s);
        let room = width.saturating_sub(head.chars().count());
        lines.push(Line::from(vec![
            Span::raw(head),
            Span::styled(cut(&queued.text, room), style::DIM),
        ]));
    }
    lines
}

fn levels(model: &Model, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![title("levels", width)];
    if let Some(call) = model.call().filter(|it| it.ended.is_none()) {
        for peer in call.peers.values() {
            let whose = if peer.label == "operator" { style::OPERATOR } else { style::CALLER };
            lines.push(meter(&peer.label, peer.heard_dbov, whose, peer.speech, width));
        }
        lines.push(meter("voice", call.sent_dbov, style::VOICE, call.speaking().is_some(), width));
    }
    if let Sound::With(look) = &model.sound {
        lines.push(meter(
            "mic",
            look.mic.level_dbov,
            style::OPERATOR,
            look.open && !model.muted,
            width,
        ));
        lines.push(meter("speaker", look.out.level_dbov, style::PLAIN, false, width));
    }
    if lines.len() == 1 { Vec::new() } else { lines }
}

/// `● caller   ▇▇▇▇▇────  -23`
fn meter(name: &str, dbov: i8, whose: Style, active: bool, width: usize) -> Line<'static> {
    let bar = width.saturating_sub(NAME + 8).max(4);
    let share = (f32::from(dbov) - QUIET_DBOV) / -QUIET_DBOV;
    let full = (share.clamp(0.0, 1.0) * bar as f32).round() as usize;
    let dot = if active { "●" } else { " " };
    let figure = if f32::from(dbov) <= QUIET_DBOV { "  · ".into() } else { format!("{dbov:>4}") };
    Line::from(vec![
        Span::styled(format!("{dot} "), whose),
        Span::raw(format!("{:<NAME$} ", cut(name, NAME))),
        Span::styled("▇".repeat(full), whose),
        Span::styled("·".repeat(bar - full), style::DIM),
        Span::styled(figure, style::DIM),
    ])
}

const NAME: usize = 9;
/// Below it a meter shows nothing.
const QUIET_DBOV: f32 = -60.0;
