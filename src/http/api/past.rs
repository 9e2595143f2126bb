//! `GET /api/v1/past`: calls that are over, with their picture and their sound.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::range::{Part, part_of};
use crate::calls::{self, CallFolder, FindError, Listed};
use crate::http::Shared;
use crate::http::lanes::busy;
use crate::http::problem::Refusal;
use crate::report::{RECORDING_FILE, Summary, Utterance};

/// As many as a page shows unless it asks for more.
const LISTED: usize = 50;
const LISTED_MAX: usize = 1_000;
/// Read from disk and sent at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Calls that are over, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PastList {
    /// The newest of them.
    pub calls: Vec<Listed>,
}

/// A call that is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PastCall {
    /// Its id.
    pub id: String,
    /// Who said what, when.
    pub conversation: Vec<Utterance>,
    /// The call in figures.
    pub summary: Summary,
    /// Whether there is a picture of it.
    pub picture: bool,
    /// Whether it was recorded.
    pub sound: bool,
    /// Whether it can be replayed.
    pub log: bool,
}

pub(in crate::http) async fn list(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Refusal> {
    let last = query.as_deref().unwrap_or_default();
    let last = last.split('&').find_map(|pair| pair.strip_prefix("last=")).map(str::parse);
    let last =
        last.unwrap_or(Ok(LISTED)).map_err(|_| Refusal::bad_body("?last= takes a number"))?;
    let (dir, show) = (shared.behind.recordings.clone(), shared.settings.show);
    let listed = blocking(move || {
        let found = calls::calls_in(dir.as_deref())?;
        let newest = &found[found.len().saturating_sub(last.min(LISTED_MAX))..];
        // Hidden below, with everything else that is.
        let mut calls = calls::list(newest, true);
        calls.reverse();
        Ok(PastList { calls })
    });
    let listed = listed.await?;
    Ok(Json(show.of(serde_json::to_value(&listed).unwrap_or_default())))
}

pub(in crate::http) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let (call, show) = (found(&shared, &id).await?, shared.settings.show);
    let places = shared.drawing.clone();
    let Ok(_place) = places.acquire().await else { return Err(busy("the line is closing")) };
    let shown = blocking(move || {
        let sound = call.path.join(RECORDING_FILE).is_file();
        let shown = calls::show(&call, true);
        shown.map(|shown| (shown, sound)).map_err(|error| unread(&call.id, &error))
    });
    let (shown, sound) = shown.await?;
    let past = PastCall {
        id: shown.id,
        conversation: shown.conversation,
        summary: shown.summary,
        picture: show.words && shown.picture.is_some(),
        sound: show.words && sound,
        log: shown.log.is_some(),
    };
    Ok(Json(show.of(serde_json::to_value(&past).unwrap_or_default())))
}

pub(in crate::http) async fn picture(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let call = heard(&shared, &id).await?;
    let places = shared.drawing.clone();
    let Ok(_place) = places.acquire().await else { return Err(busy("the line is closing")) };
    let show = shared.settings.show;
    let picture = blocking(move || {
        if !show.numbers {
            let drawn = calls::picture_without_numbers(&call);
            return drawn.map_err(|error| missing(&format!("there is no picture: {error}")));
        }
        let shown = calls::show(&call, false).map_err(|error| unread(&call.id, &error))?;
        let path = shown.picture.ok_or_else(|| {
            missing(&shown.without_picture.unwrap_or_else(|| "there is no picture".into()))
        })?;
        std::fs::read(path)
            .map_err(|error| missing(&format!("its picture cannot be read: {error}")))
    });
    let picture = picture.await?;
    Ok(([(header::CONTENT_TYPE, "image/png")], picture).into_response())
}

pub(in crate::http) async fn audio(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let path = heard(&shared, &id).await?.path.join(RECORDING_FILE);
    let unheard = |_| missing("this call was not recorded; see [recording] audio");
    let mut file = tokio::fs::File::open(&path).await.map_err(unheard)?;
    let length = file.metadata().await.map_err(unheard)?.len();
    let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let Some(Part { first, bytes, is_all }) = part_of(range, length) else {
        let message = format!("the recording has {length} bytes");
        return Err(Refusal::new(StatusCode::RANGE_NOT_SATISFIABLE, "no_such_range", message));
    };
    file.seek(std::io::SeekFrom::Start(first)).await.map_err(unheard)?;
    let mut answer = Response::builder()
        .header(header::CONTENT_TYPE, "audio/wav")
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::CONTENT_LENGTH, bytes);
    if !is_all {
        let range = format!("bytes {first}-{}/{length}", first + bytes - 1);
        answer = answer.status(StatusCode::PARTIAL_CONTENT).header(header::CONTENT_RANGE, range);
    }
    let chunks = futures_util::stream::unfold(file.take(bytes), |mut file| async move {
        let mut chunk = vec![0; CHUNK_BYTES];
        // What breaks off here is seen by its length.
        let read = file.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        chunk.truncate(read);
        Some((Ok::<_, Infallible>(chunk), file))
    });
    answer.body(Body::from_stream(chunks)).map_err(|_| busy("the recording cannot be sent"))
}

/// The call, if its words may be heard and seen.
async fn heard(shared: &Shared, id: &str) -> Result<CallFolder, Refusal> {
    if !shared.settings.show.words {
        let message = "[http] show hides what is said on calls";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "hidden", message));
    }
    found(shared, id).await
}

/// The call with exactly this id: what comes from elsewhere names no paths.
async fn found(shared: &Shared, id: &str) -> Result<CallFolder, Refusal> {
    let (dir, id): (Option<PathBuf>, _) = (shared.behind.recordings.clone(), id.to_owned());
    blocking(move || {
        let calls = calls::calls_in(dir.as_deref())?;
        let call = calls.into_iter().find(|call| call.id == id);
        call.ok_or_else(|| missing("no such call; GET /api/v1/past lists them"))
    })
    .await
}

/// Work that reads a disk, on a thread that may wait for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(busy("this call cannot be read")))
}

impl From<FindError> for Refusal {
    fn from(error: FindError) -> Self {
        missing(&error.to_string())
    }
}

fn missing(message: &str) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "unknown_call", message)
}

/// The error names a path of this machine, which is for its log.
fn unread(id: &str, error: &dyn std::fmt::Display) -> Refusal {
    tracing::debug!(call = id, %error, "a call cannot be shown");
    missing("this call has no record that can be read")
}
