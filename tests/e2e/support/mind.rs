//! A brain whose mind is the test: a small program (`relay.py`) is what the line starts and what can
//! be killed; what it is told and what it says come and go here, whichever of them is alive.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use brain_protocol::LineMessage;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::process::need;

/// Cloning gives another handle of the same.
#[derive(Clone)]
pub struct Mind {
    socket: PathBuf,
    shared: Arc<Shared>,
    /// A path that is short enough for a socket.
    _dir: Arc<TempDir>,
}

#[derive(Default)]
struct Shared {
    /// The way to the brain that is alive.
    line: Mutex<Option<UnixStream>>,
    told: Mutex<Vec<LineMessage>>,
}

impl Mind {
    /// Whatever a brain is told goes to `react`, but for what keeps it alive. Ends with the test.
    pub fn start(react: impl Fn(&Mind, &LineMessage) + Send + 'static) -> Self {
        need("python3", "python3");
        let dir = tempfile::tempdir().expect("a temporary directory");
        let socket = dir.path().join("mind.sock");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let mind = Self { socket, shared: Arc::default(), _dir: Arc::new(dir) };
        let ours = mind.clone();
        std::thread::spawn(move || {
            // One brain after the other: the next is started when the last one is dead.
            for brain in listener.incoming().flatten() {
                ours.live_in(brain, &react);
            }
        });
        mind
    }

    /// What the line is to start.
    pub fn command(&self) -> Vec<String> {
        let relay = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/relay.py");
        ["python3".into(), relay.display().to_string(), self.socket.display().to_string()].into()
    }

    /// Says it to the line, if a brain is alive; whether one was.
    pub fn say(&self, message: &Value) -> bool {
        let mut line = self.shared.line.lock().expect("no panic");
        line.as_mut().is_some_and(|line| line.write_all(format!("{message}\n").as_bytes()).is_ok())
    }

    /// Everything that brains were told so far.
    pub fn told(&self) -> Vec<LineMessage> {
        self.shared.told.lock().expect("no panic").clone()
    }

    fn live_in(&self, brain: UnixStream, react: &impl Fn(&Mind, &LineMessage)) {
        let writing = brain.try_clone().expect("a second handle");
        *self.shared.line.lock().expect("no panic") = Some(writing);
        self.say(&json!({
            "type": "hello", "version": {"major": 1, "minor": 2}, "name": "a mind elsewhere",
        }));
        for message in BufReader::new(brain).lines().map_while(Result::ok) {
            // One that was cut off by a kill is none.
            let Ok(message) = serde_json::from_str(&message) else { continue };
            match message {
                LineMessage::Ping { seq } => drop(self.say(&json!({"type": "pong", "seq": seq}))),
                LineMessage::Hello { .. } => {}
                LineMessage::Shutdown => break,
                message => {
                    self.shared.told.lock().expect("no panic").push(message.clone());
                    react(self, &message);
                }
            }
        }
        *self.shared.line.lock().expect("no panic") = None;
    }
}
