//! `GET /api/v1/lanes`: which lanes there are, and who has read them.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, Sse};
use futures_util::Stream;
use lane_broker::{LaneInfo, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::Shared;
use crate::http::events as lane_events;
use crate::http::lanes::busy;
use crate::http::problem::Refusal;

/// The lanes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LaneList {
    /// By name.
    pub lanes: Vec<LaneDetails>,
}

/// A lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LaneDetails {
    /// `tag:name`.
    pub lane: String,
    /// Entries that it keeps.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Position of the newest; 0 if there was none.
    pub last: u64,
    /// Who reads it.
    pub groups: Vec<LaneReader>,
}

/// Who reads a lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LaneReader {
    /// Its name.
    pub name: String,
    /// Entries that it has not taken yet.
    pub behind: u64,
    /// Entries that it took and has not acknowledged.
    pub pending: u64,
}

pub(in crate::http) async fn list(
    State(shared): State<Arc<Shared>>,
) -> Result<Json<LaneList>, Refusal> {
    let store = shared.behind.text.store();
    let lanes = tokio::task::spawn_blocking(move || store.lanes()).await;
    let lanes = lanes.unwrap_or(Err(StoreError::Unavailable));
    let lanes = lanes.map_err(|error| busy(&error.to_string()))?;
    Ok(Json(LaneList { lanes: lanes.into_iter().map(details).collect() }))
}

/// A lane as it goes on, as much of it as a page may see.
pub(in crate::http) async fn events(
    State(shared): State<Arc<Shared>>,
    Path(named): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    let show = shared.settings.show;
    if !show.words {
        let message = "[http] show hides what is written";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "hidden", message));
    }
    lane_events::open(shared, &named, query, headers, show).await
}

fn details(info: LaneInfo) -> LaneDetails {
    let last = info.last.0;
    let reader = |group: &lane_broker::GroupInfo| LaneReader {
        name: group.name.to_string(),
        behind: last.saturating_sub(group.taken.0),
        pending: group.pending as u64,
    };
    LaneDetails {
        lane: info.lane.to_string(),
        entries: info.entries as u64,
        bytes: info.bytes as u64,
        last,
        groups: info.groups.iter().map(reader).collect(),
    }
}
