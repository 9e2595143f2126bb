//! A real Redis of the test's own: on a Unix socket, in a folder of its own, killed at the end.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lane_broker::{Limits, RedisStore, WallClock};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub struct RedisServer {
    folder: TempDir,
    process: Child,
}

impl RedisServer {
    /// Keeps everything that it acknowledges.
    pub fn start() -> Self {
        let folder = folder();
        let process = launch(&folder);
        Self { folder, process }
    }

    pub fn store(&self, prefix: &str) -> RedisStore {
        self.store_with(prefix, Limits::default(), WallClock::system())
    }

    pub fn store_with(&self, prefix: &str, limits: Limits, clock: WallClock) -> RedisStore {
        let address = format!("redis+unix://{}", socket(&self.folder).display());
        RedisStore::with_clock(&address, prefix, limits, clock).expect("a good address")
    }

    pub fn kill(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it was started");
    }

    /// On what the last one left.
    pub fn restart(&mut self) {
        self.process = launch(&self.folder);
    }

    pub fn stop(&self) {
        self.signal(Signal::STOP);
    }

    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let process = Pid::from_child(&self.process);
        kill_process(process, signal).expect("it runs");
    }

    /// Has Redis itself do something.
    pub fn command(&self, words: &[&str]) {
        let client =
            ::redis::Client::open(format!("redis+unix://{}", socket(&self.folder).display()));
        let mut connection = client.expect("a good address").get_connection().expect("it answers");
        let mut command = ::redis::cmd(words[0]);
        words[1..].iter().for_each(|word| {
            command.arg(*word);
        });
        command.exec(&mut connection).expect("it does");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // One that the test killed is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// In memory where there is such a place. Each answer waits until it is on the disk, which is not the
/// matter here: a disk that is slow once would be taken for a Redis that hangs.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a temporary folder")
}

fn socket(folder: &TempDir) -> PathBuf {
    folder.path().join("redis.sock")
}

fn launch(folder: &TempDir) -> Child {
    let mut process = Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--appendonly", "yes", "--appendfsync", "always"])
        .arg("--unixsocket")
        .arg(socket(folder))
        .arg("--dir")
        .arg(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is installed (scripts/setup.sh test does it)");
    let began = Instant::now();
    while !answers(folder) {
        let ended = process.try_wait().expect("it was started");
        assert!(ended.is_none(), "redis-server ended: {ended:?}");
        assert!(began.elapsed() < Duration::from_secs(30), "redis-server does not come up");
        std::thread::sleep(Duration::from_millis(10));
    }
    process
}

/// Past loading what it kept, not only listening.
fn answers(folder: &TempDir) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = UnixStream::connect(socket(folder)) else { return false };
    let mut answer = [0; 5];
    stream.write_all(b"PING\r\n").is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && answer == *b"+PONG"
}
