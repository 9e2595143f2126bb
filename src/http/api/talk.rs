//! `/api/v1/talk`: a browser's own way to the line, in the manner of WHIP (RFC 9725): an offer is
//! posted, the answer comes back, and the talk has an address where it is ended.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use plugin_webrtc::Offer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::Shared;
use crate::http::lanes::{busy, parsed, whole};
use crate::http::problem::Refusal;
use crate::talk::{NotBegun, TalkPart, TalkStatus, Talks, Wanted};

/// Session descriptions (RFC 8866).
pub(in crate::http) const SDP: &str = "application/sdp";
/// Whose words these are, unless the page says otherwise.
const OPERATOR: &str = "operator";
const CALLER: &str = "browser";

/// How browsers find the line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TalkTerms {
    /// For `RTCPeerConnection`; none on the line's own machine.
    pub ice_servers: Vec<TalkServer>,
}

/// A server that helps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TalkServer {
    /// `turn:…`, `stun:…`
    pub urls: Vec<String>,
    /// For TURN.
    pub username: String,
    /// For TURN.
    pub credential: String,
}

/// How the operator takes part from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TalkChange {
    /// `listen`, `whisper`, `barge_in`.
    pub part: TalkPart,
}

pub(in crate::http) async fn terms(
    State(shared): State<Arc<Shared>>,
) -> Result<Json<TalkTerms>, Refusal> {
    let servers = talks(&shared)?.servers().iter().map(|server| TalkServer {
        urls: server.urls.clone(),
        username: server.username.clone(),
        credential: server.credential.clone(),
    });
    Ok(Json(TalkTerms { ice_servers: servers.collect() }))
}

pub(in crate::http) async fn begin(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let offer = offer_of(&headers, body)?;
    let wanted = wanted(offer, query.as_deref().unwrap_or_default())?;
    let (name, answer) = talks(&shared)?.begin(wanted).await.map_err(refusal_of)?;
    let headers = [
        (header::CONTENT_TYPE, SDP.to_owned()),
        (header::LOCATION, format!("/api/v1/talk/{name}")),
    ];
    Ok((StatusCode::CREATED, headers, answer).into_response())
}

/// A browser whose network has changed offers anew.
pub(in crate::http) async fn restart(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let offer = offer_of(&headers, body)?;
    let answer = talks(&shared)?.restart(&name, offer).await.map_err(refusal_of)?;
    Ok(([(header::CONTENT_TYPE, SDP)], answer).into_response())
}

pub(in crate::http) async fn status(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Json<TalkStatus>, Refusal> {
    let status = talks(&shared)?.status(&name);
    status.map(Json).ok_or_else(|| refusal_of(NotBegun::Over))
}

pub(in crate::http) async fn change(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Refusal> {
    let TalkChange { part } = parsed(&whole(body)?)?;
    talks(&shared)?.set_part(&name, part).map_err(refusal_of)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(in crate::http) async fn end(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<StatusCode, Refusal> {
    talks(&shared)?.end(&name);
    Ok(StatusCode::NO_CONTENT)
}

fn talks(shared: &Shared) -> Result<&Talks, Refusal> {
    shared.behind.talks.as_ref().ok_or_else(|| busy("this line takes no browsers"))
}

fn offer_of(headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Offer, Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
    if !kind.starts_with(SDP.as_bytes()) {
        let message = format!("an offer is sent as {SDP}");
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "bad_body", message));
    }
    let body = whole(body)?;
    let text = core::str::from_utf8(&body).map_err(|_| Refusal::bad_body("an offer is text"))?;
    Offer::parse(text).map_err(|error| refusal_of(error.into()))
}

/// `?part=`, `?line=`, `?label=`.
fn wanted(offer: Offer, query: &str) -> Result<Wanted, Refusal> {
    let asked = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let part = match asked("part").unwrap_or("caller") {
        "caller" => TalkPart::Caller,
        "listen" => TalkPart::Listen,
        "whisper" => TalkPart::Whisper,
        "barge_in" => TalkPart::BargeIn,
        other => {
            let message = format!("?part={other}: there are caller, listen, whisper and barge_in");
            return Err(Refusal::bad_body(message));
        }
    };
    let line = asked("line").map(str::parse).transpose();
    let line = line.map_err(|_| Refusal::bad_body("?line= takes the number of an open line"))?;
    let usual = if part == TalkPart::Caller { CALLER } else { OPERATOR };
    Ok(Wanted { offer, label: asked("label").unwrap_or(usual).to_owned(), part, line })
}

fn refusal_of(error: NotBegun) -> Refusal {
    let message = error.to_string();
    match error {
        NotBegun::Full => busy(&message),
        NotBegun::Over => Refusal::new(StatusCode::NOT_FOUND, "unknown_talk", message),
        NotBegun::Offer(offer) => {
            let status = StatusCode::from_u16(offer.http_status());
            Refusal::new(status.unwrap_or(StatusCode::BAD_REQUEST), "bad_offer", message)
        }
        NotBegun::Peer(_) => Refusal::new(StatusCode::BAD_GATEWAY, "no_connection", message),
    }
}
