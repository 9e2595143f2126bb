//! What of a number may be read by whoever reads the records.

/// Digits that stay: enough to tell two callers of one evening apart, too few to call back.
const SHOWN: usize = 2;

/// A number or name with all but its end replaced, letter by letter. Its length stays, because a
/// number that is too short or too long is what a record is looked at for.
pub(super) fn masked(number: &str) -> String {
    let length = number.chars().count();
    // Of what is hardly longer than its end nothing is shown.
    let hidden = if length <= 2 * SHOWN { length } else { length - SHOWN };
    let mask = |(at, letter): (usize, char)| match letter {
        '+' if at == 0 => '+',
        _ if at < hidden => '*',
        _ => letter,
    };
    number.chars().enumerate().map(mask).collect()
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn a_number_keeps_its_length_its_plus_and_its_last_two_digits() {
        assert_eq!(masked("+493012345678"), "+**********78");
        assert_eq!(masked("alice"), "***ce");
    }

    #[test]
    fn what_is_short_is_not_given_away_by_its_end() {
        assert_eq!(masked("1234"), "****");
        assert_eq!(masked(""), "");
    }
}
