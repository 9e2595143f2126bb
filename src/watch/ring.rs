//! What was posted lately, in one place for all readers. Pure.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;

use super::sight::{Level, Sight};
use crate::report::CallEvent;

/// Events that are remembered: some minutes of several lively calls, so that a page that was away
/// for as long misses nothing.
pub(super) const SIGHTS_MAX: usize = 4_096;
/// Their bytes as JSON. A claim has up to 4 KiB of text, most events have a hundred bytes.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Legs whose levels are kept; more are shown without meters.
const LEGS_MAX: usize = 1_024;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Ring {
    sights: VecDeque<(Arc<Sight>, usize)>,
    bytes: usize,
    /// Number of the newest; the first had 1.
    last: u64,
    levels: BTreeMap<(u64, u64), (u64, Level)>,
    /// Counts levels, so that a reader knows which are new to it.
    beats: u64,
}

impl Ring {
    pub(super) fn post(&mut self, sight: Sight) {
        if let Sight::Call { line, event } = &sight
            && matches!(event.what, CallEvent::CallClosed(_))
        {
            self.levels.retain(|(of, _), _| of != line);
        }
        let bytes = size_of(&sight);
        self.last += 1;
        self.bytes += bytes;
        self.sights.push_back((Arc::new(sight), bytes));
        // The newest is kept whatever its size.
        while self.sights.len() > SIGHTS_MAX || self.bytes > BYTES_MAX && self.sights.len() > 1 {
            let Some((_, bytes)) = self.sights.pop_front() else { return };
            self.bytes -= bytes;
        }
    }

    pub(super) fn level(&mut self, level: Level) {
        let key = (level.line, level.leg);
        if self.levels.len() < LEGS_MAX || self.levels.contains_key(&key) {
            self.beats += 1;
            self.levels.insert(key, (self.beats, level));
        }
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn beats(&self) -> u64 {
        self.beats
    }

    /// Number of the oldest that is remembered.
    pub(super) fn first(&self) -> u64 {
        self.last + 1 - self.sights.len() as u64
    }

    /// The event with this number, while it is remembered.
    pub(super) fn get(&self, number: u64) -> Option<Arc<Sight>> {
        let index = usize::try_from(number.checked_sub(self.first())?).ok()?;
        self.sights.get(index).map(|(sight, _)| sight.clone())
    }

    /// The oldest level that came after so many, and its own beat.
    pub(super) fn level_after(&self, beats: u64) -> Option<(u64, Level)> {
        let newer = self.levels.values().filter(|(beat, _)| *beat > beats);
        newer.min_by_key(|(beat, _)| *beat).copied()
    }
}

/// How long it is as JSON, without writing it anywhere.
fn size_of(sight: &Sight) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // What cannot be written as JSON is not sent either.
    let _ = serde_json::to_writer(&mut count, sight);
    count.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Event;

    fn words(text: String) -> Sight {
        Sight::Call {
            line: 1,
            event: Event { t_ms: 0.0, what: CallEvent::Partial { text, speaker: None } },
        }
    }

    #[test]
    fn the_oldest_are_forgotten_by_number_and_by_bytes() {
        let mut ring = Ring::default();
        for _ in 0..SIGHTS_MAX + 10 {
            ring.post(words("a".into()));
        }
        assert_eq!((ring.first(), ring.last()), (11, SIGHTS_MAX as u64 + 10));
        assert!(ring.get(10).is_none() && ring.get(11).is_some());
        for _ in 0..10 {
            ring.post(words("b".repeat(BYTES_MAX / 4)));
        }
        assert!(ring.bytes <= BYTES_MAX && ring.sights.len() == 3, "{}", ring.sights.len());
        ring.post(words("c".repeat(2 * BYTES_MAX)));
        assert_eq!(ring.sights.len(), 1, "the newest is kept whatever its size");
        assert!(ring.get(ring.last()).is_some() && ring.get(ring.last() + 1).is_none());
    }

    #[test]
    fn of_each_leg_the_newest_level_is_kept_until_its_call_closes() {
        let level = |line, heard_dbov| Level {
            line,
            leg: 0,
            t_ms: 0.0,
            heard_dbov,
            sent_dbov: -96,
            speech: false,
        };
        let mut ring = Ring::default();
        for (line, dbov) in [(1, -10), (2, -20), (1, -11)] {
            ring.level(level(line, dbov));
        }
        let (beat, first) = ring.level_after(0).expect("a level");
        assert_eq!(first, level(2, -20));
        let (beat, second) = ring.level_after(beat).expect("a level");
        assert_eq!(second, level(1, -11));
        assert_eq!(ring.level_after(beat), None);
        let event = Event { t_ms: 1.0, what: CallEvent::CallClosed(Default::default()) };
        ring.post(Sight::Call { line: 2, event });
        assert_eq!(ring.levels.len(), 1);
    }
}
