//! Colours and sizes of the picture.

use crate::report::event::ClaimSource;

pub(super) const PAGE: &str = "#fbfbf8";
pub(super) const CARD: &str = "#ffffff";
pub(super) const RULE: &str = "#e4e5ea";
pub(super) const GRID: &str = "#eeeff2";
pub(super) const INK: &str = "#1c2230";
pub(super) const MUTED: &str = "#6b7385";
pub(super) const FAINT: &str = "#a3a9b8";
pub(super) const CALLER: &str = "#c2700a";
pub(super) const CALLER_TINT: &str = "#fdf1dc";
pub(super) const ALARM: &str = "#d02f3e";
pub(super) const ALARM_TINT: &str = "#fbdfe1";
pub(super) const CALM_TINT: &str = "#e9ebf1";
pub(super) const GOOD: &str = "#0f7b54";
pub(super) const GOOD_TINT: &str = "#def3ea";
pub(super) const JOB: &str = "#8fa79c";

/// Width of the page.
pub(super) const PAGE_WIDTH: f64 = 1_680.0;
/// From the page's edge to anything on it.
pub(super) const MARGIN: f64 = 40.0;
/// Left of the time lines, where the lanes have their names.
pub(super) const GUTTER: f64 = 76.0;

/// The colour of a source: strong for its sound, and a tint for what waits.
pub(super) fn source(source: Option<ClaimSource>) -> (&'static str, &'static str) {
    match source {
        Some(ClaimSource::Operator) => ("#b0246f", "#f7dcea"),
        Some(ClaimSource::System) => ("#56627a", "#e3e6ee"),
        Some(ClaimSource::Responder) => ("#2458c8", "#dde7fb"),
        Some(ClaimSource::Worker) => ("#0f8a6a", "#d8f0e8"),
        Some(ClaimSource::External) => ("#7a3fc0", "#eadffa"),
        None => ("#c9cdd8", "#f1f2f5"),
    }
}

/// The colour of each hop of a reply, and of text on it.
pub(super) const HOPS: [(&str, &str); 7] = [
    ("#b9c0cf", INK),
    ("#f0a830", INK),
    ("#8089a0", "#ffffff"),
    ("#2458c8", "#ffffff"),
    ("#8a5cd6", "#ffffff"),
    ("#0f8a6a", "#ffffff"),
    ("#d6577a", "#ffffff"),
];
