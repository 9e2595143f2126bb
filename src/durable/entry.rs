//! A record as it lies in the lane.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use media_core::MonoTime;
use queue_governor::{Claim, Content, Record};
use serde::{Deserialize, Serialize};

/// The form of entries. Another one is left alone, with a warning.
const VERSION: u32 = 1;

/// The two clocks at one moment. The monotonic one begins anew with the machine, the one on the
/// wall does not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clocks {
    /// What the governors are told.
    pub mono: MonoTime,
    /// Milliseconds since 1970.
    pub wall_ms: u64,
}

impl Clocks {
    /// Both clocks now, given the monotonic one.
    #[must_use]
    pub fn at(mono: MonoTime) -> Clocks {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Clocks { mono, wall_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX) }
    }

    /// A moment that was `then` on the clock that showed `written`, on ours. A moment before our
    /// clock's origin is its origin: it has passed. A wall clock that is behind what was written, as
    /// after a power cut without a clock of its own, puts nothing off: then no time has passed.
    fn translate(self, then: MonoTime, written: Clocks) -> MonoTime {
        let wall_micros = |clocks: Clocks| i128::from(clocks.wall_ms) * 1_000;
        let passed = (wall_micros(self) - wall_micros(written)).max(0);
        let left = i128::from(then.as_micros()) - i128::from(written.mono.as_micros());
        let ours = i128::from(self.mono.as_micros()) + left - passed;
        MonoTime::ZERO + Duration::from_micros(u64::try_from(ours.max(0)).unwrap_or(u64::MAX))
    }
}

/// What an entry keeps.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly every entry is a record")]
pub(super) enum Kept {
    /// A governor's record.
    Record(Record),
    /// Whether nothing is said for other programs, from here on.
    Paused(bool),
}

#[derive(Serialize, Deserialize)]
struct Written {
    v: u32,
    mono_us: u64,
    wall_ms: u64,
    /// The claim's ready audio lies in this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sound: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<Record>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paused: Option<bool>,
}

/// An entry as read back, its times on our clock.
pub(super) struct Read {
    pub kept: Kept,
    /// The file with the claim's ready audio, which is not in the record.
    pub sound: Option<String>,
}

/// Why an entry was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum EntryError {
    #[error("not an entry of the journal: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("an entry of the journal that says nothing")]
    Empty,
    #[error("written in form {0}, and this version reads {VERSION}")]
    Version(u32),
}

/// Writes `kept`; `sound`: the file that has its ready audio, which is then left out.
pub(super) fn write(
    kept: &Kept,
    now: Clocks,
    sound: Option<String>,
) -> Result<Vec<u8>, serde_json::Error> {
    let (record, paused) = match kept {
        Kept::Record(record) => (Some(without_samples(record)), None),
        Kept::Paused(paused) => (None, Some(*paused)),
    };
    serde_json::to_vec(&Written {
        v: VERSION,
        mono_us: now.mono.as_micros(),
        wall_ms: now.wall_ms,
        sound,
        record,
        paused,
    })
}

pub(super) fn read(bytes: &[u8], now: Clocks) -> Result<Read, EntryError> {
    let Written { v, mono_us, wall_ms, sound, record, paused } = serde_json::from_slice(bytes)?;
    if v != VERSION {
        return Err(EntryError::Version(v));
    }
    let written = Clocks { mono: MonoTime::from_micros(mono_us), wall_ms };
    let mut record = match (record, paused) {
        (Some(record), _) => record,
        (None, Some(paused)) => return Ok(Read { kept: Kept::Paused(paused), sound }),
        (None, None) => return Err(EntryError::Empty),
    };
    match &mut record {
        Record::Accepted { expires_at: time, .. }
        | Record::Amended { expires_at: time, .. }
        | Record::Ended { remember_until: time, .. } => {
            *time = time.map(|then| now.translate(then, written));
        }
        Record::Heard { .. } => {}
    }
    Ok(Read { kept: Kept::Record(record), sound })
}

/// Minutes of sound do not belong into a lane.
pub(super) fn without_samples(record: &Record) -> Record {
    match record {
        Record::Accepted { claim, expires_at } => {
            Record::Accepted { claim: silent(claim), expires_at: *expires_at }
        }
        other => other.clone(),
    }
}

fn silent(claim: &Claim) -> Claim {
    match &claim.content {
        Content::Text(_) => claim.clone(),
        Content::Audio { label, rate, .. } => Claim {
            content: Content::Audio { label: label.clone(), samples: [].into(), rate: *rate },
            ..claim.clone()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use media_core::SampleRate;
    use queue_governor::Source;

    fn clocks(mono_ms: u64, wall_ms: u64) -> Clocks {
        Clocks { mono: MonoTime::from_millis(mono_ms), wall_ms }
    }

    fn accepted(expires_ms: u64) -> Kept {
        Kept::Record(Record::Accepted {
            claim: Claim::text("say-1", Source::External, "hello"),
            expires_at: Some(MonoTime::from_millis(expires_ms)),
        })
    }

    fn expires(kept: &Kept) -> Option<MonoTime> {
        match kept {
            Kept::Record(Record::Accepted { expires_at, .. }) => *expires_at,
            _ => None,
        }
    }

    #[test]
    fn a_deadline_is_the_same_moment_after_the_machine_was_started_again() {
        // A minute was left; twenty seconds later, and a new monotonic clock, forty are.
        let bytes = write(&accepted(160_000), clocks(100_000, 5_000_000), None).unwrap();
        let read = read(&bytes, clocks(3_000, 5_020_000)).unwrap();
        assert_eq!(expires(&read.kept), Some(MonoTime::from_millis(43_000)));
    }

    #[test]
    fn a_deadline_that_passed_meanwhile_has_passed() {
        let bytes = write(&accepted(160_000), clocks(100_000, 5_000_000), None).unwrap();
        let read = read(&bytes, clocks(3_000, 9_000_000)).unwrap();
        assert_eq!(expires(&read.kept), Some(MonoTime::ZERO));
    }

    #[test]
    fn a_wall_clock_that_is_behind_after_a_power_cut_puts_no_deadline_off() {
        let bytes = write(&accepted(160_000), clocks(100_000, 5_000_000), None).unwrap();
        let read = read(&bytes, clocks(3_000, 1_000_000)).unwrap();
        assert_eq!(expires(&read.kept), Some(MonoTime::from_millis(63_000)), "a minute was left");
    }

    #[test]
    fn sound_is_named_and_not_written() {
        let content = Content::Audio {
            label: "chime".into(),
            samples: vec![7; 100_000].into(),
            rate: SampleRate::Hz8000,
        };
        let claim = Claim { content, ..Claim::text("say-1", Source::External, "") };
        let record = Kept::Record(Record::Accepted { claim, expires_at: None });
        let bytes = write(&record, clocks(0, 0), Some("say-1.pcm".into())).unwrap();
        assert!(bytes.len() < 1_000, "{} bytes", bytes.len());
        assert_eq!(read(&bytes, clocks(0, 0)).unwrap().sound.as_deref(), Some("say-1.pcm"));
    }

    #[test]
    fn what_is_not_ours_is_told_apart() {
        assert!(matches!(read(b"{}", clocks(0, 0)), Err(EntryError::Malformed(_))));
        let bytes = write(&accepted(1), clocks(0, 0), None).unwrap();
        let nothing = b"{\"v\":1,\"mono_us\":0,\"wall_ms\":0}";
        assert!(matches!(read(nothing, clocks(0, 0)), Err(EntryError::Empty)));
        let newer = String::from_utf8(bytes).unwrap().replace("\"v\":1", "\"v\":2");
        assert!(matches!(read(newer.as_bytes(), clocks(0, 0)), Err(EntryError::Version(2))));
    }
}
