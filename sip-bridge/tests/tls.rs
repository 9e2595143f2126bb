//! TLS against peers that we did not write: OpenSSL and baresip; and against ourselves, dialling.
#![allow(clippy::disallowed_methods)]

mod support;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use sip_bridge::{BridgeConfig, BridgeEvent, DialSpec, HangupBy, TlsConfig, TrunkPolicy};
use support::baresip;
use support::{Answering, loopback};

/// A certificate for 127.0.0.1 in `folder`, and its key.
fn certificate(folder: &Path, common_name: &str) -> (PathBuf, PathBuf) {
    certificate_of(folder, common_name, "IP:127.0.0.1")
}

/// A certificate for `subject` in `folder`, and its key.
fn certificate_of(folder: &Path, common_name: &str, subject: &str) -> (PathBuf, PathBuf) {
    let (certificate, key) = (folder.join("line.pem"), folder.join("line.key"));
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    command.args(["-nodes", "-days", "30", "-subj", &format!("/CN={common_name}")]);
    command.args(["-addext", &format!("subjectAltName={subject}")]);
    command.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    command.arg("-out").arg(&certificate).arg("-keyout").arg(&key);
    let made = command.output().expect("install the package openssl (scripts/setup.sh test)");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (certificate, key)
}

/// A bridge that listens over TLS with the certificate in `folder`, and believes itself.
fn secure(folder: &Path, common_name: &str) -> BridgeConfig {
    let (certificate, key) = certificate(folder, common_name);
    let listen = "127.0.0.1:0".parse().unwrap();
    let tls = TlsConfig { listen, certificate: certificate.clone(), key, ca: Some(certificate) };
    BridgeConfig { tls: Some(tls), ..loopback() }
}

/// Sends an OPTIONS through OpenSSL's client and returns what it printed.
fn options_by_openssl(target: SocketAddr, arguments: &[&str]) -> String {
    let options = format!(
        "OPTIONS sips:100@{target} SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bKtls\r\n\
         From: <sips:caller@127.0.0.1>;tag=peer\r\nTo: <sips:100@{target}>\r\nCall-ID: tls@test\r\n\
         CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    );
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", &target.to_string(), "-ign_eof"]).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut client = command.spawn().expect("install the package openssl (scripts/setup.sh test)");
    let _ = client.stdin.as_mut().unwrap().write_all(options.as_bytes());
    let mut printed = Vec::new();
    let mut stdout = client.stdout.take().unwrap();
    let mut chunk = [0; 4096];
    // Until the answer is there, or the client gave up.
    while !String::from_utf8_lossy(&printed).contains("Allow: ") {
        match stdout.read(&mut chunk) {
            Ok(0) | Err(_) => break,
            Ok(length) => printed.extend(&chunk[..length]),
        }
    }
    let _ = client.kill();
    let _ = client.wait();
    String::from_utf8_lossy(&printed).into_owned()
}

async fn options(target: SocketAddr, arguments: &'static [&'static str]) -> String {
    tokio::task::spawn_blocking(move || options_by_openssl(target, arguments)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openssl_is_answered_over_1_2_and_1_3_and_over_nothing_older() {
    let folder = tempfile::tempdir().unwrap();
    let line = Answering::start(secure(folder.path(), "line")).await;
    let target = line.bridge.local_tls().unwrap();
    for version in [&["-tls1_2"][..], &["-tls1_3"]] {
        let printed = options(target, version).await;
        assert!(printed.contains("SIP/2.0 200 OK"), "{version:?}: {printed}");
    }
    let old = options(target, &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]).await;
    assert!(!old.contains("SIP/2.0 200 OK"), "{old}");
    line.wait(Duration::from_secs(5), |line| line.bridge.counts().connections == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_source_gets_no_byte_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let line = Answering::start(secure(folder.path(), "line")).await;
    let address = line.bridge.local_tls().unwrap();
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let foreign: SocketAddr = "127.0.0.2:0".parse().unwrap();
    socket.bind(&foreign.into()).unwrap();
    socket.connect(&address.into()).unwrap();
    let mut stream = std::net::TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    // The beginning of a client's hello: whoever is served gets at least an alert.
    let _ = stream.write_all(&[0x16, 0x03, 0x01, 0x00, 0x05, 0x01, 0, 0, 1, 0]);
    let read = tokio::task::spawn_blocking(move || stream.read(&mut [0; 64])).await.unwrap();
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    assert_eq!(line.bridge.counts().connections, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_certificate_serves_the_next_connection_and_a_broken_one_never_does() {
    let folder = tempfile::tempdir().unwrap();
    let line = Answering::start(secure(folder.path(), "first")).await;
    let target = line.bridge.local_tls().unwrap();
    assert!(options(target, &[]).await.contains("CN = first"));
    std::fs::write(folder.path().join("line.pem"), "no certificate").unwrap();
    assert!(options(target, &[]).await.contains("CN = first"));
    certificate(folder.path(), "second");
    let printed = options(target, &[]).await;
    assert!(printed.contains("CN = second") && printed.contains("SIP/2.0 200 OK"), "{printed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn baresip_calls_over_tls_and_hangs_up() {
    let folder = tempfile::tempdir().unwrap();
    let line = Answering::start(secure(folder.path(), "line")).await;
    let target = line.bridge.local_tls().unwrap();
    let mut phone = baresip(folder.path(), &format!("sip:100@{target};transport=tls"));
    let established = |event: &BridgeEvent| matches!(event, BridgeEvent::Established { .. });
    line.wait(Duration::from_secs(15), |line| line.count(established) == 1).await;
    let hung_up = |event: &BridgeEvent| matches!(event, BridgeEvent::Ended { outcome, .. } if outcome.hangup_by == HangupBy::Peer);
    line.wait(Duration::from_secs(15), |line| line.count(hung_up) == 1).await;
    let _ = tokio::task::spawn_blocking(move || phone.wait()).await;
}

/// Dials `callee` over TLS from a line that believes `ca`, and tells how the call stands.
async fn dialled(ca: PathBuf, callee: SocketAddr, folder: &Path) -> bool {
    dialled_as(ca, callee, folder, None).await
}

/// The same to a trunk whose certificate has `tls_name`.
async fn dialled_as(
    ca: PathBuf,
    callee: SocketAddr,
    folder: &Path,
    tls_name: Option<&str>,
) -> bool {
    let mut config = secure(folder, "caller");
    config.tls.as_mut().unwrap().ca = Some(ca);
    let policy = TrunkPolicy { tls_name: tls_name.map(Into::into), ..TrunkPolicy::default() };
    config.policies.insert("loop".into(), policy);
    let caller = Answering::start(config).await;
    let spec = DialSpec {
        target: format!("sips:100@{callee}"),
        from: "line".into(),
        local_rtp: "127.0.0.1:4000".parse().unwrap(),
        codecs: vec![media_core::Codec::Pcmu],
        headers: Vec::new(),
    };
    caller.bridge.dial(spec).await.expect("dial");
    let established = |event: &BridgeEvent| matches!(event, BridgeEvent::Established { .. });
    let ended = |event: &BridgeEvent| matches!(event, BridgeEvent::Ended { .. });
    let settled = |line: &Answering| line.count(established) + line.count(ended) == 1;
    caller.wait(Duration::from_secs(15), settled).await;
    caller.count(established) == 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_dials_over_tls_whom_it_believes_and_nobody_else() {
    let [callee, caller, stranger] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let line = Answering::start(secure(callee.path(), "callee")).await;
    let target = line.bridge.local_tls().unwrap();
    let believed = callee.path().join("line.pem");
    assert!(dialled(believed, target, caller.path()).await);
    let (other, _) = certificate(stranger.path(), "stranger");
    assert!(!dialled(other, target, caller.path()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trunk_whose_certificate_has_a_name_is_called_at_its_address_by_that_name() {
    let [callee, caller] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let (certificate, key) = certificate_of(callee.path(), "carrier", "DNS:sip.carrier.example");
    let listen = "127.0.0.1:0".parse().unwrap();
    let tls = TlsConfig { listen, certificate: certificate.clone(), key, ca: None };
    let line = Answering::start(BridgeConfig { tls: Some(tls), ..loopback() }).await;
    let target = line.bridge.local_tls().unwrap();
    for (name, believed) in
        [(Some("sip.carrier.example"), true), (Some("sip.other.example"), false), (None, false)]
    {
        let called = dialled_as(certificate.clone(), target, caller.path(), name).await;
        assert_eq!(called, believed, "{name:?}");
    }
}

#[tokio::test]
async fn a_key_that_is_no_key_is_named_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let config = secure(folder.path(), "line");
    std::fs::write(folder.path().join("line.key"), "nothing").unwrap();
    let (events, _taken) = tokio::sync::mpsc::channel(1);
    let refused = sip_bridge::Bridge::start(config, events).await.err().expect("it started");
    assert!(refused.to_string().contains("line.key"), "{refused}");
}
