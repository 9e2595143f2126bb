//! `GET /lanes/{tag}/events`: a lane as it goes on, over server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use lane_broker::{Entry, Lane, Position, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::Shared;
use super::lanes::busy;
use super::problem::Refusal;
use crate::text::MAIN;
use crate::watch::Show;

/// Entries that are read at a time; also the most that wait for a slow reader.
const READ_MAX: usize = 64;
/// Others may publish in the same store, and nobody says so.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Looks in vain after which it is asked whether the lane was begun anew.
const LOOKS_IN_VAIN: u32 = 8;
pub(super) const STREAMS_AGAIN: Duration = Duration::from_secs(5);
pub(super) const LAST_HEADER: &str = "last-event-id";
/// The line's own books: what they hold is heard or read elsewhere.
const PRIVATE: [(&str, &str); 2] = [("xen-out", "journal"), ("xen-out", "messages")];

pub(super) async fn stream(
    State(shared): State<Arc<Shared>>,
    Path(named): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    open(shared, &named, query, headers, Show::ALL).await
}

/// The stream of a lane, for somebody who may see so much of it.
pub(super) async fn open(
    shared: Arc<Shared>,
    named: &str,
    query: Option<String>,
    headers: HeaderMap,
    show: Show,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Refusal> {
    let lane = lane_of(&shared, named)?;
    let after = position_of(&headers, query.as_deref())?;
    let Ok(place) = Arc::clone(&shared.streams).try_acquire_owned() else {
        let message = "as many streams as there may be are open; close one";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return Err(Refusal::later(status, "too_many_streams", STREAMS_AGAIN, message));
    };
    let (after, reset) = begins_at(after, end_of(&shared, &lane).await)?;
    let keep_alive = KeepAlive::new().interval(shared.settings.keep_alive);
    let reader = Reader {
        posts: shared.behind.text.posts(),
        shared,
        lane,
        after,
        reset,
        waiting: VecDeque::new(),
        in_vain: 0,
        show,
        _place: place,
    };
    let events = futures_util::stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await;
        Some((Ok(event), reader))
    });
    Ok(Sse::new(events).keep_alive(keep_alive))
}

/// The data of an event `gap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// Entries that the lane has forgotten before the reader came to them.
    pub missed: u64,
}

/// The data of an event `reset`: the lane was begun anew, and is read from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reset {
    /// The lane's last entry now; 0 if there is none.
    pub last: u64,
}

/// Where a reader goes on who named `after`, or nothing, in a lane that ends there. One that ends
/// before it was begun anew: the reader would wait for what may never come.
///
/// # Errors
/// Where the lane ends is not known, and the reader wants to go on there.
fn begins_at(
    after: Option<Position>,
    end: Result<Position, Refusal>,
) -> Result<(Position, Option<Reset>), Refusal> {
    match (after, end) {
        (None, end) => Ok((end?, None)),
        (Some(after), Ok(end)) if after > end => Ok((Position::START, Some(Reset { last: end.0 }))),
        (Some(after), _) => Ok((after, None)),
    }
}

/// One reader's place in a lane.
struct Reader {
    shared: Arc<Shared>,
    posts: watch::Receiver<u64>,
    lane: Lane,
    after: Position,
    /// To be told first.
    reset: Option<Reset>,
    waiting: VecDeque<Entry>,
    /// Looks since the last entry.
    in_vain: u32,
    show: Show,
    _place: OwnedSemaphorePermit,
}

impl Reader {
    /// Waits for the next entry. What cannot be read now is tried again: a store comes back.
    async fn next(&mut self) -> Event {
        loop {
            if let Some(reset) = self.reset.take() {
                let data = serde_json::to_string(&reset).unwrap_or_default();
                return Event::default().event("reset").data(data);
            }
            if let Some(entry) = self.waiting.pop_front() {
                if let Some(gap) = self.gap_before(&entry) {
                    self.waiting.push_front(entry);
                    return gap;
                }
                self.after = entry.position;
                return event_of(&entry, self.show);
            }
            // Seen before the look, so that nothing published after it is slept over.
            self.posts.borrow_and_update();
            match self.read().await {
                Ok(entries) if !entries.is_empty() => {
                    self.in_vain = 0;
                    self.waiting.extend(entries);
                }
                _ if self.has_begun_anew().await => {}
                _ => {
                    // An error means that the house closes; the stream ends with it.
                    let _ = tokio::time::timeout(LOOK_AGAIN, self.posts.changed()).await;
                }
            }
        }
    }

    /// A store may lose its data under the reader, who would wait for what comes until it has come as
    /// far as before.
    async fn has_begun_anew(&mut self) -> bool {
        self.in_vain += 1;
        if !self.in_vain.is_multiple_of(LOOKS_IN_VAIN) {
            return false;
        }
        let end = end_of(&self.shared, &self.lane).await;
        let begins = begins_at(Some(self.after), end);
        if let Ok((after, reset @ Some(_))) = begins {
            (self.after, self.reset) = (after, reset);
        }
        self.reset.is_some()
    }

    async fn read(&self) -> Result<Vec<Entry>, StoreError> {
        let (store, lane, after) = (self.shared.behind.text.store(), self.lane.clone(), self.after);
        let read = move || store.read(&lane, after, READ_MAX);
        tokio::task::spawn_blocking(read).await.unwrap_or(Err(StoreError::Unavailable))
    }

    /// What the lane has forgotten since the reader's last event is not passed over in silence.
    fn gap_before(&mut self, entry: &Entry) -> Option<Event> {
        let missed = entry.position.0.saturating_sub(self.after.0.saturating_add(1));
        if missed == 0 || self.after == Position::START {
            return None;
        }
        self.after = Position(entry.position.0 - 1);
        let data = serde_json::to_string(&Gap { missed }).unwrap_or_default();
        Some(Event::default().event("gap").data(data))
    }
}

fn event_of(entry: &Entry, show: Show) -> Event {
    // One line whatever it was: JSON as it is, anything else as a JSON string.
    let data = match serde_json::from_slice::<serde_json::Value>(&entry.body) {
        Ok(value) => show.of(value),
        Err(_) => String::from_utf8_lossy(&entry.body).into(),
    };
    Event::default().id(entry.position.to_string()).event("message").data(data.to_string())
}

fn lane_of(shared: &Shared, named: &str) -> Result<Lane, Refusal> {
    let (tag, name) = named.split_once(':').unwrap_or((named, MAIN));
    let unknown = |message: String| Refusal::new(StatusCode::NOT_FOUND, "unknown_lane", message);
    if PRIVATE.contains(&(tag, name)) {
        return Err(unknown("this lane is the line's own book".into()));
    }
    let tag = shared.behind.text.tags().parse(tag).map_err(|error| unknown(error.to_string()))?;
    Lane::new(tag, name).map_err(|error| unknown(error.to_string()))
}

fn position_of(headers: &HeaderMap, query: Option<&str>) -> Result<Option<Position>, Refusal> {
    let header = headers.get(LAST_HEADER).map(|value| value.to_str().unwrap_or("?"));
    let asked = query.unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("after="));
    let Some(position) = header.or(asked) else { return Ok(None) };
    let position = position.trim().parse().map_err(|_| {
        Refusal::bad_body("Last-Event-ID and ?after= take the id of an event, a number")
    })?;
    Ok(Some(Position(position)))
}

/// A reader who does not know where the lane ends would be given all of it.
async fn end_of(shared: &Shared, lane: &Lane) -> Result<Position, Refusal> {
    let (text, lane) = (shared.behind.text.clone(), lane.clone());
    let end = tokio::task::spawn_blocking(move || text.last_of(&lane)).await;
    end.unwrap_or(Err(StoreError::Unavailable)).map_err(|error| busy(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_who_was_further_than_the_lane_ends_is_told_and_reads_it_from_its_start() {
        let end = || Ok(Position(7));
        let begins = |after: Option<u64>| begins_at(after.map(Position), end()).ok();
        assert_eq!(begins(Some(8)), Some((Position::START, Some(Reset { last: 7 }))));
        assert_eq!(begins(Some(7)), Some((Position(7), None)));
        assert_eq!(begins(Some(0)), Some((Position::START, None)));
        assert_eq!(begins(None), Some((Position(7), None)));
        let unknown = || Err(busy("the store is away"));
        assert!(begins_at(None, unknown()).is_err(), "it would be given all of the lane");
        assert_eq!(begins_at(Some(Position(8)), unknown()).ok(), Some((Position(8), None)));
    }
}
