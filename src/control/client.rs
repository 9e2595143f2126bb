//! The asking side.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::{Reply, Request};
use crate::exit::Failure;

/// Sends `request` to the line behind `socket` and gives every reply to `take`, until the line
/// closes the connection. Blocking.
///
/// # Errors
/// [`Failure::NoLine`] when nobody listens there, [`Failure::Failed`] when the answer is broken.
pub fn ask(socket: &Path, request: &Request, mut take: impl FnMut(Reply)) -> Result<(), Failure> {
    let absent = |error: std::io::Error| {
        Failure::NoLine(format!(
            "no line answers at {}: {error}. Is `xenline serve` running, as this user, with the same configuration?",
            socket.display()
        ))
    };
    let mut stream = UnixStream::connect(socket).map_err(absent)?;
    let mut line = serde_json::to_string(request).map_err(Failure::because)?;
    line.push('\n');
    let written = stream.write_all(line.as_bytes());
    // One that refused us already has closed its side too; what it said is there to be read.
    let _ = stream.shutdown(Shutdown::Write);
    let mut told = false;
    for reply in BufReader::new(stream).lines() {
        let reply = match reply {
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            reply => reply.map_err(Failure::because)?,
        };
        take(serde_json::from_str(&reply).map_err(Failure::because)?);
        told = true;
    }
    if told { Ok(()) } else { written.map_err(absent) }
}
