//! `/api/v1`: the line itself, for its console page and for programs.
//!
//! Every action is the [`Request`](crate::control::Request) that the line's own socket takes, by the
//! table in [`crate::control::actions`]: nothing is decided here that is not decided there. Besides
//! them: what goes on ([`events`]), calls that are over ([`past`]), lanes, sessions, browsers that talk ([`talk`]), and the document
//! that describes all of it ([`openapi`]). What is said of calls is shown as `[http] show` allows.

pub(super) mod actions;
pub(super) mod events;
pub(super) mod lanes;
pub mod openapi;
pub(super) mod past;
mod range;
pub(super) mod session;
pub(super) mod talk;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use super::Shared;

/// What takes the token or a session.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .merge(actions::routes())
        .route("/api/v1/events", get(events::stream))
        .route("/api/v1/lanes", get(lanes::list))
        .route("/api/v1/lanes/{lane}/events", get(lanes::events))
        .route("/api/v1/past", get(past::list))
        .route("/api/v1/past/{id}", get(past::show))
        .route("/api/v1/past/{id}/picture.png", get(past::picture))
        .route("/api/v1/past/{id}/audio.wav", get(past::audio))
        .route("/api/v1/talk", get(talk::terms).post(talk::begin))
        .route("/api/v1/talk/{name}", get(talk::status).patch(talk::restart).delete(talk::end))
        .route("/api/v1/talk/{name}/part", post(talk::change))
        .route("/api/v1/openapi.json", get(openapi::serve))
}

/// What opens and closes a session: the way to one.
pub(super) fn open_routes() -> Router<Arc<Shared>> {
    Router::new().route("/api/v1/session", post(session::start).delete(session::end))
}
