//! The sound that a wish names: read beside the desk, once the wish was let in.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lane_broker::intake::Who;
use media_core::SampleRate;
use queue_governor::ClaimId;
use tokio::sync::mpsc;

use super::Desk;
use super::asked::send;
use super::say_queue::{AGAIN_MS, Asker};
use crate::clip::Clip;
use crate::config::Config;
use crate::control::{Reply, SayRequest};
use crate::engines;
use crate::say::{SoundError, read_sound};

/// Wishes that wait for their sound at once: as many as clients and a spool can ask together.
const WAITING_MAX: usize = 96;
/// Sounds that are read at once: while it is read, one takes up to 130 MB, and one core. As many
/// wait for the desk at most, as short as a line plays them.
const READ_AT_ONCE: usize = 2;

/// A wish that was let in.
pub(super) struct LetIn {
    pub wish: SayRequest,
    pub who: Who,
    /// Its claim's name, where its author remembers it across a restart.
    pub name: Option<ClaimId>,
    pub asker: Asker,
}

/// A wish whose sound was read, or could not be.
pub(super) struct Fetched {
    let_in: LetIn,
    sound: Result<Option<Clip>, SoundError>,
}

/// Reads sounds, on threads that may wait for a disk. A thread reads on while wishes wait, so that in
/// a flood nobody is woken for each.
pub(super) struct Fetcher {
    /// What the best line can play; more is not kept.
    rate: SampleRate,
    wanted: Arc<Mutex<Wanted>>,
    fetched: (mpsc::Sender<Fetched>, Option<mpsc::Receiver<Fetched>>),
}

#[derive(Default)]
struct Wanted {
    waiting: VecDeque<LetIn>,
    readers: usize,
}

impl Fetcher {
    pub fn new(config: &Config) -> Self {
        let (fetched, inbox) = mpsc::channel(READ_AT_ONCE);
        Self { rate: best_rate(config), wanted: Arc::default(), fetched: (fetched, Some(inbox)) }
    }

    /// Where sounds arrive; an empty channel the second time.
    pub fn take_fetched(&mut self) -> mpsc::Receiver<Fetched> {
        self.fetched.1.take().unwrap_or_else(|| mpsc::channel(1).1)
    }

    /// Has the sound read when its turn comes. The wish comes back when too many wait for theirs.
    fn fetch(&self, let_in: LetIn) -> Result<(), Box<LetIn>> {
        let mut wanted = lock(&self.wanted);
        if wanted.waiting.len() >= WAITING_MAX {
            return Err(Box::new(let_in));
        }
        wanted.waiting.push_back(let_in);
        if wanted.readers < READ_AT_ONCE {
            wanted.readers += 1;
            let (shared, fetched, rate) = (self.wanted.clone(), self.fetched.0.clone(), self.rate);
            tokio::task::spawn_blocking(move || read_on(&shared, &fetched, rate));
        }
        Ok(())
    }
}

/// Reads what is wanted until nothing is.
fn read_on(wanted: &Mutex<Wanted>, fetched: &mpsc::Sender<Fetched>, best: SampleRate) {
    while let Some(let_in) = next_of(wanted) {
        let sound = let_in.wish.wav.as_deref().map(|wav| read(wav, let_in.who, best)).transpose();
        if fetched.blocking_send(Fetched { let_in, sound }).is_err() {
            return; // A desk that is gone wants nothing any more, nor is whoever asked told anything.
        }
    }
}

/// The next whose sound is to be read; without one there is a reader less.
fn next_of(wanted: &Mutex<Wanted>) -> Option<LetIn> {
    let mut wanted = lock(wanted);
    let next = wanted.waiting.pop_front();
    if next.is_none() {
        wanted.readers -= 1;
    }
    next
}

/// Brought down to `best`, the rate beyond which no line can play it. A reader outlives whatever a
/// file does to it.
fn read(wav: &Path, who: Who, best: SampleRate) -> Result<Clip, SoundError> {
    let clip = || Ok(read_sound(wav, who)?.at_most(best));
    catch_unwind(AssertUnwindSafe(clip)).unwrap_or_else(|_| {
        let source = io::Error::other("its reader panicked");
        Err(SoundError::Unreadable { path: wav.to_path_buf(), source })
    })
}

fn lock(wanted: &Mutex<Wanted>) -> MutexGuard<'_, Wanted> {
    // Nothing panics while it is held.
    wanted.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The highest rate of the codecs that are offered.
fn best_rate(config: &Config) -> SampleRate {
    let codecs = config.sip.codecs.iter().filter_map(|name| engines::codec(name));
    codecs.map(|codec| codec.sample_rate()).max().unwrap_or(SampleRate::Hz16000)
}

impl Desk {
    pub(super) fn with_its_sound(&mut self, let_in: LetIn) {
        if let_in.wish.wav.is_none() {
            return self.take_in(let_in, None);
        }
        if let Err(refused) = self.saying.fetcher.fetch(let_in) {
            let message = format!("{WAITING_MAX} sounds are waiting to be read; try again");
            let again_in_ms = Some(AGAIN_MS);
            send(&refused.asker.replies, Reply::Refused { message, again_in_ms });
        }
    }

    pub(super) fn sound_fetched(&mut self, Fetched { let_in, sound }: Fetched) {
        match sound {
            Ok(sound) => self.take_in(let_in, sound),
            Err(error) => send(&let_in.asker.replies, Reply::refused(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn let_in() -> (LetIn, mpsc::Receiver<Reply>) {
        let (replies, told) = mpsc::channel(4);
        let wish = SayRequest { wav: Some("/nonexistent.wav".into()), ..SayRequest::default() };
        let asker = Asker { replies, wait: false };
        (LetIn { wish, who: Who::Owner, name: None, asker }, told)
    }

    #[tokio::test]
    async fn few_sounds_are_read_at_once_and_more_than_so_many_wait_for_none() {
        let mut fetcher = Fetcher::new(&Config::default());
        let mut fetched = fetcher.take_fetched();
        // The desk does not look: as many are read as it is told of, and as many stand at its door.
        let taken = (0..2 * WAITING_MAX).take_while(|_| fetcher.fetch(let_in().0).is_ok()).count();
        assert!((WAITING_MAX..=WAITING_MAX + 2 * READ_AT_ONCE).contains(&taken), "{taken}");
        assert_eq!(lock(&fetcher.wanted).readers, READ_AT_ONCE);
        for _ in 0..taken {
            assert!(fetched.recv().await.expect("its turn comes").sound.is_err());
        }
        assert!(fetcher.fetch(let_in().0).is_ok(), "there is room again");
        assert!(fetched.recv().await.is_some(), "and somebody reads");
    }

    #[test]
    fn more_than_the_best_line_can_play_is_not_kept() {
        let mut config = Config::default();
        config.sip.codecs = vec!["PCMU".into(), "G722".into()];
        assert_eq!(best_rate(&config), SampleRate::Hz16000);
        config.sip.codecs = vec!["PCMU".into()];
        assert_eq!(best_rate(&config), SampleRate::Hz8000);
    }
}
