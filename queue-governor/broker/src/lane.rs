use std::fmt;

use crate::tag::{Tag, shortened};

/// A stream of entries of one tag: `call:17`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Lane {
    tag: Tag,
    name: Box<str>,
}

/// Why a lane cannot have that name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} cannot name a lane: 1 to {LANE_NAME_BYTES_MAX} bytes, no spaces or control signs")]
pub struct LaneError(String);

impl Lane {
    /// The lane `name` of `tag`.
    ///
    /// # Errors
    /// [`LaneError`] if the name is empty, too long, or holds spaces or control characters.
    pub fn new(tag: Tag, name: impl Into<String>) -> Result<Lane, LaneError> {
        let name: String = name.into();
        let unusable = |c: char| c.is_whitespace() || c.is_control();
        if name.is_empty() || name.len() > LANE_NAME_BYTES_MAX || name.contains(unusable) {
            return Err(LaneError(shortened(&name)));
        }
        Ok(Lane { tag, name: name.into() })
    }

    /// What kind of thing moves in it.
    #[must_use]
    pub fn tag(&self) -> &Tag {
        &self.tag
    }

    /// Its name within the tag.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.tag, self.name)
    }
}

/// Room for a call id of any switch that we know.
const LANE_NAME_BYTES_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_shown_as_tag_and_name() {
        assert_eq!(Lane::new(Tag::call(), "17").unwrap().to_string(), "call:17");
    }

    #[test]
    fn a_name_that_could_break_a_log_line_or_a_key_is_refused() {
        for bad in ["", "a b", "a\nb", "\u{7}", &"x".repeat(129)] {
            assert!(Lane::new(Tag::call(), bad).is_err(), "{bad:?}");
        }
    }
}
