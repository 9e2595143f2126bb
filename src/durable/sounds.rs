//! Ready audio of claims that wait, in files of its own.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Longest sound that is read back: what a governor takes, at the highest rate.
const FILE_BYTES_MAX: u64 = 300 * 48_000 * 2;

/// The directory of those files.
#[derive(Clone, Debug)]
pub struct Sounds {
    dir: PathBuf,
}

impl Sounds {
    /// Files in `dir`, which is made.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(dir: impl Into<PathBuf>) -> io::Result<Sounds> {
        let dir = dir.into();
        std::fs::create_dir_all(&dir)?;
        Ok(Sounds { dir })
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
        let path = self.dir.join(Path::new(name).file_name().ok_or(io::ErrorKind::InvalidInput)?);
        if std::fs::metadata(&path)?.len() > FILE_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let bytes = std::fs::read(path)?;
        Ok(bytes.as_chunks::<2>().0.iter().map(|word| i16::from_le_bytes(*word)).collect())
    }

    /// Removes all files but those of these claims.
    pub(super) fn keep_only<'a>(&self, claims: impl Iterator<Item = &'a str>) {
        let kept: BTreeSet<String> = claims.map(file_name).collect();
        let Ok(entries) = std::fs::read_dir(&self.dir) else { return };
        for entry in entries.flatten() {
            if !kept.contains(&*entry.file_name().to_string_lossy()) {
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
    fn a_name_leads_nowhere_else() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let sounds = Sounds::open(dir.path().join("sounds")).expect("it is made");
        std::fs::write(dir.path().join("secret"), b"ab").expect("it is written");
        assert!(sounds.read("../secret").is_err());
        assert_eq!(file_name("../a b"), "___a_b.pcm");
    }
}
