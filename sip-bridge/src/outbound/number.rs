use super::OutboundRefusal;

/// Longest international number without its plus (E.164 §6.2).
const DIGITS_MAX: usize = 15;
/// Shorter ones are not telephones of anybody.
const DIGITS_MIN: usize = 7;
/// Longest extension of a private exchange.
const EXTENSION_DIGITS_MAX: usize = 8;

/// Whom to call, written one way: `+` and the digits of an international number, or the bare digits
/// of an extension.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Number(String);

impl Number {
    /// Reads what people write: digits, a leading plus, and what stands between groups of digits.
    ///
    /// National forms (`0301234`, `00493…`, `011…`) are not international numbers, and are refused
    /// as none: which country they mean is not ours to guess, and a guess costs money.
    pub fn parse(text: &str) -> Result<Self, OutboundRefusal> {
        let text = text.trim();
        let (plus, rest) = match text.strip_prefix('+') {
            Some(rest) => ("+", rest),
            None => ("", text),
        };
        if !rest.chars().all(|c| c.is_ascii_digit() || BETWEEN.contains(&c)) {
            return Err(OutboundRefusal::NotANumber);
        }
        let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
        let fits = match plus {
            "" => (1..=EXTENSION_DIGITS_MAX).contains(&digits.len()),
            _ => is_international(&digits),
        };
        if fits { Ok(Self(format!("{plus}{digits}"))) } else { Err(OutboundRefusal::NotANumber) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_extension(&self) -> bool {
        !self.0.starts_with('+')
    }
}

/// North America's numbers have one length; a longer or shorter one would be read in another way by
/// whoever dials it than by whoever judged it.
fn is_international(digits: &str) -> bool {
    let length_is_right = (DIGITS_MIN..=DIGITS_MAX).contains(&digits.len());
    match digits.strip_prefix('1') {
        Some(national) => {
            let begins_well = |at: usize| national.as_bytes().get(at).is_some_and(|d| *d >= b'2');
            national.len() == 10 && begins_well(0) && begins_well(3)
        }
        None => length_is_right && !digits.starts_with('0'),
    }
}

/// What people write between groups of digits.
const BETWEEN: [char; 6] = [' ', '-', '.', '(', ')', '/'];
