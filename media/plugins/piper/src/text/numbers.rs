//! Numbers as words, the way a person would read them out on the telephone.

/// `1234` as "one thousand two hundred thirty four".
pub(crate) fn cardinal(n: u64) -> String {
    match n {
        0..=19 => SMALL[n as usize].to_owned(),
        20..=99 => join(TENS[(n / 10) as usize].to_owned(), n % 10),
        100..=999 => join(format!("{} hundred", SMALL[(n / 100) as usize]), n % 100),
        _ => {
            let (size, name) = SCALES.iter().find(|(size, _)| n >= *size).unwrap_or(&SCALES[4]);
            join(format!("{} {name}", cardinal(n / size)), n % size)
        }
    }
}

fn join(head: String, rest: u64) -> String {
    if rest == 0 { head } else { format!("{head} {}", cardinal(rest)) }
}

/// `23` as "twenty third".
pub(crate) fn ordinal(n: u64) -> String {
    let words = cardinal(n);
    let (head, last) = match words.rsplit_once(' ') {
        Some((head, last)) => (format!("{head} "), last),
        None => (String::new(), words.as_str()),
    };
    let last = match last {
        "one" => "first".to_owned(),
        "two" => "second".to_owned(),
        "three" => "third".to_owned(),
        "five" => "fifth".to_owned(),
        "eight" => "eighth".to_owned(),
        "nine" => "ninth".to_owned(),
        "twelve" => "twelfth".to_owned(),
        other => match other.strip_suffix('y') {
            Some(stem) => format!("{stem}ieth"),
            None => format!("{other}th"),
        },
    };
    head + &last
}

/// `1984` as "nineteen eighty four", `2005` as "two thousand five", `1900` as "nineteen hundred".
pub(crate) fn year(n: u64) -> String {
    match (n / 100, n % 100) {
        (20, 0..=9) | (10, 0..=9) => cardinal(n),
        (century, 0) => format!("{} hundred", cardinal(century)),
        (century, rest @ 1..=9) => format!("{} oh {}", cardinal(century), cardinal(rest)),
        (century, rest) => format!("{} {}", cardinal(century), cardinal(rest)),
    }
}

/// `"0451"` as "zero four five one". From five digits on, in groups with a short pause between:
/// nobody can write down nine digits said in one breath.
pub(crate) fn digits(text: &str) -> String {
    let words: Vec<&str> = text.bytes().filter_map(digit).collect();
    if words.len() <= UNGROUPED_DIGITS_MAX {
        return words.join(" ");
    }
    groups(words.len())
        .into_iter()
        .fold((String::new(), 0), |(mut out, at), size| {
            if at > 0 {
                out.push_str(", ");
            }
            out.push_str(&words[at..at + size].join(" "));
            (out, at + size)
        })
        .0
}

/// Threes from the front, and what is left over as a last group of two to four.
pub(crate) fn groups(mut count: usize) -> Vec<usize> {
    let mut sizes = Vec::new();
    while count > 4 {
        sizes.push(3);
        count -= 3;
    }
    sizes.push(count);
    sizes
}

/// A number with optional thousands separators, sign and decimals, as words. `None` if it is not
/// one, or larger than people say.
pub(crate) fn number(text: &str) -> Option<String> {
    let (sign, text) = match text.strip_prefix(['-', '−']) {
        Some(rest) => ("minus ", rest),
        None => match text.strip_prefix('+') {
            Some(rest) => ("plus ", rest),
            None => ("", text),
        },
    };
    let (whole, decimals) = match text.split_once('.') {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (text, None),
    };
    let n = whole_number(whole)?;
    let words = match decimals {
        None => cardinal(n),
        Some(d) if !d.is_empty() && is_digits(d) && d.len() <= 8 => {
            let spoken: Vec<&str> = d.bytes().filter_map(digit).collect();
            format!("{} point {}", cardinal(n), spoken.join(" "))
        }
        Some(_) => return None,
    };
    Some(format!("{sign}{words}"))
}

/// Digits, with or without well-placed thousands separators.
pub(crate) fn whole_number(text: &str) -> Option<u64> {
    let mut groups = text.split(',');
    let first = groups.next()?;
    let mut rest = groups.peekable();
    if !is_digits(first) || (rest.peek().is_some() && first.len() > 3) {
        return None;
    }
    if !rest.all(|g| g.len() == 3 && is_digits(g)) {
        return None;
    }
    let n: u64 = text.replace(',', "").parse().ok()?;
    (n < 1_000_000_000_000_000).then_some(n)
}

pub(crate) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

pub(crate) fn two_digits(text: &str) -> Option<u64> {
    (text.len() == 2 && is_digits(text)).then(|| text.parse().ok())?
}

fn digit(byte: u8) -> Option<&'static str> {
    byte.is_ascii_digit().then(|| SMALL[usize::from(byte - b'0')])
}

const UNGROUPED_DIGITS_MAX: usize = 4;

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];

const TENS: [&str; 10] =
    ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

const SCALES: [(u64, &str); 5] = [
    (1_000_000_000_000_000, "quadrillion"),
    (1_000_000_000_000, "trillion"),
    (1_000_000_000, "billion"),
    (1_000_000, "million"),
    (1_000, "thousand"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cardinals_are_read_in_full() {
        assert_eq!(cardinal(0), "zero");
        assert_eq!(cardinal(42), "forty two");
        assert_eq!(cardinal(100), "one hundred");
        assert_eq!(
            cardinal(1_234_567),
            "one million two hundred thirty four thousand five hundred sixty seven"
        );
    }

    #[test]
    fn ordinals_change_their_last_word_only() {
        for (n, expected) in [
            (1, "first"),
            (2, "second"),
            (3, "third"),
            (5, "fifth"),
            (8, "eighth"),
            (9, "ninth"),
            (12, "twelfth"),
            (20, "twentieth"),
            (23, "twenty third"),
            (100, "one hundredth"),
        ] {
            assert_eq!(ordinal(n), expected);
        }
    }

    #[test]
    fn years_are_read_in_pairs() {
        assert_eq!(year(1984), "nineteen eighty four");
        assert_eq!(year(1905), "nineteen oh five");
        assert_eq!(year(2005), "two thousand five");
        assert_eq!(year(2026), "twenty twenty six");
        assert_eq!(year(1900), "nineteen hundred");
    }

    #[test]
    fn long_digit_strings_come_in_groups() {
        assert_eq!(digits("0451"), "zero four five one");
        assert_eq!(digits("5551234"), "five five five, one two three four");
        assert_eq!(digits("12345678"), "one two three, four five six, seven eight");
    }

    #[test]
    fn numbers_take_signs_separators_and_decimals() {
        assert_eq!(number("-3.05").as_deref(), Some("minus three point zero five"));
        assert_eq!(number("1,024").as_deref(), Some("one thousand twenty four"));
        for not_a_number in ["1,23", "1.2.3", "", "-", "1.", "12a", "99999999999999999999"] {
            assert_eq!(number(not_a_number), None, "{not_a_number}");
        }
    }
}
