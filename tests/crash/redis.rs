//! A real Redis of the test's own, with the lanes of one line in it: it is killed and started on
//! what it left, and stopped for a while as if its machine hung.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::process::{Guarded, need};
use crate::support::wait_until;

/// It reads a log of a few hundred entries before it answers.
const UP_WITHIN: Duration = Duration::from_secs(30);

pub struct Redis {
    folder: PathBuf,
    process: Guarded,
}

impl Redis {
    /// Keeps everything that it acknowledges, in `folder`.
    pub fn start(folder: &Path) -> Self {
        need("redis-server", "redis-server");
        let folder = folder.to_owned();
        let process = launch(&folder);
        Self { folder, process }
    }

    pub fn url(&self) -> String {
        format!("redis+unix://{}", socket(&self.folder).display())
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.signal(libc::SIGKILL);
        let _ = self.process.ended(UP_WITHIN);
    }

    /// On what the last one left.
    pub fn restart(&mut self) {
        self.process = launch(&self.folder);
    }

    pub fn stop(&self) {
        self.process.signal(libc::SIGSTOP);
    }

    pub fn go_on(&self) {
        self.process.signal(libc::SIGCONT);
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("redis.sock")
}

fn launch(folder: &Path) -> Guarded {
    let mut command = Command::new("redis-server");
    command.args(["--port", "0", "--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
    command.arg("--unixsocket").arg(socket(folder)).arg("--dir").arg(folder);
    command.stdout(Stdio::null());
    let mut process = Guarded::spawn(command);
    wait_until("redis-server to answer", UP_WITHIN, || {
        let ended = process.child().try_wait().expect("it was started");
        assert!(ended.is_none(), "redis-server ended: {ended:?}");
        answers(folder).then_some(())
    });
    process
}

/// Past loading what it kept, not only listening.
fn answers(folder: &Path) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = UnixStream::connect(socket(folder)) else { return false };
    let mut answer = [0; 5];
    stream.write_all(b"PING\r\n").is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && answer == *b"+PONG"
}
