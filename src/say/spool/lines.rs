//! A file of lines that other programs append to, through truncation and rotation, also across a
//! restart of the line.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use lane_broker::intake::{Peer, Permit, WISH_BYTES_MAX};
use serde::{Deserialize, Serialize};

use crate::durable::write_whole;
use crate::say::SPOOLED;

/// What is read at once; the rest is read when this was taken in.
const READ_BYTES_MAX: u64 = 64 * 1024;
/// By so many bytes before the place where we are, the file is known again.
const LEAD_BYTES: u64 = 64;

/// A line that was appended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Without its end.
    pub bytes: Vec<u8>,
    /// The name of its claim: the same whenever this line is met.
    pub claim: String,
    /// Where the next one begins.
    pub end: Place,
}

/// A place in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Place {
    offset: u64,
    /// A digest of what stands before it: another one tells that the file was written anew, even
    /// if it is as long as before. 0: not known.
    #[serde(default)]
    before: u64,
    /// It is within a line that is too long, of which the rest is left out too.
    #[serde(default)]
    within: bool,
}

/// Which file, and up to where it was taken in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct Mark {
    device: u64,
    inode: u64,
    #[serde(flatten)]
    place: Place,
    /// Another one for each file and each truncation, so that no two lines have one name.
    generation: u64,
}

/// The file, and how far we are.
#[derive(Debug)]
pub(super) struct LineFile {
    path: PathBuf,
    /// Where the mark is kept.
    kept: PathBuf,
    /// Whose file may be read: whoever makes it first where everybody can decides who may write in it.
    permit: Permit,
    /// The user who was told not to be one of those.
    stranger: Option<u32>,
    open: Option<File>,
    /// `None`: nobody ever listened.
    mark: Option<Mark>,
}

impl LineFile {
    /// Listens from here on: whatever is appended after this returns is news.
    pub fn open(path: PathBuf, kept: PathBuf, permit: Permit) -> Self {
        let mark = mark_in(&kept);
        let mut file = Self { path, kept, permit, stranger: None, open: None, mark };
        if let Err(error) = file.open_named() {
            file.missed(&error);
        }
        file
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whole lines that were appended since [`LineFile::done`].
    pub fn look(&mut self) -> Vec<Line> {
        self.next_lines().unwrap_or_else(|error| {
            self.missed(&error);
            Vec::new()
        })
    }

    /// Everything before `end` was taken in, or refused for good.
    pub fn done(&mut self, end: Place) {
        if let Some(mark) = &mut self.mark {
            mark.place = end;
        }
        self.keep();
    }

    fn missed(&mut self, error: &io::Error) {
        if error.kind() == io::ErrorKind::NotFound {
            // Whatever comes there later is new from its first byte, also for the next run.
            if self.mark.is_none() {
                let generation = self.next_generation();
                self.mark = Some(Mark { generation, ..Mark::default() });
                self.keep();
            }
        } else {
            tracing::debug!(%error, path = %self.path.display(), "the file of lines cannot be read");
        }
    }

    fn next_lines(&mut self) -> io::Result<Vec<Line>> {
        // The old file is read to its end before its successor.
        if self.open.is_some() {
            let lines = self.lines_of_the_open_one()?;
            if !lines.is_empty() {
                return Ok(lines);
            }
        }
        self.open_named()?;
        self.lines_of_the_open_one()
    }

    /// Opens what has the name now, where the mark says, or at its start if it is another one.
    fn open_named(&mut self) -> io::Result<()> {
        let mut options = std::fs::OpenOptions::new();
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let mut file = options.read(true).custom_flags(flags).open(&self.path)?;
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        self.judge(&meta)?;
        let known = self.mark.filter(|mark| (mark.device, mark.inode) == (meta.dev(), meta.ino()));
        if known.is_none() {
            // What stood there before anybody ever listened is no news.
            let never_listened = self.mark.is_none();
            let place = if never_listened { Place::at_end(&mut file)? } else { Place::default() };
            let (device, inode) = (meta.dev(), meta.ino());
            let generation = self.next_generation();
            self.mark = Some(Mark { device, inode, place, generation });
            self.keep();
        }
        self.open = Some(file);
        Ok(())
    }

    fn judge(&mut self, meta: &Metadata) -> io::Result<()> {
        let uid = meta.uid();
        if self.permit.judge(&Peer { uid, gids: vec![meta.gid()] }).is_some() {
            self.stranger = None;
            return Ok(());
        }
        if self.stranger.replace(uid) != Some(uid) {
            tracing::warn!(
                uid,
                path = %self.path.display(),
                "the file of lines is a stranger's and is left alone: remove it, or name its user in [say] allow_uids"
            );
        }
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn lines_of_the_open_one(&mut self) -> io::Result<Vec<Line>> {
        let generation = self.next_generation();
        let (Some(file), Some(mark)) = (&mut self.open, &mut self.mark) else {
            return Ok(Vec::new());
        };
        if !mark.place.is_in(file)? {
            (mark.place, mark.generation) = (Place::default(), generation);
        }
        let place = mark.place;
        let lead = place.lead();
        let bytes = read(file, place.offset - lead, lead + READ_BYTES_MAX)?;
        let at = |index: usize| place.offset - lead + index as u64;
        let before =
            |index: usize| digest(&bytes[index.saturating_sub(LEAD_BYTES as usize)..index]);
        let (mut lines, mut start, mut within) = (Vec::new(), lead as usize, place.within);
        while let Some(length) = bytes.get(start..).and_then(|rest| rest.iter().position(is_end)) {
            let end = start + length + 1;
            lines.push(Line {
                // One byte more than may be is enough to be refused; of one that is left out
                // nothing is said.
                bytes: match within {
                    true => Vec::new(),
                    false => bytes[start..start + length.min(WISH_BYTES_MAX + 1)].to_vec(),
                },
                claim: format!("{SPOOLED}{:x}-{:x}", mark.generation, at(start)),
                end: Place { offset: at(end), before: before(end), within: false },
            });
            (start, within) = (end, false);
        }
        if lines.is_empty() && bytes.len() as u64 == lead + READ_BYTES_MAX {
            // No line is so long; its end is looked for from here.
            tracing::warn!(path = %self.path.display(), "a line without an end is left out");
            let offset = place.offset + READ_BYTES_MAX;
            mark.place = Place { offset, before: before(bytes.len()), within: true };
        }
        Ok(lines)
    }

    fn next_generation(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        self.mark.map_or(now, |mark| now.max(mark.generation + 1))
    }

    fn keep(&self) {
        // A mark that a power cut empties would be none.
        let write = || write_whole(&self.kept, &serde_json::to_vec(&self.mark)?);
        if let Err(error) = write() {
            tracing::warn!(%error, path = %self.kept.display(), "how far the file of lines was read is not kept");
        }
    }
}

impl Place {
    fn at_end(file: &mut File) -> io::Result<Self> {
        let offset = file.metadata()?.len();
        let lead = offset.min(LEAD_BYTES);
        let before = digest(&read(file, offset - lead, lead)?);
        Ok(Self { offset, before, within: false })
    }

    /// As much before it as the file is known by.
    fn lead(self) -> u64 {
        self.offset.min(LEAD_BYTES)
    }

    /// Whether the file still is what it was when we came here.
    fn is_in(self, file: &mut File) -> io::Result<bool> {
        if self.before == 0 {
            return Ok(file.metadata()?.len() >= self.offset);
        }
        let lead = self.lead();
        let found = read(file, self.offset - lead, lead)?;
        Ok(found.len() as u64 == lead && digest(&found) == self.before)
    }
}

/// What an earlier run kept. One that cannot be read says that there was one, and not where it was:
/// then we listen from now on, and say so.
fn mark_in(kept: &Path) -> Option<Mark> {
    let bytes = std::fs::read(kept).ok()?;
    let mark = serde_json::from_slice(&bytes);
    mark.inspect_err(|error| {
        tracing::warn!(%error, path = %kept.display(), "how far the file of lines was read is not known any more; what was appended meanwhile is not said");
    })
    .ok()
}

fn read(file: &mut File, from: u64, at_most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.take(at_most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn is_end(byte: &u8) -> bool {
    *byte == b'\n'
}

/// FNV-1a, which is the same in every build; never 0.
fn digest(bytes: &[u8]) -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix).max(1)
}
