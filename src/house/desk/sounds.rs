//! The sound that a wish names: read beside the desk, once the wish was let in.

use std::sync::Arc;

use lane_broker::intake::Who;
use media_core::SampleRate;
use queue_governor::ClaimId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::Desk;
use super::asked::send;
use super::say_queue::{AGAIN_MS, Asker};
use crate::clip::Clip;
use crate::config::Config;
use crate::control::{Reply, SayRequest};
use crate::engines;
use crate::say::{SoundError, fetch_sound};

/// Wishes that wait for their sound at once: as many as clients and a spool can ask together.
const WAITING_MAX: usize = 96;
/// Sounds that are read at once: while it is read, one takes up to 130 MB, and one core.
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
    /// Held until the desk has looked at it, so that no more are in memory.
    _places: [OwnedSemaphorePermit; 2],
}

/// Reads sounds.
pub(super) struct Fetcher {
    /// What the best line can play; more is not kept.
    rate: SampleRate,
    waiting: Arc<Semaphore>,
    reading: Arc<Semaphore>,
    fetched: (mpsc::Sender<Fetched>, Option<mpsc::Receiver<Fetched>>),
}

impl Fetcher {
    pub fn new(config: &Config) -> Self {
        let (fetched, inbox) = mpsc::channel(READ_AT_ONCE);
        Self {
            rate: best_rate(config),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            reading: Arc::new(Semaphore::new(READ_AT_ONCE)),
            fetched: (fetched, Some(inbox)),
        }
    }

    /// Where sounds arrive; an empty channel the second time.
    pub fn take_fetched(&mut self) -> mpsc::Receiver<Fetched> {
        self.fetched.1.take().unwrap_or_else(|| mpsc::channel(1).1)
    }

    /// Has the sound read when its turn comes. The wish comes back when too many wait for theirs.
    fn fetch(&self, let_in: LetIn) -> Result<(), Box<LetIn>> {
        let Ok(waiting) = self.waiting.clone().try_acquire_owned() else {
            return Err(Box::new(let_in));
        };
        let (reading, fetched, rate) = (self.reading.clone(), self.fetched.0.clone(), self.rate);
        tokio::spawn(async move {
            // The desk closes neither.
            let Ok(reading) = reading.acquire_owned().await else { return };
            let sound = fetch_sound(&let_in.wish, let_in.who, rate).await;
            let _places = [waiting, reading];
            // A desk that is gone wants nothing any more, nor is whoever asked told anything.
            let _ = fetched.send(Fetched { let_in, sound, _places }).await;
        });
        Ok(())
    }
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

    pub(super) fn sound_fetched(&mut self, Fetched { let_in, sound, _places }: Fetched) {
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
        for _ in 0..WAITING_MAX {
            assert!(fetcher.fetch(let_in().0).is_ok());
        }
        assert!(fetcher.fetch(let_in().0).is_err(), "there is a bound");
        // The desk does not look: no more are read than it holds.
        let held = [fetched.recv().await.expect("one"), fetched.recv().await.expect("another")];
        assert!(fetched.try_recv().is_err());
        assert!(held.iter().all(|fetched| fetched.sound.is_err()));
        drop(held);
        for _ in 2..WAITING_MAX {
            fetched.recv().await.expect("its turn comes");
        }
        assert!(fetcher.fetch(let_in().0).is_ok(), "there is room again");
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
