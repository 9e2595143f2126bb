//! One line over many lives: the same configuration and the same store, a new process each time.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use xenline::control::{Reply, Request, client};
use xenline::demo::loopback_config;

use crate::support::process::{Guarded, children, kill, need, xenline};

const STOPPED_WITHIN: Duration = Duration::from_secs(30);

pub struct House {
    dir: TempDir,
    _sockets: TempDir,
    file: PathBuf,
    pub socket: PathBuf,
}

/// A process of it.
pub struct Line {
    child: Guarded,
    pub sip: SocketAddr,
    socket: PathBuf,
}

impl House {
    pub fn new() -> Self {
        need("python3", "python3");
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (mut config, sockets) = loopback_config().expect("a configuration");
        let brain = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/chatter.py");
        config.brain.command = vec!["python3".into(), brain.display().to_string()];
        config.say.per_second = 20_000;
        config.say.burst = 20_000;
        let socket = config.say.socket.clone().expect("the tests name one");
        let file = dir.path().join("xenline.toml");
        let mut text = toml::to_string(&config).expect("TOML");
        text = without_section(&text, "lanes");
        let store = dir.path().join("lanes.db");
        text +=
            &format!("\n[lanes]\nstore = \"sqlite\"\npath = {:?}\n", store.display().to_string());
        std::fs::write(&file, text).expect("it is written");
        House { dir, _sockets: sockets, file, socket }
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Starts it, and returns when it takes calls.
    pub fn start(&self) -> Line {
        let mut command = xenline();
        command.env("CHATTER_TEXTS", "[]");
        command.args(["serve", "--events", "--config"]).arg(&self.file);
        let log = self.dir.path().join("log");
        let log = std::fs::File::options().create(true).append(true).open(log).expect("a log");
        command.stdout(Stdio::piped()).stderr(log);
        let mut child = Guarded::spawn(command);
        let mut stdout = BufReader::new(child.child().stdout.take().expect("standard output"));
        let sip = loop {
            let mut line = String::new();
            let read = stdout.read_line(&mut line).expect("standard output is text");
            assert!(read > 0, "the line ended: {}", self.log());
            let json: Option<serde_json::Value> = serde_json::from_str(&line).ok();
            if let Some(address) = json.and_then(|json| json["udp"].as_str()?.parse().ok()) {
                break address;
            }
        };
        // Its events are not needed, and a pipe that is full would stop it.
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).for_each(drop));
        Line { child, sip, socket: self.socket.clone() }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Line {
    pub fn kill(&mut self) {
        self.child.signal(libc::SIGKILL);
        let _ = self.child.ended(STOPPED_WITHIN);
    }

    pub fn kill_the_brain(&self) {
        for brain in children(self.child.pid(), "python3") {
            kill(brain, libc::SIGKILL);
        }
    }

    /// Claims of other programs that wait or are being said.
    pub fn queued(&self) -> usize {
        let mut count = None;
        client::ask(&self.socket, &Request::Status, |reply| {
            if let Reply::Status { queued, .. } = reply {
                count = Some(queued);
            }
        })
        .expect("it answers");
        count.expect("a status")
    }

    pub fn stop(mut self) {
        self.child.signal(libc::SIGTERM);
        assert_eq!(self.child.ended(STOPPED_WITHIN), Some(0), "the line ends well");
    }
}

fn without_section(toml: &str, name: &str) -> String {
    let mut inside = false;
    let keep = |line: &&str| {
        if line.starts_with('[') {
            inside = *line == format!("[{name}]");
        }
        !inside
    };
    toml.lines().filter(keep).collect::<Vec<_>>().join("\n")
}
