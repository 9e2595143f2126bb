//! How far what the ledger says is from what is on the recording.

use super::words::{Piece, WORDS};

/// What is looked at in steps of 5 ms may miss one at each end.
const EDGE_MS: usize = 10;

/// By how much the words that were reported are not those of the recording: what is missing of one
/// that was reported, or all of one that is whole and was not, or that was said twice. Of the last
/// word on the recording that is whole, as long as the line was silent before `cut_ms`: where the word
/// was cut as it ended, nobody can tell the two apart.
pub fn error_ms(
    reported: usize,
    pieces: &[Piece],
    cut_ms: usize,
    whole_ms: impl Fn(usize) -> usize,
) -> usize {
    let last = pieces.last().map_or(0, |piece| piece.word);
    let of_word = |word: usize| {
        let whole = whole_ms(word);
        let pieces: Vec<_> = pieces.iter().filter(|piece| piece.word == word).collect();
        let ended_ms = pieces.last().map_or(0, |piece| piece.end_ms);
        let times = pieces.iter().filter(|it| it.ms.len() + EDGE_MS >= whole).count();
        let heard = (0..whole).filter(|ms| pieces.iter().any(|it| it.ms.contains(ms))).count();
        match (word < reported, times) {
            (_, 2..) => whole,
            (true, _) => whole - heard,
            (false, 1) if word == last => cut_ms.saturating_sub(ended_ms).min(whole),
            (false, 1) => whole,
            (false, _) => 0,
        }
    };
    (0..WORDS.len()).map(of_word).max().unwrap_or_default()
}

#[test]
fn a_report_that_is_not_what_was_heard_is_off_by_what_is_missing_or_too_much() {
    let piece = |word, ms| Piece { word, ms, end_ms: 600 * word + 300 };
    let off = |reported, pieces: &[Piece]| error_ms(reported, pieces, 930, |_| 300);
    let cut = [piece(0, 0..300), piece(1, 0..270), piece(2, 0..120)];
    assert_eq!(off(2, &cut), 30);
    assert_eq!(off(3, &cut), 180, "a word too many");
    assert_eq!(off(0, &cut), 300, "words that were heard are not told");
    assert_eq!(off(1, &[piece(0, 0..300), piece(1, 0..300)]), 30, "known too late");
    let held = [piece(0, 0..300), piece(1, 0..150), piece(1, 150..300)];
    assert_eq!(off(2, &held), 0);
    let again = [piece(0, 0..300), piece(0, 0..300)];
    assert_eq!(off(1, &again), 300, "said twice");
}
