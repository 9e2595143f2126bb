use super::slots;

/// What was said as plain words: lower case, no punctuation, no contractions, digits as words.
#[must_use]
pub fn normalised(text: &str) -> Vec<String> {
    let text = text.to_lowercase().replace('\u{2019}', "'");
    text.split(|c: char| !c.is_alphanumeric() && c != '\'')
        .map(|word| word.trim_matches('\''))
        .filter(|word| !word.is_empty())
        .take(WORDS_MAX)
        .flat_map(expanded)
        .collect()
}

/// Terms for the index: numbers, times, digits, units, days and names count by their kind.
pub(super) fn terms(words: &[String]) -> Vec<String> {
    let mut terms = Vec::with_capacity(words.len());
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        if let Some(length) = slots::number_like(rest) {
            terms.push(NUMBER.into());
            rest = &rest[length..];
            continue;
        }
        terms.push(match slots::kind_of(word) {
            Some(kind) => kind.into(),
            None => word.clone(),
        });
        rest = after;
    }
    terms
}

/// The term that stands for every number, time and string of digits.
pub(super) const NUMBER: &str = "#";

fn expanded(word: &str) -> Vec<String> {
    let known = CONTRACTIONS.iter().find(|(short, _)| *short == word).map(|(_, long)| *long);
    let long = match known {
        Some(long) => long.to_owned(),
        None => match word.parse::<u64>() {
            Ok(number) if number < 100 => crate::speakable::number(number),
            Ok(_) => crate::speakable::digits(word),
            Err(_) => by_suffix(word),
        },
    };
    long.split(' ').map(str::to_owned).collect()
}

fn by_suffix(word: &str) -> String {
    for (suffix, long) in SUFFIXES {
        if let Some(stem) = word.strip_suffix(suffix)
            && !stem.is_empty()
        {
            return format!("{stem} {long}");
        }
    }
    word.replace('\'', "")
}

const CONTRACTIONS: &[(&str, &str)] = &[
    ("won't", "will not"),
    ("can't", "can not"),
    ("cannot", "can not"),
    ("let's", "let us"),
    ("ok", "okay"),
    ("o'clock", "oclock"),
    ("gonna", "going to"),
    ("wanna", "want to"),
    ("alright", "all right"),
];

const SUFFIXES: &[(&str, &str)] = &[
    ("n't", "not"),
    ("'s", "is"),
    ("'re", "are"),
    ("'m", "am"),
    ("'ll", "will"),
    ("'ve", "have"),
    ("'d", "would"),
];

/// An utterance has about 20 words; what is far longer cannot be a signature phrase, and the
/// index is not to be kept busy with it.
const WORDS_MAX: usize = 64;
