//! The call's figures, as a card beside the waterfall.

use super::Drawing;
use super::canvas::{Anchor, Canvas, Rect, Style};
use super::theme::{CARD, GRID, INK, MUTED, RULE};
use crate::report::summary::Summary;

/// How high the card has to be.
pub(super) fn height(summary: &Summary) -> f64 {
    44.0 + rows(summary).len() as f64 * ROW + 8.0
}

/// Draws the card into `area`.
pub(super) fn draw(canvas: &mut Canvas, drawing: &Drawing<'_>, area: Rect) {
    let rows = rows(drawing.summary);
    canvas.rect_with(area, 8.0, &format!(r#"fill="{CARD}" stroke="{RULE}""#));
    canvas.text(area.x + 18.0, area.y + 28.0, "Figures", Style::new(15.0, INK).bold());
    let (left, right) = (area.x + 18.0, area.x + area.w - 18.0);
    for (index, (name, value)) in rows.iter().enumerate() {
        let y = area.y + 44.0 + index as f64 * ROW;
        if index > 0 {
            canvas.line((left, y), (right, y), GRID, 1.0);
        }
        canvas.text(left, y + 17.0, name, Style::new(12.0, MUTED));
        canvas.text(right, y + 17.0, value, Style::new(12.5, INK).bold().anchored(Anchor::End));
    }
}

fn rows(summary: &Summary) -> Vec<(&'static str, String)> {
    let stats = &summary.stats;
    let ms = |value: Option<f64>| value.map_or("–".to_owned(), |ms| format!("{ms:.0} ms"));
    let mut rows = vec![
        ("reply, median", ms(summary.reply_ms_p50)),
        ("reply, 95th percentile", ms(summary.reply_ms_p95)),
        ("largest share", largest(summary)),
        ("revoke to silence, longest", ms(summary.revoke_to_silence_ms_max)),
        ("verdict on an overlap, slowest", ms(summary.decide_ms_max)),
        ("RTP sent / received / lost", rtp(summary)),
        ("jitter", format!("{:.2} ms", stats.jitter_ms)),
        ("MOS, estimated (G.107)", format!("{:.2}", stats.mos_estimated)),
    ];
    if let Some(mos) = stats.peer_mos {
        rows.push(("MOS, as the peer reports it", format!("{mos:.1}")));
    }
    if summary.brain_losses > 0 {
        rows.push(("brain lost", format!("{} ×", summary.brain_losses)));
    }
    rows
}

fn largest(summary: &Summary) -> String {
    match &summary.largest_hop {
        Some(hop) => format!("{hop}, {:.0} %", 100.0 * summary.largest_hop_share),
        None => "–".to_owned(),
    }
}

fn rtp(summary: &Summary) -> String {
    let stats = &summary.stats;
    format!("{} / {} / {}", stats.rtp_sent, stats.rtp_received, stats.rtp_lost)
}

const ROW: f64 = 26.0;
