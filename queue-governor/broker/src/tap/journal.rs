//! The system journal as `journalctl -o json` writes it (systemd, "Journal JSON Format").

use serde_json::{Map, Value};

use super::observation::{Observation, Origin, Severity, TEXT_BYTES_MAX};

/// An entry of the journal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// What it says, with the journal's cursor as its key.
    pub seen: Observation,
    /// Which process wrote it.
    pub pid: Option<u32>,
}

/// Why a line is no entry of the journal.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JournalError {
    /// It is not a JSON object.
    #[error("not an entry of `journalctl -o json`: {0}")]
    NotJson(String),
    /// It says nothing: the entry is too large to show, or has no text.
    #[error("an entry without a message")]
    NoMessage,
}

/// The command that writes new entries, after `cursor` if that is known.
#[must_use]
pub fn command() -> Vec<String> {
    ["journalctl", "--follow", "--lines=0", "--output=json", "--quiet"].map(String::from).to_vec()
}

/// The arguments that let [`command`] go on where it stopped.
#[must_use]
pub fn resume_at(cursor: &str) -> [String; 2] {
    [format!("--after-cursor={cursor}"), "--no-tail".into()]
}

/// Reads one line of it.
///
/// # Errors
/// [`JournalError`].
pub fn parse(line: &str) -> Result<Entry, JournalError> {
    let entry: Map<String, Value> =
        serde_json::from_str(line).map_err(|error| JournalError::NotJson(error.to_string()))?;
    let field = |name: &str| entry.get(name).and_then(text);
    let message = field("MESSAGE").ok_or(JournalError::NoMessage)?;
    let subject = SUBJECTS.iter().find_map(|name| field(name).filter(|unit| unit != INIT));
    let micros = field("__REALTIME_TIMESTAMP").and_then(|micros| micros.parse::<u64>().ok());
    let severity = field("PRIORITY").and_then(|number| number.parse().ok());
    let mut seen = Observation::new(
        Origin::Journal,
        &subject.unwrap_or_else(|| INIT.into()),
        &message,
        micros.unwrap_or_default() / 1_000,
    );
    seen.severity = severity.and_then(Severity::from_number);
    seen.key = field("__CURSOR").filter(|cursor| cursor.len() <= CURSOR_BYTES_MAX);
    Ok(Entry { seen, pid: field("_PID").and_then(|pid| pid.parse().ok()) })
}

/// A field's text: a string, bytes that are not UTF-8 as numbers, or several values, of which the
/// first counts.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(values) => match values.first()? {
            Value::Number(_) => {
                let byte = |value: &Value| value.as_u64().and_then(|byte| u8::try_from(byte).ok());
                let bytes: Vec<u8> = values.iter().take(TEXT_BYTES_MAX).map_while(byte).collect();
                Some(String::from_utf8_lossy(&bytes).into_owned())
            }
            first @ Value::String(_) => text(first),
            _ => None,
        },
        _ => None,
    }
}

/// Whom an entry is about, best first: systemd names the unit that it speaks of.
const SUBJECTS: [&str; 6] =
    ["UNIT", "USER_UNIT", "_SYSTEMD_USER_UNIT", "_SYSTEMD_UNIT", "SYSLOG_IDENTIFIER", "_COMM"];
/// Whatever systemd says itself comes from there.
const INIT: &str = "init.scope";
/// An idempotency key has room for it.
const CURSOR_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_says_who_wrote_what_when_and_how_grave() {
        let line = r#"{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1700000000123456","PRIORITY":"3",
            "_PID":"42","_SYSTEMD_UNIT":"nginx.service","_COMM":"nginx","MESSAGE":"bind() failed"}"#;
        let Entry { seen, pid } = parse(line).unwrap();
        assert_eq!((seen.subject.as_str(), seen.text.as_str()), ("nginx.service", "bind() failed"));
        assert_eq!((seen.severity, seen.at_unix_ms), (Some(Severity::Err), 1_700_000_000_123));
        assert_eq!((seen.key.as_deref(), pid), (Some("s=1;i=2"), Some(42)));
    }

    #[test]
    fn what_systemd_says_of_a_unit_is_about_that_unit() {
        let line = r#"{"_SYSTEMD_UNIT":"init.scope","UNIT":"nginx.service","MESSAGE":"Main process exited"}"#;
        assert_eq!(parse(line).unwrap().seen.subject, "nginx.service");
        let line = r#"{"_SYSTEMD_UNIT":"init.scope","SYSLOG_IDENTIFIER":"systemd","MESSAGE":"m"}"#;
        assert_eq!(parse(line).unwrap().seen.subject, "systemd");
    }

    #[test]
    fn bytes_that_are_no_text_and_repeated_fields_are_read_too() {
        let line = r#"{"MESSAGE":[104,105,255],"_COMM":["first","second"]}"#;
        let seen = parse(line).unwrap().seen;
        assert_eq!((seen.subject.as_str(), seen.text.as_str()), ("first", "hi\u{fffd}"));
    }

    #[test]
    fn what_is_no_entry_is_said_to_be_none() {
        assert_eq!(parse(r#"{"MESSAGE":null}"#), Err(JournalError::NoMessage));
        assert!(matches!(parse("-- No entries --"), Err(JournalError::NotJson(_))));
    }

    proptest::proptest! {
        #[test]
        fn no_line_makes_it_fall(line in "\\PC{0,80}|\\{\"MESSAGE\":[\\[\\]0-9,\"a\\{\\}]{0,20}\\}") {
            let _ = parse(&line);
        }
    }
}
