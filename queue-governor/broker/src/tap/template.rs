//! What a rule has the line say: a text with places for what was seen.

use regex::{Captures, Regex};

use super::observation::Observation;

/// Why a text to say cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TemplateError {
    /// A place that nothing fills.
    #[error(
        "nothing is called {{{0}}}: there are {{subject}}, {{text}} and the named groups of the rule's own `text`"
    )]
    UnknownPlace(String),
    /// A brace without its other half.
    #[error("a brace without its other half; a brace that is meant is written twice")]
    OpenBrace,
    /// It has no words.
    #[error("there is nothing in it to say")]
    Empty,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    Words(String),
    Subject,
    Text,
    Group(String),
}

/// A text to say, with its places found.
#[derive(Clone, Debug)]
pub(super) struct Template(Vec<Piece>);

impl Template {
    /// Reads `written`; the named groups of `pattern` are places too.
    pub(super) fn new(written: &str, pattern: Option<&Regex>) -> Result<Template, TemplateError> {
        if written.trim().is_empty() {
            return Err(TemplateError::Empty);
        }
        let groups = |name: &str| {
            pattern.is_some_and(|p| p.capture_names().flatten().any(|group| group == name))
        };
        let (mut pieces, mut words) = (Vec::new(), String::new());
        let mut rest = written.chars();
        while let Some(c) = rest.next() {
            match c {
                '{' | '}' if rest.as_str().starts_with(c) => {
                    rest.next();
                    words.push(c);
                }
                '{' => {
                    let (name, after) =
                        rest.as_str().split_once('}').ok_or(TemplateError::OpenBrace)?;
                    pieces.push(Piece::Words(std::mem::take(&mut words)));
                    pieces.push(place(name, groups)?);
                    rest = after.chars();
                }
                '}' => return Err(TemplateError::OpenBrace),
                c => words.push(c),
            }
        }
        pieces.push(Piece::Words(words));
        Ok(Template(pieces))
    }

    /// The words for `seen`. Bounded: nobody listens to a whole log line.
    pub(super) fn fill(&self, seen: &Observation, groups: Option<&Captures<'_>>) -> String {
        let said = self.0.iter().map(|piece| match piece {
            Piece::Words(words) => words.as_str(),
            Piece::Subject => &seen.subject,
            Piece::Text => &seen.text,
            Piece::Group(name) => {
                groups.and_then(|groups| groups.name(name)).map_or("", |group| group.as_str())
            }
        });
        let said: String = said.flat_map(str::chars).take(SAID_CHARS_MAX).collect();
        said.trim().to_owned()
    }
}

fn place(name: &str, group: impl Fn(&str) -> bool) -> Result<Piece, TemplateError> {
    match name {
        "subject" => Ok(Piece::Subject),
        "text" => Ok(Piece::Text),
        name if group(name) => Ok(Piece::Group(name.into())),
        name => Err(TemplateError::UnknownPlace(name.chars().take(32).collect())),
    }
}

/// About twenty seconds of speech.
const SAID_CHARS_MAX: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tap::Origin;

    fn seen() -> Observation {
        Observation::new(Origin::Journal, "nginx.service", "worker 7 died", 0)
    }

    #[test]
    fn places_are_filled_with_what_was_seen() {
        let pattern = Regex::new(r"worker (?<n>\d+)").unwrap();
        let template = Template::new("{{{subject}}}: {n}, {text}", Some(&pattern)).unwrap();
        let groups = pattern.captures("worker 7 died");
        assert_eq!(template.fill(&seen(), groups.as_ref()), "{nginx.service}: 7, worker 7 died");
    }

    #[test]
    fn a_place_that_nothing_fills_is_refused_before_anything_happens() {
        let refused = |written| Template::new(written, None).unwrap_err();
        assert_eq!(refused("{who} died"), TemplateError::UnknownPlace("who".into()));
        assert_eq!(refused("{subject"), TemplateError::OpenBrace);
        assert_eq!(refused("a } b"), TemplateError::OpenBrace);
        assert_eq!(refused("  "), TemplateError::Empty);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_what_is_said_is_bounded(written in "\\PC{0,40}|[{}a-z ]{0,20}") {
            if let Ok(template) = Template::new(&written, None) {
                assert!(template.fill(&seen(), None).chars().count() <= SAID_CHARS_MAX);
            }
        }
    }
}
