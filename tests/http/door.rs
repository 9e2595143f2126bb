//! A door of our own, and short ways to knock.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::desk::Desk;
use brain_protocol::LineMessage;
use lane_broker::{LaneStore, Limits, MemoryStore};
use serde_json::Value;
use xenline::http::{Behind, Door, DoorSettings, Pages, Token};
use xenline::text::{SmsGateway, TextHandle, TextParts, ToBrain, start};
use xenline::watch::Watch;

pub const TOKEN: &str = "the token of these tests";
/// What the events' ids begin with.
pub const RUN: u64 = 7;
/// Long enough for a machine that does something else.
pub const SOON: Duration = Duration::from_secs(30);

pub struct House {
    pub text: TextHandle,
    pub watch: Watch,
    pub desk: Desk,
    pub pages: Pages,
    pub store: Arc<dyn LaneStore>,
    pub address: SocketAddr,
    /// What the brain was told.
    pub told: Arc<Mutex<Vec<LineMessage>>>,
    door: Option<Door>,
    settings: DoorSettings,
    behind: Behind,
    runtime: tokio::runtime::Runtime,
}

impl House {
    pub fn open() -> Self {
        Self::with(None, |_| {})
    }

    /// With a brain that only listens.
    pub fn with(sms: Option<SmsGateway>, change: impl FnOnce(&mut DoorSettings)) -> Self {
        let told: Arc<Mutex<Vec<LineMessage>>> = Arc::default();
        let hears = Arc::clone(&told);
        let to_brain = Arc::new(move |message: &LineMessage| {
            hears.lock().unwrap().push(message.clone());
            Ok(())
        });
        Self { told, ..Self::around(to_brain, sms, change) }
    }

    pub fn around(
        to_brain: ToBrain,
        sms: Option<SmsGateway>,
        change: impl FnOnce(&mut DoorSettings),
    ) -> Self {
        Self::furnished(to_brain, sms, None, change)
    }

    /// With calls on record.
    pub fn with_calls(recordings: &Path, change: impl FnOnce(&mut DoorSettings)) -> Self {
        Self::furnished(Arc::new(|_| Ok(())), None, Some(recordings), change)
    }

    fn furnished(
        to_brain: ToBrain,
        sms: Option<SmsGateway>,
        recordings: Option<&Path>,
        change: impl FnOnce(&mut DoorSettings),
    ) -> Self {
        let store: Arc<dyn LaneStore> = Arc::new(MemoryStore::new(Limits::default()));
        let text = start(TextParts {
            store: Arc::clone(&store),
            registered: vec!["fax".into()],
            answered: ["typed", "sms", "in"].map(String::from).to_vec(),
            to_brain,
            sms,
        })
        .expect("a thread");
        let watch = Watch::new(RUN);
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut settings = DoorSettings::new(listen, Token::new(TOKEN));
        change(&mut settings);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let pages = Pages::default();
        let (desk, asked) = tokio::sync::mpsc::channel(8);
        let recordings = recordings.map(Path::to_path_buf);
        let behind = Behind {
            text: text.clone(),
            watch: watch.clone(),
            desk,
            pages: pages.clone(),
            talks: None,
            recordings,
        };
        let opening = Door::open(settings.clone(), behind.clone());
        let door = runtime.block_on(opening).expect("a port");
        let address = door.local_addr();
        let desk = Desk::serve(&runtime, asked);
        Self {
            text,
            watch,
            desk,
            pages,
            store,
            address,
            told: Arc::default(),
            door: Some(door),
            settings,
            behind,
            runtime,
        }
    }

    /// Closes the door with every connection; what is behind it goes on.
    pub fn shut(&mut self) {
        self.door = None;
        wait_until("a shut door", || TcpStream::connect(self.address).is_err().then_some(()));
    }

    /// At the same address.
    pub fn open_again(&mut self) {
        let settings = DoorSettings { listen: self.address, ..self.settings.clone() };
        let open = || {
            let opening = Door::open(settings.clone(), self.behind.clone());
            self.runtime.block_on(opening).ok()
        };
        self.door = Some(wait_until("the port", open));
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, &[], body.to_string().as_bytes())
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"")
    }

    /// With the token, unless `headers` bring another.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut stream = self.send(method, path, headers, body);
        let mut bytes = Vec::new();
        // A connection that the other side resets has said what it had to say.
        let _ = stream.read_to_end(&mut bytes);
        Answer::parse(&bytes)
    }

    /// A stream of a lane.
    pub fn events(&self, path: &str, headers: &[(&str, &str)]) -> Events {
        let mut lines = BufReader::new(self.send("GET", path, headers, b""));
        let mut status = String::new();
        lines.read_line(&mut status).expect("an answer");
        assert!(status.contains("200"), "{status}");
        Events { lines }
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).expect("the door is open");
        stream.set_read_timeout(Some(SOON)).expect("a timeout");
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        let mut header = |name: &str, value: &str| head += &format!("{name}: {value}\r\n");
        let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
        headers.iter().for_each(|(name, value)| header(name, value));
        if !names.contains(&"Host") {
            header("Host", &self.address.to_string());
        }
        if !names.contains(&"Authorization") {
            header("Authorization", &format!("Bearer {TOKEN}"));
        }
        header("Content-Length", &body.len().to_string());
        let whole = [head.as_bytes(), b"\r\n", body].concat();
        // A body that is too long is not read to its end.
        let _ = stream.write_all(&whole);
        stream
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text:?}"));
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
        Self { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let line = self.head.lines().find(|line| line.starts_with(&format!("{name}:")))?;
        line.split_once(": ").map(|(_, value)| value)
    }
}

/// The lines of a stream, without its chunks' lengths.
pub struct Events {
    lines: BufReader<TcpStream>,
}

impl Events {
    /// The next event: its kind, id and data.
    pub fn next(&mut self) -> (String, u64, Value) {
        let (mut kind, mut id) = (String::new(), 0);
        loop {
            let line = self.line();
            if let Some(name) = line.strip_prefix("event: ") {
                kind = name.to_owned();
            } else if let Some(position) = line.strip_prefix("id: ") {
                id = position.parse().expect("a position");
            } else if let Some(data) = line.strip_prefix("data: ") {
                // The id may follow the data.
                let data = serde_json::from_str(data).expect("JSON");
                let rest = self.line();
                if let Some(position) = rest.strip_prefix("id: ") {
                    id = position.parse().expect("a position");
                }
                return (kind, id, data);
            }
        }
    }

    /// A line of any kind.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.lines.read_line(&mut line).expect("the stream goes on");
        assert!(read > 0, "the stream ended");
        line.trim_end().to_owned()
    }
}

/// Asks until `what` gives a value.
pub fn wait_until<T>(waiting_for: &str, mut what: impl FnMut() -> Option<T>) -> T {
    let latest = Instant::now() + SOON;
    loop {
        if let Some(value) = what() {
            return value;
        }
        assert!(Instant::now() < latest, "waited in vain for {waiting_for}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
