//! `POST /lanes/{tag}`: a message comes in, or is to leave.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use brain_protocol::MessageEnding;
use lane_broker::PublishError;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::listen::Peer;
use super::problem::Refusal;
use super::{BODY_BYTES_MAX, Shared};
use crate::text::{NAME_BYTES_MAX, Outgoing, OutgoingNews, PostError, Posted, Written};

const IDEMPOTENCY_HEADER: &str = "idempotency-key";
/// Keys of ours begin differently.
const KEY_PREFIX: &str = "key-";
/// The store has its own bound.
const KEY_BYTES_MAX: usize = 200;
/// A lane that is full, or a disk, may be well again by then.
const STORE_AGAIN: Duration = Duration::from_secs(5);
/// The tag of what leaves.
const OUT: &str = "xen-out";

/// A message was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LanePosted {
    /// Its name for good, and the trigger of whatever reacts to it.
    pub id: String,
    /// The lane that keeps it.
    pub lane: String,
    /// Where in the lane; the id of its event.
    pub position: u64,
    /// It had been posted before under this `Idempotency-Key`; nothing was added.
    pub duplicate: bool,
}

/// A message was handed to the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SentAnswer {
    /// Its name.
    pub message: String,
    /// It is kept, and will leave or end for a reason that the log names.
    pub accepted: bool,
    /// It has ended already: `duplicate`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<MessageEnding>,
    /// Why, where the ending alone does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

pub(super) async fn post(
    State(shared): State<Arc<Shared>>,
    Extension(peer): Extension<Peer>,
    Path(tag): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let body = whole(body)?;
    if tag == OUT {
        let outgoing: Outgoing = parsed(&body)?;
        outgoing.check().map_err(|error| Refusal::bad_body(error.to_string()))?;
        let outgoing = named(outgoing, key_of(&headers)?)?;
        return send(&shared, peer, outgoing).await.map(IntoResponse::into_response);
    }
    let written: Written = parsed(&body)?;
    written.check().map_err(|error| Refusal::bad_body(error.to_string()))?;
    shared.admit_writer(peer, &written.from)?;
    let posted = keep(&shared, tag, key_of(&headers)?, written).await?;
    let status = if posted.duplicate { StatusCode::OK } else { StatusCode::CREATED };
    let Posted { id, lane, position, duplicate } = posted;
    Ok((status, Json(LanePosted { id, lane, position, duplicate })).into_response())
}

async fn send(
    shared: &Shared,
    peer: Peer,
    outgoing: Outgoing,
) -> Result<impl IntoResponse, Refusal> {
    shared.admit(&shared.senders, &peer.0.ip().to_string())?;
    let (message, mut news) = shared.behind.text.send(OUT, outgoing);
    let answer = |accepted, ending, reason| SentAnswer { message, accepted, ending, reason };
    match news.recv().await {
        Some(OutgoingNews::Accepted) => Ok((StatusCode::ACCEPTED, Json(answer(true, None, None)))),
        Some(OutgoingNews::NotNow { reason }) => Err(busy(&reason)),
        Some(OutgoingNews::Ended { ending: MessageEnding::Refused, reason }) => {
            let reason = reason.unwrap_or_else(|| "refused".into());
            Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", reason))
        }
        Some(OutgoingNews::Ended { ending, reason }) => {
            Ok((StatusCode::OK, Json(answer(false, Some(ending), reason))))
        }
        None => Err(busy("the line does not keep up with what is to be sent")),
    }
}

/// The message under the key of its request. One that its sender named in the body is the same under
/// that name already.
fn named(mut outgoing: Outgoing, key: Option<String>) -> Result<Outgoing, Refusal> {
    if outgoing.dedup_key.is_some() {
        return Ok(outgoing);
    }
    if key.as_ref().is_some_and(|key| key.len() > NAME_BYTES_MAX) {
        let max = NAME_BYTES_MAX - KEY_PREFIX.len();
        let message = format!("Idempotency-Key has 1 to {max} visible ASCII characters here");
        return Err(Refusal::bad_body(message));
    }
    outgoing.dedup_key = key;
    Ok(outgoing)
}

/// Keeps a message, on a thread that may wait for a disk.
pub(super) async fn keep(
    shared: &Arc<Shared>,
    tag: String,
    key: Option<String>,
    written: Written,
) -> Result<Posted, Refusal> {
    let text = shared.behind.text.clone();
    let post = move || text.post(&tag, key.as_deref(), &written);
    match tokio::task::spawn_blocking(post).await {
        Ok(posted) => posted.map_err(refusal_of),
        Err(_) => Err(busy("the lanes do not answer")),
    }
}

/// The whole body, or why not.
pub(super) fn whole(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Refusal> {
    body.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let message = format!("a body has at most {BODY_BYTES_MAX} bytes; send it in parts");
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
        }
        _ => Refusal::bad_body("the body broke off"),
    })
}

/// The body as what it should be; the schema says what that is.
pub(super) fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        Refusal::bad_body(format!("{error}; GET /schemas says what a body looks like"))
    })
}

fn key_of(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(key) = headers.get(IDEMPOTENCY_HEADER) else { return Ok(None) };
    match key.to_str() {
        Ok(key) if (1..=KEY_BYTES_MAX).contains(&key.len()) => {
            Ok(Some(format!("{KEY_PREFIX}{key}")))
        }
        _ => Err(Refusal::bad_body(format!(
            "Idempotency-Key has 1 to {KEY_BYTES_MAX} visible ASCII characters"
        ))),
    }
}

fn refusal_of(error: PostError) -> Refusal {
    let message = error.to_string();
    match error {
        PostError::Unfit(_) => Refusal::bad_body(message),
        PostError::Tag(_) => Refusal::new(StatusCode::NOT_FOUND, "unknown_tag", message),
        PostError::Reserved(_) => Refusal::new(StatusCode::FORBIDDEN, "reserved", message),
        PostError::Store(PublishError::BadKey | PublishError::BodyTooLarge { .. }) => {
            Refusal::bad_body(message)
        }
        PostError::Store(_) => busy(&message),
    }
}

pub(super) fn busy(message: &str) -> Refusal {
    Refusal::later(StatusCode::SERVICE_UNAVAILABLE, "unavailable", STORE_AGAIN, message)
}
