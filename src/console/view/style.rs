//! The few colours there are. Sixteen-colour names only, so that the terminal's own theme, light or
//! dark, decides what they look like.

use ratatui::style::{Color, Modifier, Style};

use super::super::call::Who;
use crate::report::ClaimSource;

pub(super) const PLAIN: Style = Style::new();
pub(super) const DIM: Style = Style::new().add_modifier(Modifier::DIM);
pub(super) const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
pub(super) const GOOD: Style = Style::new().fg(Color::Green);
pub(super) const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
pub(super) const CALLER: Style = Style::new().fg(Color::Cyan);
pub(super) const VOICE: Style = Style::new().fg(Color::Green);
pub(super) const OPERATOR: Style = Style::new().fg(Color::Yellow);
/// Who is on the air must not be overlooked.
pub(super) const ON_AIR: Style =
    Style::new().fg(Color::Black).bg(Color::Yellow).add_modifier(Modifier::BOLD);
pub(super) const CHOSEN: Style = Style::new().add_modifier(Modifier::REVERSED);

pub(super) fn of(who: &Who) -> Style {
    match who {
        Who::Caller(label) if label == "operator" => OPERATOR,
        Who::Caller(_) => CALLER,
        Who::Voice(source) => of_source(*source),
        Who::Note { bad: true } => BAD,
        Who::Note { bad: false } => DIM,
    }
}

pub(super) fn of_source(source: ClaimSource) -> Style {
    if source == ClaimSource::Operator { OPERATOR } else { VOICE }
}
