use super::lists::{
    ANNOUNCES_DIGITS, DANGLING, DIGITS, GREETINGS, IMPERATIVES, LEAD_INS, QUESTION_WORDS,
    STANDS_ALONE, SUBJECTS, TENS, WANTS_MORE, contains, entries,
};
use super::words::{ends_with, starts_with, words};

/// How finished an utterance is by its words.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Completeness {
    /// No words.
    Nothing,
    /// It can stand as it is: a short pause suffices.
    Complete,
    /// It may well go on.
    Open,
    /// It ends in a string of digits, whose groups people separate with pauses.
    Digits,
}

/// Judges how finished `text` is. Punctuation counts where the recogniser writes it; without,
/// the words decide.
///
/// ```
/// use media_core::hearing::{Completeness, completeness};
/// assert_eq!(completeness("what time is it"), Completeness::Complete);
/// assert_eq!(completeness("remind me to"), Completeness::Open);
/// assert_eq!(completeness("my number is four one"), Completeness::Digits);
/// ```
#[must_use]
pub fn completeness(text: &str) -> Completeness {
    let words = words(text);
    let Some(last) = words.last() else { return Completeness::Nothing };
    if is_digit_string(&words) {
        return Completeness::Digits;
    }
    let text = text.trim_end();
    if text.ends_with(',') || text.ends_with("...") || text.ends_with('…') || text.ends_with('-')
    {
        return Completeness::Open;
    }
    if text.ends_with(['.', '?', '!']) {
        return Completeness::Complete;
    }
    if entries(STANDS_ALONE).any(|phrase| is_phrase(&words, phrase)) {
        return Completeness::Complete;
    }
    if contains(DANGLING, last) || entries(WANTS_MORE).any(|p| ends_with(&words, p)) {
        return Completeness::Open;
    }
    if contains(TENS, last) && !words[..words.len() - 1].last().is_some_and(|w| is_number(w)) {
        return Completeness::Open;
    }
    if looks_like_a_sentence(&words) { Completeness::Complete } else { Completeness::Open }
}

/// At least two digits at the end, or one after words that announce a number, or nothing else.
fn is_digit_string(words: &[String]) -> bool {
    let digits = words.iter().rev().take_while(|w| is_digit(w)).count();
    match digits {
        0 => false,
        1 => {
            let before = &words[..words.len() - 1];
            let numeric = words[words.len() - 1].chars().all(|c| c.is_ascii_digit());
            before.is_empty() && !numeric || entries(ANNOUNCES_DIGITS).any(|p| ends_with(before, p))
        }
        _ => true,
    }
}

fn is_digit(word: &str) -> bool {
    contains(DIGITS, word) || (!word.is_empty() && word.chars().all(|c| c.is_ascii_digit()))
}

/// One to twelve, as an hour may be.
fn is_number(word: &str) -> bool {
    is_digit(word) || contains("ten|eleven|twelve", word)
}

fn is_phrase(words: &[String], phrase: &str) -> bool {
    words.len() == phrase.split(' ').count() && starts_with(words, phrase)
}

/// Begins as questions, orders and statements do, and is long enough to be one.
fn looks_like_a_sentence(words: &[String]) -> bool {
    let words = match words {
        [first, rest @ ..] if contains(LEAD_INS, first) && !rest.is_empty() => rest,
        all => all,
    };
    if entries(STANDS_ALONE).any(|phrase| is_phrase(words, phrase)) {
        return true;
    }
    if words.len() >= 2 && words.last().is_some_and(|last| last == "please") {
        return true;
    }
    let first = words[0].as_str();
    if contains(GREETINGS, first) {
        return true;
    }
    if contains(IMPERATIVES, first) {
        return words.len() >= 2;
    }
    (contains(QUESTION_WORDS, first) || contains(SUBJECTS, first)) && words.len() >= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn all_are(kind: Completeness, texts: &[&str]) {
        for text in texts {
            assert_eq!(completeness(text), kind, "{text:?}");
        }
    }

    #[test]
    fn answers_greetings_and_short_orders_are_complete() {
        all_are(
            Completeness::Complete,
            &[
                "yes",
                "No.",
                "okay thank you",
                "hello",
                "good morning",
                "goodbye",
                "stop",
                "help me",
                "no thank you",
                "go back",
                "that is right",
                "i am fine thank you",
                "excuse me",
                "yes please",
                "please wait",
                "more detail please",
            ],
        );
    }

    #[test]
    fn questions_and_orders_are_complete() {
        all_are(
            Completeness::Complete,
            &[
                "what time is it",
                "run the backup",
                "how much disk space is left",
                "is it done",
                "set a timer for ten minutes",
                "call me back tomorrow",
                "please read my messages",
                "are you there",
                "set the volume to seven",
                "okay what about tuesday",
            ],
        );
    }

    #[test]
    fn what_hangs_in_the_air_is_open() {
        all_are(
            Completeness::Open,
            &[
                "set a timer for",
                "remind me",
                "remind me to",
                "what is the",
                "i would like",
                "um",
                "call me at",
                "and then",
                "set a timer",
                "can you",
                "turn off the",
                "my number is",
                "well,",
                "the thing is...",
                "set the timer to thirty",
            ],
        );
    }

    #[test]
    fn strings_of_digits_wait_for_their_next_group() {
        all_are(
            Completeness::Digits,
            &[
                "four one one",
                "my number is four",
                "the code is zero one",
                "one",
                "dial five",
                "extension three five",
                "double five",
                "my pin is 4 7",
                "call five five five",
            ],
        );
    }

    #[test]
    fn a_single_number_in_a_sentence_is_no_string_of_digits() {
        all_are(
            Completeness::Complete,
            &[
                "read message three",
                "wake me up at seven thirty",
                "set an alarm for tomorrow at ten",
                "option two",
            ],
        );
    }

    #[test]
    fn punctuation_decides_where_there_is_some() {
        assert_eq!(completeness("Blue one for me."), Completeness::Complete);
        assert_eq!(completeness("Run the backup,"), Completeness::Open);
    }

    #[test]
    fn no_words_are_nothing() {
        all_are(Completeness::Nothing, &["", "  ", "...", "—"]);
    }
}
