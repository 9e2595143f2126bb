use std::sync::Arc;
use std::sync::atomic::Ordering;

use brain_protocol::{BrainMessage, LineSplitter, decode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::handle::Shared;

/// The one connection to the brain: a task that reads and a task that writes.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) inbound: mpsc::Receiver<Inbound>,
    pub(crate) outbound: mpsc::Sender<Vec<u8>>,
    reader: JoinHandle<()>,
}

/// What the reader found.
#[derive(Debug)]
pub(crate) enum Inbound {
    Message(BrainMessage),
    /// Not a message: the connection is of no further use.
    Broken(String),
}

impl Connection {
    pub(crate) fn new(stream: UnixStream, outbound_max: usize, shared: Arc<Shared>) -> Self {
        let (read, write) = stream.into_split();
        let (inbound_in, inbound) = mpsc::channel(READ_AHEAD);
        let (outbound, outbound_out) = mpsc::channel(outbound_max);
        let reader = tokio::spawn(read_all(read, inbound_in, shared));
        // Ends when the last sender is gone, after what was queued is written.
        tokio::spawn(write_all(write, outbound_out));
        Self { inbound, outbound, reader }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read_all(mut source: OwnedReadHalf, found: mpsc::Sender<Inbound>, shared: Arc<Shared>) {
    let mut splitter = LineSplitter::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let room = splitter.room().min(chunk.len());
        let length = match source.read(&mut chunk[..room]).await {
            Ok(0) | Err(_) => return,
            Ok(length) => length,
        };
        splitter.push(&chunk[..length]);
        loop {
            let next = match splitter.next_line() {
                Ok(Some(line)) => read_line(line, &shared),
                Ok(None) => break,
                Err(overlong) => Some(Inbound::Broken(format!("sent {overlong}"))),
            };
            let Some(next) = next else { continue };
            let ends = matches!(next, Inbound::Broken(_));
            if found.send(next).await.is_err() || ends {
                return;
            }
        }
    }
}

fn read_line(line: &[u8], shared: &Shared) -> Option<Inbound> {
    match decode(line) {
        Ok(message) => Some(Inbound::Message(message)),
        Err(error) if error.may_be_skipped() => {
            shared.counters.inbound_skipped.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(target: "brain", %error, "skipped a message");
            None
        }
        Err(error) => Some(Inbound::Broken(format!(
            "sent a line that is no message: {error}; its protocol goes over the socket, \
             and what it prints goes to stderr"
        ))),
    }
}

async fn write_all(mut sink: OwnedWriteHalf, mut lines: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        // A lost peer is noticed by the reader.
        if sink.write_all(&line).await.is_err() {
            return;
        }
    }
}

/// Messages between the reader and the supervisor's task. Beyond it the brain's own socket
/// buffer fills and the brain waits.
const READ_AHEAD: usize = 64;

const CHUNK_BYTES: usize = 16 * 1024;
