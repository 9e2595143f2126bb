//! Words, clauses and their boundaries in a text. Byte offsets throughout; all of them lie on
//! character boundaries.

/// The text as dedup sees it: lower case, single spaces, no punctuation around words. Signs
/// inside or before a word stay, because "-5" is not "5" and "3.5" is not "35".
pub(crate) fn normalised(text: &str) -> String {
    let words: Vec<String> = text
        .split_whitespace()
        .map(|word| word.trim_matches(is_edge_punctuation).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect();
    if words.is_empty() { text.trim().to_owned() } else { words.join(" ") }
}

/// How many words that [`normalised`] knows are in a text.
pub(crate) fn words(text: &str) -> usize {
    text.split_whitespace().filter(|word| is_word(word)).count()
}

/// The end of the word with this number, counted from 1 as [`words`] does; 0 if there are fewer.
pub(crate) fn end_of_word(text: &str, number: usize) -> usize {
    let word = number
        .checked_sub(1)
        .and_then(|n| text.split_whitespace().filter(|word| is_word(word)).nth(n));
    word.map_or(0, |word| word.as_ptr() as usize - text.as_ptr() as usize + word.len())
}

fn is_word(word: &str) -> bool {
    !word.trim_matches(is_edge_punctuation).is_empty()
}

/// The end of the word that `at` lies in or touches: the next white space, or the end.
pub(crate) fn word_end(text: &str, at: usize) -> usize {
    let at = floor_boundary(text, at);
    text[at..].find(char::is_whitespace).map_or(text.len(), |n| at + n)
}

/// The last end of a word at or before `at`; 0 if there is none.
pub(crate) fn word_end_before(text: &str, at: usize) -> usize {
    let at = floor_boundary(text, at);
    if at == text.len() || text[at..].starts_with(char::is_whitespace) {
        return text[..at].trim_end().len();
    }
    text[..at].rfind(char::is_whitespace).map_or(0, |n| text[..n].trim_end().len())
}

/// Where the next word begins: `at`, moved over white space.
pub(crate) fn next_word(text: &str, at: usize) -> usize {
    let at = floor_boundary(text, at);
    text.len() - text[at..].trim_start().len()
}

/// Whether a clause ends at `end`, which is the end of a word.
pub(crate) fn ends_clause(text: &str, end: usize) -> bool {
    let end = floor_boundary(text, end);
    text[..end].trim_end_matches(is_closing).ends_with(is_clause_mark)
}

/// Where the clause begins that the cut at `at` lies in; `at` itself if no clause was cut.
pub(crate) fn clause_start(text: &str, at: usize) -> usize {
    let at = floor_boundary(text, at);
    let mut end = word_end_before(text, at);
    while end > 0 && !ends_clause(text, end) {
        end = text[..end].rfind(char::is_whitespace).map_or(0, |n| text[..n].trim_end().len());
    }
    next_word(text, end)
}

fn floor_boundary(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}

fn is_clause_mark(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '…' | '—' | '–')
}

fn is_closing(c: char) -> bool {
    matches!(c, '"' | '\'' | ')' | ']' | '”' | '’' | '»')
}

fn is_edge_punctuation(c: char) -> bool {
    is_clause_mark(c) || is_closing(c) || matches!(c, '(' | '[' | '“' | '‘' | '«' | '„')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalising_forgets_case_spacing_and_punctuation_but_not_meaning() {
        assert_eq!(normalised("  The backup,  is DONE. "), "the backup is done");
        assert_eq!(normalised("“The backup” is done!"), "the backup is done");
        assert_ne!(normalised("-5 degrees"), normalised("5 degrees"));
        assert_ne!(normalised("3.5 GB"), normalised("35 GB"));
        assert_eq!(normalised("?!"), "?!");
    }

    #[test]
    fn clauses_end_at_punctuation_after_a_word() {
        let text = "It is 3.5 degrees, (really). And more";
        assert!(ends_clause(text, text.find(',').unwrap() + 1));
        assert!(ends_clause(text, text.find("). ").unwrap() + 2));
        assert!(!ends_clause(text, text.find("3.5").unwrap() + 3));
        assert_eq!(clause_start(text, text.len() - 2), text.find("And").unwrap());
        assert_eq!(clause_start(text, 4), 0);
    }

    #[test]
    fn words_are_counted_alike_however_they_are_set() {
        let text = "The  backup — really — is done.";
        assert_eq!((words(text), words("the backup really is done")), (5, 5));
        assert_eq!(&text[..end_of_word(text, 3)], "The  backup — really");
        assert_eq!((end_of_word(text, 0), end_of_word(text, 6)), (0, 0));
    }

    #[test]
    fn offsets_inside_a_character_do_not_panic() {
        let text = "é è";
        for at in 0..=text.len() + 2 {
            let _ = (word_end(text, at), word_end_before(text, at), next_word(text, at));
            let _ = (ends_clause(text, at), clause_start(text, at));
        }
    }
}
