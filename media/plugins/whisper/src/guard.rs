//! Guards against invented text. Recognisers of whisper's kind answer noise and silence with
//! fluent text from their training, or with one phrase over and over.

/// Cleans a raw result: annotations such as `[BLANK_AUDIO]` or `(music)` go, white space is
/// collapsed.
pub(crate) fn clean(raw: &str) -> String {
    let mut spoken = String::with_capacity(raw.len());
    let mut depth = 0u32;
    for c in raw.chars() {
        match c {
            '[' | '(' | '{' => depth += 1,
            ']' | ')' | '}' => depth = depth.saturating_sub(1),
            '♪' | '♫' | '*' => {}
            '\u{fffd}' => {} // half a token's bytes
            _ if depth == 0 => spoken.push(c),
            _ => {}
        }
    }
    spoken.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether `text`, decoded from `audio_ms` of audio, cannot be what was said.
pub(crate) fn is_invented(text: &str, audio_ms: u32, blocklist: &[String]) -> bool {
    let words: Vec<String> =
        text.split_whitespace().map(normalised).filter(|w| !w.is_empty()).collect();
    words.is_empty()
        || too_fast(words.len(), audio_ms)
        || repeats(&words)
        || is_blocked(&words.join(" "), blocklist)
}

fn normalised(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric() || *c == '\'').collect::<String>().to_lowercase()
}

/// Nobody says more than eight words a second; short audio gets some grace because its edges are
/// cut by voice activity detection.
fn too_fast(words: usize, audio_ms: u32) -> bool {
    words > 3 + (audio_ms as usize * 8) / 1_000
}

/// One word five times, or a phrase of two to six words three times, back to back. Digits may
/// repeat: "five five five five five" is half a telephone number.
fn repeats(words: &[String]) -> bool {
    (1..=6).any(|n| {
        let times = if n == 1 { 5 } else { 3 };
        words.windows(n * times).any(|run| {
            let (first, rest) = run.split_at(n);
            rest.chunks_exact(n).all(|next| next == first) && !first.iter().all(|w| is_digit(w))
        })
    })
}

fn is_digit(word: &str) -> bool {
    DIGITS.contains(&word) || word.bytes().all(|b| b.is_ascii_digit())
}

fn is_blocked(text: &str, extra: &[String]) -> bool {
    INVENTED.contains(&text) || extra.iter().any(|phrase| phrase == text)
}

const DIGITS: [&str; 11] =
    ["zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/// Whole utterances from the subtitles that stock models were trained on. Nobody says them to a
/// telephone line. "thank you" is not among them: callers do say it.
const INVENTED: [&str; 12] = [
    "thanks for watching",
    "thank you for watching",
    "thank you so much for watching",
    "thanks for listening",
    "please subscribe",
    "please subscribe to my channel",
    "like and subscribe",
    "don't forget to subscribe",
    "subtitles by the amaraorg community",
    "transcription by castingwords",
    "i'll see you in the next video",
    "see you in the next video",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_are_not_speech() {
        assert_eq!(clean(" [BLANK_AUDIO]"), "");
        assert_eq!(clean("(music)  hello   there ♪"), "hello there");
        assert_eq!(clean("unbalanced) text"), "unbalanced text");
    }

    #[test]
    fn a_phrase_over_and_over_is_invented() {
        assert!(is_invented("so so so so so", 3_000, &[]));
        assert!(is_invented("i am here i am here i am here", 4_000, &[]));
        assert!(!is_invented("bye bye", 1_000, &[]));
        assert!(!is_invented("no no no", 1_000, &[]));
    }

    #[test]
    fn digits_may_repeat() {
        assert!(!is_invented("five five five five five five", 3_000, &[]));
        assert!(!is_invented("one two one two one two", 3_000, &[]));
    }

    #[test]
    fn subtitles_are_invented_whatever_their_punctuation() {
        assert!(is_invented("Thanks for watching!", 2_000, &[]));
        assert!(!is_invented("Thank you.", 1_000, &[]));
        assert!(is_invented("You", 1_000, &["you".to_owned()]));
    }

    #[test]
    fn more_words_than_a_mouth_can_say_are_invented() {
        assert!(is_invented("what is the status of the backup on the server", 200, &[]));
        assert!(!is_invented("what is the status", 600, &[]));
    }
}
