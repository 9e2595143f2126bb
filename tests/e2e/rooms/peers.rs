//! Who is at the other end of a room: LiveKit's own server and SDK, and what stands before the server.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use media_core::SampleRate;
use media_core::resample::Resampler;
use serde_json::{Value, json};

use super::STEP;
use crate::support::process::Guarded;
use crate::support::sound::{recorded, write_wav};
use crate::support::wait_until;

pub const KEY: &str = "devkey";
pub const SECRET: &str = "a secret that is long enough for it";

/// A LiveKit server on loopback.
pub struct Server {
    process: Guarded,
    config: String,
    pub port: u16,
}

impl Server {
    /// Whose webhooks go to the line's `door`, if there is one.
    pub fn start(door: Option<SocketAddr>) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let media = UdpSocket::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = free.expect("a port is free").port();
        let media_port = media.expect("a port is free").port();
        let mut config = format!(
            "port: {port}\nbind_addresses: ['127.0.0.1']\ndevelopment: true\n\
             logging: {{level: error}}\nkeys: {{{KEY}: {SECRET}}}\n\
             rtc: {{udp_port: {media_port}, tcp_port: 0, use_external_ip: false, \
             node_ip: 127.0.0.1, enable_loopback_candidate: true, interfaces: {{includes: [lo]}}, \
             stun_servers: ['127.0.0.1:3478']}}\n"
        );
        if let Some(door) = door {
            let url = format!("http://{door}/webhooks/livekit");
            config += &format!("webhook: {{api_key: {KEY}, urls: ['{url}']}}\n");
        }
        let server = Self { process: launch(&config), config, port };
        server.answers();
        server
    }

    /// Like a power cord.
    pub fn kill(&mut self) {
        self.process.signal(libc::SIGKILL);
        assert_eq!(self.process.ended(STEP), None);
    }

    /// The same one again; what it knew of rooms is gone.
    pub fn restart(&mut self) {
        self.process = launch(&self.config);
        self.answers();
    }

    fn answers(&self) {
        let answers = || TcpStream::connect(("127.0.0.1", self.port)).ok().map(drop);
        wait_until("the LiveKit server", STEP, answers);
    }

    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }
}

fn launch(config: &str) -> Guarded {
    let mut command = Command::new(peers().join("bin/server"));
    command.args(["--config-body", config]).stdout(Stdio::null());
    Guarded::spawn(command)
}

/// Where the peers are that we did not write.
fn peers() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers");
    assert!(folder.exists(), "no peers to call; run scripts/setup.sh test");
    folder
}

/// A participant in Python, with a microphone.
pub struct Somebody {
    process: Guarded,
    input: ChildStdin,
    events: Receiver<Value>,
    words: tempfile::TempDir,
    spoken: u32,
}

impl Somebody {
    pub fn comes(server: &Server, room: &str, identity: &str) -> Self {
        let told = json!({
            "url": server.url(), "key": KEY, "secret": SECRET, "room": room, "identity": identity,
            "speaks": 0,
        });
        let script = "media/plugins/livekit/tests/rooms/participant.py";
        let mut command = Command::new(peers().join("venv/bin/python"));
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script)).arg(told.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Guarded::spawn(command);
        let input = process.child().stdin.take().expect("piped");
        let output = BufReader::new(process.child().stdout.take().expect("piped"));
        let (tell, events) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let told = serde_json::from_str(&line).map(|event| tell.send(event));
                assert!(told.is_ok(), "not JSON: {line}");
            }
        });
        let words = tempfile::tempdir().expect("a temporary directory");
        Self { process, input, events, words, spoken: 0 }
    }

    pub fn tell(&mut self, what: &Value) {
        writeln!(self.input, "{what}").expect("it listens");
    }

    /// The next event of that name that `is` it; those before are passed over.
    pub fn sees(&mut self, name: &str, is: impl Fn(&Value) -> bool) -> Value {
        loop {
            let event = self.events.recv_timeout(STEP);
            let event = event.unwrap_or_else(|error| panic!("waited for {name:?}: {error}"));
            if event["event"] == name && is(&event) {
                return event;
            }
        }
    }

    /// The next words of `identity` that will not change any more.
    pub fn reads(&mut self, identity: &str) -> String {
        self.reads_of(identity, |_| true)
    }

    /// The next such words that `are` it; others are passed over.
    pub fn reads_of(&mut self, identity: &str, are: impl Fn(&str) -> bool) -> String {
        let words = self.sees("text", |event| {
            event["topic"] == "lk.transcription"
                && event["identity"] == identity
                && event["attributes"]["lk.transcription_final"] == "true"
                && event["text"].as_str().is_some_and(&are)
        });
        words["text"].as_str().expect("a text").to_owned()
    }

    pub fn says(&mut self, words: &str) {
        let mut samples = vec![0; 6 * recorded(words).len()];
        Resampler::new(SampleRate::Hz8000, SampleRate::Hz48000)
            .process(&recorded(words), &mut samples);
        self.spoken += 1;
        let file = self.words.path().join(format!("{}.wav", self.spoken));
        write_wav(&file, 48_000, samples);
        self.tell(&json!({ "play": file }));
    }

    pub fn goes(mut self) {
        self.tell(&json!({ "leave": true }));
        assert_eq!(self.process.ended(STEP), Some(0));
    }
}
