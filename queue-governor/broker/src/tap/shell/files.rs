use std::ffi::{OsStr, OsString};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

use super::intake::Intake;
use super::unix_ms;
use crate::tap::{Observation, Origin};

/// Watched files and folders. A file is watched through its folder, so that one that is replaced
/// or comes later is seen too.
pub(super) struct Files {
    inotify: OwnedFd,
    watched: Vec<Watched>,
}

struct Watched {
    path: PathBuf,
    /// The file's name, if it is no folder.
    name: Option<OsString>,
    /// The kernel's name of the watch on the folder; `None` while that is not there.
    watch: Option<i32>,
}

impl Files {
    pub(super) fn new(paths: &[PathBuf]) -> std::io::Result<Files> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let watched = |path: &PathBuf| Watched { path: path.clone(), name: None, watch: None };
        Ok(Files { inotify, watched: paths.iter().map(watched).collect() })
    }

    /// Watches what has come to be since the last look.
    pub(super) fn look(&mut self, intake: &mut Intake) {
        if self
            .watched
            .iter()
            .any(|one| one.watch.is_some() && one.name.as_deref() != one.name_now())
        {
            // What was seen of the folder before belongs to the watch that ends now.
            self.read(intake);
        }
        for at in 0..self.watched.len() {
            let one = &self.watched[at];
            let name = one.name_now().map(OsStr::to_owned);
            if one.watch.is_some() && one.name == name {
                continue;
            }
            // A folder that is not there, or not ours to see, may be so the next time.
            let watch = inotify::add_watch(&self.inotify, one.folder(), wanted_events()).ok();
            let one = &mut self.watched[at];
            one.name = name;
            let before = std::mem::replace(&mut one.watch, watch);
            if let Some(before) = before
                && self.watched.iter().all(|other| other.watch != Some(before))
            {
                // It may have gone with its folder.
                let _ = inotify::remove_watch(&self.inotify, before);
            }
        }
    }

    /// Reads what the kernel has seen; of a flood a share.
    pub(super) fn read(&mut self, intake: &mut Intake) {
        let Files { inotify, watched } = self;
        let mut room = [MaybeUninit::uninit(); EVENTS_BYTES];
        let mut events = inotify::Reader::new(&*inotify, &mut room);
        let mut read = 0;
        while read < EVENTS_MAX || !events.is_buffer_empty() {
            let Ok(event) = events.next() else { return };
            read += 1;
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                intake.lost(1);
            }
            let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
            for one in watched.iter_mut().filter(|one| one.watch == Some(event.wd())) {
                if let Some(text) = told(event.events())
                    && (one.name.is_none() || one.name.as_deref() == name)
                    && intake.admit()
                {
                    intake.take(one.observation(name, text));
                }
                if event.events().contains(ReadFlags::IGNORED) {
                    one.watch = None;
                }
            }
        }
    }
}

impl AsFd for Files {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

impl Watched {
    /// The name within its folder, unless it is a folder itself by now.
    fn name_now(&self) -> Option<&OsStr> {
        if self.path.is_dir() { None } else { self.path.file_name() }
    }

    /// The folder to watch.
    fn folder(&self) -> &Path {
        match self.name_now().and(self.path.parent()) {
            Some(folder) if folder == Path::new("") => Path::new("."),
            Some(folder) => folder,
            None => &self.path,
        }
    }

    fn observation(&self, name: Option<&OsStr>, text: &str) -> Observation {
        let path = match (&self.name, name) {
            (None, Some(name)) => self.path.join(name),
            _ => self.path.clone(),
        };
        Observation::new(Origin::File, &path.to_string_lossy(), text, unix_ms())
    }
}

fn wanted_events() -> WatchFlags {
    WatchFlags::CREATE
        | WatchFlags::CLOSE_WRITE
        | WatchFlags::DELETE
        | WatchFlags::MOVED_FROM
        | WatchFlags::MOVED_TO
        | WatchFlags::DELETE_SELF
        | WatchFlags::MOVE_SELF
        | WatchFlags::ONLYDIR
}

/// What happened, in a word. Written means written and closed: a file that grows is no news yet.
fn told(events: ReadFlags) -> Option<&'static str> {
    let words = [
        (ReadFlags::CREATE, "created"),
        (ReadFlags::CLOSE_WRITE, "written"),
        (ReadFlags::DELETE, "deleted"),
        (ReadFlags::DELETE_SELF, "deleted"),
        (ReadFlags::MOVED_FROM, "moved away"),
        (ReadFlags::MOVE_SELF, "moved away"),
        (ReadFlags::MOVED_TO, "moved here"),
    ];
    words.into_iter().find(|(flag, _)| events.contains(*flag)).map(|(_, word)| word)
}

/// Room for a hundred events with ordinary names.
const EVENTS_BYTES: usize = 8 * 1024;
/// In one go; the kernel keeps the rest.
const EVENTS_MAX: usize = 512;
