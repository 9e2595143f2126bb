//! `POST /webhooks/livekit`: what a LiveKit server tells of its rooms, believed by its signature.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};

use super::problem::Refusal;
use super::{Shared, lanes};

pub(super) async fn take(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Refusal> {
    let body = lanes::whole(body)?;
    let Some(webhooks) = &shared.settings.rooms else {
        let message = "this line goes into no rooms: set [livekit] url and its key";
        return Err(Refusal::new(StatusCode::NOT_FOUND, "no_rooms", message));
    };
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let taken = webhooks.take(authorization, &body).map_err(|error| {
        Refusal::new(StatusCode::UNAUTHORIZED, "bad_signature", error.to_string())
    })?;
    // The server tells it again.
    taken
        .map_err(|busy| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", busy.to_string()))?;
    Ok(StatusCode::OK)
}
