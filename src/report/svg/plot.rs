//! Time to pixels, and labels that do not overlap.

use crate::report::story::Span;

/// A stretch of the call as drawn from `left` to `right`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub span: Span,
    pub left: f64,
    pub right: f64,
}

impl Window {
    pub(super) fn px_per_ms(&self) -> f64 {
        (self.right - self.left) / (self.span.to_ms - self.span.from_ms).max(1.0)
    }

    /// Where a moment lies, held inside the drawing.
    pub(super) fn x(&self, t_ms: f64) -> f64 {
        let x = self.left + (t_ms - self.span.from_ms) * self.px_per_ms();
        x.clamp(self.left, self.right)
    }

    /// Whether a moment belongs to this stretch. Each moment belongs to one.
    pub(super) fn holds(&self, t_ms: f64) -> bool {
        (self.span.from_ms..self.span.to_ms).contains(&t_ms)
    }

    /// From where to where the part of a span lies that this stretch shows.
    pub(super) fn clip(&self, span: Span) -> Option<(f64, f64)> {
        let shows = span.from_ms < self.span.to_ms && span.to_ms > self.span.from_ms;
        shows.then(|| (self.x(span.from_ms), self.x(span.to_ms)))
    }
}

/// Puts labels into as few rows as they need, and refuses what would not fit.
#[derive(Debug)]
pub(super) struct Packer {
    rows: Vec<Vec<(f64, f64)>>,
    rows_max: usize,
    gap: f64,
}

impl Packer {
    pub(super) fn new(rows_max: usize, gap: f64) -> Self {
        Self { rows: Vec::new(), rows_max, gap }
    }

    /// The first row with room between `from` and `to`, which is then taken.
    pub(super) fn place(&mut self, from: f64, to: f64) -> Option<usize> {
        let gap = self.gap;
        let free =
            |row: &Vec<(f64, f64)>| row.iter().all(|(a, b)| to + gap <= *a || from >= b + gap);
        let row = match self.rows.iter().position(free) {
            Some(row) => row,
            None if self.rows.len() < self.rows_max => {
                self.rows.push(Vec::new());
                self.rows.len() - 1
            }
            None => return None,
        };
        self.rows[row].push((from, to));
        Some(row)
    }

    /// Rows in use.
    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }
}

/// Where a label of `width` begins that wants to begin at `x`: held inside the drawing.
pub(super) fn held_inside(window: &Window, x: f64, width: f64) -> f64 {
    x.min(window.right - width).max(window.left)
}

/// Where a label of `width` begins that belongs to what lies between `from` and `to`: after it, or
/// before it where there is no room after it.
pub(super) fn beside(window: &Window, (from, to): (f64, f64), width: f64) -> f64 {
    let after = to + BESIDE;
    let before = from - BESIDE - width;
    if after + width > window.right && before > window.left { before } else { after }
}

/// Between a thing and its label.
const BESIDE: f64 = 6.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_would_overlap_go_to_different_rows() {
        let mut packer = Packer::new(2, 5.0);
        assert_eq!(packer.place(0.0, 50.0), Some(0));
        assert_eq!(packer.place(52.0, 80.0), Some(1), "too close for one row");
        assert_eq!(packer.place(55.0, 90.0), Some(0));
        assert_eq!(packer.place(40.0, 60.0), None, "no third row");
    }

    #[test]
    fn every_moment_belongs_to_one_stretch() {
        let window = |from, to| Window { span: Span::new(from, to), left: 0.0, right: 100.0 };
        let stretches = [window(0.0, 10.0), window(10.0, 20.0)];
        for t in [0.0, 9.9, 10.0, 19.9] {
            assert_eq!(stretches.iter().filter(|stretch| stretch.holds(t)).count(), 1);
        }
    }

    #[test]
    fn a_span_is_clipped_to_the_stretch() {
        let window = Window { span: Span::new(10.0, 20.0), left: 0.0, right: 100.0 };
        assert_eq!(window.clip(Span::new(5.0, 15.0)), Some((0.0, 50.0)));
        assert_eq!(window.clip(Span::new(0.0, 10.0)), None);
    }

    #[test]
    fn a_label_without_room_after_its_thing_stands_before_it() {
        let window = Window { span: Span::new(0.0, 1.0), left: 0.0, right: 100.0 };
        assert_eq!(beside(&window, (20.0, 30.0), 40.0), 36.0);
        assert_eq!(beside(&window, (60.0, 80.0), 40.0), 14.0);
    }
}
