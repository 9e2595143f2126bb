use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a model was not fetched. Every message says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The server does not have it, or does not give it.
    #[error("{url} answered {status}; {}", advice_on_status(*.status))]
    Status {
        /// What was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// No connection, or it broke and further tries did not help.
    #[error(
        "cannot get {url}: {reason}; check the network (and HTTPS_PROXY), then run the same \
         command again: it goes on from byte {kept}"
    )]
    Network {
        /// What was asked for.
        url: String,
        /// What went wrong last.
        reason: String,
        /// Bytes kept for the next try.
        kept: u64,
    },
    /// The server is there and sends nothing.
    #[error(
        "{url} sent nothing for {} s; run the same command again later: it goes on from byte \
         {kept}", waited.as_secs()
    )]
    Stalled {
        /// What was asked for.
        url: String,
        /// How long nothing came.
        waited: Duration,
        /// Bytes kept for the next try.
        kept: u64,
    },
    /// The server sent more or other than what is catalogued.
    #[error(
        "{url} gave another file than the one expected (SHA-256 {got}, not {expected}); it was \
         deleted. Try again; if that does not help, the file has been replaced: do not use it"
    )]
    Checksum {
        /// What was asked for.
        url: String,
        /// The pinned SHA-256.
        expected: String,
        /// What came.
        got: String,
    },
    /// A checksum that is none.
    #[error("`{0}` is no SHA-256: 64 hexadecimal digits are expected")]
    BadChecksum(String),
    /// No space for it.
    #[error(
        "no space left for {path}: the model needs {needed} bytes; free some, or choose another \
         folder with XENLINE_MODELS"
    )]
    DiskFull {
        /// The file being written.
        path: PathBuf,
        /// Bytes of the whole file.
        needed: u64,
    },
    /// Not ours to write.
    #[error("may not write {path}; choose a folder of your own with XENLINE_MODELS")]
    Permission {
        /// The file or folder.
        path: PathBuf,
    },
    /// Another process is fetching the same file.
    #[error("{path} is being written by another download; wait for it")]
    Busy {
        /// The unfinished file.
        path: PathBuf,
    },
    /// The file system failed otherwise.
    #[error("cannot write {path}: {source}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl FetchError {
    /// The error for a failed operation on `path`, of a file of `needed` bytes.
    pub(super) fn on_file(path: &Path, needed: u64, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                FetchError::DiskFull { path, needed }
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                FetchError::Permission { path }
            }
            _ => FetchError::File { path, source },
        }
    }
}

const fn advice_on_status(status: u16) -> &'static str {
    match status {
        401 | 403 => "it wants a login; use --url with a mirror that does not",
        404 | 410 => "the file has moved; use --url with where it is now, or report it to us",
        429 => "it wants fewer requests; wait some minutes and run the same command again",
        500.. => "the server has a problem; run the same command again later",
        _ => "use --url with another address of the same file",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_forbidden_folder_say_what_to_do() {
        let error = |code| {
            let source = io::Error::from_raw_os_error(code);
            FetchError::on_file(Path::new("/m/x.part"), 77, source).to_string()
        };
        assert!(error(28).contains("no space left") && error(28).contains("77 bytes")); // ENOSPC
        assert!(error(13).contains("XENLINE_MODELS")); // EACCES
        assert!(error(30).contains("XENLINE_MODELS")); // EROFS
        assert!(error(5).contains("cannot write /m/x.part")); // EIO
    }
}
