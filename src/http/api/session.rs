//! `POST /api/v1/session`: a page is opened; `DELETE`: it is closed.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::Shared;
use crate::http::gate;
use crate::http::lanes::{busy, parsed, whole};
use crate::http::listen::Peer;
use crate::http::problem::Refusal;

/// What opens a page: one of the two.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SessionBody {
    /// What stands behind `#` in the address that `xenline page` prints; good once, on this machine.
    pub code: Option<String>,
    /// The line's token.
    pub token: Option<String>,
}

/// A page is open.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// Stands for the token in `Authorization: Bearer`, until twelve hours of silence.
    pub session: String,
}

pub(in crate::http) async fn start(
    State(shared): State<Arc<Shared>>,
    Extension(peer): Extension<Peer>,
    body: Result<Bytes, BytesRejection>,
) -> Result<impl IntoResponse, Refusal> {
    let SessionBody { code, token } = parsed(&whole(body)?)?;
    let (pages, now) = (&shared.behind.pages, Instant::now());
    let session = match (code, token) {
        (_, Some(token)) => {
            let token = format!("Bearer {token}");
            let ours = shared.settings.token.as_ref();
            if !ours.is_some_and(|ours| ours.opens(token.as_bytes())) {
                return Err(unknown("this is not the line's token"));
            }
            pages.start(now).ok_or_else(|| busy("this machine has no random numbers"))?
        }
        // From elsewhere it takes the token: a code is for who sits at this machine.
        (Some(code), None) if peer.0.ip().to_canonical().is_loopback() => {
            pages.redeem(now, &code).ok_or_else(|| {
                unknown("this code was used already or is too old; `xenline page` prints another")
            })?
        }
        _ => {
            return Err(unknown(
                "send the line's token; a code is good on the line's machine only",
            ));
        }
    };
    Ok((StatusCode::CREATED, Json(Session { session })))
}

pub(in crate::http) async fn end(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
) -> StatusCode {
    if let Some(secret) = gate::bearer(&headers) {
        shared.behind.pages.end(secret);
    }
    StatusCode::NO_CONTENT
}

fn unknown(message: &str) -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
}
