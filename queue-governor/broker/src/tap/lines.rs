/// Puts lines together from pieces of any size. Memory is bounded: of a line that is too long the
/// beginning is kept.
#[derive(Debug, Default)]
pub struct Lines {
    open: Vec<u8>,
    /// The open line has lost its end.
    cut: bool,
    /// Lines that lost their end.
    lines_cut: u64,
}

impl Lines {
    /// Takes the next bytes and gives every line that they complete, without its line end. What is
    /// not UTF-8 is replaced; empty lines are skipped.
    pub fn push(&mut self, bytes: &[u8], mut line: impl FnMut(&str)) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (piece, ends) = match piece.strip_suffix(b"\n") {
                Some(piece) => (piece, true),
                None => (piece, false),
            };
            self.keep(piece);
            if ends {
                self.finish(&mut line);
            }
        }
    }

    /// The source is over: gives what stands after the last line end.
    pub fn finish(&mut self, mut line: impl FnMut(&str)) {
        let bytes = self.open.strip_suffix(b"\r").unwrap_or(&self.open);
        if !bytes.is_empty() {
            line(&String::from_utf8_lossy(bytes));
        }
        self.lines_cut += u64::from(self.cut);
        self.open.clear();
        self.cut = false;
    }

    /// How many lines lost their end so far.
    #[must_use]
    pub fn lines_cut(&self) -> u64 {
        self.lines_cut
    }

    fn keep(&mut self, piece: &[u8]) {
        let room = LINE_BYTES_MAX - self.open.len();
        self.cut |= piece.len() > room;
        self.open.extend_from_slice(&piece[..piece.len().min(room)]);
    }
}

/// An entry of the journal with all its fields; a log line is shorter.
const LINE_BYTES_MAX: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.push(piece, |line| found.push(line.to_owned()));
        }
        lines.finish(|line| found.push(line.to_owned()));
        found
    }

    #[test]
    fn a_line_that_comes_in_pieces_is_one_line() {
        assert_eq!(lines(&[b"on", b"e\r\ntw", b"o\n\nthr\xc3", b"\xa4"]), ["one", "two", "thrä"]);
    }

    #[test]
    fn an_endless_line_keeps_its_beginning_and_costs_no_more_memory() {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for _ in 0..100 {
            lines.push(&[b'x'; 1_000], |line| found.push(line.len()));
        }
        lines.push(b"\nnext\n", |line| found.push(line.len()));
        assert_eq!((found, lines.lines_cut()), (vec![LINE_BYTES_MAX, 4], 1));
    }

    proptest::proptest! {
        #[test]
        fn how_the_bytes_are_cut_does_not_matter(
            text in "[a-zä\\n\\r]{0,60}", at in 0_usize..60, then in 0_usize..60,
        ) {
            let bytes = text.as_bytes();
            let (at, then) = (at.min(bytes.len()), then.min(bytes.len()));
            let (first, second) = (at.min(then), at.max(then));
            let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
            assert_eq!(lines(&pieces), lines(&[bytes]));
        }
    }
}
