//! Ready sound that a program names by its path.

use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use lane_broker::intake::Who;

use crate::clip::{Clip, ClipError};

/// Five minutes of two channels at 48 kHz, and the head; the governor takes five minutes.
const FILE_BYTES_MAX: u64 = 300 * 48_000 * 4 + 4_096;
/// Everybody may read it.
const FOR_ALL: u32 = 0o004;

/// Why a sound is not played.
#[derive(Debug, thiserror::Error)]
pub enum SoundError {
    /// It cannot be opened.
    #[error("cannot play {}: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A directory, a pipe, a device.
    #[error("cannot play {}: not a regular file", path.display())]
    NotAFile {
        /// What it is called.
        path: PathBuf,
    },
    /// Longer than is played.
    #[error("cannot play {}: {bytes} bytes are more than {FILE_BYTES_MAX}; play it in parts", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// The line could read it, its author could not.
    #[error("cannot play {}: user {uid} neither owns it nor may everybody read it", path.display())]
    NotTheirs {
        /// Which file.
        path: PathBuf,
        /// On whose behalf.
        uid: u32,
    },
    /// Not sound that a line can play.
    #[error(transparent)]
    Clip(#[from] ClipError),
}

/// Reads the WAV file at `path` on behalf of `who`, who gets nothing played that they could not
/// read themselves. Blocking.
///
/// # Errors
/// [`SoundError`].
pub fn read_sound(path: &Path, who: Who) -> Result<Clip, SoundError> {
    let unreadable = |source| SoundError::Unreadable { path: path.to_path_buf(), source };
    // Opening a pipe without a writer would wait for one.
    let mut options = std::fs::OpenOptions::new();
    let file = options.read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(unreadable)?;
    let meta = file.metadata().map_err(unreadable)?;
    if !meta.is_file() {
        return Err(SoundError::NotAFile { path: path.to_path_buf() });
    }
    if meta.len() > FILE_BYTES_MAX {
        return Err(SoundError::TooLarge { path: path.to_path_buf(), bytes: meta.len() });
    }
    match who {
        Who::Guest(uid) if meta.uid() != uid && meta.mode() & FOR_ALL == 0 => {
            Err(SoundError::NotTheirs { path: path.to_path_buf(), uid })
        }
        // What was judged is what is read: the same open file.
        _ => Ok(Clip::from_reader(std::io::BufReader::new(file), path)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use media_core::SampleRate;
    use std::os::unix::fs::PermissionsExt;

    fn wav(dir: &Path, mode: u32) -> PathBuf {
        let path = dir.join("chime.wav");
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&path, spec).expect("a WAV file");
        [1, 2, 3].iter().for_each(|s: &i16| writer.write_sample(*s).expect("it is written"));
        writer.finalize().expect("it is closed");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("ours");
        path
    }

    #[test]
    fn nobody_hears_through_the_line_what_they_could_not_read() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let stranger = Who::Guest(4_000_000);
        let private = wav(dir.path(), 0o600);
        assert_eq!(read_sound(&private, Who::Owner).expect("ours").samples, [1, 2, 3]);
        assert!(matches!(read_sound(&private, stranger), Err(SoundError::NotTheirs { .. })));
        let public = wav(dir.path(), 0o644);
        assert!(read_sound(&public, stranger).is_ok());
    }

    #[test]
    fn more_samples_than_any_line_can_play_are_not_kept() {
        let clip = Clip { samples: vec![0; 48_000], rate: SampleRate::Hz48000 };
        let kept = clip.at_most(SampleRate::Hz16000);
        assert_eq!((kept.samples.len(), kept.rate), (16_000, SampleRate::Hz16000));
        let kept = kept.at_most(SampleRate::Hz48000);
        assert_eq!(kept.rate, SampleRate::Hz16000, "nothing is made up");
    }

    #[test]
    fn what_is_no_file_of_sound_is_refused_and_waits_for_nobody() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let pipe = dir.path().join("pipe");
        let name = std::ffi::CString::new(pipe.to_str().expect("a plain name")).expect("no zero");
        // SAFETY: `name` is a C string.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        assert!(matches!(read_sound(&pipe, Who::Owner), Err(SoundError::NotAFile { .. })));
        let missing = dir.path().join("missing.wav");
        assert!(matches!(read_sound(&missing, Who::Owner), Err(SoundError::Unreadable { .. })));
        let text = dir.path().join("text.wav");
        std::fs::write(&text, "hello").expect("it is written");
        assert!(matches!(read_sound(&text, Who::Owner), Err(SoundError::Clip(_))));
    }
}
