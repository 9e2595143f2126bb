//! The demo's command: a backup that is real, slow enough to talk over, and harmless.
//!
//! Packs a small directory of its own with `tar`, unpacks the archive beside it, compares, and
//! prints what it did as `key=value`. The archive stays; the directories do not.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Runs the backup.
///
/// # Errors
/// The file system's, or tar's.
pub fn run() -> io::Result<()> {
    let work = std::env::temp_dir().join(format!("xenline-demo-backup-{}", std::process::id()));
    let done = pack_and_compare(&work);
    let removed = fs::remove_dir_all(&work);
    done.and(removed)
}

fn pack_and_compare(work: &Path) -> io::Result<()> {
    let (source, copy) = (work.join("source"), work.join("copy"));
    fs::create_dir_all(&source)?;
    fs::create_dir_all(&copy)?;
    for (name, text) in FILES {
        fs::write(source.join(name), text.repeat(REPEATS))?;
    }
    std::thread::sleep(PAUSE);
    let packed = work.join("backup.tar");
    tar(&["-cf"], &packed, &source)?;
    std::thread::sleep(PAUSE);
    tar(&["-xf"], &packed, &copy)?;
    std::thread::sleep(PAUSE);
    for (name, _) in FILES {
        if fs::read(source.join(name))? != fs::read(copy.join(name))? {
            return Err(io::Error::other(format!("{name} differs")));
        }
    }
    println!("files={}\narchive_bytes={}", FILES.len(), fs::metadata(&packed)?.len());
    std::thread::sleep(PAUSE);
    fs::rename(packed, std::env::temp_dir().join("xenline-demo-backup.tar"))
}

fn tar(mode: &[&str], archive: &Path, directory: &Path) -> io::Result<()> {
    let mut command = Command::new("tar");
    command.args(mode).arg(archive).arg("-C").arg(directory);
    if mode == ["-cf"] {
        command.arg(".");
    }
    match command.status()? {
        status if status.success() => Ok(()),
        status => Err(io::Error::other(format!("tar ended with {status}"))),
    }
}

const FILES: [(&str, &str); 3] = [
    ("contacts.txt", "John, one two three\nMary, four five six\n"),
    ("notes.txt", "Call Peter. Water the plants.\n"),
    ("calls.txt", "Monday, two calls. Tuesday, none.\n"),
];

const REPEATS: usize = 100;

/// A caller is to have time to ask about it.
const PAUSE: Duration = Duration::from_secs(1);
