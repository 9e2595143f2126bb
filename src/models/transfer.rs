//! One HTTP request: from where a file stops to its end, or as far as the connection lasts.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::time::Duration;

use sha2::{Digest, Sha256};
use ureq::http::{Response, StatusCode, header};

use super::catalogue::RemoteFile;
use super::error::FetchError;
use super::progress::Progress;

/// An unfinished file, and the hash of what it holds.
pub(super) struct Part {
    pub file: File,
    pub length: u64,
    pub hash: Sha256,
}

/// Why a transfer stopped before the end.
pub(super) enum Interrupted {
    /// Another try may go on from here.
    Broken(FetchError),
    /// It would not help.
    Final(FetchError),
}

pub(super) struct Agent {
    inner: ureq::Agent,
    silence: Duration,
}

impl Agent {
    pub(super) fn new(silence: Duration) -> Self {
        let inner = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(silence))
            .timeout_recv_response(Some(silence))
            .timeout_per_read(Some(silence))
            .user_agent(concat!("xenline/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Self { inner, silence }
    }

    /// Appends to `part` what it lacks of `file`.
    pub(super) fn transfer(
        &self,
        file: &RemoteFile,
        part: &mut Part,
        progress: &mut dyn Progress,
    ) -> Result<(), Interrupted> {
        let broken = |e: ureq::Error, kept| Interrupted::Broken(self.broken(file, kept, &e));
        // A compressed body has no byte positions that a later request could go on from.
        let mut request = self.inner.get(&file.url).header(header::ACCEPT_ENCODING, "identity");
        if part.length > 0 {
            request = request.header(header::RANGE, format!("bytes={}-", part.length));
        }
        let response = request.call().map_err(|e| broken(e, part.length))?;
        self.position(file, part, &response, progress)?;
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 1 << 16];
        while part.length < file.bytes {
            let want = usize::try_from(file.bytes - part.length).unwrap_or(usize::MAX);
            let want = want.min(buffer.len());
            let count = match body.read(&mut buffer[..want]) {
                Ok(0) => {
                    let reason = "the connection ended early".to_owned();
                    return Err(Interrupted::Broken(network(file, part.length, reason)));
                }
                Ok(count) => count,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(broken(e.into(), part.length)),
            };
            let written = part.file.write_all(&buffer[..count]);
            written.map_err(|e| Interrupted::Final(on_file(file, e)))?;
            part.hash.update(&buffer[..count]);
            part.length += count as u64;
            progress.at(part.length);
        }
        Ok(())
    }

    /// Puts `part` where the response begins: at its end if the server resumes, otherwise at
    /// zero.
    fn position<B>(
        &self,
        file: &RemoteFile,
        part: &mut Part,
        response: &Response<B>,
        progress: &mut dyn Progress,
    ) -> Result<(), Interrupted> {
        match response.status() {
            StatusCode::PARTIAL_CONTENT if starts_at(response) == Some(part.length) => {
                let sought = part.file.seek(SeekFrom::Start(part.length));
                return sought.map(|_| ()).map_err(|e| Interrupted::Final(on_file(file, e)));
            }
            StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {}
            status => {
                let error = FetchError::Status { url: file.url.clone(), status: status.as_u16() };
                let passing = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
                return Err(if passing {
                    Interrupted::Broken(error)
                } else {
                    Interrupted::Final(error)
                });
            }
        }
        if part.length > 0 {
            progress.note("the server cannot resume; starting over");
        }
        restart(part).map_err(|e| Interrupted::Final(on_file(file, e)))?;
        progress.at(0);
        if response.status() == StatusCode::OK {
            return Ok(());
        }
        // A range that we did not ask for: ask again, for everything.
        Err(Interrupted::Broken(network(file, 0, "the server sent another part".to_owned())))
    }

    fn broken(&self, file: &RemoteFile, kept: u64, error: &ureq::Error) -> FetchError {
        let timed_out = match error {
            ureq::Error::Timeout(_) => true,
            ureq::Error::Io(e) => e.kind() == std::io::ErrorKind::TimedOut,
            _ => false,
        };
        if timed_out {
            return FetchError::Stalled { url: file.url.clone(), waited: self.silence, kept };
        }
        network(file, kept, error.to_string())
    }
}

fn restart(part: &mut Part) -> std::io::Result<()> {
    part.file.set_len(0)?;
    part.file.seek(SeekFrom::Start(0))?;
    part.length = 0;
    part.hash = Sha256::new();
    Ok(())
}

/// The first byte of a partial response, from `Content-Range: bytes 100-199/200`.
fn starts_at<B>(response: &Response<B>) -> Option<u64> {
    let range = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split_once('-')?.0.trim().parse().ok()
}

fn network(file: &RemoteFile, kept: u64, reason: String) -> FetchError {
    FetchError::Network { url: file.url.clone(), reason, kept }
}

fn on_file(file: &RemoteFile, error: std::io::Error) -> FetchError {
    FetchError::on_file(file.name.as_ref(), file.bytes, error)
}
