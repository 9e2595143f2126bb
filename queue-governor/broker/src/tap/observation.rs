use serde::{Deserialize, Serialize};

/// What watched.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A file or folder changed. Subject: its path. Text: what happened to it.
    File,
    /// A line of a log file. Subject: the file's path.
    Log,
    /// An entry of the system journal. Subject: its unit, else what wrote it.
    Journal,
    /// A process ended. Subject: its name.
    Process,
}

impl Origin {
    /// As it is written in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Origin::File => "file",
            Origin::Log => "log",
            Origin::Journal => "journal",
            Origin::Process => "process",
        }
    }
}

/// How grave the writer of a journal entry found it (RFC 5424 §6.2.1). Smaller is worse.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The system is unusable.
    Emerg,
    /// Act at once.
    Alert,
    /// Critical.
    Crit,
    /// An error.
    Err,
    /// A warning.
    Warning,
    /// Normal, and worth a note.
    Notice,
    /// Informational.
    Info,
    /// For who debugs.
    Debug,
}

impl Severity {
    /// The severity with this number, 0 to 7.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Severity> {
        use Severity::{Alert, Crit, Debug, Emerg, Err, Info, Notice, Warning};
        let all = [Emerg, Alert, Crit, Err, Warning, Notice, Info, Debug];
        all.get(usize::try_from(number).ok()?).copied()
    }
}

/// Something that this machine did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Observation {
    /// What watched.
    pub origin: Origin,
    /// Of what: a path, a unit, a process name.
    pub subject: String,
    /// What was seen, one line.
    pub text: String,
    /// How grave, where the source says so.
    pub severity: Option<Severity>,
    /// When, by the wall clock.
    pub at_unix_ms: u64,
    /// Names it across repetitions, where the source has such a name; else the sorter makes one.
    pub key: Option<String>,
}

impl Observation {
    /// An observation with its texts made fit to keep: one line, no control characters, bounded.
    #[must_use]
    pub fn new(origin: Origin, subject: &str, text: &str, at_unix_ms: u64) -> Self {
        Self {
            origin,
            subject: tidy(subject, SUBJECT_BYTES_MAX),
            text: tidy(text, TEXT_BYTES_MAX),
            severity: None,
            at_unix_ms,
            key: None,
        }
    }
}

/// The body of an entry in an `os` lane, as JSON.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TapEvent {
    /// Version of this form: 1.
    pub v: u8,
    /// When it was seen, by the wall clock.
    pub at_unix_ms: u64,
    /// What watched.
    pub from: Origin,
    /// Of what: a path, a unit, a process name.
    pub subject: String,
    /// What was seen.
    pub text: String,
    /// How grave, where the source says so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub severity: Option<Severity>,
    /// The rule that sorted it here.
    pub rule: String,
    /// Observations that were lost, of any kind, since the event before this one.
    pub lost_before: u64,
}

/// Cut at a character, with every control character a space: it ends up in logs and in speech.
fn tidy(text: &str, bytes_max: usize) -> String {
    let kept = &text[..text.floor_char_boundary(bytes_max)];
    let plain: String = kept.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.trim().to_owned()
}

/// PATH_MAX is 4096, but nobody reads such a path.
const SUBJECT_BYTES_MAX: usize = 512;
/// A line of a log that is longer is data, not news.
pub(super) const TEXT_BYTES_MAX: usize = 2 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_one_bounded_line() {
        let seen = Observation::new(
            Origin::Log,
            "/a",
            &format!("one\ntwo\u{1b}[0m{}", "ä".repeat(2_000)),
            0,
        );
        assert!(seen.text.starts_with("one two [0mää") && seen.text.len() <= TEXT_BYTES_MAX);
    }

    #[test]
    fn severities_are_those_of_syslog() {
        assert_eq!(Severity::from_number(3), Some(Severity::Err));
        assert_eq!(Severity::from_number(8), None);
        assert!(Severity::Crit < Severity::Err, "smaller is worse");
    }
}
