//! `GET /api/v1/events`: what goes on, over server-sent events.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::http::Shared;
use crate::http::events::{Gap, LAST_HEADER, STREAMS_AGAIN};
use crate::http::problem::Refusal;
use crate::watch::{Cursor, Seen, Show};

/// `?after=` for the oldest that is still known.
const START: &str = "0";

/// The data of an event `call`, `queue` or `draining`: an event of a call is one line of its
/// `events.jsonl` and the number of its line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SightEvent {
    /// `call`, `queue`, `draining`.
    pub kind: String,
    /// The call's line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// What happened: `caller_turn`, `floor`, …
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "type")]
    pub what: Option<String>,
    /// Milliseconds since the call was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub t_ms: Option<f64>,
    /// What else is known of it.
    #[serde(flatten)]
    pub more: serde_json::Map<String, Value>,
}

pub(in crate::http) async fn stream(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    let after = after(&shared, &headers, query.as_deref())?;
    let Ok(place) = Arc::clone(&shared.streams).try_acquire_owned() else {
        let message = "as many streams as there may be are open; close one";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return Err(Refusal::later(status, "too_many_streams", STREAMS_AGAIN, message));
    };
    let (reader, show) = (shared.behind.watch.read(after), shared.settings.show);
    let events =
        futures_util::stream::unfold((reader, place), move |(mut reader, place)| async move {
            let seen = reader.next().await?;
            Some((Ok(event_of(seen, show)), (reader, place)))
        });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(shared.settings.keep_alive)))
}

fn event_of(seen: Seen, show: Show) -> Event {
    match seen {
        Seen::Sight(cursor, sight) => {
            let data = show.of(serde_json::to_value(&*sight).unwrap_or_default());
            let kind = data["kind"].as_str().unwrap_or("unknown").to_owned();
            Event::default().id(cursor.to_string()).event(kind).data(data.to_string())
        }
        Seen::Level(level) => {
            let data = serde_json::to_string(&level).unwrap_or_default();
            Event::default().event("level").data(data)
        }
        Seen::Gap(missed) => {
            let data = serde_json::to_string(&Gap { missed }).unwrap_or_default();
            Event::default().event("gap").data(data)
        }
        Seen::Reset => Event::default().event("reset").data(json!({}).to_string()),
    }
}

/// Where a reader goes on: a broken stream after its last event, a new one where it wants to.
fn after(
    shared: &Shared,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<Option<Cursor>, Refusal> {
    let header = headers.get(LAST_HEADER).map(|value| value.to_str().unwrap_or("?"));
    let asked = query.unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("after="));
    match header.or(asked) {
        None => Ok(None),
        Some(START) => Ok(Some(shared.behind.watch.start())),
        Some(cursor) => cursor.parse().map(Some).map_err(|_| {
            Refusal::bad_body("Last-Event-ID and ?after= take the id of an event, or 0")
        }),
    }
}
