//! TLS before a server that speaks none, with a certificate that only who is told so believes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::support::process::need;

/// Lasts as long as this value.
pub struct Secure {
    folder: tempfile::TempDir,
    port: u16,
    _runtime: tokio::runtime::Runtime,
}

impl Secure {
    /// Passes on to `target` on loopback.
    pub fn before(target: u16) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let acceptor = acceptor(folder.path());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        runtime.spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // Who does not believe us goes, and who has said all breaks off.
                    let mut near = acceptor.accept(near).await?;
                    let mut far = TcpStream::connect(("127.0.0.1", target)).await?;
                    copy_bidirectional(&mut near, &mut far).await
                });
            }
        });
        Self { folder, port, _runtime: runtime }
    }

    pub fn url(&self) -> String {
        format!("wss://127.0.0.1:{}", self.port)
    }

    /// Whom to believe.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join(CERTIFICATE)
    }
}

fn acceptor(folder: &Path) -> TlsAcceptor {
    need("openssl", "openssl");
    let (certificate, key) = (folder.join(CERTIFICATE), folder.join("key.pem"));
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    command.args(["-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]);
    command.args(["-addext", "subjectAltName=IP:127.0.0.1"]);
    command.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    command.arg("-out").arg(&certificate).arg("-keyout").arg(&key);
    let made = command.stderr(Stdio::null()).status().expect("openssl");
    assert!(made.success());
    let certificate = CertificateDer::from_pem_file(certificate).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(key).expect("a key");
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("they belong together");
    TlsAcceptor::from(Arc::new(config))
}

const CERTIFICATE: &str = "certificate.pem";
