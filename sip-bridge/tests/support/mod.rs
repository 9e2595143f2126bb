//! A bridge on loopback with a line that answers everything, and raw peers to talk to it.
#![allow(dead_code)] // Each test binary uses a part.
#![allow(clippy::disallowed_methods)] // Real sockets want real time.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sip_bridge::{AdmissionLimits, Bridge, BridgeConfig, BridgeEvent, CallId, Trunk};
use tokio::sync::mpsc;

/// A sure sign of trouble; everything that is waited for takes milliseconds.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A configuration that listens on any port of 127.0.0.1 and lets 127.0.0.1 in.
pub fn loopback() -> BridgeConfig {
    BridgeConfig {
        udp: Some("127.0.0.1:0".parse().unwrap()),
        trunks: vec![Trunk { name: "loop".into(), allow: vec!["127.0.0.1/32".parse().unwrap()] }],
        limits: AdmissionLimits::channels(1000),
        ..BridgeConfig::default()
    }
}

/// What the line saw, by call.
#[derive(Default)]
pub struct Seen {
    pub events: Vec<BridgeEvent>,
    pub by_call: HashMap<CallId, usize>,
}

/// A bridge whose line answers every call at once.
pub struct Answering {
    pub bridge: Arc<Bridge>,
    pub seen: Arc<Mutex<Seen>>,
}

impl Answering {
    pub async fn start(config: BridgeConfig) -> Self {
        Self::start_slow(config, Duration::ZERO).await
    }

    /// The line takes `pause` for each event.
    pub async fn start_slow(config: BridgeConfig, pause: Duration) -> Self {
        let (events, mut taken) = mpsc::channel(16);
        let bridge = Arc::new(Bridge::start(config, events).await.expect("start"));
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (line, record) = (Arc::downgrade(&bridge), seen.clone());
        tokio::spawn(async move {
            while let Some(event) = taken.recv().await {
                if !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
                if let (BridgeEvent::Incoming { call, .. }, Some(bridge)) = (&event, line.upgrade())
                {
                    bridge.answer(*call, "127.0.0.1:4000".parse().unwrap());
                }
                record.lock().unwrap().events.push(event);
            }
        });
        Self { bridge, seen }
    }

    pub fn address(&self) -> SocketAddr {
        self.bridge.local_udp().unwrap()
    }

    pub fn count(&self, is: impl Fn(&BridgeEvent) -> bool) -> usize {
        self.seen.lock().unwrap().events.iter().filter(|event| is(event)).count()
    }

    /// Waits until `done`, at most `max`.
    pub async fn wait(&self, max: Duration, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + max;
        while !done(self) {
            assert!(Instant::now() < deadline, "not in time: {:?}", self.bridge.counts());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A peer that writes its messages by hand.
pub struct Peer {
    pub socket: UdpSocket,
    to: SocketAddr,
}

impl Peer {
    pub fn new(local: &str, to: SocketAddr) -> Self {
        let socket = UdpSocket::bind(local).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, to }
    }

    pub fn local(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    pub fn send(&self, message: &str) {
        self.socket.send_to(message.as_bytes(), self.to).unwrap();
    }

    pub fn receive(&self) -> String {
        let mut buffer = [0; 65_536];
        let (length, _) = self.socket.recv_from(&mut buffer).expect("no message in time");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    /// The next message with that status.
    pub fn receive_status(&self, status: u16) -> String {
        for _ in 0..10 {
            let message = self.receive();
            if message.starts_with(&format!("SIP/2.0 {status} ")) {
                return message;
            }
        }
        panic!("no {status}");
    }

    /// Whether nothing comes for `quiet`.
    pub fn is_quiet(&self, quiet: Duration) -> bool {
        self.socket.set_read_timeout(Some(quiet)).unwrap();
        let silent = self.socket.recv_from(&mut [0; 2048]).is_err();
        self.socket.set_read_timeout(Some(PATIENCE)).unwrap();
        silent
    }
}

/// The value of header `name` in `message`, first line of that name.
pub fn header<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// An SDP offer of µ-law with telephone-event at `port`.
pub fn offer(port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
    )
}

/// A request with the headers that every request has, `extra` lines and `body`.
pub fn request(
    method: &str,
    peer: &Peer,
    to: SocketAddr,
    cseq: u32,
    extra: &str,
    body: &str,
) -> String {
    let local = peer.local();
    format!(
        "{method} sip:100@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{method}{cseq}{port}\r\n\
         From: <sip:caller@{local}>;tag=peer\r\nTo: <sip:100@{to}>{extra}\r\nCall-ID: c{port}@test\r\n\
         CSeq: {cseq} {method}\r\nContact: <sip:caller@{local}>\r\nMax-Forwards: 70\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len(),
        port = local.port(),
    )
}

/// Where the distribution keeps baresip's modules.
fn modules() -> PathBuf {
    let multiarch = format!("/usr/lib/{}-linux-gnu/baresip/modules", std::env::consts::ARCH);
    let known = ["/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules", &multiarch];
    let mut known = known.into_iter().map(PathBuf::from);
    known.find(|dir| dir.join("aufile.so").is_file()).expect("install the package baresip-core")
}

/// Writes a configuration that needs no sound device.
fn configure(folder: &Path) {
    let modules = modules().display().to_string();
    let config = "sip_listen 127.0.0.1:0\nsip_verify_server no\nnet_interface 127.0.0.1\naudio_source ausine,440\n\
                  audio_player aufile,heard.wav\naudio_alert aufile,alert.wav\n\
                  module_path @MODULES@\nmodule g711.so\nmodule ausine.so\n\
                  module aufile.so\nmodule_app account.so\nmodule_app menu.so\n";
    std::fs::write(folder.join("config"), config.replace("@MODULES@", &modules)).unwrap();
    std::fs::write(folder.join("accounts"), "<sip:me@127.0.0.1>;regint=0\n").unwrap();
    std::fs::write(folder.join("contacts"), "").unwrap();
}

/// baresip registers as this user at `registrar`, calls 100 there, answers whoever calls it, and ends after
/// so many seconds.
pub fn registering_baresip(
    folder: &Path,
    registrar: SocketAddr,
    (user, secret): (&str, &str),
    seconds: u64,
) -> Child {
    configure(folder);
    let account = format!(
        "<sip:{user}@{registrar}>;auth_user={user};auth_pass={secret};regint=60;answermode=auto\n"
    );
    std::fs::write(folder.join("accounts"), account).unwrap();
    let mut command = Command::new("baresip");
    command.current_dir(folder).arg("-f").arg(folder);
    command.args(["-e", &format!("/dial sip:100@{registrar}"), "-t", &seconds.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("install the package baresip-core (scripts/setup.sh test)")
}

/// baresip dials `target` from `folder` and hangs up after three seconds.
pub fn baresip(folder: &Path, target: &str) -> Child {
    configure(folder);
    let mut command = Command::new("baresip");
    command.current_dir(folder).arg("-f").arg(folder);
    command.args(["-e", &format!("/dial {target}"), "-t", "3"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("install the package baresip-core (scripts/setup.sh test)")
}
