//! The door for programs: text in and out of the lanes over HTTP, on loopback by default.
//!
//! | request | |
//! | --- | --- |
//! | `POST /lanes/{tag}` | keeps a message ([`Written`](crate::text::Written)); `Idempotency-Key` makes a repetition harmless |
//! | `POST /lanes/xen-out` | sends a message ([`Outgoing`](crate::text::Outgoing)) through the checkpoint; the same `Idempotency-Key` to the same recipient sends once within ten minutes |
//! | `GET /lanes/{tag}/events` | the lane as it goes on (SSE); `Last-Event-ID` goes on after a position, `?after=0` begins at the start |
//! | `GET /` | the console page |
//! | `/api/v1/…` | the line itself ([`api`]); `GET /api/v1/openapi.json` describes it |
//! | `POST /webhooks/sms` | takes in a short message in the carrier's form ([`SmsWebhook`]) |
//! | `POST /webhooks/livekit` | takes in what a LiveKit server tells of its rooms |
//! | `GET /schemas`, `GET /schemas/{name}` | the JSON Schema of every body |
//!
//! Who comes in: requests whose `Host` is this machine's loopback or named in the configuration,
//! not from another site's page (`Origin`, `Sec-Fetch-Site`), within their rate, and with the bearer
//! token of [`TOKEN_VARIABLE`] or a page's session ([`Pages`]); the webhook with the carrier's signature
//! where its key is known. There is no CORS and there are no cookies: what a foreign page asks for has no
//! authority of its own, even if it came through. No secret stands in a URL that is sent.
//!
//! Every answer but a stream, a file of the page, a picture and a sound is JSON; every refusal is a [`Problem`] with a next step. Bodies,
//! connections, streams and rates are bounded; a slow reader holds up nobody but itself.

pub mod api;
mod events;
mod gate;
mod lanes;
mod listen;
mod names;
mod page;
mod pages;
mod patience;
mod problem;
mod rate;
mod room_webhook;
pub mod schemas;
mod signature;
mod token;
mod webhook;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post};
use tokio::sync::{Semaphore, mpsc};

use self::names::NamedRates;
use crate::control::server::Asked;
use crate::talk::Talks;
use crate::text::TextHandle;
use crate::watch::{Show, Watch};

pub use api::events::SightEvent;
pub use events::{Gap, Reset};
pub use lanes::{LanePosted, SentAnswer};
pub use pages::Pages;
pub use problem::Problem;
pub use rate::{Rate, Rates};
pub use signature::{CarrierKey, SIGNATURE_HEADER, SignatureError, TIMESTAMP_HEADER};
pub use token::{TOKEN_BYTES_MIN, TOKEN_VARIABLE, Token};
pub use webhook::{SmsAddress, SmsEvent, SmsPayload, SmsTaken, SmsWebhook};

/// Longest body, in bytes.
pub const BODY_BYTES_MAX: usize = 20 * 1024;
/// Streams at the same time: consoles and scripts of one machine.
const STREAMS_MAX: usize = 64;

/// How the door is kept.
#[derive(Clone, Debug)]
pub struct DoorSettings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What a request has to bring. Without one every request is refused.
    pub token: Option<Token>,
    /// Names by which it is reached, besides loopback.
    pub hosts: Vec<String>,
    /// What one source may do.
    pub each: Rate,
    /// What all of them may do together.
    pub all: Rate,
    /// The carrier's public key for webhooks.
    pub carrier: Option<CarrierKey>,
    /// How often a stream says that it is alive.
    pub keep_alive: Duration,
    /// What is shown of calls.
    pub show: Show,
    /// Where a LiveKit server's webhooks go.
    pub rooms: Option<crate::rooms::Webhooks>,
}

/// What is behind the door.
#[derive(Clone)]
pub struct Behind {
    /// What is written.
    pub text: TextHandle,
    /// What goes on.
    pub watch: Watch,
    /// Where the desk is asked.
    pub desk: mpsc::Sender<Asked>,
    /// Who has the page open.
    pub pages: Pages,
    /// Browsers that talk; `None`: nobody does.
    pub talks: Option<Talks>,
    /// Where calls are recorded, if they are.
    pub recordings: Option<PathBuf>,
}

impl DoorSettings {
    /// A door at this address, with this token, and defaults for the rest.
    #[must_use]
    pub fn new(listen: SocketAddr, token: Option<Token>) -> Self {
        Self {
            listen,
            token,
            hosts: Vec::new(),
            each: Rate { burst: 120, per_minute: 600 },
            all: Rate { burst: 600, per_minute: 6_000 },
            carrier: None,
            keep_alive: Duration::from_secs(15),
            show: Show::default(),
            rooms: None,
        }
    }
}

/// The open door. It closes, with every connection, when this is dropped.
pub struct Door {
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Door {
    /// Opens it. To be called within a tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn open(settings: DoorSettings, behind: Behind) -> std::io::Result<Self> {
        let listener = tokio::net::TcpListener::bind(settings.listen).await?;
        let address = listener.local_addr()?;
        behind.pages.opened_at(address);
        let router = router(Arc::new(Shared::new(settings, behind)));
        let task = tokio::spawn(listen::accept(listener, router));
        Ok(Self { address, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the requests share.
struct Shared {
    settings: DoorSettings,
    behind: Behind,
    /// By address: requests that bring neither the token nor a session.
    peers: Mutex<Rates>,
    /// By address: those that do.
    known: Mutex<Rates>,
    /// By the name that a message brings; names that are new, by the address that they come from.
    writers: Mutex<NamedRates>,
    /// By the address that it comes from: a message that is to leave names nobody who sends it, and
    /// to whom it goes is no source.
    senders: Mutex<Rates>,
    started: Instant,
    streams: Arc<Semaphore>,
    /// Pictures that are drawn at the same time: half a second of a processor each.
    drawing: Arc<Semaphore>,
}

impl Shared {
    fn new(settings: DoorSettings, behind: Behind) -> Self {
        // All programs of a machine share its loopback address: they are told apart by name.
        let peers = Rates::new(settings.all, settings.all);
        let known = Rates::new(settings.all, settings.all);
        let writers = NamedRates::new(settings.each, settings.all);
        let senders = Rates::new(settings.each, settings.all);
        Self {
            settings,
            behind,
            peers: Mutex::new(peers),
            known: Mutex::new(known),
            writers: Mutex::new(writers),
            senders: Mutex::new(senders),
            started: Instant::now(),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            drawing: Arc::new(Semaphore::new(1)),
        }
    }

    fn admit(&self, rates: &Mutex<Rates>, source: &str) -> Result<(), problem::Refusal> {
        // Buckets are whole between two calls, so a panic elsewhere does not spoil them.
        let mut rates = rates.lock().unwrap_or_else(PoisonError::into_inner);
        rates.take(self.started.elapsed(), source).map_err(problem::Refusal::too_many)
    }

    fn admit_writer(&self, peer: listen::Peer, name: &str) -> Result<(), problem::Refusal> {
        let mut rates = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        let address = peer.0.ip().to_string();
        rates.take(self.started.elapsed(), &address, name).map_err(problem::Refusal::too_many)
    }
}

fn router(shared: Arc<Shared>) -> Router {
    let with_token = Router::new()
        .route("/lanes/{tag}", post(lanes::post))
        .route("/lanes/{tag}/events", get(events::stream))
        .route_layer(axum::middleware::from_fn_with_state(shared.clone(), gate::token));
    let for_pages =
        api::routes().route_layer(axum::middleware::from_fn_with_state(shared.clone(), gate::page));
    Router::new()
        .merge(with_token)
        .merge(for_pages)
        .merge(api::open_routes())
        .merge(page::routes())
        .route("/webhooks/sms", post(webhook::take))
        .route("/webhooks/livekit", post(room_webhook::take))
        .route("/schemas", get(schemas::list))
        .route("/schemas/{name}", get(schemas::one))
        .fallback(async || problem::Refusal::new(StatusCode::NOT_FOUND, "not_found", NOT_FOUND))
        .method_not_allowed_fallback(async || {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            problem::Refusal::new(status, "method_not_allowed", NOT_FOUND)
        })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(axum::middleware::from_fn_with_state(shared.clone(), gate::outside))
        .with_state(shared)
}

const NOT_FOUND: &str = "there are POST /lanes/{tag}, GET /lanes/{tag}/events, GET /api/v1/events, POST /webhooks/sms, POST /webhooks/livekit and GET /schemas";
