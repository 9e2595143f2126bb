/// Words of an utterance: lower case, punctuation off, apostrophes and hyphens kept inside.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '.' | '?' | '!' | ';' | ':' | '…'))
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase())
        .filter(|word| !word.is_empty())
        .take(WORDS_MAX)
        .collect()
}

/// Whether `words` begin with the words of `phrase`.
pub(super) fn starts_with(words: &[String], phrase: &str) -> bool {
    let mut wanted = phrase.split(' ');
    wanted.by_ref().zip(words).all(|(a, b)| a == b) && phrase.split(' ').count() <= words.len()
}

/// Whether `words` end with the words of `phrase`.
pub(super) fn ends_with(words: &[String], phrase: &str) -> bool {
    let count = phrase.split(' ').count();
    count <= words.len() && starts_with(&words[words.len() - count..], phrase)
}

/// More words than eight seconds of speech can hold; the rest decides nothing.
const WORDS_MAX: usize = 128;
