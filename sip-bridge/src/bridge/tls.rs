//! TLS towards trunks: who we say we are, whom we believe, and the files that say so.

use core::net::SocketAddr;
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::connections::StreamKey;
use super::shared::Shared;
use super::stream::{self, CONNECT_MAX};
use crate::agent::Agent;
use crate::config::{BridgeConfig, TlsCalls, TlsConfig};
use crate::message::Host;
use crate::pii::Pii;

/// Why TLS cannot be spoken.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds no such thing.
    #[error("{what} {}: {source}; it must be PEM and readable by this user", path.display())]
    File {
        /// `certificate`, `key` or `CA list`.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// Certificate and key do not belong together, or cannot be used.
    #[error("certificate and key cannot be used: {0}; do they belong together?")]
    Unusable(#[from] rustls::Error),
}

/// When the certificate and its key were last changed; `None` where that cannot be known.
type Stamps = [Option<SystemTime>; 2];

/// What TLS needs to know.
pub(super) struct Tls {
    /// What we show to whoever connects; `None`: nobody does.
    server: Option<Server>,
    client: TlsConnector,
    /// The names under which peers that we connect to were looked up: what they must prove to be.
    /// The newest last.
    names: Mutex<VecDeque<(SocketAddr, ServerName<'static>)>>,
}

struct Server {
    config: TlsConfig,
    acceptor: Mutex<(TlsAcceptor, Stamps)>,
}

impl Tls {
    /// What the configuration wants, if it wants any.
    pub(super) fn of(config: &BridgeConfig) -> Result<Option<Self>, TlsError> {
        match (&config.tls, &config.tls_calls) {
            (Some(tls), _) => Self::new(tls.clone()).map(Some),
            (None, Some(calls)) => Self::calling(calls).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// Reads the files.
    fn new(config: TlsConfig) -> Result<Self, TlsError> {
        let acceptor = Mutex::new(load_server(&config)?);
        let client = load_client(config.ca.as_deref())?;
        let server = Some(Server { config, acceptor });
        Ok(Self { server, client, names: Mutex::default() })
    }

    /// Of somebody who only calls.
    fn calling(config: &TlsCalls) -> Result<Self, TlsError> {
        let client = load_client(config.ca.as_deref())?;
        Ok(Self { server: None, client, names: Mutex::default() })
    }

    /// The peer at `address` was looked up as `host`.
    pub(super) fn name(&self, address: SocketAddr, host: &Host) {
        let Host::Name(host) = host else { return };
        let Ok(name) = ServerName::try_from(host.clone()) else { return };
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.retain(|(known, _)| *known != address);
        if names.len() >= NAMES_MAX {
            names.pop_front();
        }
        names.push_back((address, name));
    }

    fn name_of(&self, address: SocketAddr) -> ServerName<'static> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let known = names.iter().find(|(known, _)| *known == address);
        known.map_or(ServerName::IpAddress(address.ip().into()), |(_, name)| name.clone())
    }
}

impl Server {
    /// The acceptor for the next connection: with the files as they are now, or as they last were
    /// when they could be used.
    fn acceptor(&self) -> TlsAcceptor {
        let mut server = self.acceptor.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamps(&self.config);
        if now != server.1 {
            match load_server(&self.config) {
                Ok(fresh) => {
                    tracing::info!("TLS certificate read again");
                    *server = fresh;
                }
                Err(error) => {
                    tracing::warn!(%error, "the changed TLS certificate is not taken; the old one serves on");
                    server.1 = now; // Said once for each change.
                }
            }
        }
        server.0.clone()
    }
}

/// Answers a handshake and serves the connection.
pub(super) async fn accept(
    shared: Arc<Shared>,
    stream: TcpStream,
    key: StreamKey,
    queued: mpsc::Receiver<Bytes>,
) {
    let Some(server) = shared.tls.as_ref().and_then(|tls| tls.server.as_ref()) else { return };
    let greeted = timeout(CONNECT_MAX, server.acceptor().accept(stream)).await;
    greeting_over(shared, greeted.unwrap_or_else(|late| Err(late.into())), key, queued).await;
}

/// Opens a connection, has the peer prove its name, and serves it.
pub(super) async fn connect(shared: Arc<Shared>, key: StreamKey, queued: mpsc::Receiver<Bytes>) {
    let (Some(tls), Some(stream)) = (&shared.tls, stream::open(key.1).await) else {
        return stream::close(&shared, key, queued);
    };
    let name = configured(&shared, key.1).unwrap_or_else(|| tls.name_of(key.1));
    let greeting = tls.client.connect(name, stream);
    let greeted = timeout(CONNECT_MAX, greeting).await;
    greeting_over(shared, greeted.unwrap_or_else(|late| Err(late.into())), key, queued).await;
}

async fn greeting_over<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(
    shared: Arc<Shared>,
    greeted: io::Result<S>,
    key: StreamKey,
    queued: mpsc::Receiver<Bytes>,
) {
    match greeted {
        Ok(stream) => stream::converse(shared, stream, key, queued).await,
        Err(error) => {
            tracing::warn!(peer = %Pii::new(key.1), %error, "TLS handshake failed");
            stream::close(&shared, key, queued);
        }
    }
}

/// The name that the configuration gives to whoever is at `address`.
fn configured(shared: &Shared, address: SocketAddr) -> Option<ServerName<'static>> {
    let trunk = shared.gate().trunk_of(address.ip());
    let name = |agent: &Agent| agent.tls_name(trunk.as_deref(), address).map(str::to_owned);
    ServerName::try_from(shared.look(|agent, _| name(agent))?).ok()
}

/// Whether a certificate can have `name`: that of a host, and no address.
#[must_use]
pub fn is_tls_name(name: &str) -> bool {
    matches!(ServerName::try_from(name), Ok(ServerName::DnsName(_)))
}

/// Whether the files of `config` can be used.
pub(super) fn examine(config: &TlsConfig) -> Result<(), TlsError> {
    Tls::new(config.clone()).map(drop)
}

fn stamps(config: &TlsConfig) -> Stamps {
    let stamp = |path: &Path| path.metadata().and_then(|file| file.modified()).ok();
    [stamp(&config.certificate), stamp(&config.key)]
}

fn load_server(config: &TlsConfig) -> Result<(TlsAcceptor, Stamps), TlsError> {
    let stamps = stamps(config); // Before reading: a change in between is seen the next time.
    let chain = certificates("certificate", &config.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&config.key).map_err(|source| TlsError::File {
        what: "key",
        path: config.key.clone(),
        source,
    })?;
    let server = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(VERSIONS)?
        .with_no_client_auth() // The source address is the law of this house.
        .with_single_cert(chain, key)?;
    Ok((TlsAcceptor::from(Arc::new(server)), stamps))
}

fn load_client(ca: Option<&Path>) -> Result<TlsConnector, TlsError> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(path) => {
            for certificate in certificates("CA list", path)? {
                roots.add(certificate)?;
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let client = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(VERSIONS)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(client)))
}

fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = || {
        let found: Vec<_> = CertificateDer::pem_file_iter(path)?.collect::<Result<_, _>>()?;
        if found.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(found) }
    };
    read().map_err(|source| TlsError::File { what, path: path.into(), source })
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Never below 1.2 (RFC 8996).
const VERSIONS: &[&rustls::SupportedProtocolVersion] =
    &[&rustls::version::TLS13, &rustls::version::TLS12];
/// Names that were looked up lately: those of the calls that are being made.
const NAMES_MAX: usize = 64;
