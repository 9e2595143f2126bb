//! A file of lines that other programs append to, through truncation and rotation, also across a
//! restart of the line.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use lane_broker::intake::WISH_BYTES_MAX;
use serde::{Deserialize, Serialize};

use crate::say::SPOOLED;

/// What is read at once; the rest is read when this was taken in.
const READ_BYTES_MAX: u64 = 64 * 1024;

/// A line that was appended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Without its end.
    pub bytes: Vec<u8>,
    /// The name of its claim: the same whenever this line is met.
    pub claim: String,
    /// Where the next one begins.
    pub end: u64,
}

/// Which file, and up to where it was taken in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct Mark {
    device: u64,
    inode: u64,
    offset: u64,
    /// Another one for each file and each truncation, so that no two lines have one name.
    generation: u64,
}

/// The file, and how far we are.
#[derive(Debug)]
pub(super) struct LineFile {
    path: PathBuf,
    /// Where the mark is kept.
    kept: PathBuf,
    open: Option<File>,
    mark: Option<Mark>,
    /// Nothing was looked at yet.
    first: bool,
}

impl LineFile {
    pub fn open(path: PathBuf, kept: PathBuf) -> Self {
        let mark = std::fs::read(&kept).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Self { path, kept, open: None, mark, first: true }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whole lines that were appended since [`LineFile::done`].
    pub fn look(&mut self) -> Vec<Line> {
        match self.next_lines() {
            Ok(lines) => lines,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Whatever comes there later is new from its first byte.
                self.first = false;
                Vec::new()
            }
            Err(error) => {
                tracing::debug!(%error, path = %self.path.display(), "the file of lines cannot be read");
                Vec::new()
            }
        }
    }

    /// Everything before `end` was taken in, or refused for good.
    pub fn done(&mut self, end: u64) {
        if let Some(mark) = &mut self.mark {
            mark.offset = end;
        }
        self.keep();
    }

    fn next_lines(&mut self) -> io::Result<Vec<Line>> {
        // The old file is read to its end before its successor.
        if self.open.is_some() {
            let lines = self.lines_of_the_open_one()?;
            if !lines.is_empty() {
                return Ok(lines);
            }
        }
        let mut options = std::fs::OpenOptions::new();
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let file = options.read(true).custom_flags(flags).open(&self.path)?;
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let known = self.mark.filter(|mark| (mark.device, mark.inode) == (meta.dev(), meta.ino()));
        if known.is_none() {
            // What stood there before anybody ever listened is no news.
            let never_listened = self.first && self.mark.is_none();
            let offset = if never_listened { meta.len() } else { 0 };
            let (device, inode) = (meta.dev(), meta.ino());
            let generation = self.next_generation();
            self.mark = Some(Mark { device, inode, offset, generation });
            self.keep();
        }
        self.first = false;
        self.open = Some(file);
        self.lines_of_the_open_one()
    }

    fn lines_of_the_open_one(&mut self) -> io::Result<Vec<Line>> {
        let generation = self.next_generation();
        let (Some(file), Some(mark)) = (&mut self.open, &mut self.mark) else {
            return Ok(Vec::new());
        };
        if file.metadata()?.len() < mark.offset {
            (mark.offset, mark.generation) = (0, generation);
        }
        file.seek(SeekFrom::Start(mark.offset))?;
        let mut bytes = Vec::new();
        file.take(READ_BYTES_MAX).read_to_end(&mut bytes)?;
        let mut lines = Vec::new();
        let mut start = 0;
        while let Some(length) = bytes[start..].iter().position(|byte| *byte == b'\n') {
            let at = mark.offset + start as u64;
            lines.push(Line {
                // One byte more than may be is enough to be refused.
                bytes: bytes[start..start + length.min(WISH_BYTES_MAX + 1)].to_vec(),
                claim: format!("{SPOOLED}{:x}-{at:x}", mark.generation),
                end: at + length as u64 + 1,
            });
            start += length + 1;
        }
        if lines.is_empty() && bytes.len() as u64 == READ_BYTES_MAX {
            // No line is so long; its end is looked for from here.
            tracing::warn!(path = %self.path.display(), "a line without an end is left out");
            mark.offset += READ_BYTES_MAX;
        }
        Ok(lines)
    }

    fn next_generation(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        self.mark.map_or(now, |mark| now.max(mark.generation + 1))
    }

    fn keep(&self) {
        let write = || {
            let unfinished = self.kept.with_extension("part");
            std::fs::write(&unfinished, serde_json::to_vec(&self.mark)?)?;
            std::fs::rename(unfinished, &self.kept)
        };
        if let Err(error) = write() {
            tracing::warn!(%error, path = %self.kept.display(), "how far the file of lines was read is not kept");
        }
    }
}
