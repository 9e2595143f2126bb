use std::fs::{File, Metadata, OpenOptions};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::intake::Intake;
use super::unix_ms;
use crate::tap::{FileId, Follow, Lines, Observation, Origin, Step};

/// A followed log file.
pub(super) struct Log {
    path: PathBuf,
    file: Option<File>,
    follow: Follow,
    lines: Lines,
}

impl Log {
    pub(super) fn new(path: &Path) -> Log {
        let (follow, lines) = (Follow::default(), Lines::default());
        Log { path: path.into(), file: None, follow, lines }
    }

    /// Reads what is new; of a flood a share.
    pub(super) fn look(&mut self, intake: &mut Intake) {
        for _ in 0..STEPS_MAX {
            let named = std::fs::metadata(&self.path).ok().filter(Metadata::is_file);
            let open = self.file.as_ref().and_then(|file| file.metadata().ok());
            let named = named.as_ref().map(id);
            match self.follow.look(named, open.as_ref().map(Metadata::len)) {
                Step::Wait | Step::Gone => return,
                Step::Read { from, bytes } => {
                    if !self.read(from, bytes, intake) {
                        return;
                    }
                }
                Step::Skip { .. } => {
                    self.lines = Lines::default();
                    intake.lost(1);
                }
                Step::StartOver => self.lines = Lines::default(),
                Step::Reopen => {
                    if !self.open(intake) {
                        return;
                    }
                }
            }
        }
    }

    fn read(&mut self, from: u64, bytes: u64, intake: &mut Intake) -> bool {
        let mut piece = vec![0; usize::try_from(bytes).unwrap_or_default()];
        let Some(read) = self.file.as_ref().and_then(|file| file.read_at(&mut piece, from).ok())
        else {
            return false;
        };
        self.follow.read(read as u64);
        let path = self.path.to_string_lossy();
        self.lines.push(&piece[..read], |line| see(&path, line, intake));
        read > 0
    }

    fn open(&mut self, intake: &mut Intake) -> bool {
        let path = self.path.to_string_lossy();
        self.lines.finish(|line| see(&path, line, intake));
        // A name that became a pipe meanwhile must not hold us up.
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(&self.path);
        let Ok(file) = file else { return false };
        let Ok(metadata) = file.metadata() else { return false };
        self.follow.opened(id(&metadata), metadata.len());
        self.file = Some(file);
        true
    }
}

fn see(path: &str, line: &str, intake: &mut Intake) {
    if intake.admit() {
        intake.take(Observation::new(Origin::Log, path, line, unix_ms()));
    }
}

fn id(metadata: &Metadata) -> FileId {
    FileId { device: metadata.dev(), inode: metadata.ino() }
}

/// A turn's share of one log: 16 pieces, 1 MiB.
const STEPS_MAX: usize = 16;
