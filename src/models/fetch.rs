//! Brings a model's files into a folder.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::catalogue::{Model, RemoteFile};
use super::error::FetchError;
use super::progress::Progress;
use super::transfer::{Agent, Interrupted, Part};

/// How to fetch.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// Fetch the model's first file from here, its companion from the same address with its
    /// suffix.
    pub url: Option<String>,
    /// Expect this SHA-256 of the first file, instead of the pinned one.
    pub sha256: Option<String>,
    /// A connection that is silent for this long is given up.
    pub silence: Duration,
    /// How often a broken connection is taken up again before giving up, without a byte in
    /// between.
    pub retries: u32,
    /// Pause before a retry; doubles with each.
    pub retry_pause: Duration,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            url: None,
            sha256: None,
            silence: Duration::from_secs(30),
            retries: 4,
            retry_pause: Duration::from_secs(1),
        }
    }
}

/// Fetches what `dir` lacks of `model`; the path of its first file. A file gets its name only
/// when it is whole and its SHA-256 is right; until then it is `NAME.part`, and a later call goes
/// on where this one stopped.
///
/// # Errors
/// See [`FetchError`].
pub fn fetch(
    model: &Model,
    dir: &Path,
    options: &FetchOptions,
    progress: &mut dyn Progress,
) -> Result<PathBuf, FetchError> {
    let model = with_overrides(model.clone(), options)?;
    fs::create_dir_all(dir).map_err(|e| FetchError::on_file(dir, model.bytes(), e))?;
    let agent = Agent::new(options.silence);
    for file in &model.files {
        let path = dir.join(&file.name);
        if !is_whole(&path, file) {
            Download { file, dir, agent: &agent, options }.run(progress)?;
        }
    }
    Ok(model.files.first().map(|f| dir.join(&f.name)).unwrap_or_default())
}

/// Where an unfinished download of `file` is.
pub(super) fn part_path(dir: &Path, file: &RemoteFile) -> PathBuf {
    dir.join(format!("{}.part", file.name))
}

fn with_overrides(mut model: Model, options: &FetchOptions) -> Result<Model, FetchError> {
    let stem = model.files.first().map(|f| f.name.clone()).unwrap_or_default();
    if let Some(url) = &options.url {
        for file in &mut model.files {
            let suffix = file.name.strip_prefix(&stem).unwrap_or_default();
            file.url = format!("{url}{suffix}");
        }
    }
    if let (Some(sha256), Some(file)) = (&options.sha256, model.files.first_mut()) {
        if sha256.len() != 64 || !sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(FetchError::BadChecksum(sha256.clone()));
        }
        file.sha256 = sha256.to_ascii_lowercase();
    }
    Ok(model)
}

fn is_whole(path: &Path, file: &RemoteFile) -> bool {
    let read = File::open(path).and_then(|f| digest(f, &mut |_| {}));
    read.is_ok_and(|(hash, _)| hash == file.sha256)
}

struct Download<'a> {
    file: &'a RemoteFile,
    dir: &'a Path,
    agent: &'a Agent,
    options: &'a FetchOptions,
}

impl Download<'_> {
    fn run(&self, progress: &mut dyn Progress) -> Result<(), FetchError> {
        let path = part_path(self.dir, self.file);
        let on_file = |e: io::Error| FetchError::on_file(&path, self.file.bytes, e);
        let mut options = File::options();
        let part = options.create(true).truncate(false).read(true).write(true).open(&path);
        let part = part.map_err(on_file)?;
        part.try_lock().map_err(|e| match e {
            TryLockError::WouldBlock => FetchError::Busy { path: path.clone() },
            TryLockError::Error(e) => on_file(e),
        })?;
        let mut part = self.resumed(part).map_err(on_file)?;
        progress.start(&self.file.name, self.file.bytes, part.length);
        self.complete(&mut part, progress)?;
        progress.finish();
        let got = hex(&part.hash.finalize_reset());
        if got != self.file.sha256 {
            let _ = fs::remove_file(&path); // what matters is the error below
            let (url, expected) = (self.file.url.clone(), self.file.sha256.clone());
            return Err(FetchError::Checksum { url, expected, got });
        }
        part.file.sync_all().map_err(on_file)?;
        fs::rename(&path, self.dir.join(&self.file.name)).map_err(on_file)?;
        // The rename is durable once the folder is.
        File::open(self.dir).and_then(|dir| dir.sync_all()).map_err(on_file)
    }

    /// `file` with what it holds already hashed. One that is longer than the whole is started
    /// over.
    fn resumed(&self, mut file: File) -> io::Result<Part> {
        if file.metadata()?.len() > self.file.bytes {
            file.set_len(0)?;
        }
        file.seek(SeekFrom::Start(0))?;
        let mut hash = Sha256::new();
        let length = io::copy(&mut file, &mut Hashing(&mut hash))?;
        Ok(Part { file, length, hash })
    }

    /// Takes the transfer up again for as long as it makes headway.
    fn complete(&self, part: &mut Part, progress: &mut dyn Progress) -> Result<(), FetchError> {
        let (mut failures, mut pause) = (0, self.options.retry_pause);
        while part.length < self.file.bytes {
            let before = part.length;
            match self.agent.transfer(self.file, part, progress) {
                Ok(()) => {}
                Err(Interrupted::Final(error)) => return Err(error),
                Err(Interrupted::Broken(error)) => {
                    failures = if part.length > before { 1 } else { failures + 1 };
                    if failures > self.options.retries {
                        return Err(error);
                    }
                    progress.note(&format!("{error}"));
                    progress.note(&format!("trying again in {} s", pause.as_secs_f32()));
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(RETRY_PAUSE_MAX);
                }
            }
        }
        Ok(())
    }
}

struct Hashing<'h>(&'h mut Sha256);

impl io::Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// SHA-256 and length of what `input` holds; `at` is told how far it is.
pub(super) fn digest(mut input: impl Read, at: &mut dyn FnMut(u64)) -> io::Result<(String, u64)> {
    let (mut hash, mut length) = (Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = match input.read(&mut buffer) {
            Ok(0) => return Ok((hex(&hash.finalize()), length)),
            Ok(count) => count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        hash.update(&buffer[..count]);
        length += count as u64;
        at(length);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

const RETRY_PAUSE_MAX: Duration = Duration::from_secs(30);
