//! What stands in front of everything else: the list of devices, the help.

use ratatui::Frame;
use ratatui::layout::{Constraint, Flex, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use super::super::keys::Prompt;
use super::super::model::Model;
use super::style;
use super::words::cut;

pub(super) fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let (title, lines) = match &model.prompt {
        Prompt::Help => (" keys ".to_owned(), help()),
        Prompt::Devices { direction, devices, at } => {
            let room = usize::from(area.width).saturating_sub(8).min(70);
            let rows = usize::from(area.height).saturating_sub(4).max(1);
            let from = (at + 1).saturating_sub(rows);
            let named = devices.iter().enumerate().skip(from).take(rows).map(|(n, device)| {
                let text =
                    format!("{:<room$}", cut(&format!("{}  {}", device.id, device.name), room));
                Line::styled(text, if n == *at { style::CHOSEN } else { style::PLAIN })
            });
            (format!(" which {direction}? Enter takes it, Tab the other "), named.collect())
        }
        _ => return,
    };
    let wide =
        lines.iter().map(Line::width).max().unwrap_or(0).max(title.chars().count()) as u16 + 4;
    let high = lines.len() as u16 + 2;
    let [row] = Layout::vertical([Constraint::Max(high)]).flex(Flex::Center).areas(area);
    let [place] = Layout::horizontal([Constraint::Max(wide)]).flex(Flex::Center).areas(row);
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(title)), place);
}

fn help() -> Vec<Line<'static>> {
    let rows: [(&str, &str); 16] = [
        ("↑ ↓", "choose a call"),
        ("l", "listen: nobody hears you"),
        ("w", "whisper: only the agent hears you"),
        ("b", "barge in: everybody hears you, not the agent"),
        ("h", "hand the floor back to the agent"),
        ("Esc", "leave the line"),
        ("space", "talk (held, or hit again to stop)"),
        ("v", "open microphone instead of the key"),
        ("m", "mute yourself"),
        ("s", "have the line's voice say what you type"),
        ("t", "tell the agent alone what you type"),
        ("p", "pause the say-queue, or resume it"),
        ("x", "hang up"),
        ("d D", "choose the microphone, the loudspeaker"),
        ("PgUp PgDn", "go back in the transcript"),
        ("q", "quit; the line goes on without you"),
    ];
    let row = |(key, what): &(&'static str, &'static str)| {
        Line::from(vec![Span::styled(format!("{key:>9}  "), style::STRONG), Span::raw(*what)])
    };
    rows.iter().map(row).collect()
}
