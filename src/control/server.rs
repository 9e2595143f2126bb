//! The answering side.

use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

use super::{REQUEST_BYTES_MAX, Reply, Request};

/// Clients served at the same time; more wait in the kernel's backlog.
const CLIENTS_MAX: usize = 32;
/// A client that sends nothing for so long is let go.
const REQUEST_WITHIN: Duration = Duration::from_secs(10);
/// Pause after a connection that could not be taken.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// Replies that wait for a slow client; a `say` on every line has two for each.
const REPLIES_MAX: usize = 256;

/// A request and the way back. Dropping `replies` ends the conversation.
pub struct Asked {
    /// What is asked.
    pub request: Request,
    /// Where the replies go.
    pub replies: mpsc::Sender<Reply>,
}

/// Listens at `path`, which only this user may open, and hands every request to `asked`.
///
/// # Errors
/// When the socket cannot be made; a stale one left by a killed process is replaced.
pub fn listen(path: &Path, asked: mpsc::Sender<Asked>) -> io::Result<Listening> {
    if let Some(dir) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(io::Error::new(io::ErrorKind::AddrInUse, "another line already listens there"));
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    let task = tokio::spawn(accept(listener, asked));
    Ok(Listening { path: path.to_path_buf(), task })
}

/// The listening socket. Dropping it closes and removes it.
pub struct Listening {
    path: PathBuf,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
        // Gone already is as good as removed.
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn accept(listener: UnixListener, asked: mpsc::Sender<Asked>) {
    let places = std::sync::Arc::new(tokio::sync::Semaphore::new(CLIENTS_MAX));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // No file descriptor is free: that passes when a call ends.
            tokio::time::sleep(ACCEPT_AGAIN).await;
            continue;
        };
        let asked = asked.clone();
        tokio::spawn(async move {
            if let Err(error) = converse(stream, asked).await {
                tracing::debug!(%error, "a client of the line's socket went away");
            }
            drop(place);
        });
    }
}

async fn converse(stream: UnixStream, asked: mpsc::Sender<Asked>) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = Vec::new();
    let mut limited = BufReader::new(read).take(REQUEST_BYTES_MAX as u64 + 1);
    let read = limited.read_until(b'\n', &mut line);
    let Ok(read) = tokio::time::timeout(REQUEST_WITHIN, read).await else { return Ok(()) };
    read?;
    match parse(&line) {
        Ok(request) => {
            let (replies, mut inbox) = mpsc::channel(REPLIES_MAX);
            if asked.send(Asked { request, replies }).await.is_err() {
                return Ok(());
            }
            while let Some(reply) = inbox.recv().await {
                send(&mut write, &reply).await?;
            }
            Ok(())
        }
        Err(message) => send(&mut write, &Reply::Refused { message }).await,
    }
}

async fn send(write: &mut tokio::net::unix::OwnedWriteHalf, reply: &Reply) -> io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    write.write_all(&line).await
}

fn parse(line: &[u8]) -> Result<Request, String> {
    if line.len() > REQUEST_BYTES_MAX {
        return Err(format!(
            "the request is longer than {REQUEST_BYTES_MAX} bytes; send it in parts"
        ));
    }
    serde_json::from_slice(line).map_err(|error| {
        format!("not a request: {error}. Send one JSON object in a line, e.g. {{\"ask\":\"say\",\"text\":\"hello\"}}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_request_says_what_a_good_one_looks_like() {
        for bad in ["", "hello", "{}", "{\"ask\":\"fly\"}"] {
            let message = parse(bad.as_bytes()).expect_err("not a request");
            assert!(message.contains("\"ask\":\"say\""), "{message}");
        }
        assert!(parse(&vec![b' '; REQUEST_BYTES_MAX + 1]).is_err());
    }

    #[test]
    fn the_example_in_the_message_is_a_request() {
        let say = SayRequest { text: "hello".into(), ..SayRequest::default() };
        assert_eq!(parse(b"{\"ask\":\"say\",\"text\":\"hello\"}\n"), Ok(Request::Say(say)));
    }

    use crate::control::SayRequest;
}
