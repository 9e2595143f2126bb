//! Words in lines of a width.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// `parts` in lines of at most `width` columns, broken between words where that can be; every line
/// but the first begins `indent` columns in.
pub(super) fn wrapped(parts: &[(&str, Style)], width: usize, indent: usize) -> Vec<Line<'static>> {
    let mut page =
        Page { lines: vec![Line::default()], used: 0, width: width.max(indent + 8), indent };
    for (text, style) in parts {
        for word in text.split_inclusive(' ') {
            page.word(word, *style);
        }
    }
    page.lines
}

struct Page {
    lines: Vec<Line<'static>>,
    used: usize,
    width: usize,
    indent: usize,
}

impl Page {
    fn word(&mut self, word: &str, style: Style) {
        let wide = Span::raw(word.trim_end()).width();
        if self.used + wide > self.width && self.used > self.indent {
            self.next_line();
        }
        if wide > self.width - self.used {
            // Longer than a line: character by character.
            for c in word.chars() {
                let c = c.to_string();
                let wide = Span::raw(c.as_str()).width();
                if self.used + wide > self.width {
                    self.next_line();
                }
                self.put(c, wide, style);
            }
            return;
        }
        self.put(word.to_owned(), Span::raw(word).width(), style);
    }

    fn next_line(&mut self) {
        self.lines.push(Line::from(" ".repeat(self.indent)));
        self.used = self.indent;
    }

    fn put(&mut self, text: String, wide: usize, style: Style) {
        self.used += wide;
        if let Some(line) = self.lines.last_mut() {
            match line.spans.last_mut() {
                Some(span) if span.style == style => span.content.to_mut().push_str(&text),
                _ => line.push_span(Span::styled(text, style)),
            }
        }
    }
}

/// `text` in at most `width` columns, with an ellipsis where it was longer.
pub(super) fn cut(text: &str, width: usize) -> String {
    if Span::raw(text).width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = Span::raw(c.to_string()).width();
        if used + wide + 1 > width {
            break;
        }
        used += wide;
        out.push(c);
    }
    out.push('…');
    out
}

/// `m:ss`, or `h:mm:ss`.
pub(super) fn clock(ms: f64) -> String {
    let s = (ms.max(0.0) / 1_000.0) as u64;
    if s < 3_600 {
        format!("{}:{:02}", s / 60, s % 60)
    } else {
        format!("{}:{:02}:{:02}", s / 3_600, s / 60 % 60, s % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(lines: &[Line<'_>]) -> Vec<String> {
        lines.iter().map(|it| it.to_string().trim_end().to_owned()).collect()
    }

    #[test]
    fn words_are_kept_whole_and_what_is_longer_than_a_line_is_broken() {
        let style = Style::new();
        let lines = wrapped(&[("12345 to be or not", style)], 10, 2);
        assert_eq!(text_of(&lines), ["12345 to", "  be or", "  not"]);
        let lines = wrapped(&[("antidisestablishment", style)], 12, 2);
        assert_eq!(text_of(&lines), ["antidisestab", "  lishment"]);
        assert!(
            wrapped(&[("日本語の長い文章です", style)], 10, 0).iter().all(|it| it.width() <= 10)
        );
    }

    #[test]
    fn what_is_cut_says_so_and_fits() {
        assert_eq!(cut("hello", 5), "hello");
        assert_eq!(cut("hello there", 6), "hello…");
        assert!(Span::raw(cut("日本語日本語", 6)).width() <= 6);
        assert_eq!((clock(61_500.0), clock(3_661_000.0)), ("1:01".into(), "1:01:01".into()));
    }
}
