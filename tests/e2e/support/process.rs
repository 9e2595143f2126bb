//! Children: bounded in time, ended by their own pid, seen through `/proc`.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The program under test, deaf to whatever configuration the tests' own environment holds.
pub fn xenline() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xenline"));
    for (variable, _) in std::env::vars() {
        if variable.starts_with("XENLINE_") {
            command.env_remove(variable);
        }
    }
    command.env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// The brain beside the program; the tests need it built.
pub fn brain() -> PathBuf {
    let beside = PathBuf::from(env!("CARGO_BIN_EXE_xenline")).with_file_name("xenline-brain");
    assert!(
        beside.is_file(),
        "{} is missing: build the whole workspace (`cargo test --workspace`), or `cargo build -p xenline-brain`",
        beside.display()
    );
    beside
}

/// Fails with what to install where `program` is not there.
pub fn need(program: &str, package: &str) {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|dir| dir.join(program).is_file());
    assert!(found, "{program} is missing: install the package {package} (scripts/setup.sh test)");
}

/// A child that does not outlive its test.
pub struct Guarded {
    child: Child,
}

impl Guarded {
    pub fn spawn(mut command: Command) -> Self {
        let child = command.spawn();
        Self { child: child.unwrap_or_else(|error| panic!("{command:?} does not start: {error}")) }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    pub fn signal(&self, signal: i32) {
        kill(self.pid(), signal);
    }

    /// Its exit code; `None` when it was killed by a signal. Panics when it does not end.
    pub fn ended(&mut self, within: Duration) -> Option<i32> {
        let latest = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return status.code();
            }
            assert!(Instant::now() < latest, "a child did not end within {within:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // Ended already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn kill(pid: u32, signal: i32) {
    let pid = i32::try_from(pid).expect("a pid");
    // SAFETY: sends a signal to one process that this test started.
    unsafe { libc::kill(pid, signal) };
}

/// What a finished command left.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Fails where the program spoke of itself instead of to its user.
    pub fn without_panic(self) -> Self {
        for text in [&self.out, &self.err] {
            assert!(!text.contains("panicked") && !text.contains("RUST_BACKTRACE"), "{self:?}");
        }
        self
    }
}

/// Runs `command` to its end; panics when it hangs.
pub fn run(mut command: Command, within: Duration) -> Ran {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Guarded::spawn(command);
    let out = collect(child.child().stdout.take());
    let err = collect(child.child().stderr.take());
    let code = child.ended(within);
    let text = |thread: JoinHandle<String>| thread.join().expect("a reading thread");
    Ran { code, out: text(out), err: text(err) }.without_panic()
}

fn collect(from: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut from) = from {
            // A pipe that breaks has given what it had.
            let _ = from.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Gathers what a running child writes, for messages and assertions.
pub fn gather(from: Option<impl Read + Send + 'static>) -> Arc<Mutex<String>> {
    let text = Arc::new(Mutex::new(String::new()));
    let ours = text.clone();
    std::thread::spawn(move || {
        let Some(mut from) = from else { return };
        let mut part = [0; 4_096];
        while let Ok(read @ 1..) = from.read(&mut part) {
            ours.lock().expect("no panic").push_str(&String::from_utf8_lossy(&part[..read]));
        }
    });
    text
}

/// What a process holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held {
    pub files: usize,
    pub threads: usize,
}

pub fn held(pid: u32) -> Held {
    let count = |what: &str| {
        std::fs::read_dir(format!("/proc/{pid}/{what}")).map_or(0, |entries| entries.count())
    };
    Held { files: count("fd"), threads: count("task") }
}

/// A process's open files by what they are; sockets and pipes without their numbers.
pub fn files(pid: u32) -> BTreeMap<String, usize> {
    let name = |link: PathBuf| {
        let text = link.display().to_string();
        text.split_once(":[").map_or(text.clone(), |(kind, _)| kind.to_owned())
    };
    counted(&format!("/proc/{pid}/fd"), |entry| std::fs::read_link(entry).ok().map(name))
}

/// A process's threads by name, without those of pools that grow with the work, to a bound of their
/// own: the asynchronous runtime's, and the voice's inference library's.
pub fn threads(pid: u32) -> BTreeMap<String, usize> {
    counted(&format!("/proc/{pid}/task"), |entry| {
        let name = std::fs::read_to_string(entry.join("comm")).ok()?;
        let name = name.trim_end();
        let pooled = ["tokio-", "rten-"].iter().any(|pool| name.starts_with(pool));
        (!pooled).then(|| name.to_owned())
    })
}

fn counted(dir: &str, name: impl Fn(PathBuf) -> Option<String>) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    // A process that has ended holds nothing.
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    for name in entries.filter_map(|entry| name(entry.path())) {
        *count.entry(name).or_default() += 1;
    }
    count
}

/// Resident memory in KB.
pub fn resident_kb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).unwrap_or(0)
}

/// UDP ports of this machine that are bound within a range.
pub fn udp_ports(range: std::ops::RangeInclusive<u16>) -> usize {
    udp_sockets(range).len()
}

/// Those of them that a process has open. Other programs use the same range.
pub fn udp_ports_of(pid: u32, range: std::ops::RangeInclusive<u16>) -> usize {
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let links = open.filter_map(|entry| std::fs::read_link(entry.path()).ok());
    let names: Vec<String> = links.map(|link| link.display().to_string()).collect();
    let is_open = |inode: &String| names.contains(&format!("socket:[{inode}]"));
    udp_sockets(range).iter().filter(|inode| is_open(inode)).count()
}

/// The inodes of UDP sockets that are bound within a range.
fn udp_sockets(range: std::ops::RangeInclusive<u16>) -> Vec<String> {
    let table = std::fs::read_to_string("/proc/net/udp").unwrap_or_default();
    let inode = |line: &str| {
        let mut columns = line.split_whitespace();
        let port = u16::from_str_radix(columns.nth(1)?.split_once(':')?.1, 16).ok()?;
        range.contains(&port).then(|| columns.nth(7).map(str::to_owned))?
    };
    table.lines().skip(1).filter_map(inode).collect()
}

/// Children of `parent` with this name.
pub fn children(parent: u32, name: &str) -> Vec<u32> {
    let of_parent = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (before, after) = stat.rsplit_once(')')?;
        let (_, comm) = before.split_once('(')?;
        let ppid: u32 = after.split_whitespace().nth(1)?.parse().ok()?;
        (ppid == parent && comm == name).then_some(pid)
    };
    let processes = std::fs::read_dir("/proc").expect("/proc is there").flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(of_parent).collect()
}
