//! One ear for each track in the room.

use std::collections::BTreeMap;
use std::sync::Arc;

use plugin_webrtc::webrtc::media_stream::track_remote::TrackRemote;
use plugin_webrtc::{Counts, PeerConfig, PeerError, Task, listen, source};

use crate::Heard;

/// The tracks that are heard, and those whose owner is not known yet.
#[derive(Default)]
pub(super) struct Ears {
    heard: BTreeMap<String, Ear>,
    unclaimed: BTreeMap<String, Arc<dyn TrackRemote>>,
    /// Closed, and to be ended.
    closed: Vec<Task>,
}

struct Ear {
    identity: String,
    task: Task,
}

impl Ears {
    /// A track of nobody that we know: the server may yet say whose it is.
    pub fn keep(&mut self, id: String, track: Arc<dyn TrackRemote>) {
        if self.unclaimed.len() < UNCLAIMED_MAX {
            self.unclaimed.insert(id, track);
        }
    }

    /// The track `id` that was kept.
    pub fn claim(&mut self, id: &str) -> Option<Arc<dyn TrackRemote>> {
        self.unclaimed.remove(id)
    }

    /// Listens to a track.
    pub fn listen(
        &mut self,
        (id, identity): (&str, &str),
        track: Arc<dyn TrackRemote>,
        config: &PeerConfig,
    ) -> Result<Heard, PeerError> {
        let counts = Arc::new(Counts::default());
        let (inbound, source) = source(&config.codec, config.tick_ms, &counts)?;
        let task = listen(track, inbound, Arc::clone(&config.clock));
        self.heard.insert(id.to_owned(), Ear { identity: identity.to_owned(), task });
        Ok(Heard { track: id.to_owned(), identity: identity.to_owned(), source, counts })
    }

    /// Listens to a track no more; whose it was, if it was listened to.
    pub fn close(&mut self, id: &str) -> Option<String> {
        self.unclaimed.remove(id);
        let Ear { identity, task } = self.heard.remove(id)?;
        self.closed.push(task);
        Some(identity)
    }

    /// Ends what was closed, and waits until nothing is held for it any more.
    pub async fn rest(&mut self) {
        for task in self.closed.drain(..) {
            task.end().await;
        }
    }

    /// Everything that is listened to, to be closed.
    pub fn tracks(&self) -> Vec<String> {
        self.heard.keys().cloned().collect()
    }

    /// Forgets what nobody claimed.
    pub fn forget(&mut self) {
        self.unclaimed.clear();
    }
}

/// Tracks that overtake the news of their owners.
const UNCLAIMED_MAX: usize = 32;
