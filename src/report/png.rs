//! The picture in pixels.

use std::sync::Arc;

use resvg::{tiny_skia, usvg};

use super::svg::font;

/// Why a picture could not be turned into pixels.
#[derive(Debug, thiserror::Error)]
pub enum PngError {
    /// It is not SVG that the renderer understands.
    #[error("the picture is not valid SVG: {0}")]
    Svg(#[from] usvg::Error),
    /// It has no area, or more than there is memory for.
    #[error("a picture of {width} × {height} pixels cannot be drawn")]
    Size {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// The encoder failed.
    #[error("the pixels could not be written as PNG: {0}")]
    Encode(String),
}

/// Renders an SVG document at one and a half pixels for each of its own, for sharp text. Looks at
/// no font of the system's, so the picture is the same on every machine.
///
/// # Errors
/// [`PngError`].
pub(crate) fn render(svg: &str) -> Result<Vec<u8>, PngError> {
    let mut fonts = usvg::fontdb::Database::new();
    for data in [font::REGULAR, font::SEMI_BOLD] {
        fonts.load_font_data(data.to_vec());
    }
    let options = usvg::Options {
        font_family: "Inter".to_owned(),
        fontdb: Arc::new(fonts),
        ..usvg::Options::default()
    };
    let tree = usvg::Tree::from_str(svg, &options)?;
    let size = tree.size().to_int_size();
    let scale = SCALE.min(SIDE_MAX / size.height().max(size.width()) as f32);
    let pixels = |side: u32| (side as f32 * scale).ceil() as u32;
    let (width, height) = (pixels(size.width()), pixels(size.height()));
    let mut pixmap =
        tiny_skia::Pixmap::new(width, height).ok_or(PngError::Size { width, height })?;
    let transform = tiny_skia::Transform::from_scale(scale, scale);
    resvg::render(&tree, transform, &mut pixmap.as_mut());
    pixmap.encode_png().map_err(|error| PngError::Encode(error.to_string()))
}

const SCALE: f32 = 1.5;
/// Viewers and encoders get into trouble beyond this.
const SIDE_MAX: f32 = 16_000.0;
