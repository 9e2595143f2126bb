//! The picture of a call. Each part is a card; time goes from left to right, and a long call goes
//! on in the next card.

mod canvas;
mod captions;
mod figures;
mod floor;
pub(crate) mod font;
mod header;
#[cfg(test)]
mod labels;
mod plot;
mod strip;
mod theme;
mod waterfall;
mod waves;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use self::canvas::{Canvas, Rect};
#[cfg(test)]
pub(crate) use self::labels::labels;
use super::record::CallRecord;
use super::story::{Span, Story};
use super::summary::Summary;
use super::waveform::Envelope;

/// What there is to draw.
pub(crate) struct Drawing<'a> {
    pub record: &'a CallRecord,
    pub story: &'a Story,
    pub summary: &'a Summary,
    pub envelope: &'a Envelope,
}

/// The whole picture as an SVG document that needs nothing beside itself.
pub(crate) fn draw(drawing: &Drawing<'_>) -> String {
    let mut canvas = Canvas::default();
    let mut y = header::draw(&mut canvas, drawing);
    for span in stretches(drawing.story.end_ms) {
        y = strip::draw(&mut canvas, drawing, span, y) + GAP;
    }
    let width = theme::PAGE_WIDTH - 2.0 * theme::MARGIN;
    let height = figures::height(drawing.summary);
    let replies = Rect::new(theme::MARGIN, y, width - FIGURES - GAP, height);
    let bottom = waterfall::draw(&mut canvas, drawing, replies);
    let left = theme::PAGE_WIDTH - theme::MARGIN - FIGURES;
    figures::draw(&mut canvas, drawing, Rect::new(left, y, FIGURES, bottom - y));
    document(canvas, bottom + theme::MARGIN)
}

/// The call in pieces of whole seconds, as long as its words need, and no more than a page of them.
fn stretches(end_ms: f64) -> Vec<Span> {
    let count = (end_ms / STRETCH_MS).ceil().clamp(1.0, STRETCHES_MAX);
    let length = ((end_ms / count / 1_000.0).ceil() * 1_000.0).max(STRETCH_MS_MIN);
    let starts = (0..count as u32).map(|n| f64::from(n) * length);
    starts.take_while(|from| *from < end_ms).map(|from| Span::new(from, from + length)).collect()
}

fn document(canvas: Canvas, height: f64) -> String {
    let width = theme::PAGE_WIDTH;
    let faces: String = [(400, font::REGULAR), (600, font::SEMI_BOLD)]
        .map(|(weight, data)| face(weight, data))
        .concat();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width} {height:.0}\" font-family=\"Inter, 'DejaVu Sans', sans-serif\">\n\
         <style>{faces}text {{ font-kerning: normal }}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"{}\"/>\n{}</svg>\n",
        theme::PAGE,
        canvas.into_markup()
    )
}

fn face(weight: u32, data: &[u8]) -> String {
    let data = STANDARD.encode(data);
    format!(
        "@font-face {{ font-family: Inter; font-weight: {weight}; \
         src: url(data:font/otf;base64,{data}) }}\n"
    )
}

/// Between cards.
const GAP: f64 = 16.0;
/// Width of the card of figures.
const FIGURES: f64 = 340.0;
/// Spoken words need about this much width for each second, or their captions would collide.
const STRETCH_MS: f64 = 16_000.0;
/// A very short call is not blown up to fill the page.
const STRETCH_MS_MIN: f64 = 4_000.0;
/// Six minutes at full width; a longer call is drawn denser.
const STRETCHES_MAX: f64 = 24.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stretches_cover_the_call_once() {
        for end_ms in [1.0, 3_999.0, 16_000.0, 21_500.0, 61_234.5, 600_000.0, 86_400_000.0] {
            let spans = stretches(end_ms);
            assert_eq!(spans[0].from_ms, 0.0);
            assert!(spans.last().unwrap().to_ms >= end_ms, "{end_ms}");
            assert!(spans.last().unwrap().from_ms < end_ms, "{end_ms}");
            assert!(spans.windows(2).all(|two| two[0].to_ms == two[1].from_ms));
            assert!(spans.len() <= STRETCHES_MAX as usize);
        }
    }
}
