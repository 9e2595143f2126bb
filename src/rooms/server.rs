//! What the server says when it is asked which rooms there are (its RoomService, over Twirp).
//! <https://docs.livekit.io/reference/other/roomservice-api/>

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use plugin_livekit::{ApiKey, server_token};
use serde::Deserialize;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// Asks a server. Blocks as long as the server takes.
#[derive(Clone)]
pub struct RoomServer {
    agent: ureq::Agent,
    url: String,
    api: ApiKey,
}

/// Why the server did not say.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// It did not answer.
    #[error("the LiveKit server does not tell its rooms: {0}; is [livekit] url right?")]
    NoAnswer(#[from] Box<ureq::Error>),
    /// It answered with something else.
    #[error("what answers at [livekit] url is no LiveKit server: {0}")]
    NotRooms(#[from] serde_json::Error),
    /// It does not believe us.
    #[error(
        "the LiveKit server does not know this key (status {0}): see XENLINE_LIVEKIT_KEY and XENLINE_LIVEKIT_SECRET"
    )]
    Refused(u16),
}

#[derive(Deserialize)]
struct Listing {
    #[serde(default)]
    rooms: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    /// Agents and recorders left out.
    #[serde(default, alias = "numParticipants")]
    num_participants: u32,
}

impl RoomServer {
    /// The one that signals at `url`: `ws:` and `wss:` stand for `http:` and `https:`.
    #[must_use]
    pub fn new(url: &str, api: ApiKey) -> Self {
        let mut config = ureq::Agent::config_builder()
            .timeout_global(Some(ANSWERS_WITHIN))
            .http_status_as_error(false);
        if url.starts_with("wss:") {
            config = config.tls_config(TlsConfig::builder().root_certs(believed()).build());
        }
        let url = url.strip_prefix("ws").map_or(url.to_owned(), |rest| format!("http{rest}"));
        Self { agent: config.build().into(), url: url.trim_end_matches('/').to_owned(), api }
    }

    /// Its rooms, and how many people are in each.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn rooms(&self) -> Result<Vec<(String, u32)>, ServerError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let token = server_token(&self.api, None, now);
        let mut response = self
            .agent
            .post(format!("{}/twirp/livekit.RoomService/ListRooms", self.url))
            .header("Authorization", format!("Bearer {token}"))
            .header("Content-Type", "application/json")
            .send("{}")
            .map_err(Box::new)?;
        let status = response.status().as_u16();
        if matches!(status, 401 | 403) {
            return Err(ServerError::Refused(status));
        }
        let body = response.body_mut().with_config().limit(LISTING_BYTES_MAX);
        let body = body.read_to_string().map_err(Box::new)?;
        let listing: Listing = serde_json::from_str(&body)?;
        let room = |it: Listed| (it.name, it.num_participants);
        Ok(listing.rooms.into_iter().take(LISTED_MAX).map(room).collect())
    }
}

/// Whom the system believes: its certificates, or those in `SSL_CERT_FILE`, as for the signalling.
fn believed() -> RootCerts {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!(%error, "a certificate of the system's cannot be read");
    }
    let certificates: Vec<Certificate<'static>> = found
        .certs
        .iter()
        .map(|certificate| Certificate::from_der(certificate).to_owned())
        .collect();
    RootCerts::new_with_certs(&certificates)
}

/// A server on this machine takes milliseconds.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// Rooms of a server that are looked at: far more than one line can serve.
const LISTED_MAX: usize = 1_000;
/// A kilobyte for each, whatever their metadata.
const LISTING_BYTES_MAX: u64 = 1024 * 1024;
