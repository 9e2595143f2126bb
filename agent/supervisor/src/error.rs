use std::io;
use std::path::PathBuf;

/// The supervisor could not start. Nothing was left behind.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No program is named.
    #[error("the brain's command is empty; name its program, e.g. [\"xenline-brain\"]")]
    NoCommand,
    /// The directory cannot be made or read.
    #[error("socket directory {}: {error}; choose one that this user may write", .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Others could enter the directory, and talk to the line as if they were its brain.
    #[error(
        "socket directory {} is open to others (mode {mode:04o}, owner {owner}); \
         run `chmod 700` on it as its owner, or choose another", .path.display()
    )]
    NotPrivate {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// Its owner's user id.
        owner: u32,
    },
    /// Another line listens there.
    #[error("{} is in use by another line; end that one, or choose another directory", .path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// The system has a limit of about 107 bytes for such paths.
    #[error("socket path {} is too long; choose a directory with a shorter path", .path.display())]
    PathTooLong {
        /// The socket.
        path: PathBuf,
    },
    /// The socket cannot be bound.
    #[error("cannot listen on {}: {error}", .path.display())]
    Bind {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// Why a message was not taken. Each refusal is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SendError {
    /// There is no brain now.
    #[error("no brain is connected")]
    NotConnected,
    /// The brain reads slower than the line writes.
    #[error("the queue to the brain is full")]
    Full,
    /// The message does not fit a line of the protocol.
    #[error("the message is longer than the protocol allows")]
    TooLong,
}
