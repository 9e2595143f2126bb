//! What was said, written where it was said.

use super::Drawing;
use super::canvas::{Canvas, Style};
use super::plot::{Packer, Window, held_inside};
use super::strip::lane_name;
use super::theme::{CALLER, FAINT, MUTED, source};
use crate::report::event::EndingKind;
use crate::report::story::Claim;

/// The caller's words, partials above finals, down to the top of the caller's waveform.
pub(super) fn caller(canvas: &mut Canvas, drawing: &Drawing<'_>, window: &Window, top: f64) -> f64 {
    let said = finals(drawing, window).chain(partials(drawing, window));
    let mut packer = Packer::new(4, 10.0);
    let mut placed = Vec::new();
    for (t_ms, text, style) in said {
        let text = style.fitted(&text, window.right - window.left);
        let width = style.width(&text);
        let x = held_inside(window, window.x(t_ms), width);
        if let Some(row) = packer.place(x, x + width) {
            placed.push((x, row, text, style));
        }
    }
    let rows = packer.rows().max(1);
    for (x, row, text, style) in placed {
        // The first rows hold the finals, and lie nearest to the sound.
        canvas.text(x, top + (rows - row) as f64 * ROW - 4.0, &text, style);
    }
    let bottom = top + rows as f64 * ROW;
    lane_name(canvas, bottom - 4.0, "heard");
    bottom
}

type Caption = (f64, String, Style);

fn finals<'a>(drawing: &'a Drawing<'_>, window: &'a Window) -> impl Iterator<Item = Caption> + 'a {
    let style = Style::new(13.0, CALLER).bold();
    let turns = drawing.story.turns.iter();
    let here = turns.filter(|turn| window.holds(turn.times.speech_start_ms));
    here.map(move |turn| {
        let who = turn.speaker.as_ref().map(|who| format!("{who}: ")).unwrap_or_default();
        (turn.times.speech_start_ms, format!("{who}“{}”", turn.text), style)
    })
}

fn partials<'a>(
    drawing: &'a Drawing<'_>,
    window: &'a Window,
) -> impl Iterator<Item = Caption> + 'a {
    let style = Style::new(11.0, FAINT);
    let finals = |text: &str| drawing.story.turns.iter().any(|turn| turn.text == text);
    let partials = drawing.story.partials.iter();
    let here = partials.filter(move |(t_ms, text)| window.holds(*t_ms) && !finals(text));
    here.map(move |(t_ms, text)| (*t_ms, format!("{text} …"), style))
}

/// What the line said: heard words in the colour of their source, the others struck.
pub(super) fn line(canvas: &mut Canvas, drawing: &Drawing<'_>, window: &Window, top: f64) -> f64 {
    let mut packer = Packer::new(4, 12.0);
    for claim in &drawing.story.claims {
        let Some(t_ms) = claim.first_sample_ms.filter(|t_ms| window.holds(*t_ms)) else { continue };
        let runs = spoken(claim, window.right - window.left);
        let width: f64 = runs.iter().map(|(text, style)| style.width(text)).sum();
        let x = held_inside(window, window.x(t_ms), width);
        let Some(row) = packer.place(x, x + width) else { continue };
        let runs: Vec<_> = runs.iter().map(|(text, style)| (text.as_str(), *style)).collect();
        canvas.runs(x, top + row as f64 * ROW + 13.0, &runs);
    }
    lane_name(canvas, top + 13.0, "said");
    top + packer.rows().max(1) as f64 * ROW
}

fn spoken(claim: &Claim, room: f64) -> Vec<(String, Style)> {
    let heard_style = Style::new(13.0, source(Some(claim.source)).0);
    let unheard_style = Style::new(13.0, MUTED).struck();
    let heard = match claim.ending {
        Some(EndingKind::Spoken) | None => claim.text.as_str(),
        Some(_) => claim.heard_text.as_str(),
    };
    let unheard = claim.text.strip_prefix(heard).unwrap_or_default();
    let unheard_room = (room - heard_style.width(heard)).clamp(0.0, UNHEARD_WIDTH_MAX);
    let mut runs = vec![(heard_style.fitted(heard, room), heard_style)];
    if !unheard.is_empty() && unheard_room > 20.0 {
        runs.push((unheard_style.fitted(unheard, unheard_room), unheard_style));
    }
    runs
}

/// From one row of words to the next.
const ROW: f64 = 18.0;
/// Enough of what was cut off to see where it was going.
const UNHEARD_WIDTH_MAX: f64 = 240.0;
