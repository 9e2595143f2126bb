//! A real LiveKit server on loopback, and a wire to it that can be cut.

use std::net::{TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::sync::watch;

use crate::ticking::{PATIENCE, peers};

pub const KEY: &str = "devkey";
pub const SECRET: &str = "a secret that is long enough for it";

pub struct Server {
    process: Child,
    port: u16,
    config: String,
}

impl Server {
    pub async fn start() -> Self {
        Self::reached_at("127.0.0.1", free_udp_port()).await
    }

    /// One that tells everybody to send sound to `address`, though it hears on 127.0.0.1 alone.
    pub async fn reached_at(address: &str, media_port: u16) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = port.unwrap().port();
        let config = format!(
            "port: {port}\nbind_addresses: ['127.0.0.1']\ndevelopment: true\n\
             logging: {{level: error}}\nkeys: {{{KEY}: {SECRET}}}\n\
             rtc: {{udp_port: {media_port}, tcp_port: 0, use_external_ip: false, \
             node_ip: {address}, enable_loopback_candidate: true, interfaces: {{includes: [lo]}}, \
             stun_servers: ['127.0.0.1:3478']}}\n"
        );
        let server = Self { process: launch(&config), port, config };
        server.answers().await;
        server
    }

    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// Like a power cord.
    pub fn kill(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it is ours");
    }

    /// The same one again.
    pub async fn restart(&mut self) {
        self.process = launch(&self.config);
        self.answers().await;
    }

    async fn answers(&self) {
        let address = ("127.0.0.1", self.port);
        let answered = async {
            while tokio::net::TcpStream::connect(address).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, answered).await.expect("the server starts");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_udp_port() -> u16 {
    let free = UdpSocket::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    free.expect("a port is free").port()
}

fn launch(config: &str) -> Child {
    Command::new(peers().join("bin/server"))
        .args(["--config-body", config])
        .stdout(Stdio::null())
        .spawn()
        .expect("the LiveKit server starts")
}

/// Between us and the server's signalling.
pub struct Wire {
    port: u16,
    cuts: watch::Sender<u32>,
}

impl Wire {
    pub async fn to(server: &Server) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (cuts, cut) = watch::channel(0);
        let target = server.port;
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut cut = cut.clone();
                cut.mark_unchanged();
                tokio::spawn(async move {
                    let mut far = tokio::net::TcpStream::connect(("127.0.0.1", target)).await?;
                    tokio::select! {
                        copied = tokio::io::copy_bidirectional(&mut near, &mut far) => {
                            copied.map(|_| ())
                        }
                        _ = cut.changed() => Ok(()),
                    }
                });
            }
        });
        Self { port, cuts }
    }

    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// Cuts every connection there is. New ones are let through.
    pub fn cut(&self) {
        self.cuts.send_modify(|times| *times += 1);
    }
}
