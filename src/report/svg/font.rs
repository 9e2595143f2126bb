//! The one typeface of the picture, carried along so that text looks and measures the same
//! everywhere.

use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

/// Inter Regular, a Latin subset (SIL Open Font License, see `assets/fonts`).
pub(crate) const REGULAR: &[u8] = include_bytes!("../../../assets/fonts/Inter-Regular.otf");
/// Inter SemiBold, the same subset.
pub(crate) const SEMI_BOLD: &[u8] = include_bytes!("../../../assets/fonts/Inter-SemiBold.otf");

/// The two weights that the picture uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Weight {
    Regular,
    SemiBold,
}

/// How wide `text` is at `size` pixels, without kerning (which only makes it narrower).
pub(super) fn width(text: &str, size: f64, weight: Weight) -> f64 {
    let data = match weight {
        Weight::Regular => REGULAR,
        Weight::SemiBold => SEMI_BOLD,
    };
    let fallback = |text: &str| text.chars().count() as f64 * size * 0.6;
    let Ok(font) = FontRef::new(data) else { return fallback(text) };
    let (glyphs, metrics) =
        (font.charmap(), font.glyph_metrics(Size::new(size as f32), LocationRef::default()));
    let advance = |c: char| glyphs.map(c).and_then(|glyph| metrics.advance_width(glyph));
    text.chars().map(|c| advance(c).map_or(size * 0.6, f64::from)).sum()
}

/// `text`, cut with an ellipsis so that it is no wider than `room`.
pub(super) fn fitted(text: &str, size: f64, weight: Weight, room: f64) -> String {
    if width(text, size, weight) <= room {
        return text.to_owned();
    }
    let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let cut = |end: usize| format!("{}…", text[..end].trim_end());
    let fits = ends.partition_point(|end| width(&cut(*end), size, weight) <= room);
    cut(ends[fits.saturating_sub(1)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wider_letters_and_weights_are_wider() {
        assert!(width("WWW", 12.0, Weight::Regular) > 2.0 * width("iii", 12.0, Weight::Regular));
        assert!(width("stop", 12.0, Weight::SemiBold) > width("stop", 12.0, Weight::Regular));
    }

    #[test]
    fn a_text_is_cut_to_its_room() {
        let text = "nothing was left out of the backup";
        let short = fitted(text, 12.0, Weight::Regular, 90.0);
        assert!(short.ends_with('…') && width(&short, 12.0, Weight::Regular) <= 90.0, "{short}");
        assert_eq!(fitted(text, 12.0, Weight::Regular, 900.0), text);
        assert_eq!(fitted("ä", 12.0, Weight::Regular, 0.0), "…");
    }
}
