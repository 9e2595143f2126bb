//! A directory of a spool, held open: what it is was looked at once, and nobody can put another
//! one, or a link, into its place afterwards.

use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::process::Gid;

/// Why a directory cannot be a spool, or a part of one.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// It cannot be made or opened, or is none: a link, a file.
    #[error("{}: {source}", path.display())]
    Unusable {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Whoever owns it decides what is in it.
    #[error("{} belongs to user {uid} and not to this line's; remove it", path.display())]
    NotOurs {
        /// Which one.
        path: PathBuf,
        /// Whose it is.
        uid: u32,
    },
}

/// Who may do something in a directory, besides its owner.
#[derive(Clone, Copy)]
pub(super) enum Shared {
    /// Nobody.
    Alone,
    /// The members of this group, if there is one.
    With(Option<u32>),
}

#[derive(Debug)]
pub(super) struct Dir(OwnedFd);

impl Dir {
    /// The directory at `path`, which is made if it is missing.
    pub fn root(path: &Path) -> Result<Self, SpoolError> {
        let unusable = |source| SpoolError::Unusable { path: path.to_path_buf(), source };
        DirBuilder::new().recursive(true).mode(0o755).create(path).map_err(unusable)?;
        Self::open(CWD, path, path)
    }

    /// A directory in this one, which is at `path`; it is made if it is missing.
    pub fn part(&self, path: &Path, name: &str, shared: Shared) -> Result<Self, SpoolError> {
        let path = path.join(name);
        let unusable = |error: rustix::io::Errno| {
            let source = error.into();
            SpoolError::Unusable { path: path.clone(), source }
        };
        let made = match rustix::fs::mkdirat(&self.0, name, Mode::RWXU) {
            Ok(()) => true,
            Err(rustix::io::Errno::EXIST) => false,
            Err(error) => return Err(unusable(error)),
        };
        let dir = Self::open(&self.0, Path::new(name), &path)?;
        match shared {
            Shared::With(Some(group)) if made => dir.give_to(group, &path).map_err(unusable)?,
            Shared::With(_) => {}
            // Also where somebody made it with another mode.
            Shared::Alone => rustix::fs::fchmod(&dir.0, Mode::RWXU).map_err(unusable)?,
        }
        Ok(dir)
    }

    /// Links are not followed, and what is somebody else's is not taken: root's is as good as ours.
    fn open(at: impl std::os::fd::AsFd, name: &Path, path: &Path) -> Result<Self, SpoolError> {
        const ROOT: u32 = 0;
        let unusable = |error: rustix::io::Errno| {
            let source = error.into();
            SpoolError::Unusable { path: path.to_path_buf(), source }
        };
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(at, name, flags, Mode::empty()).map_err(unusable)?;
        let uid = rustix::fs::fstat(&dir).map_err(unusable)?.st_uid;
        if uid != ROOT && uid != rustix::process::geteuid().as_raw() {
            return Err(SpoolError::NotOurs { path: path.to_path_buf(), uid });
        }
        Ok(Self(dir))
    }

    fn give_to(&self, group: u32, path: &Path) -> rustix::io::Result<()> {
        if let Err(error) = rustix::fs::fchown(&self.0, None, Some(Gid::from_raw(group))) {
            tracing::warn!(%error, dir = %path.display(), "the spool stays with this user's group");
        }
        // Sticky: nobody takes away, or forges over, what another member dropped.
        rustix::fs::fchmod(&self.0, Mode::RWXU | Mode::RWXG | Mode::SVTX)
    }

    /// What is in it and not hidden.
    pub fn names(&self) -> Vec<String> {
        let entries = rustix::fs::Dir::read_from(&self.0).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| Some(entry.file_name().to_str().ok()?.to_owned()));
        names.filter(|name| !name.starts_with('.')).collect()
    }

    /// Opens a file to be read. A pipe without a writer is not waited for, and no link is followed.
    pub fn read(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.0, name, flags, Mode::empty())?.into())
    }

    /// Writes a file anew. What has its name goes, and nothing is written through it.
    pub fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        const FOR_READERS: Mode = Mode::from_raw_mode(0o644);
        // Mostly nothing is there; what cannot be removed keeps the next step from being taken.
        let _ = self.remove(name);
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.0, name, flags, FOR_READERS)?;
        File::from(file).write_all(bytes)
    }

    /// Moves a file into another directory, in the place of what has its name there.
    pub fn move_to(&self, name: &str, dir: &Dir, as_name: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, name, &dir.0, as_name)?)
    }

    pub fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::empty())?)
    }

    /// When it was changed last: what is older comes first.
    pub fn changed_at(&self, name: &str) -> Option<impl Ord + use<>> {
        let stat = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some((stat.st_mtime, stat.st_mtime_nsec))
    }
}
