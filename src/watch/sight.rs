//! What is seen, and where a reader has come to.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::Event;

/// Something that happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Sight {
    /// An event of a call, as it stands in the call's `events.jsonl`.
    Call {
        /// The call's line.
        line: u64,
        /// When, and what.
        #[serde(flatten)]
        event: Event,
    },
    /// How loud a leg is.
    Level(Level),
    /// The say-queue is not what it was.
    Queue {
        /// Claims of other programs that wait or are being said.
        queued: usize,
        /// Whether nothing is said for other programs at present.
        paused: bool,
    },
    /// No new calls are taken, and the running ones have so long.
    Draining {
        /// Seconds that are left.
        left_s: u64,
    },
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}

/// How loud a leg is, every 100 ms.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Level {
    /// The line.
    pub line: u64,
    /// The leg at it; 0 is who came first.
    #[serde(default)]
    pub leg: u64,
    /// End of the 100 ms, in milliseconds since the call was answered.
    pub t_ms: f64,
    /// Of what the peer said, in dBov: 0 is full scale, -96 is silence.
    pub heard_dbov: i8,
    /// Of what we sent.
    pub sent_dbov: i8,
    /// Whether the peer is taken to be speaking.
    pub speech: bool,
}

/// Where a reader has come to: after the event with this number, in this run of the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cursor {
    /// Which run.
    pub run: u64,
    /// Of the event, from 1; 0 is before all of them.
    pub number: u64,
}

/// It is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not the id of an event: ids look like 1764370000000-17, and 0 is the start")]
pub struct CursorError;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.run, self.number)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (run, number) = text.trim().split_once('-').ok_or(CursorError)?;
        let parse = |part: &str| part.parse().map_err(|_| CursorError);
        Ok(Self { run: parse(run)?, number: parse(number)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::CallEvent;

    #[test]
    fn a_sight_is_one_flat_object_and_is_read_back() {
        let event = Event { t_ms: 12.5, what: CallEvent::CallerVad { on: true } };
        for (sight, json) in [
            (
                Sight::Call { line: 7, event },
                r#"{"kind":"call","line":7,"t_ms":12.5,"type":"caller_vad","on":true}"#,
            ),
            (
                Sight::Queue { queued: 2, paused: false },
                r#"{"kind":"queue","queued":2,"paused":false}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&sight).expect("JSON"), json);
            assert_eq!(serde_json::from_str::<Sight>(json).expect("a sight"), sight);
        }
        let newer = r#"{"kind":"weather"}"#;
        assert_eq!(serde_json::from_str::<Sight>(newer).expect("a sight"), Sight::Unknown);
    }

    #[test]
    fn a_cursor_is_read_as_it_is_written_and_nothing_else_is_one() {
        let cursor = Cursor { run: 1_764_370_000_000, number: 17 };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in ["", "17", "-", "1-", "-1", "1-2-3", "one-two"] {
            assert_eq!(bad.parse::<Cursor>(), Err(CursorError), "{bad}");
        }
    }
}
