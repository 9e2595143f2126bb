//! `xenline serve` in a process of its own, and everything it tells.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use media_core::LineId;
use tempfile::TempDir;
use xenline::config::{Config, LineMode};
use xenline::control::{Reply, Request, client};
use xenline::demo::loopback_config;
use xenline::line::read_printed;
use xenline::report::CallEvent;

use super::process::{Guarded, files, gather, threads, udp_ports_of, xenline};
use super::wait_until;

/// Models are loaded and the brain is started in a second or two; a busy machine takes longer.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// A call's last words are written within a second or so.
const AT_REST_WITHIN: Duration = Duration::from_secs(20);
const STOPPED_WITHIN: Duration = Duration::from_secs(30);
/// Threads of every line that the runtime's pool starts.
const STARTED_BY_A_POOL: [&str; 2] = ["journal-keeper", "text"];

/// An event and its time in ms since the answer.
pub type Timed = (f64, CallEvent);

/// UDP, and TCP where it listens there too.
type Addresses = (SocketAddr, Option<SocketAddr>);

pub struct Serving {
    child: Guarded,
    pub sip: SocketAddr,
    pub tcp: Option<SocketAddr>,
    pub config: Config,
    events: Arc<Mutex<Vec<(LineId, Timed)>>>,
    said: Arc<Mutex<String>>,
    /// What it held before the first call.
    at_rest: AtRest,
    dir: TempDir,
    _sockets: TempDir,
}

impl Serving {
    /// A line with the brain that lies beside the program.
    pub fn agent(change: impl FnOnce(&mut Config)) -> Self {
        Self::agent_in(xenline(), change)
    }

    /// The same in an environment of the test's own.
    pub fn agent_in(command: Command, change: impl FnOnce(&mut Config)) -> Self {
        super::process::brain();
        let mut line = Self::start(command, change);
        // It takes calls without its brain where that takes long to start; what it holds with one
        // is another thing than what it holds without.
        wait_until("the brain", READY_WITHIN, || line.brain_is_up().then_some(()));
        // The asking opened a socket of its own.
        std::thread::sleep(Duration::from_millis(50));
        line.at_rest = AtRest::of_a_started_line(line.pid(), &line.config);
        line
    }

    /// A line that gives the caller the caller's own sound.
    pub fn echo(change: impl FnOnce(&mut Config)) -> Self {
        Self::echo_in(xenline(), change)
    }

    /// The same, started by this command.
    pub fn echo_in(command: Command, change: impl FnOnce(&mut Config)) -> Self {
        Self::start(command, |config| {
            config.line.mode = LineMode::Echo;
            config.sip.codecs = vec!["PCMU".into()];
            change(config);
        })
    }

    pub fn start(mut command: Command, change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (mut config, sockets) = loopback_config().expect("a configuration");
        config.recording.dir = Some(dir.path().join("calls"));
        change(&mut config);
        let file = dir.path().join("xenline.toml");
        std::fs::write(&file, toml::to_string(&config).expect("TOML")).expect("it is written");
        command.args(["serve", "--events", "--config"]).arg(&file);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Guarded::spawn(command);
        let said = gather(child.child().stderr.take());
        let events = Arc::new(Mutex::new(Vec::new()));
        let ready = Arc::new(Mutex::new(None));
        let stdout = child.child().stdout.take().expect("standard output");
        let (to_us, address) = (events.clone(), ready.clone());
        std::thread::spawn(move || read_events(BufReader::new(stdout), &to_us, &address));
        let (sip, tcp) = wait_until("the line to be ready", READY_WITHIN, || {
            let ended = child.child().try_wait().expect("it can be waited for");
            assert!(ended.is_none(), "the line ended: {}", said.lock().expect("no panic"));
            *ready.lock().expect("no panic")
        });
        let at_rest = AtRest::of_a_started_line(child.pid(), &config);
        Self { child, sip, tcp, config, events, said, at_rest, dir, _sockets: sockets }
    }

    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Its configuration.
    pub fn file(&self) -> PathBuf {
        self.dir.path().join("xenline.toml")
    }

    pub fn signal(&self, signal: i32) {
        self.child.signal(signal);
    }

    /// What it said on standard error.
    pub fn said(&self) -> String {
        self.said.lock().expect("no panic").clone()
    }

    /// Every event so far.
    pub fn events(&self) -> Vec<Timed> {
        self.events.lock().expect("no panic").iter().map(|(_, timed)| timed.clone()).collect()
    }

    /// Every event so far, with its call's line.
    pub fn events_of_lines(&self) -> Vec<(LineId, Timed)> {
        self.events.lock().expect("no panic").clone()
    }

    /// How many events there were; a place to wait from.
    pub fn mark(&self) -> usize {
        self.events.lock().expect("no panic").len()
    }

    /// The first event at or after `mark` that `is` gives a value for.
    pub fn wait<T>(
        &self,
        waiting_for: &str,
        mark: usize,
        within: Duration,
        is: impl Fn(f64, &CallEvent) -> Option<T>,
    ) -> T {
        // A copy, because `is` may look at the events itself.
        let find = || {
            let events = self.events();
            events.iter().skip(mark).find_map(|(t_ms, event)| is(*t_ms, event))
        };
        let latest = std::time::Instant::now() + within;
        loop {
            if let Some(found) = find() {
                return found;
            }
            assert!(
                std::time::Instant::now() < latest,
                "waited {within:?} in vain for {waiting_for}; since then:\n{}\nthe line said:\n{}",
                self.since(mark),
                self.said()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn since(&self, mark: usize) -> String {
        let events = self.events();
        let lines = events.iter().skip(mark).map(|(t_ms, event)| format!("{t_ms:9.1} {event:?}"));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Waits until the caller's turn with exactly these words was understood. Gives its number.
    pub fn turn(&self, words: &str, mark: usize) -> u64 {
        self.wait(&format!("the line to hear {words:?}"), mark, Duration::from_secs(20), |_, e| {
            match e {
                CallEvent::CallerTurn { turn, text, .. } if super::sound::plain(text) == words => {
                    Some(*turn)
                }
                _ => None,
            }
        })
    }

    pub fn status(&self) -> Reply {
        let socket = self.config.say.socket.clone().expect("the tests name one");
        let mut status = None;
        client::ask(&socket, &Request::Status, |reply| status = Some(reply)).expect("it answers");
        status.expect("one answer")
    }

    /// Ticks left out so far because the machine, not the line, was a whole packet late or more:
    /// the media time goes on without a packet.
    pub fn ticks_skipped(&self) -> usize {
        match self.status() {
            Reply::Status { ticks_skipped, .. } => ticks_skipped as usize,
            other => panic!("not a status: {other:?}"),
        }
    }

    fn brain_is_up(&self) -> bool {
        matches!(self.status(), Reply::Status { brain_up: true, .. })
    }

    pub fn open_calls(&self) -> usize {
        match self.status() {
            Reply::Status { calls, .. } => calls.len(),
            other => panic!("not a status: {other:?}"),
        }
    }

    /// The folders of calls so far, oldest first.
    pub fn folders(&self) -> Vec<PathBuf> {
        let dir = self.config.recording.dir.as_ref().expect("the tests record");
        let entries = std::fs::read_dir(dir).expect("it is there").flatten();
        let mut folders: Vec<_> =
            entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        folders.sort();
        folders
    }

    /// The folder of the one call there was, once its record is complete.
    pub fn folder(&self) -> PathBuf {
        let closed = |_, event: &CallEvent| matches!(event, CallEvent::CallClosed(_)).then_some(());
        self.wait("the call's record to be closed", 0, Duration::from_secs(20), closed);
        // The last line is printed and written by the same thread, in this order.
        std::thread::sleep(Duration::from_millis(200));
        self.folders().pop().expect("a call was recorded")
    }

    /// Ends it in peace, when every call is over and it holds no more than before the first one.
    pub fn stop(mut self) {
        self.end();
    }

    /// The same, to look afterwards at what it left.
    pub fn end(&mut self) {
        self.comes_to_rest();
        self.end_in_mid_call();
    }

    /// Waits until no call is open, nothing waits, and files, threads and ports are what they were.
    pub fn comes_to_rest(&self) {
        let latest = std::time::Instant::now() + AT_REST_WITHIN;
        loop {
            let (calls, queued) = self.busy_with();
            // The asking opened a socket of its own.
            std::thread::sleep(Duration::from_millis(50));
            let now = AtRest::of(self.pid(), &self.config);
            if (calls, queued) == (0, 0) && now.is_no_more_than(&self.at_rest) {
                return;
            }
            assert!(
                std::time::Instant::now() < latest,
                "after {AT_REST_WITHIN:?} the line has {calls} calls and {queued} claims, and holds \
                 {now:?}; before the first call: {:?}",
                self.at_rest
            );
        }
    }

    /// The same, where it may not come to that: how many calls, claims, files, threads and ports it
    /// has too many after so long.
    pub fn left_behind(&self, within: Duration) -> usize {
        let latest = std::time::Instant::now() + within;
        loop {
            let (calls, queued) = self.busy_with();
            std::thread::sleep(Duration::from_millis(50));
            let now = AtRest::of(self.pid(), &self.config);
            let left = calls + queued + now.beyond(&self.at_rest);
            if left == 0 || std::time::Instant::now() >= latest {
                return left;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Ends it whatever goes on.
    pub fn end_in_mid_call(&mut self) {
        self.child.signal(libc::SIGTERM);
        self.has_ended();
    }

    /// Waits until it has ended well.
    pub fn has_ended(&mut self) {
        let code = self.child.ended(STOPPED_WITHIN);
        let said = self.said();
        assert_eq!(code, Some(0), "the line did not end well: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }

    /// Calls that are open, and claims of other programs that wait or are being said.
    pub fn busy_with(&self) -> (usize, usize) {
        match self.status() {
            Reply::Status { calls, queued, .. } => (calls.len(), queued),
            other => panic!("not a status: {other:?}"),
        }
    }
}

/// What a line holds while nothing goes on.
#[derive(Debug)]
struct AtRest {
    /// What its files are, as the kernel names them, and how many of each.
    files: BTreeMap<String, usize>,
    /// Its threads by name, without those of pools.
    threads: BTreeMap<String, usize>,
    rtp_ports: usize,
}

impl AtRest {
    /// What a line holds that has just said that it is ready. A thread names itself in its first
    /// instructions, which a busy machine may put off; until then those that a pool's thread started
    /// pass for the pool's.
    fn of_a_started_line(pid: u32, config: &Config) -> Self {
        wait_until("the line's threads to name themselves", READY_WITHIN, || {
            let now = Self::of(pid, config);
            STARTED_BY_A_POOL.iter().all(|name| now.threads.contains_key(*name)).then_some(now)
        })
    }

    fn of(pid: u32, config: &Config) -> Self {
        Self {
            files: files(pid),
            threads: threads(pid),
            rtp_ports: udp_ports_of(pid, config.rtp.port_min..=config.rtp.port_max),
        }
    }

    /// How much more it is than `before`.
    fn beyond(&self, before: &Self) -> usize {
        let more = |now: &BTreeMap<String, usize>, before: &BTreeMap<String, usize>| -> usize {
            let known = |name: &String| before.get(name).copied().unwrap_or(0);
            now.iter().map(|(name, count)| count.saturating_sub(known(name))).sum()
        };
        let ports = self.rtp_ports.saturating_sub(before.rtp_ports);
        more(&self.files, &before.files) + more(&self.threads, &before.threads) + ports
    }

    /// The same threads and ports, and no file beyond those of `before`: of these one may have been
    /// a socket that was just closing.
    fn is_no_more_than(&self, before: &Self) -> bool {
        let is_known = |(name, count): (&String, &usize)| before.files.get(name) >= Some(count);
        let rest = (&self.threads, self.rtp_ports) == (&before.threads, before.rtp_ports);
        rest && self.files.iter().all(is_known)
    }
}

fn read_events(
    from: impl BufRead,
    events: &Mutex<Vec<(LineId, Timed)>>,
    ready: &Mutex<Option<Addresses>>,
) {
    for line in from.lines().map_while(Result::ok) {
        if let Some((id, event, t_ms)) = read_printed(&line) {
            events.lock().expect("no panic").push((id, (t_ms, event)));
        } else if let Ok(json) = serde_json::from_str::<serde_json::Value>(&line) {
            let address = |key: &str| json[key].as_str().and_then(|text| text.parse().ok());
            *ready.lock().expect("no panic") = address("udp").map(|udp| (udp, address("tcp")));
        }
    }
}
