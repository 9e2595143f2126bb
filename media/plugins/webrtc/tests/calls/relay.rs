//! A call through a relay that we did not write (coturn), and through nothing else.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use plugin_webrtc::{IceServer, PeerConfig};

use crate::ticking::{PATIENCE, config};
use crate::{ALONE, call};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_a_relay_alone_each_hears_the_other() {
    let _alone = ALONE.lock().await;
    let relay = Relay::start().await;
    let server = IceServer {
        urls: vec![format!("turn:127.0.0.1:{}?transport=udp", relay.port)],
        username: USER.to_owned(),
        credential: PASSWORD.to_owned(),
    };
    let config = PeerConfig { ice_servers: vec![server], relay_only: true, ..config() };
    let (theirs, ours) = call(config, 0.0, "goodbye").await;
    println!("through a relay, in: {theirs:?}, out: {ours:?}");
    assert!(theirs.other > 3_000.0 && ours.other > 3_000.0, "heard: {theirs:?} {ours:?}");
}

const USER: &str = "line";
const PASSWORD: &str = "a password";

/// A TURN server on loopback.
struct Relay {
    process: Child,
    port: u16,
}

impl Relay {
    async fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = free.expect("a port is free").port();
        let process = Command::new("turnserver")
            .args(["-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--no-cli"])
            .args(["--no-tls", "--no-dtls", "--allow-loopback-peers", "--log-file=stdout"])
            .args(["--lt-cred-mech", "--realm=xenline", "--pidfile=/dev/null"])
            .arg(format!("--listening-port={port}"))
            .arg(format!("--user={USER}:{PASSWORD}"))
            .stdout(Stdio::null())
            .spawn()
            .expect("no TURN server; run scripts/setup.sh test");
        let relay = Self { process, port };
        let answers = async {
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, answers).await.expect("the TURN server starts");
        relay
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
