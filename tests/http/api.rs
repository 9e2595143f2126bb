//! The line over HTTP: every route that the document names is there, and every answer is what the
//! document says it is.

use serde_json::{Value, json};
use xenline::control::Request;
use xenline::http::api::openapi;
use xenline::watch::Show;

use crate::door::{Answer, House};

/// Every operation of the document, with a request that it takes and the status that it answers with.
fn samples() -> Vec<(&'static str, &'static str, Value, u16)> {
    let empty = || json!({});
    vec![
        ("GET", "/status", empty(), 200),
        ("GET", "/calls", empty(), 200),
        ("GET", "/calls/{line}", empty(), 200),
        ("POST", "/calls", json!({ "number": "+4930123456" }), 202),
        ("DELETE", "/calls/{line}", empty(), 200),
        ("POST", "/say", json!({ "text": "hello", "ttl_s": 60 }), 202),
        ("GET", "/queue", empty(), 200),
        ("GET", "/queue/{claim}", empty(), 200),
        ("DELETE", "/queue/{claim}", empty(), 200),
        ("POST", "/queue/pause", empty(), 200),
        ("POST", "/queue/resume", empty(), 200),
        ("POST", "/operator/take", json!({ "line": 1 }), 200),
        ("POST", "/operator/release", empty(), 200),
        ("POST", "/operator/whisper", json!({ "text": "be brief" }), 200),
        ("POST", "/operator/say", json!({ "text": "hello" }), 202),
        ("POST", "/type", json!({ "text": "two and two?" }), 202),
        ("GET", "/rooms", empty(), 200),
        ("POST", "/rooms", json!({ "room": "den", "line": 1 }), 200),
        ("DELETE", "/rooms/{room}", empty(), 200),
        ("POST", "/drain", empty(), 200),
        ("POST", "/reload", empty(), 200),
        ("GET", "/lanes", empty(), 200),
        ("GET", "/past", empty(), 200),
        ("GET", "/past/{id}", empty(), 200),
        ("GET", "/past/{id}/picture.png", empty(), 200),
        ("GET", "/past/{id}/audio.wav", empty(), 200),
        ("GET", "/openapi.json", empty(), 200),
        ("POST", "/session", json!({ "token": crate::door::TOKEN }), 201),
        ("DELETE", "/session", empty(), 204),
    ]
}

#[test]
fn every_operation_of_the_document_is_there_and_answers_as_the_document_says() {
    let calls = crate::past::recorded();
    let house = House::with_calls(calls.path(), |_| {});
    let document = house.get("/api/v1/openapi.json").json();
    assert_eq!(document, openapi::document(), "it is served as it is made");
    for (method, path, body, status) in samples() {
        let operation = &document["paths"][path][method.to_lowercase()];
        assert!(operation.is_object(), "{method} {path} is not in the document");
        let at = path.replace("{line}", "1").replace("{claim}", "say-1").replace("{id}", "100-1");
        let at = at.replace("{room}", "den");
        let body_of = &operation["requestBody"]["content"]["application/json"]["schema"];
        assert!(body_of.is_null() || is_valid(&document, body_of, &body), "{method} {path}");
        let answer = house.ask(method, &format!("/api/v1{at}"), &[], body.to_string().as_bytes());
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        let said = &operation["responses"][status.to_string()];
        assert!(said.is_object(), "{method} {path} does not say {status}");
        let schema = &said["content"]["application/json"]["schema"];
        if !schema.is_null() {
            let json = answer.json();
            assert!(is_valid(&document, schema, &json), "{method} {path}: {json}");
        }
    }
}

#[test]
fn the_document_names_no_operation_that_was_not_tried() {
    let document = openapi::document();
    let tried = samples();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for method in operations.as_object().expect("operations").keys() {
            let is_tried = tried.iter().any(|it| it.0.eq_ignore_ascii_case(method) && it.1 == path);
            // Streams and talks have tests of their own.
            assert!(
                is_tried || path.ends_with("/events") || path.starts_with("/talk"),
                "{method} {path} has no sample"
            );
        }
    }
}

#[test]
fn a_refusal_is_a_problem_with_a_status_and_a_next_step() {
    let house = House::open();
    let document = openapi::document();
    let problem = json!({ "$ref": "#/components/schemas/Problem" });
    for (method, path, body, status, error) in [
        ("GET", "/calls/9", "", 409, "refused"),
        ("GET", "/calls/x", "", 400, "bad_body"),
        ("DELETE", "/calls/9", "", 409, "refused"),
        ("GET", "/queue/say-2", "", 409, "refused"),
        ("POST", "/say", r#"{"text":"too much"}"#, 503, "not_now"),
        ("POST", "/say", r#"{"text":"hi","volume":11}"#, 400, "bad_body"),
        ("POST", "/say", "[]", 400, "bad_body"),
        ("POST", "/say", r#"{"text":"hi","wait":true}"#, 406, "not_acceptable"),
        ("POST", "/calls", "{}", 400, "bad_body"),
        ("GET", "/past/..%2F..%2Fetc", "", 404, "unknown_call"),
        ("GET", "/nothing", "", 404, "not_found"),
        ("POST", "/status", "", 405, "method_not_allowed"),
    ] {
        let answer = house.ask(method, &format!("/api/v1{path}"), &[], body.as_bytes());
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        assert!(is_valid(&document, &problem, &answer.json()), "{answer:?}");
        assert_eq!(answer.json()["error"], error, "{method} {path}");
        assert_eq!(answer.header("retry-after").is_some(), status == 503, "{answer:?}");
    }
}

#[test]
fn whoever_waits_is_told_each_reply_on_a_line_as_it_comes() {
    let house = House::open();
    let headers = [("Accept", "application/x-ndjson")];
    let answer = house.ask("POST", "/api/v1/say", &headers, br#"{"text":"hello","wait":true}"#);
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = json_lines(&answer);
    assert_eq!((&told[0]["answer"], &told[1]["answer"]), (&json!("accepted"), &json!("ended")));
    assert_eq!(told[1]["heard"], "hello");
}

#[test]
fn what_is_asked_here_is_the_request_of_the_socket() {
    let house = House::open();
    house.post("/api/v1/operator/whisper", &json!({ "text": "be brief", "line": 2 }));
    house.ask("DELETE", "/api/v1/calls/3", &[], b"");
    let whisper = Request::OperatorWhisper { text: "be brief".into(), line: Some(2) };
    assert_eq!(house.desk.take(), [whisper, Request::HangUp { line: 3 }]);
}

#[test]
fn no_more_of_a_call_is_shown_than_the_configuration_says() {
    for (show, caller, text) in [
        (Show::default(), "…01", "The backup is done."),
        (Show { words: false, numbers: false }, "…01", "…"),
        (Show::ALL, "sip:+4922155501@carrier.example", "The backup is done."),
    ] {
        let house = House::with(None, |settings| settings.show = show);
        assert_eq!(house.get("/api/v1/calls").json()["lines"][0]["caller"], caller);
        assert_eq!(house.get("/api/v1/queue").json()["claims"][0]["text"], text);
    }
}

fn json_lines(answer: &Answer) -> Vec<Value> {
    let lines = answer.body.lines().filter(|line| line.starts_with('{'));
    lines.map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Whether `value` is what `schema` of this document says.
fn is_valid(document: &Value, schema: &Value, value: &Value) -> bool {
    let mut schema = schema.clone();
    schema["components"] = document["components"].clone();
    jsonschema::validator_for(&schema).expect("a schema").is_valid(value)
}
