//! `POST /webhooks/sms`: short messages in, in the carrier's form (Telnyx, API v2).
//! <https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks>

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::listen::Peer;
use super::problem::Refusal;
use super::signature::{SIGNATURE_HEADER, TIMESTAMP_HEADER};
use super::{Shared, gate, lanes};
use crate::text::{Written, check_name};

/// The event that brings a message.
const RECEIVED: &str = "message.received";
/// The lane's tag.
const SMS: &str = "sms";
/// An id of the carrier's is a UUID.
const ID_BYTES_MAX: usize = 128;

/// What the carrier posts. Fields that are not listed are not looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SmsWebhook {
    /// The event.
    pub data: SmsEvent,
}

/// One event of the carrier's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SmsEvent {
    /// `message.received` is taken in; any other is answered and left alone.
    pub event_type: String,
    /// The message; with other events it may look different.
    #[serde(default)]
    pub payload: serde_json::Value,
}

/// A message as the carrier brings it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SmsPayload {
    /// The carrier's name for it; a repetition has the same.
    #[schemars(length(min = 1, max = 128))]
    pub id: String,
    /// Who sent it.
    pub from: SmsAddress,
    /// What it says, at most 20480 bytes. Empty where somebody sends a picture alone.
    #[serde(default)]
    pub text: String,
}

/// One end of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SmsAddress {
    /// In E.164 form, or a sender's name: at most 128 bytes, no control characters.
    #[schemars(length(min = 1, max = 128), regex(pattern = crate::text::NAME_PATTERN))]
    pub phone_number: String,
}

/// What the carrier is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SmsTaken {
    /// The message's name here; absent where there was no message in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// It had been taken before.
    pub duplicate: bool,
}

pub(super) async fn take(
    State(shared): State<Arc<Shared>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<SmsTaken>, Refusal> {
    let body = lanes::whole(body)?;
    believed(&shared, &headers, &body)?;
    let SmsWebhook { data } = lanes::parsed(&body)?;
    if data.event_type != RECEIVED {
        // Delivery reports and the like: asked for again if they were refused.
        return Ok(Json(SmsTaken { id: None, duplicate: false }));
    }
    let payload: SmsPayload = serde_json::from_value(data.payload)
        .map_err(|error| Refusal::bad_body(format!("data.payload: {error}")))?;
    if !(1..=ID_BYTES_MAX).contains(&payload.id.len()) {
        return Err(Refusal::bad_body("data.payload.id has 1 to 128 bytes"));
    }
    let from = &payload.from.phone_number;
    check_name(from)
        .map_err(|error| Refusal::bad_body(format!("data.payload.from.phone_number: {error}")))?;
    if payload.text.trim().is_empty() {
        tracing::info!("a short message without words was left alone");
        return Ok(Json(SmsTaken { id: None, duplicate: false }));
    }
    shared.admit_writer(peer, from)?;
    let written = Written { text: payload.text, from: payload.from.phone_number };
    let key = format!("sms-{}", payload.id);
    let posted = lanes::keep(&shared, SMS.into(), Some(key), written).await?;
    Ok(Json(SmsTaken { id: Some(posted.id), duplicate: posted.duplicate }))
}

/// With the carrier's key only what is signed with it; else what brings the token.
fn believed(shared: &Shared, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
    let Some(carrier) = &shared.settings.carrier else {
        return gate::authorised(shared, headers);
    };
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    carrier
        .verify(now.as_secs(), header(TIMESTAMP_HEADER), header(SIGNATURE_HEADER), body)
        .map_err(|error| Refusal::new(StatusCode::UNAUTHORIZED, "bad_signature", error.to_string()))
}
