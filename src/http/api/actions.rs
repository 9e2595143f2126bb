//! The actions: requests for the desk that come in over HTTP.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{RawPathParams, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use lane_broker::intake::Who;
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use crate::control::actions::{ACTIONS, Action, Answers, BASE, Method};
use crate::control::server::Asked;
use crate::control::{Reply, Request};
use crate::http::Shared;
use crate::http::lanes::{busy, whole};
use crate::http::problem::Refusal;
use crate::watch::Show;

/// Every reply on a line of its own, as it comes.
pub(in crate::http) const NDJSON: &str = "application/x-ndjson";
/// Replies that wait for a slow client; a `say` on every line has two for each.
const REPLIES_MAX: usize = 256;

/// A route for each action.
pub(super) fn routes() -> Router<Arc<Shared>> {
    ACTIONS.iter().fold(Router::new(), |router, action| {
        let filter = match action.method {
            Method::Get => MethodFilter::GET,
            Method::Post => MethodFilter::POST,
            Method::Delete => MethodFilter::DELETE,
        };
        let handler = move |State(shared): State<Arc<Shared>>,
                            params: RawPathParams,
                            headers: HeaderMap,
                            body: Result<Bytes, BytesRejection>| async move {
            take(&shared, action, &params, &headers, body).await
        };
        router.route(&format!("{BASE}{}", action.path), on(filter, handler))
    })
}

async fn take(
    shared: &Shared,
    action: &'static Action,
    params: &RawPathParams,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let named: Vec<_> =
        params.iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    let fields = fields_of(&whole(body)?)?;
    let request = action
        .request(&named, fields)
        .map_err(|error| Refusal::bad_body(format!("{error}; see {BASE}/openapi.json")))?;
    let streams = headers.get(header::ACCEPT).is_some_and(|it| it.as_bytes() == NDJSON.as_bytes());
    if request.waits() && !streams {
        let message =
            format!("an ending may be long in coming: send Accept: {NDJSON}, or do not wait");
        return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", message));
    }
    let replies = ask(shared, request).await?;
    match streams {
        true => Ok(streamed(replies, shared.settings.show)),
        false => collected(replies, action.answers, shared.settings.show).await,
    }
}

/// Hands a request to the desk, as the line's own user.
async fn ask(shared: &Shared, request: Request) -> Result<mpsc::Receiver<Reply>, Refusal> {
    let (replies, inbox) = mpsc::channel(REPLIES_MAX);
    let asked = Asked { request, who: Who::Owner, claim: None, replies };
    shared.behind.desk.send(asked).await.map_err(|_| closing())?;
    Ok(inbox)
}

/// No body is an empty one.
fn fields_of(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if body.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(body)
        .map_err(|error| Refusal::bad_body(format!("a body is one JSON object: {error}")))
}

fn streamed(replies: mpsc::Receiver<Reply>, show: Show) -> Response {
    let lines = futures_util::stream::unfold(replies, move |mut replies| async move {
        let reply = replies.recv().await?;
        let line = format!("{}\n", shown(&reply, show));
        Some((Ok::<_, Infallible>(line), replies))
    });
    ([(header::CONTENT_TYPE, NDJSON)], Body::from_stream(lines)).into_response()
}

async fn collected(
    mut replies: mpsc::Receiver<Reply>,
    answers: Answers,
    show: Show,
) -> Result<Response, Refusal> {
    let mut told = Vec::new();
    while let Some(reply) = replies.recv().await {
        told.push(reply);
        if answers != Answers::Each {
            break;
        }
    }
    let refused = |reply: &Reply| matches!(reply, Reply::Refused { .. });
    let first = told.first().ok_or_else(closing)?;
    if told.iter().all(refused) {
        return Err(refusal_of(first));
    }
    let status = status_of(first);
    let body = match answers {
        Answers::Each => Value::from_iter(told.iter().map(|reply| shown(reply, show))),
        _ => shown(first, show),
    };
    Ok((status, axum::Json(body)).into_response())
}

fn shown(reply: &Reply, show: Show) -> Value {
    show.of(serde_json::to_value(reply).unwrap_or_default())
}

fn status_of(reply: &Reply) -> StatusCode {
    match reply {
        Reply::Accepted { .. } | Reply::Kept { .. } | Reply::Calling { .. } => StatusCode::ACCEPTED,
        _ => StatusCode::OK,
    }
}

fn refusal_of(reply: &Reply) -> Refusal {
    match reply {
        Reply::Refused { message, again_in_ms: Some(ms) } => {
            let wait = Duration::from_millis(*ms);
            Refusal::later(StatusCode::SERVICE_UNAVAILABLE, "not_now", wait, message)
        }
        Reply::Refused { message, .. } => Refusal::new(StatusCode::CONFLICT, "refused", message),
        _ => closing(),
    }
}

fn closing() -> Refusal {
    busy("the line is closing, or does not keep up")
}
