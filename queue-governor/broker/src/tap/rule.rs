//! The operator's rules: which observation goes to which lane, and what is said of it.

use std::time::Duration;

use regex::{Captures, Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::observation::{Observation, Origin, Severity};
use super::template::{Template, TemplateError};
use crate::lane::{Lane, LaneError};
use crate::tag::Tag;

/// One rule, as it is written in the configuration. What is left out matches everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuleSpec {
    /// Its name in events, counts and logs.
    pub name: String,
    /// Only what was seen there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Origin>,
    /// Only of this unit, path or process: a whole name, with `*` for anything and `?` for one
    /// character.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Only what this regular expression finds something in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Only what is as grave as this, or worse. Only the journal says how grave something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// The lane: `disk` is `os:disk`. Empty: the rule's name.
    pub lane: String,
    /// Have the line say this. Places: `{subject}`, `{text}`, and the named groups of `text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub say: Option<String>,
    /// Tell the brain: what `say` says, or the text as it was seen.
    pub brain: bool,
    /// Say it, and tell the brain, at most once in so many seconds. 0: a minute.
    pub say_every_s: u64,
}

/// Why the rules cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RuleError {
    /// More rules than anybody maintains.
    #[error("{0} rules, {RULES_MAX} at most")]
    TooMany(usize),
    /// A rule without a name.
    #[error("rule {0} has no name: give it one, it appears in every event that it sorts")]
    Unnamed(usize),
    /// Two rules with one name.
    #[error("two rules are called {0:?}; counts and events could not tell them apart")]
    Twice(String),
    /// Its lane cannot be called that.
    #[error("rule {rule:?}: {source}")]
    Lane {
        /// The rule.
        rule: String,
        /// Why not.
        source: LaneError,
    },
    /// Its regular expression is none, or too large.
    #[error("rule {rule:?}, text: {message}")]
    Pattern {
        /// The rule.
        rule: String,
        /// What is wrong, and where.
        message: String,
    },
    /// What it says cannot be read.
    #[error("rule {rule:?}, say: {source}")]
    Say {
        /// The rule.
        rule: String,
        /// Why not.
        source: TemplateError,
    },
    /// It asks for a severity where there is none.
    #[error("rule {0:?} can never match: only the journal says how grave something is")]
    NeverGrave(String),
}

/// Rules, ready to sort.
#[derive(Clone, Debug)]
pub struct Rules(Vec<Rule>);

#[derive(Clone, Debug)]
struct Rule {
    name: String,
    from: Option<Origin>,
    subject: Option<Regex>,
    text: Option<Regex>,
    severity: Option<Severity>,
    lane: Lane,
    say: Option<Template>,
    brain: bool,
    say_every: Duration,
}

/// What the rules say about an observation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict<'r> {
    /// The number of the rule that matched.
    pub index: usize,
    /// Its name.
    pub rule: &'r str,
    /// Where it goes.
    pub lane: &'r Lane,
    /// What is said of it, and how often at most.
    pub say: Option<(String, Duration)>,
    /// How often at most the brain is told, if it is.
    pub brain: Option<Duration>,
}

impl Rules {
    /// Reads the rules; their order is their precedence.
    ///
    /// # Errors
    /// [`RuleError`], which names the rule.
    pub fn new(specs: &[RuleSpec]) -> Result<Rules, RuleError> {
        if specs.len() > RULES_MAX {
            return Err(RuleError::TooMany(specs.len()));
        }
        let mut rules: Vec<Rule> = Vec::with_capacity(specs.len());
        for (index, spec) in specs.iter().enumerate() {
            if spec.name.trim().is_empty() {
                return Err(RuleError::Unnamed(index + 1));
            }
            if rules.iter().any(|rule| rule.name == spec.name) {
                return Err(RuleError::Twice(spec.name.clone()));
            }
            rules.push(Rule::new(spec)?);
        }
        Ok(Rules(rules))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none, so that everything is forgotten.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first rule that wants `seen`. Linear in the text, whatever the patterns are.
    #[must_use]
    pub fn sort(&self, seen: &Observation) -> Option<Verdict<'_>> {
        let (index, rule) = self.0.iter().enumerate().find(|(_, rule)| rule.wants(seen))?;
        let say = rule.say.as_ref().map(|template| {
            let groups: Option<Captures<'_>> =
                rule.text.as_ref().and_then(|pattern| pattern.captures(&seen.text));
            (template.fill(seen, groups.as_ref()), rule.say_every)
        });
        let brain = rule.brain.then_some(rule.say_every);
        Some(Verdict { index, rule: &rule.name, lane: &rule.lane, say, brain })
    }
}

impl Rule {
    fn new(spec: &RuleSpec) -> Result<Rule, RuleError> {
        let name = spec.name.clone();
        let pattern = |written: &str| {
            compiled(written).map_err(|error| RuleError::Pattern {
                rule: name.clone(),
                message: error.to_string(),
            })
        };
        if spec.severity.is_some() && spec.from.is_some_and(|from| from != Origin::Journal) {
            return Err(RuleError::NeverGrave(name));
        }
        let lane = if spec.lane.is_empty() { &spec.name } else { &spec.lane };
        let lane = Lane::new(Tag::os(), lane.as_str())
            .map_err(|source| RuleError::Lane { rule: name.clone(), source })?;
        let text = spec.text.as_deref().map(pattern).transpose()?;
        let subject = spec.subject.as_deref().map(|glob| pattern(&whole(glob))).transpose()?;
        let say = spec.say.as_deref().map(|say| Template::new(say, text.as_ref())).transpose();
        let say = say.map_err(|source| RuleError::Say { rule: name.clone(), source })?;
        let say_every = match spec.say_every_s {
            0 => SAY_EVERY,
            seconds => Duration::from_secs(seconds),
        };
        let (from, severity) = (spec.from, spec.severity);
        let brain = spec.brain;
        Ok(Rule { name, from, subject, text, severity, lane, say, brain, say_every })
    }

    fn wants(&self, seen: &Observation) -> bool {
        self.from.is_none_or(|from| from == seen.origin)
            && self.severity.is_none_or(|worst| seen.severity.is_some_and(|is| is <= worst))
            && self.subject.as_ref().is_none_or(|pattern| pattern.is_match(&seen.subject))
            && self.text.as_ref().is_none_or(|pattern| pattern.is_match(&seen.text))
    }
}

fn compiled(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build()
}

/// A name with `*` and `?` as a pattern of the whole name.
fn whole(glob: &str) -> String {
    let mut pattern = String::from(r"\A(?s:");
    for c in glob.chars() {
        match c {
            '*' => pattern.push_str(".*"),
            '?' => pattern.push('.'),
            c => pattern.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    pattern + r")\z"
}

/// Each observation meets each rule.
const RULES_MAX: usize = 64;
/// A compiled pattern; the expressions that people write take a few KiB.
const PATTERN_BYTES_MAX: usize = 256 * 1024;
/// A unit that crashes in a loop must not have the line talk without end.
const SAY_EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
