use super::words::{ends_with, starts_with, words};

/// How finished an utterance is by its words.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
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
    if STANDS_ALONE.iter().any(|phrase| is_phrase(&words, phrase)) {
        return Completeness::Complete;
    }
    if DANGLING.contains(&last.as_str()) || WANTS_MORE.iter().any(|p| ends_with(&words, p)) {
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
            before.is_empty() && !numeric || ANNOUNCES_DIGITS.iter().any(|p| ends_with(before, p))
        }
        _ => true,
    }
}

fn is_digit(word: &str) -> bool {
    DIGITS.contains(&word) || (!word.is_empty() && word.chars().all(|c| c.is_ascii_digit()))
}

fn is_phrase(words: &[String], phrase: &str) -> bool {
    words.len() == phrase.split(' ').count() && starts_with(words, phrase)
}

/// Begins as questions, orders and statements do, and is long enough to be one.
fn looks_like_a_sentence(words: &[String]) -> bool {
    let words = match words {
        [first, rest @ ..] if LEAD_INS.contains(&first.as_str()) && !rest.is_empty() => rest,
        all => all,
    };
    let first = words[0].as_str();
    if GREETINGS.contains(&first) {
        return true;
    }
    if IMPERATIVES.contains(&first) {
        return words.len() >= 2;
    }
    (QUESTION_WORDS.contains(&first) || SUBJECTS.contains(&first)) && words.len() >= 3
}

const DIGITS: &[&str] = &[
    "zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "double",
    "triple",
];

const ANNOUNCES_DIGITS: &[&str] = &[
    "number is",
    "code is",
    "pin is",
    "dial",
    "extension",
    "code",
    "pin",
    "phone number",
    "account number",
    "order number",
    "call",
];

/// Whole utterances that need nothing more.
const STANDS_ALONE: &[&str] = &[
    "yes",
    "yeah",
    "yep",
    "yup",
    "no",
    "nope",
    "okay",
    "ok",
    "sure",
    "right",
    "exactly",
    "correct",
    "wrong",
    "maybe",
    "perhaps",
    "absolutely",
    "definitely",
    "fine",
    "good",
    "great",
    "perfect",
    "nice",
    "cool",
    "wonderful",
    "excellent",
    "mm-hm",
    "mm hm",
    "uh huh",
    "uh-huh",
    "mhm",
    "got it",
    "i see",
    "go on",
    "go ahead",
    "keep going",
    "all right",
    "alright",
    "of course",
    "not yet",
    "not now",
    "not really",
    "not sure",
    "never",
    "none",
    "nothing",
    "both",
    "neither",
    "stop",
    "wait",
    "hold on",
    "hang on",
    "one moment",
    "one moment please",
    "pause",
    "cancel",
    "continue",
    "repeat",
    "again",
    "next",
    "previous",
    "back",
    "help",
    "skip",
    "undo",
    "quiet",
    "silence",
    "enough",
    "what",
    "why",
    "when",
    "where",
    "who",
    "how",
    "pardon",
    "sorry",
    "hello",
    "hi",
    "hey",
    "thanks",
    "please",
    "bye",
    "goodbye",
    "bye bye",
    "operator",
    "agent",
    "start over",
    "never mind",
    "sounds good",
    "any news",
    "any messages",
    "any new messages",
    "speak up",
    "that is all",
    "that's all",
    "i am",
    "i do",
    "i did",
    "i have",
    "i will",
    "it is",
    "it was",
    "louder please",
    "quieter please",
    "shorter please",
    "next one please",
    "come in",
];

/// Words after which English goes on.
const DANGLING: &[&str] = &[
    "a",
    "an",
    "the",
    "my",
    "your",
    "his",
    "its",
    "our",
    "their",
    "this",
    "these",
    "those",
    "some",
    "any",
    "every",
    "each",
    "and",
    "or",
    "but",
    "so",
    "because",
    "if",
    "whether",
    "then",
    "than",
    "that",
    "which",
    "while",
    "until",
    "unless",
    "although",
    "to",
    "of",
    "for",
    "from",
    "with",
    "without",
    "at",
    "by",
    "into",
    "onto",
    "about",
    "between",
    "during",
    "before",
    "after",
    "since",
    "as",
    "like",
    "is",
    "are",
    "was",
    "were",
    "am",
    "be",
    "been",
    "has",
    "had",
    "will",
    "would",
    "could",
    "should",
    "can",
    "may",
    "might",
    "must",
    "shall",
    "does",
    "um",
    "uh",
    "er",
    "erm",
    "well",
    "also",
    "just",
    "very",
    "really",
    "too",
    "please",
    "i",
    "we",
    "they",
    "he",
    "she",
    "who",
    "what",
    "where",
    "when",
    "how",
    "why",
    "not",
    "mister",
    "mrs",
    "doctor",
    "half",
    "quarter",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "hundred",
    "thousand",
    "o'clock's",
    "number",
    "in",
    "on",
];

/// Ends that are sentences by grammar but nearly always go on.
const WANTS_MORE: &[&str] = &[
    "set a timer",
    "set an alarm",
    "set a reminder",
    "set the volume",
    "set the temperature",
    "remind me",
    "send a message",
    "send an email",
    "leave a message for",
    "tell him",
    "tell her",
    "move it",
    "book it",
    "wake me",
    "call me back in",
    "transfer me",
    "i want",
    "i need",
    "i would like",
    "i'd like",
    "can you",
    "could you",
    "would you",
    "will you",
    "do you",
    "let me",
    "let's",
    "i think",
    "i mean",
    "you know",
    "there is",
    "there are",
    "the meeting",
    "turn on",
    "turn off",
    "turn the",
    "thank you for",
];

/// Openings that leave the sentence behind them to be judged.
const LEAD_INS: &[&str] = &[
    "please", "okay", "ok", "so", "and", "yes", "no", "well", "now", "then", "yeah", "hey", "oh",
    "right", "actually", "just",
];

const GREETINGS: &[&str] = &[
    "hello", "hi", "hey", "good", "goodbye", "bye", "thank", "thanks", "yes", "no", "okay", "yeah",
    "sorry", "excuse", "pardon", "nothing", "see",
];

const QUESTION_WORDS: &[&str] = &[
    "what", "what's", "who", "who's", "whose", "when", "when's", "where", "where's", "why",
    "which", "how", "how's", "is", "are", "am", "was", "were", "do", "does", "did", "can", "could",
    "will", "would", "should", "shall", "may", "might", "have", "has", "had", "any", "isn't",
    "aren't", "don't", "didn't", "can't",
];

const SUBJECTS: &[&str] = &[
    "i",
    "i'm",
    "i've",
    "i'd",
    "i'll",
    "you",
    "you're",
    "he",
    "he's",
    "she",
    "she's",
    "it",
    "it's",
    "we",
    "we're",
    "they",
    "they're",
    "that",
    "that's",
    "this",
    "there",
    "there's",
    "the",
    "my",
    "your",
    "our",
    "nobody",
    "somebody",
    "everything",
    "everybody",
    "not",
];

const IMPERATIVES: &[&str] = &[
    "set",
    "call",
    "tell",
    "send",
    "read",
    "run",
    "start",
    "stop",
    "restart",
    "open",
    "close",
    "turn",
    "cancel",
    "delete",
    "remove",
    "add",
    "put",
    "take",
    "make",
    "give",
    "show",
    "check",
    "play",
    "pause",
    "resume",
    "remind",
    "wake",
    "book",
    "move",
    "transfer",
    "leave",
    "write",
    "say",
    "repeat",
    "speak",
    "talk",
    "slow",
    "wait",
    "hold",
    "hang",
    "try",
    "go",
    "keep",
    "skip",
    "save",
    "undo",
    "redo",
    "do",
    "don't",
    "let",
    "let's",
    "help",
    "find",
    "search",
    "look",
    "get",
    "buy",
    "order",
    "pay",
    "lock",
    "unlock",
    "mute",
    "unmute",
    "end",
    "finish",
    "deploy",
    "roll",
    "merge",
    "review",
    "approve",
    "reject",
    "schedule",
    "change",
    "update",
    "forget",
    "listen",
    "stay",
    "be",
    "come",
    "bring",
    "answer",
    "ask",
    "explain",
    "describe",
    "summarize",
    "summarise",
    "list",
    "count",
    "record",
    "dial",
    "connect",
    "disconnect",
    "reboot",
    "shut",
    "use",
    "choose",
    "select",
    "pick",
    "press",
    "enable",
    "disable",
    "never",
    "option",
    "number",
];

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
            &["read message three", "set an alarm for tomorrow at ten", "option two"],
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
