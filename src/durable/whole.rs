//! Files that are there whole after a crash or a power cut, or as they were.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Puts `bytes` in the place of what the file at `path` holds. Blocks as long as a disk takes.
///
/// # Errors
/// What the system says; then the file is as it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = unfinished(path);
    // What a crash left; nothing is written through what somebody else may have put there.
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(&unfinished)?;
    file.write_all(bytes)?;
    // A name that reaches the disk before what it names would name nothing.
    file.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_written_through_a_link() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (path, elsewhere) = (dir.path().join("mark"), dir.path().join("elsewhere"));
        std::fs::write(&elsewhere, "ours").expect("it is written");
        std::os::unix::fs::symlink(&elsewhere, unfinished(&path)).expect("a link");
        for bytes in [b"one".as_slice(), b"another"] {
            write_whole(&path, bytes).expect("it is written");
            assert_eq!(std::fs::read(&path).expect("it is there"), bytes);
        }
        assert_eq!(std::fs::read(&elsewhere).expect("it is there"), b"ours");
        assert_eq!(std::fs::read_dir(dir.path()).expect("a directory").count(), 2);
    }
}
