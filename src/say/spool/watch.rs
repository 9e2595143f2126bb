//! Waiting for a change in a directory or a file.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::unix::AsyncFd;

/// Several changes at once are one: a script that drops many files is looked at a few times.
const GATHER: Duration = Duration::from_millis(5);

/// Tells of changes, where the system does; else time alone passes.
pub(super) struct Watch {
    inotify: Option<AsyncFd<OwnedFd>>,
}

impl Watch {
    pub fn dir(dir: PathBuf) -> Self {
        let watch = Self::nothing();
        watch.add(&dir, WatchFlags::MOVED_TO | WatchFlags::CLOSE_WRITE);
        watch
    }

    pub fn nothing() -> Self {
        let flags = CreateFlags::CLOEXEC | CreateFlags::NONBLOCK;
        let inotify = inotify::init(flags).ok().and_then(|fd| {
            // SAFETY: the descriptor is owned by what is registered, and neither replaced nor
            // closed before it.
            unsafe { AsyncFd::register(fd) }.ok()
        });
        Self { inotify }
    }

    /// Watches the file that has this name now. Watching one twice is watching it once.
    pub fn file(&self, path: &Path) {
        self.add(path, WatchFlags::MODIFY);
    }

    /// Waits for a change, `at_most` so long.
    pub async fn changed(&mut self, at_most: Duration) {
        let Some(inotify) = &mut self.inotify else { return tokio::time::sleep(at_most).await };
        let Ok(Ok(mut ready)) = tokio::time::timeout(at_most, inotify.readable_mut()).await else {
            return;
        };
        tokio::time::sleep(GATHER).await;
        let mut events = [0; 4_096];
        // What changed is looked up anyway; only that something did matters.
        while rustix::io::read(ready.get_inner(), &mut events).is_ok_and(|read| read > 0) {}
        ready.clear_ready();
    }

    fn add(&self, path: &Path, what: WatchFlags) {
        if let Some(inotify) = &self.inotify
            && let Err(error) = inotify::add_watch(inotify, path, what | WatchFlags::DONT_FOLLOW)
        {
            tracing::debug!(%error, path = %path.display(), "not watched; it is looked at now and then");
        }
    }
}
