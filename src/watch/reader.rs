//! One reader's place.

use std::sync::Arc;

use tokio::sync::watch::Receiver;

use super::Watch;
use super::sight::{Cursor, Level, Sight};

/// What a reader is given.
#[derive(Clone, PartialEq, Debug)]
pub enum Seen {
    /// Something happened; the reader goes on after this cursor.
    Sight(Cursor, Arc<Sight>),
    /// How loud a leg is.
    Level(Level),
    /// So many events were forgotten before this reader came to them.
    Gap(u64),
    /// The reader's cursor is another run's: it begins with the oldest that is known, and what it knew
    /// of open calls is void.
    Reset,
}

/// Reads all that happens, in order. See [`Watch::read`].
#[derive(Debug)]
pub struct Reader {
    watch: Watch,
    posted: Receiver<()>,
    after: u64,
    beats: u64,
    reset: bool,
}

impl Reader {
    pub(super) fn new(watch: Watch, posted: Receiver<()>, after: Option<Cursor>) -> Self {
        let (run, last, beats) = {
            let ring = watch.ring();
            (watch.0.run, ring.last(), ring.beats())
        };
        let (after, reset) = match after {
            None => (last, false),
            Some(cursor) if cursor.run == run && cursor.number <= last => (cursor.number, false),
            Some(_) => (0, true),
        };
        Self { watch, posted, after, beats, reset }
    }

    /// Waits for the next. `None`: nothing will happen any more.
    pub async fn next(&mut self) -> Option<Seen> {
        loop {
            // Seen before the look, so that nothing posted after it is slept over.
            self.posted.borrow_and_update();
            if let Some(seen) = self.look() {
                return Some(seen);
            }
            self.posted.changed().await.ok()?;
        }
    }

    /// What is there already. Events go before levels: those are worth nothing late.
    pub fn look(&mut self) -> Option<Seen> {
        if std::mem::take(&mut self.reset) {
            return Some(Seen::Reset);
        }
        let ring = self.watch.ring();
        // From the start is from what there is.
        let missed = ring.first().saturating_sub(self.after + 1);
        if missed > 0 {
            let from_start = self.after == 0;
            self.after += missed;
            if !from_start {
                return Some(Seen::Gap(missed));
            }
        }
        if let Some(sight) = ring.get(self.after + 1) {
            self.after += 1;
            let cursor = Cursor { run: self.watch.0.run, number: self.after };
            return Some(Seen::Sight(cursor, sight));
        }
        let (beat, level) = ring.level_after(self.beats)?;
        self.beats = beat;
        Some(Seen::Level(level))
    }
}

#[cfg(test)]
mod tests {
    use super::super::ring::SIGHTS_MAX;
    use super::*;

    fn queued(queued: usize) -> Sight {
        Sight::Queue { queued, paused: false }
    }

    /// What is there for a reader now: the numbers that were queued.
    fn read(reader: &mut Reader) -> Vec<usize> {
        let number = |seen| match seen {
            Seen::Sight(_, sight) => match *sight {
                Sight::Queue { queued, .. } => queued,
                ref other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
        std::iter::from_fn(|| reader.look()).map(number).collect()
    }

    #[test]
    fn a_reader_that_was_away_goes_on_after_its_cursor_and_misses_none() {
        let watch = Watch::new(7);
        let mut first = watch.read(None);
        (1..=5).for_each(|n| watch.post(queued(n)));
        let Some(Seen::Sight(cursor, _)) = first.look() else { panic!("an event") };
        assert_eq!(cursor, Cursor { run: 7, number: 1 });
        drop(first);
        watch.post(queued(6));
        assert_eq!(read(&mut watch.read(Some(cursor))), [2, 3, 4, 5, 6]);
        assert_eq!(read(&mut watch.read(Some(watch.start()))), [1, 2, 3, 4, 5, 6]);
        assert!(read(&mut watch.read(None)).is_empty());
    }

    #[test]
    fn a_slow_reader_holds_nobody_up_and_is_told_what_it_missed() {
        let watch = Watch::new(7);
        let mut slow = watch.read(None);
        watch.post(queued(0));
        assert_eq!(read(&mut slow), [0]);
        for n in 0..SIGHTS_MAX + 3 {
            watch.post(queued(n));
        }
        assert_eq!(slow.look(), Some(Seen::Gap(3)));
        assert_eq!(read(&mut slow).len(), SIGHTS_MAX);
    }

    #[test]
    fn a_cursor_of_another_run_is_void_and_the_reader_is_told() {
        let watch = Watch::new(7);
        watch.post(queued(1));
        for void in [Cursor { run: 6, number: 900 }, Cursor { run: 7, number: 2 }] {
            let mut reader = watch.read(Some(void));
            assert_eq!(reader.look(), Some(Seen::Reset));
            assert_eq!(read(&mut reader), [1]);
        }
    }

    #[tokio::test]
    async fn a_reader_that_waits_is_woken_by_events_and_levels() {
        let watch = Watch::new(7);
        let mut reader = watch.read(None);
        let waits = tokio::spawn(async move { (reader.next().await, reader.next().await) });
        tokio::task::yield_now().await;
        let level =
            Level { line: 1, leg: 0, t_ms: 100.0, heard_dbov: -9, sent_dbov: -96, speech: true };
        watch.level(level);
        watch.post(queued(1));
        let seen = waits.await.expect("no panic");
        let both = [seen.0.expect("one"), seen.1.expect("another")];
        assert!(both.contains(&Seen::Level(level)), "{both:?}");
        let event = Seen::Sight(Cursor { run: 7, number: 1 }, Arc::new(queued(1)));
        assert!(both.contains(&event), "{both:?}");
    }

    #[test]
    fn levels_are_not_even_kept_while_nobody_watches() {
        let watch = Watch::new(7);
        watch.level(Level {
            line: 1,
            leg: 0,
            t_ms: 0.0,
            heard_dbov: 0,
            sent_dbov: 0,
            speech: true,
        });
        assert_eq!(watch.ring().beats(), 0);
    }
}
