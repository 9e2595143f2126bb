//! The JSON Schema of every body, as committed under `src/http/schema/`.

use axum::Json;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use schemars::{JsonSchema, schema_for};

use super::problem::Refusal;
use super::{
    Gap, LanePosted, Problem, Reset, SentAnswer, SightEvent, SmsPayload, SmsTaken, SmsWebhook,
};
use crate::text::{Left, Outgoing, Written};
use crate::watch::Level;

/// A schema: its name, and its text with a newline at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaFile {
    /// File name.
    pub name: &'static str,
    /// Its text.
    pub text: String,
}

/// Every body's schema, generated from the types.
#[must_use]
pub fn files() -> Vec<SchemaFile> {
    vec![
        file::<Written>("lane-post.schema.json"),
        file::<LanePosted>("lane-posted.schema.json"),
        file::<Outgoing>("send.schema.json"),
        file::<SentAnswer>("send-answer.schema.json"),
        file::<Left>("sent-event.schema.json"),
        file::<Gap>("gap-event.schema.json"),
        file::<Reset>("reset-event.schema.json"),
        file::<SmsWebhook>("sms-webhook.schema.json"),
        file::<SmsPayload>("sms-payload.schema.json"),
        file::<SmsTaken>("sms-taken.schema.json"),
        file::<Problem>("problem.schema.json"),
        file::<SightEvent>("sight-event.schema.json"),
        file::<Level>("level-event.schema.json"),
    ]
}

fn file<T: JsonSchema>(name: &'static str) -> SchemaFile {
    SchemaFile { name, text: format!("{:#}\n", schema_for!(T).to_value()) }
}

pub(super) async fn list() -> Json<Vec<&'static str>> {
    Json(files().into_iter().map(|file| file.name).collect())
}

pub(super) async fn one(Path(name): Path<String>) -> Result<impl IntoResponse, Refusal> {
    let found = files().into_iter().find(|file| file.name == name);
    let Some(file) = found else {
        let message = "no such schema; GET /schemas lists them";
        return Err(Refusal::new(StatusCode::NOT_FOUND, "unknown_schema", message));
    };
    Ok(([(header::CONTENT_TYPE, "application/schema+json")], file.text))
}
