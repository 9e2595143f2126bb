use super::wish::Wish;

/// Longest wish as written, in bytes: its text, and room for the fields around it.
pub const WISH_BYTES_MAX: usize = 16 * 1024;

/// As much of a parser's complaint as a person wants to read.
const COMPLAINT_CHARS_MAX: usize = 200;

/// Why the bytes are no wish.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unreadable {
    /// Larger than any wish.
    #[error("{0} bytes are more than {WISH_BYTES_MAX}; say it in parts")]
    Overlong(usize),
    /// Not text at all.
    #[error("not UTF-8 text")]
    NotText,
    /// A brace was opened, and what follows is not one of our objects.
    #[error("not a claim: {0}. Write a line of text, or e.g. {{\"text\":\"hello\",\"ttl_s\":60}}")]
    NotAClaim(String),
}

/// Reads one wish: a JSON object if it begins with a brace, else the words themselves. Blank:
/// `None`.
///
/// # Errors
/// [`Unreadable`], with what a readable one looks like.
pub fn parse(bytes: &[u8]) -> Result<Option<Wish>, Unreadable> {
    if bytes.len() > WISH_BYTES_MAX {
        return Err(Unreadable::Overlong(bytes.len()));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Unreadable::NotText)?.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if !text.starts_with('{') {
        let words = sayable(text);
        return Ok((!words.is_empty()).then(|| Wish::text(words)));
    }
    let wish: Wish = serde_json::from_str(text).map_err(|error| {
        Unreadable::NotAClaim(error.to_string().chars().take(COMPLAINT_CHARS_MAX).collect())
    })?;
    Ok(Some(Wish { text: sayable(&wish.text), ..wish }))
}

/// Control characters have no sound, and would break a line of the log.
fn sayable(text: &str) -> String {
    let audible: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    audible.trim().to_owned()
}

/// For fuzzing: reads `bytes`, and what was read must survive being written and read again.
///
/// # Panics
/// When it does not; that is our own bug.
pub fn exercise(bytes: &[u8]) {
    use super::permit::Who;
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(Some(wish)) = parse(line) else { continue };
        assert!(!wish.text.contains(char::is_control), "a control character has no sound");
        for who in [Who::Owner, Who::Guest(1)] {
            if wish.check(who).is_ok() {
                assert!(wish.wav.is_some() || !wish.text.is_empty(), "nothing to say was let in");
            }
        }
        let written = serde_json::to_vec(&wish).expect("a wish can be written");
        // Escaping may make it longer than it came; only then may it be refused.
        if written.len() <= WISH_BYTES_MAX {
            assert_eq!(parse(&written), Ok(Some(wish)), "a wish changed on its way");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wish::{Policy, WishSource};
    use super::*;

    #[test]
    fn a_line_of_text_is_what_is_said() {
        let wish = parse(b"  the kettle\tboils\r\n").unwrap().unwrap();
        assert_eq!(wish, Wish::text("the kettle boils"));
        assert_eq!(parse(b" \r\n"), Ok(None));
        assert_eq!(parse(b"\0 \x1b"), Ok(None));
        assert_eq!(parse(b"ooono\0"), Ok(Some(Wish::text("ooono"))));
    }

    #[test]
    fn an_object_may_name_every_field() {
        let json = r#"{"text":"done","wav":"/s/a.wav","line":3,"to":"+49301234","source":"system","tag":"os",
            "priority":-2,"ttl_s":60,"must_deliver":true,"supersedes":"say-1","dedup_key":"k",
            "on_interrupt":"restate","wait":true}"#;
        let wish = parse(json.as_bytes()).unwrap().unwrap();
        let expected = Wish {
            text: "done".into(),
            wav: Some("/s/a.wav".into()),
            line: Some(3),
            source: WishSource::System,
            tag: Some("os".into()),
            priority: -2,
            ttl_s: Some(60),
            must_deliver: true,
            to: Some("+49301234".into()),
            supersedes: Some("say-1".into()),
            dedup_key: Some("k".into()),
            on_interrupt: Some(Policy::Restate),
            wait: true,
        };
        assert_eq!(wish, expected);
    }

    #[test]
    fn what_cannot_be_read_says_what_could_be() {
        let broken: [&[u8]; 5] = [
            b"{",
            b"{\"text\":7}",
            b"{\"txet\":\"hello\"}",
            b"{\"text\":\"a\",\"source\":\"operator\"}",
            b"{} {}",
        ];
        for bytes in broken {
            let message = parse(bytes).expect_err("no wish").to_string();
            assert!(message.contains("\"text\":\"hello\""), "{message}");
            assert!(message.len() < 400, "{message}");
        }
        assert_eq!(parse(&[0xff, 0xfe]), Err(Unreadable::NotText));
        let long = vec![b'x'; WISH_BYTES_MAX + 1];
        assert_eq!(parse(&long), Err(Unreadable::Overlong(WISH_BYTES_MAX + 1)));
    }

    #[test]
    fn whatever_is_written_into_the_queue_is_read_or_refused() {
        // A small generator of our own: pieces of JSON, text and rubbish in any order.
        let pieces: [&[u8]; 16] = [
            b"{",
            b"}",
            b"\"text\"",
            b":",
            b",",
            b"\"",
            b"\\u0000",
            b"\\ud800",
            b"null",
            b"-1",
            b"1e999",
            b"\xff",
            b"\"wav\"",
            b"\"ttl_s\"",
            b"\n",
            b"a b",
        ];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..20_000 {
            let mut bytes = Vec::new();
            for _ in 0..12 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                bytes.extend_from_slice(pieces[(state >> 60) as usize]);
            }
            exercise(&bytes);
        }
    }
}
