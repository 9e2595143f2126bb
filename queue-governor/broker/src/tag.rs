use std::collections::BTreeSet;
use std::fmt;

/// The strict classification of everything that moves. Made only by [`Tags::parse`], so an
/// untagged or unknown thing cannot enter a lane.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Tag(Box<str>);

impl Tag {
    /// The tag's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A tag as a store kept it. It was parsed when it entered.
    #[cfg(any(feature = "sqlite", feature = "redis"))]
    pub(crate) fn of_a_store(name: &str) -> Tag {
        Tag(name.into())
    }

    /// `call`: what callers say.
    #[must_use]
    pub fn call() -> Tag {
        Tag("call".into())
    }

    /// `os`: what this machine does.
    #[must_use]
    pub fn os() -> Tag {
        Tag("os".into())
    }

    /// `xen-out`: what leaves by the checkpoint.
    #[must_use]
    pub fn xen_out() -> Tag {
        Tag("xen-out".into())
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a tag was refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TagError {
    /// There was none.
    #[error("untagged; every message names one of the known tags")]
    Untagged,
    /// It is not among the known ones.
    #[error("unknown tag {0:?}; register it first")]
    Unknown(String),
    /// It may not be registered: 1 to 32 of `a-z`, `0-9` and `-`, a letter first.
    #[error("{0:?} cannot be a tag: 1 to {TAG_BYTES_MAX} of a-z, 0-9 and '-', a letter first")]
    Malformed(String),
    /// There are as many as there may be.
    #[error("{TAGS_MAX} tags are registered already")]
    Full,
}

/// The tags that are known: the built-in ones and those that the user registered.
#[derive(Clone, Debug)]
pub struct Tags(BTreeSet<Tag>);

impl Default for Tags {
    fn default() -> Self {
        Self(BUILT_IN.iter().map(|name| Tag((*name).into())).collect())
    }
}

impl Tags {
    /// The tag of that name, if it is known.
    ///
    /// # Errors
    /// [`TagError::Untagged`] or [`TagError::Unknown`].
    pub fn parse(&self, name: &str) -> Result<Tag, TagError> {
        if name.is_empty() {
            return Err(TagError::Untagged);
        }
        let wanted = Tag(name.into());
        self.0.get(&wanted).cloned().ok_or_else(|| TagError::Unknown(shortened(name)))
    }

    /// Adds a tag of the user's own. Adding a known one changes nothing.
    ///
    /// # Errors
    /// [`TagError::Malformed`] or [`TagError::Full`].
    pub fn register(&mut self, name: &str) -> Result<Tag, TagError> {
        if let Ok(known) = self.parse(name) {
            return Ok(known);
        }
        if !well_formed(name) {
            return Err(TagError::Malformed(shortened(name)));
        }
        if self.0.len() >= TAGS_MAX {
            return Err(TagError::Full);
        }
        let tag = Tag(name.into());
        self.0.insert(tag.clone());
        Ok(tag)
    }
}

fn well_formed(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= TAG_BYTES_MAX
        && name.bytes().all(allowed)
        && name.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
}

/// An error repeats no more of a stranger's input than a person wants to read.
pub(crate) fn shortened(input: &str) -> String {
    input.chars().take(TAG_BYTES_MAX * 2).collect()
}

const BUILT_IN: [&str; 9] = ["in", "typed", "aua", "sms", "bee", "omi", "call", "os", "xen-out"];
/// Long enough for a word, short enough for a label.
const TAG_BYTES_MAX: usize = 32;
/// A classification with more classes than this is none.
const TAGS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_untagged_or_unknown_thing_is_refused_with_the_reason() {
        let tags = Tags::default();
        assert_eq!(tags.parse(""), Err(TagError::Untagged));
        assert_eq!(tags.parse("fax"), Err(TagError::Unknown("fax".into())));
        assert_eq!(tags.parse("call"), Ok(Tag::call()));
        assert_eq!(tags.parse("xen-out"), Ok(Tag::xen_out()));
    }

    #[test]
    fn a_registered_tag_is_known_from_then_on() {
        let mut tags = Tags::default();
        let fax = tags.register("fax").unwrap();
        assert_eq!(tags.parse("fax"), Ok(fax.clone()));
        assert_eq!(tags.register("fax"), Ok(fax));
    }

    #[test]
    fn a_tag_is_a_short_lower_case_word() {
        let mut tags = Tags::default();
        for bad in ["Fax", "9to5", "-x", "a b", "ä", &"x".repeat(33)] {
            assert!(matches!(tags.register(bad), Err(TagError::Malformed(_))), "{bad}");
        }
    }

    #[test]
    fn the_number_of_tags_is_bounded() {
        let mut tags = Tags::default();
        let registered = (0..100).filter(|n| tags.register(&format!("t{n}")).is_ok()).count();
        assert_eq!(registered, TAGS_MAX - BUILT_IN.len());
        assert_eq!(tags.register("one-more"), Err(TagError::Full));
    }
}
