//! `Range`: the part of a file that is asked for (RFC 9110 §14.1.2). Pure.

/// A part of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Part {
    /// Where it begins.
    pub first: u64,
    /// How long it is.
    pub bytes: u64,
    /// Whether it was not asked for as a part.
    pub is_all: bool,
}

/// The part that `range` asks for, of a file of `length` bytes. A range in another unit, or several
/// at once, is answered with the whole, as one may. `None`: the file does not go so far.
pub(super) fn part_of(range: Option<&str>, length: u64) -> Option<Part> {
    let all = Part { first: 0, bytes: length, is_all: true };
    let Some(range) = range.and_then(|range| range.strip_prefix("bytes=")) else {
        return Some(all);
    };
    let Some((first, last)) = range.split_once('-') else { return Some(all) };
    let (first, last) = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last),
        (Ok(first), Err(_)) if last.trim().is_empty() => (first, u64::MAX),
        // The last so many.
        (Err(_), Ok(last)) if first.trim().is_empty() => {
            (length.saturating_sub(last), if last == 0 { return None } else { u64::MAX })
        }
        _ => return Some(all),
    };
    let last = last.min(length.checked_sub(1)?);
    (first <= last).then(|| Part { first, bytes: last - first + 1, is_all: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_read_as_the_standard_has_it() {
        let part = |range: &str| part_of(Some(range), 1_000).map(|it| (it.first, it.bytes));
        assert_eq!(part("bytes=0-499"), Some((0, 500)));
        assert_eq!(part("bytes=500-"), Some((500, 500)));
        assert_eq!(part("bytes=-100"), Some((900, 100)));
        assert_eq!(part("bytes=-5000"), Some((0, 1_000)));
        assert_eq!(part("bytes=999-5000"), Some((999, 1)));
        assert_eq!(part("bytes=1000-"), None);
        assert_eq!(part("bytes=-0"), None);
        for whole in ["bytes=0-1,5-6", "bytes=9-3", "lines=1-2", "bytes=x-y", "bytes="] {
            assert_eq!(part(whole), Some((0, 1_000)), "{whole}");
        }
        assert_eq!(part_of(None, 0), Some(Part { first: 0, bytes: 0, is_all: true }));
        assert_eq!(part_of(Some("bytes=0-"), 0), None);
    }
}
