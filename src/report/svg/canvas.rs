//! SVG elements as text. The only place that writes markup, so the only one that must escape.

use std::fmt::Write as _;

use super::font::{self, Weight};

/// Markup under construction.
#[derive(Default)]
pub(super) struct Canvas {
    markup: String,
}

/// Where a text stands relative to its x.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub size: f64,
    pub weight: Weight,
    pub fill: &'static str,
    pub anchor: Anchor,
    pub struck: bool,
    pub halo: bool,
}

impl Style {
    pub(super) const fn new(size: f64, fill: &'static str) -> Self {
        Self {
            size,
            weight: Weight::Regular,
            fill,
            anchor: Anchor::Start,
            struck: false,
            halo: false,
        }
    }

    pub(super) const fn bold(self) -> Self {
        Self { weight: Weight::SemiBold, ..self }
    }

    pub(super) const fn anchored(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    pub(super) const fn struck(self) -> Self {
        Self { struck: true, ..self }
    }

    /// With a rim of the card's colour, for text that lies over lines.
    pub(super) const fn haloed(self) -> Self {
        Self { halo: true, ..self }
    }

    pub(super) fn width(self, text: &str) -> f64 {
        font::width(text, self.size, self.weight)
    }

    pub(super) fn fitted(self, text: &str, room: f64) -> String {
        font::fitted(text, self.size, self.weight, room)
    }
}

/// A rectangle by its corner and size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rect {
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
}

impl Rect {
    pub(super) const fn new(x: f64, y: f64, w: f64, h: f64) -> Self {
        Self { x, y, w, h }
    }
}

impl Canvas {
    /// A filled rectangle with corners of radius `round`.
    pub(super) fn rect(&mut self, r: Rect, fill: &str, round: f64) {
        self.rect_with(r, round, &format!(r#"fill="{fill}""#));
    }

    /// A rectangle with attributes of the caller's own making.
    pub(super) fn rect_with(&mut self, r: Rect, round: f64, attributes: &str) {
        let Rect { x, y, w, h } = r;
        let w = w.max(0.6); // a moment is still seen
        self.put(format_args!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{w:.1}" height="{h:.1}" rx="{round}" {attributes}/>"#
        ));
    }

    /// A line between two points.
    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: &str, width: f64) {
        self.put(format_args!(
            r#"<path d="M{:.1} {:.1}L{:.1} {:.1}" stroke="{stroke}" stroke-width="{width}" fill="none"/>"#,
            from.0, from.1, to.0, to.1
        ));
    }

    /// A path with attributes of the caller's own making.
    pub(super) fn path(&mut self, data: &str, attributes: &str) {
        self.put(format_args!(r#"<path d="{data}" {attributes}/>"#));
    }

    /// A text whose baseline is at `y`.
    pub(super) fn text(&mut self, x: f64, y: f64, text: &str, style: Style) {
        self.runs(x, y, &[(text, style)]);
    }

    /// One line of text in several looks; the first one's anchor counts.
    pub(super) fn runs(&mut self, x: f64, y: f64, runs: &[(&str, Style)]) {
        let Some((_, first)) = runs.first() else { return };
        let anchor = match first.anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let spans: String = runs.iter().map(|(text, style)| span(text, *style)).collect();
        // On one line: a newline between the spans would be seen as a space.
        self.put(format_args!(
            r#"<text x="{x:.1}" y="{y:.1}" font-size="{}" text-anchor="{anchor}" xml:space="preserve">{spans}</text>"#,
            first.size
        ));
    }

    /// Elements that tell `title` to whoever points at them.
    pub(super) fn titled(&mut self, title: &str, draw: impl FnOnce(&mut Canvas)) {
        self.put(format_args!("<g><title>{}</title>", escaped(title)));
        draw(self);
        self.put(format_args!("</g>"));
    }

    /// Draws `other` over this.
    pub(super) fn append(&mut self, other: Canvas) {
        self.markup.push_str(&other.markup);
    }

    /// The markup so far, newline after each element.
    pub(super) fn into_markup(self) -> String {
        self.markup
    }

    fn put(&mut self, markup: std::fmt::Arguments<'_>) {
        // Writing into a String cannot fail.
        _ = self.markup.write_fmt(markup);
        self.markup.push('\n');
    }
}

fn span(text: &str, style: Style) -> String {
    let weight = if style.weight == Weight::SemiBold { 600 } else { 400 };
    let struck = if style.struck { r#" text-decoration="line-through""# } else { "" };
    let halo = if style.halo { HALO } else { "" };
    let (fill, text) = (style.fill, escaped(text));
    format!(r#"<tspan fill="{fill}" font-weight="{weight}"{struck}{halo}>{text}</tspan>"#)
}

/// What may stand between tags: XML's own signs escaped, control characters left out.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' | '\t' | '\r' => safe.push(' '),
            // What XML 1.0 has no room for, escaped or not.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => safe.push(c),
        }
    }
    safe
}

const HALO: &str =
    r##" stroke="#ffffff" stroke-width="4" stroke-linejoin="round" paint-order="stroke""##;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_cannot_write_markup_into_the_picture() {
        let mut canvas = Canvas::default();
        canvas.text(0.0, 0.0, "</text><script>&\"\u{0}", Style::new(12.0, "#000"));
        let markup = canvas.into_markup();
        assert!(markup.contains("&lt;/text&gt;&lt;script&gt;&amp;&quot;</tspan>"), "{markup}");
    }
}
