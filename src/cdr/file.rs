//! The file of records: appended to, and turned over before it grows beyond its bound.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The file is turned over before it grows beyond this.
    pub file_bytes_max: u64,
    /// Files, the current one included; the oldest makes room.
    pub files_max: u32,
}

/// Records, one a line, in `cdr.jsonl`; older ones in `cdr.jsonl.1`, `.2` and so on, the oldest
/// last. Only its owner can read them.
///
/// The file is opened anew for each record, so that somebody else may turn it over as well.
pub(super) struct RecordFile {
    path: PathBuf,
    bounds: Bounds,
}

impl RecordFile {
    /// Makes the directory and the file where they are missing.
    pub fn open(path: &Path, bounds: Bounds) -> io::Result<Self> {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let file = Self { path: path.to_owned(), bounds };
        file.current()?;
        Ok(file)
    }

    /// Adds a line, with one `write`.
    pub fn append(&mut self, line: &str) -> io::Result<()> {
        let mut file = self.current()?;
        let length = file.metadata()?.len();
        if length > 0 && length + line.len() as u64 >= self.bounds.file_bytes_max {
            self.turn_over()?;
            file = self.current()?;
        } else if length > 0 && is_torn(&mut file)? {
            // A run that was killed while it wrote loses that record, and not the next one too.
            file.write_all(b"\n")?;
        }
        file.write_all(format!("{line}\n").as_bytes())
    }

    /// Waits for the disk.
    pub fn sync(&self) -> io::Result<()> {
        self.current()?.sync_data()
    }

    fn current(&self) -> io::Result<File> {
        OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(&self.path)
    }

    fn turn_over(&self) -> io::Result<()> {
        let older = |number: u32| match number {
            0 => self.path.clone(),
            _ => {
                let mut name = self.path.clone().into_os_string();
                name.push(format!(".{number}"));
                PathBuf::from(name)
            }
        };
        let oldest = self.bounds.files_max.saturating_sub(1);
        if oldest == 0 {
            return std::fs::remove_file(older(0));
        }
        for number in (0..oldest).rev() {
            match std::fs::rename(older(number), older(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether the last line has no end.
fn is_torn(file: &mut File) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &Path) -> Vec<String> {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_file_is_turned_over_before_its_bound_and_the_oldest_makes_room() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("state/cdr.jsonl");
        let bounds = Bounds { file_bytes_max: 20, files_max: 3 };
        let mut file = RecordFile::open(&path, bounds).expect("a file");
        for number in 0..9 {
            file.append(&format!("record {number}")).expect("it is written");
        }
        let older = |n: u32| lines(&path.with_file_name(format!("cdr.jsonl.{n}")));
        assert_eq!(lines(&path), ["record 8"]);
        assert_eq!(older(1), ["record 6", "record 7"]);
        assert_eq!(older(2), ["record 4", "record 5"]);
        assert_eq!(std::fs::read_dir(dir.path().join("state")).expect("it is there").count(), 3);
        assert!(std::fs::metadata(&path).expect("a file").len() <= bounds.file_bytes_max);
    }

    #[test]
    fn a_record_that_was_cut_short_does_not_spoil_the_next_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("cdr.jsonl");
        std::fs::write(&path, "{\"whole\":1}\n{\"cut\":").expect("it is written");
        let bounds = Bounds { file_bytes_max: 1 << 20, files_max: 2 };
        RecordFile::open(&path, bounds).expect("a file").append("{\"next\":2}").expect("written");
        assert_eq!(lines(&path), ["{\"whole\":1}", "{\"cut\":", "{\"next\":2}"]);
    }

    #[test]
    fn only_its_owner_can_read_it_and_who_moves_it_away_loses_nothing() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        let (path, moved) = (dir.path().join("cdr.jsonl"), dir.path().join("moved"));
        let bounds = Bounds { file_bytes_max: 1 << 20, files_max: 2 };
        let mut file = RecordFile::open(&path, bounds).expect("a file");
        let mode = std::fs::metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        file.append("one").expect("written");
        std::fs::rename(&path, &moved).expect("moved");
        file.append("two").expect("written");
        assert_eq!((lines(&moved), lines(&path)), (vec!["one".into()], vec!["two".into()]));
    }
}
