//! `GET /api/v1/openapi.json`: what can be asked for here, made of the same table and types that
//! answer it (OpenAPI 3.1).

use std::sync::OnceLock;

use axum::Json;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::actions::NDJSON;
use super::lanes::LaneList;
use super::past::{PastCall, PastList};
use super::session::{Session, SessionBody};
use super::talk::{SDP, TalkChange, TalkTerms};
use crate::control::actions::{ACTIONS, Action, Answers, BASE};
use crate::control::{Reply, Request, SayRequest};
use crate::http::{Problem, SightEvent};
use crate::talk::TalkStatus;

pub(in crate::http) async fn serve() -> Json<&'static Value> {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    Json(DOCUMENT.get_or_init(document))
}

/// The document.
#[must_use]
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut writer = Writer { generator: settings.into_generator(), paths: Map::new() };
    let requests = writer.generator.root_schema_for::<Request>().to_value();
    for action in ACTIONS {
        writer.action(action, &requests);
    }
    writer.others();
    writer.talk();
    let Writer { mut generator, paths } = writer;
    let mut schemas = generator.take_definitions(true);
    schemas.remove("Request");
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "xenline",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A running line: what it does, and what can be asked of it. Every refusal is a Problem with a next step.",
        },
        "servers": [{ "url": BASE }],
        "security": [{ "bearer": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The line's XENLINE_HTTP_TOKEN, or a session.",
                },
            },
        },
    })
}

struct Writer {
    generator: SchemaGenerator,
    paths: Map<String, Value>,
}

/// What an answer holds.
enum Holds {
    Json(Value),
    Other(&'static str),
    Nothing,
}

impl Writer {
    fn schema<T: JsonSchema>(&mut self) -> Value {
        Schema::to_value(self.generator.subschema_for::<T>())
    }

    fn action(&mut self, action: &Action, requests: &Value) {
        let reply = self.schema::<Reply>();
        let (status, holds) = match action.answers {
            Answers::One => ("200", reply.clone()),
            Answers::First => ("202", reply.clone()),
            Answers::Each => ("202", json!({ "type": "array", "items": reply.clone() })),
        };
        let mut operation = self.operation(action.summary, &[(status, Holds::Json(holds))]);
        // Every reply as it comes, for those who wait for an ending.
        operation["responses"][status]["content"][NDJSON] = json!({ "schema": reply });
        let parameters: Vec<_> = action.names().map(parameter).collect();
        let body = match action.ask {
            "say" => Some(self.schema::<SayRequest>()),
            ask => body_of(ask, requests, &action.names().collect::<Vec<_>>()),
        };
        if let Some(body) = body {
            operation["requestBody"] =
                json!({ "content": { "application/json": { "schema": body } } });
        }
        self.put(action.method.name(), action.path, parameters, operation);
    }

    fn others(&mut self) {
        let list = self.schema::<LaneList>();
        self.get("/lanes", &[], "The lanes, and who has read them", Holds::Json(list));
        let events = Holds::Other("text/event-stream");
        let summary = "A lane (`tag:name`) as it goes on; Last-Event-ID goes on after an event";
        self.get("/lanes/{lane}/events", &["lane", "?after"], summary, events);
        let list = self.schema::<PastList>();
        self.get("/past", &["?last"], "Calls that are over, newest first", Holds::Json(list));
        let past = self.schema::<PastCall>();
        self.get("/past/{id}", &["id"], "A call that is over", Holds::Json(past));
        let picture = Holds::Other("image/png");
        self.get("/past/{id}/picture.png", &["id"], "Its picture", picture);
        let sound = Holds::Other("audio/wav");
        self.get("/past/{id}/audio.wav", &["id"], "Its sound; takes Range", sound);
        // Named, so that readers of the stream find it.
        let _ = self.schema::<SightEvent>();
        let events = Holds::Other("text/event-stream");
        let summary = "What goes on: events `call`, `queue` and `draining` (SightEvent), `level`, `gap`, `reset`. Goes on after Last-Event-ID";
        self.get("/events", &["?after"], summary, events);
        self.get("/openapi.json", &[], "This document", Holds::Json(json!({ "type": "object" })));
        let (body, session) = (self.schema::<SessionBody>(), self.schema::<Session>());
        let mut open = self.operation("Opens a page", &[("201", Holds::Json(session))]);
        open["requestBody"] = json!({ "content": { "application/json": { "schema": body } } });
        open["security"] = json!([]);
        self.put("POST", "/session", Vec::new(), open);
        let close = self.operation("Closes it", &[("204", Holds::Nothing)]);
        self.put("DELETE", "/session", Vec::new(), close);
    }

    /// A browser that talks, in the manner of WHIP.
    fn talk(&mut self) {
        let terms = self.schema::<TalkTerms>();
        self.get("/talk", &[], "How browsers find the line", Holds::Json(terms));
        let offer = || json!({ "content": { SDP: {} } });
        let mut begin = self.operation("Takes a browser's offer", &[("201", Holds::Other(SDP))]);
        begin["requestBody"] = offer();
        let asked = ["?part", "?line", "?label"].map(parameter).to_vec();
        self.put("POST", "/talk", asked, begin);
        let named = || vec![parameter("name")];
        let status = self.schema::<TalkStatus>();
        self.get("/talk/{name}", &["name"], "How a talk goes", Holds::Json(status));
        let mut restart =
            self.operation("Takes an offer over another network", &[("200", Holds::Other(SDP))]);
        restart["requestBody"] = offer();
        self.put("PATCH", "/talk/{name}", named(), restart);
        let end = self.operation("Ends it", &[("204", Holds::Nothing)]);
        self.put("DELETE", "/talk/{name}", named(), end);
        let part = self.schema::<TalkChange>();
        let mut change =
            self.operation("Has the operator take part differently", &[("204", Holds::Nothing)]);
        change["requestBody"] = json!({ "content": { "application/json": { "schema": part } } });
        self.put("POST", "/talk/{name}/part", named(), change);
    }

    fn get(&mut self, path: &str, names: &[&str], summary: &str, holds: Holds) {
        let operation = self.operation(summary, &[("200", holds)]);
        self.put("GET", path, names.iter().map(|name| parameter(name)).collect(), operation);
    }

    fn operation(&mut self, summary: &str, answers: &[(&str, Holds)]) -> Value {
        let problem = self.schema::<Problem>();
        let mut responses = json!({
            "default": {
                "description": "It was not done, and why",
                "content": { "application/json": { "schema": problem } },
            },
        });
        for (status, holds) in answers {
            responses[*status] = match holds {
                Holds::Nothing => json!({ "description": "Done" }),
                Holds::Json(schema) => json!({
                    "description": "Done",
                    "content": { "application/json": { "schema": schema } },
                }),
                Holds::Other(kind) => json!({ "description": "Done", "content": { *kind: {} } }),
            };
        }
        json!({ "summary": summary, "responses": responses })
    }

    fn put(&mut self, method: &str, path: &str, parameters: Vec<Value>, mut operation: Value) {
        if !parameters.is_empty() {
            operation["parameters"] = parameters.into();
        }
        let at = self.paths.entry(path).or_insert_with(|| json!({}));
        at[method.to_lowercase()] = operation;
    }
}

/// `name` in the path, or `?name` in the query.
fn parameter(name: &str) -> Value {
    let kind = if name == "line" { "integer" } else { "string" };
    match name.strip_prefix('?') {
        None => json!({ "name": name, "in": "path", "required": true, "schema": { "type": kind } }),
        Some(name) => json!({ "name": name, "in": "query", "schema": { "type": "string" } }),
    }
}

/// The body of the request that is called so: its fields, but for those in the path.
fn body_of(ask: &str, requests: &Value, in_path: &[&str]) -> Option<Value> {
    let variants = requests["oneOf"].as_array()?;
    let mut body = variants.iter().find(|it| it["properties"]["ask"]["const"] == ask)?.clone();
    for name in in_path.iter().chain(&["ask"]) {
        body["properties"].as_object_mut()?.remove(*name);
    }
    let is_in_body =
        |name: &Value| name.as_str().is_some_and(|name| name != "ask" && !in_path.contains(&name));
    body["required"].as_array_mut()?.retain(is_in_body);
    (!body["properties"].as_object()?.is_empty()).then_some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_of_the_document_leads_somewhere() {
        let document = document();
        let schemas = document["components"]["schemas"].as_object().expect("schemas");
        let text = document.to_string();
        let named =
            text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next());
        let lost: Vec<_> = named.filter(|name| !schemas.contains_key(*name)).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }

    #[test]
    fn a_body_has_the_fields_of_its_request_that_are_not_in_the_path() {
        let document = document();
        let body = |path: &str, method: &str| {
            document["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]
                .clone()
        };
        let whisper = body("/operator/whisper", "post");
        assert_eq!(whisper["required"], json!(["text"]));
        assert!(
            whisper["properties"]["ask"].is_null() && whisper["properties"]["line"].is_object()
        );
        assert!(body("/calls/{line}", "delete").is_null());
        assert!(body("/say", "post")["$ref"].is_string());
    }
}
