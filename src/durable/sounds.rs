//! Ready audio of claims that wait, in files of its own.

use std::collections::BTreeSet;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::say::{OPERATOR, SAID, SPOOLED};

/// Longest sound that is read back: what a governor takes, at the highest rate.
const FILE_BYTES_MAX: u64 = 300 * 48_000 * 2;

/// The directory of those files. What is in it and has no name that we give is somebody else's, and
/// is left alone.
#[derive(Clone, Debug)]
pub struct Sounds {
    dir: PathBuf,
    /// Where an earlier version kept them; nothing is written or removed there.
    earlier: Option<PathBuf>,
}

impl Sounds {
    /// Files in `dir`, which is made, for nobody else to look into.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(dir: impl Into<PathBuf>) -> io::Result<Sounds> {
        let dir = dir.into();
        DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        Ok(Sounds { dir, earlier: None })
    }

    /// The same; what is not in them is looked for in `dir`.
    #[must_use]
    pub fn or_in(self, dir: impl Into<PathBuf>) -> Sounds {
        Sounds { earlier: Some(dir.into()), ..self }
    }

    /// Writes `samples` so that they are there after a crash; gives the file's name.
    pub(super) fn write(&self, claim: &str, samples: &[i16]) -> io::Result<String> {
        let name = file_name(claim);
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        super::write_whole(&self.dir.join(&name), &bytes)?;
        Ok(name)
    }

    /// The name of the file of this claim's sound, if it was written before.
    pub(super) fn written(&self, claim: &str, samples: &[i16]) -> Option<String> {
        let name = file_name(claim);
        let there = std::fs::metadata(self.dir.join(&name)).ok()?;
        (there.len() == size_of_val(samples) as u64).then_some(name)
    }

    /// What [`Sounds::write`] wrote under `name`.
    pub(super) fn read(&self, name: &str) -> io::Result<Arc<[i16]>> {
        let name = Path::new(name).file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let earlier = self.earlier.as_ref().map(|dir| dir.join(name)).filter(|it| it.is_file());
        let path = Some(self.dir.join(name)).filter(|it| it.exists()).or(earlier);
        let path = path.ok_or(io::ErrorKind::NotFound)?;
        if std::fs::metadata(&path)?.len() > FILE_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let bytes = std::fs::read(path)?;
        Ok(bytes.as_chunks::<2>().0.iter().map(|word| i16::from_le_bytes(*word)).collect())
    }

    /// Removes all files of ours but those of these claims.
    pub(super) fn keep_only<'a>(&self, claims: impl Iterator<Item = &'a str>) {
        let kept: BTreeSet<String> = claims.map(file_name).collect();
        let Ok(entries) = std::fs::read_dir(&self.dir) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if is_ours(&name) && !kept.contains(&*name) {
                // What cannot be removed is tried again with the next start.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

/// A claim's name with nothing in it that means something in a path. Names of the house have
/// nothing of the kind; a brain's claims have no sound.
fn file_name(claim: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    format!("{}.pcm", claim.chars().map(plain).collect::<String>())
}

/// Whether it is the name of a claim's sound, or of one that a crash kept from being written.
fn is_ours(name: &str) -> bool {
    let claim = name.strip_suffix(".part").unwrap_or(name).strip_suffix(".pcm");
    claim.is_some_and(|claim| [SAID, SPOOLED, OPERATOR].iter().any(|kind| claim.starts_with(kind)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_is_there_until_its_claim_is_not_kept_any_more() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let sounds = Sounds::open(dir.path().join("sounds")).expect("it is made");
        let name = sounds.write("say-1", &[1, -2, 3]).expect("it is written");
        sounds.write("say-2", &[4]).expect("it is written");
        sounds.keep_only(["say-1"].into_iter());
        assert_eq!(*sounds.read(&name).expect("it is there"), [1, -2, 3]);
        assert!(sounds.read("say-2.pcm").is_err());
    }

    #[test]
    fn what_is_somebody_elses_stays_and_what_a_crash_left_of_ours_does_not() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let sounds = Sounds::open(dir.path().join("sounds")).expect("it is made");
        let file = |name: &str| dir.path().join("sounds").join(name);
        let theirs = ["bell.wav", "bell.pcm", "say-hello.wav", "notes"];
        let ours = ["say-1.pcm", "spool-2.pcm", "op-3.pcm", "say-4.pcm.part"];
        for name in theirs.iter().chain(&ours) {
            std::fs::write(file(name), "ab").expect("it is written");
        }
        sounds.keep_only(std::iter::empty());
        assert!(theirs.iter().all(|name| file(name).exists()), "chimes of the house");
        assert!(!ours.iter().any(|name| file(name).exists()));
    }

    #[test]
    fn nobody_else_looks_into_the_folder() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a temporary directory");
        Sounds::open(dir.path().join("sounds")).expect("it is made");
        let mode = dir.path().join("sounds").metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn what_an_earlier_version_kept_is_found_and_left_where_it_is() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let before = Sounds::open(dir.path().join("sounds")).expect("it is made");
        let name = before.write("say-1", &[1, -2, 3]).expect("it is written");
        let sounds = Sounds::open(dir.path().join("new")).expect("it is made");
        let sounds = sounds.or_in(dir.path().join("sounds"));
        assert_eq!(*sounds.read(&name).expect("it is found"), [1, -2, 3]);
        assert_eq!(sounds.written("say-1", &[1, -2, 3]), None, "it is to be written here");
        sounds.keep_only(std::iter::empty());
        assert!(before.read(&name).is_ok());
    }

    #[test]
    fn a_name_leads_nowhere_else() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let sounds = Sounds::open(dir.path().join("sounds")).expect("it is made");
        std::fs::write(dir.path().join("secret"), b"ab").expect("it is written");
        assert!(sounds.read("../secret").is_err());
        assert_eq!(file_name("../a b"), "___a_b.pcm");
    }
}
