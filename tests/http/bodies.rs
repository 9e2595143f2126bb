//! What is let in and what is not, and that every body is what its schema says.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use xenline::http::{BODY_BYTES_MAX, Rate, schemas};

use crate::door::{House, TOKEN};

#[test]
fn without_a_token_everybody_is_refused_and_told_what_to_set() {
    let house = House::with(None, |settings| settings.token = None);
    for answer in [house.post("/lanes/in", &json!({"text": "hi"})), house.get("/lanes/in/events")] {
        assert_eq!(answer.status, 401);
        assert!(answer.body.contains("XENLINE_HTTP_TOKEN"), "{}", answer.body);
        assert_eq!(answer.header("www-authenticate"), Some("bearer"));
    }
    assert_eq!(house.get("/schemas").status, 200, "what is public stays so");
}

#[test]
fn a_wrong_token_a_wrong_host_and_a_foreign_page_are_refused() {
    let house = House::open();
    let body = br#"{"text":"hi"}"#;
    let with = |headers: &[(&str, &str)]| house.ask("POST", "/lanes/in", headers, body);
    assert_eq!(with(&[]).status, 201);
    assert_eq!(with(&[("Authorization", "Bearer another token, long enough")]).status, 401);
    assert_eq!(with(&[("Host", "rebound.example.org")]).status, 421);
    assert_eq!(with(&[("Origin", "https://example.org")]).status, 403);
    let own = format!("http://{}", house.address);
    let same = with(&[("Origin", &own)]);
    assert_eq!(same.status, 201, "a page of our own will be let in");
    assert_eq!(same.header("access-control-allow-origin"), None);
}

#[test]
fn what_is_no_message_is_refused_with_the_reason() {
    let house = House::open();
    let too_long = format!(r#"{{"text":"{}"}}"#, "x".repeat(BODY_BYTES_MAX));
    for (path, body, status, error) in [
        ("/lanes/in", "hello", 400, "bad_body"),
        ("/lanes/in", "{}", 400, "bad_body"),
        ("/lanes/in", r#"{"text":" "}"#, 400, "bad_body"),
        ("/lanes/in", r#"{"text":"hi","form":"me"}"#, 400, "bad_body"),
        ("/lanes/in", r#"{"text":"hi","from":""}"#, 400, "bad_body"),
        ("/lanes/in", r#"{"text":"hi","from":"a\nb"}"#, 400, "bad_body"),
        ("/lanes/in", too_long.as_str(), 413, "body_too_large"),
        ("/lanes/nope", r#"{"text":"hi"}"#, 404, "unknown_tag"),
        ("/lanes/call", r#"{"text":"hi"}"#, 403, "reserved"),
        ("/lanes/in:main", r#"{"text":"hi"}"#, 404, "unknown_tag"),
        ("/lanes", r#"{"text":"hi"}"#, 404, "not_found"),
        ("/lanes/in/events", r#"{"text":"hi"}"#, 405, "method_not_allowed"),
        ("/lanes/xen-out", r#"{"channel":"fax","to":"a","text":"hi"}"#, 400, "bad_body"),
        ("/lanes/xen-out", r#"{"channel":"chat","to":"","text":"hi"}"#, 400, "bad_body"),
    ] {
        let answer = house.ask("POST", path, &[], body.as_bytes());
        assert_eq!(answer.status, status, "{path} {}", answer.body);
        let problem = answer.json();
        assert_eq!(problem["error"], error, "{path}");
        assert_valid("problem.schema.json", &problem);
        assert!(problem["message"].as_str().is_some_and(|it| it.len() > 10), "{problem}");
    }
    let key = "k".repeat(201);
    let headers = [("Idempotency-Key", key.as_str())];
    assert_eq!(house.ask("POST", "/lanes/in", &headers, br#"{"text":"hi"}"#).status, 400);
    assert_eq!(house.post("/lanes/fax", &json!({"text": "hi"})).status, 201, "a tag of the user's");
}

#[test]
fn a_repetition_under_the_same_key_adds_nothing() {
    let house = House::open();
    let post = || {
        let headers = [("Idempotency-Key", "7f3c")];
        house.ask("POST", "/lanes/typed", &headers, br#"{"text":"hi","from":"ann"}"#)
    };
    let (first, again) = (post(), post());
    assert_eq!((first.status, again.status), (201, 200));
    let (first, again) = (first.json(), again.json());
    assert_valid("lane-posted.schema.json", &first);
    assert_eq!(first["id"], "typed:main/1");
    assert_eq!(first["id"], again["id"]);
    assert_eq!((&first["duplicate"], &again["duplicate"]), (&json!(false), &json!(true)));
}

#[test]
fn a_writer_that_floods_is_told_when_to_come_again_and_the_others_go_on() {
    let house = House::with(None, |settings| {
        settings.each = Rate { burst: 5, per_minute: 1 };
    });
    let post = |from| house.post("/lanes/typed", &json!({"text": "hi", "from": from}));
    let answers: Vec<_> = (0..8).map(|_| post("flood")).collect();
    assert_eq!(answers.iter().filter(|it| it.status == 201).count(), 5);
    let refused = &answers[7];
    assert_eq!(refused.status, 429);
    let wait: u64 = refused.header("retry-after").and_then(|it| it.parse().ok()).expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    assert_valid("problem.schema.json", &refused.json());
    assert_eq!(post("quiet").status, 201);
}

#[test]
fn whoever_sends_to_ever_other_recipients_is_one_source() {
    let house = House::with(None, |settings| {
        settings.each = Rate { burst: 5, per_minute: 1 };
    });
    let send = |n: usize| {
        let body = json!({"channel": "chat", "to": format!("reader {n}"), "text": "hi"});
        house.post("/lanes/xen-out", &body).status
    };
    let refused = (0..8).map(send).filter(|status| *status == 429).count();
    assert_eq!(refused, 3);
    let written = house.post("/lanes/typed", &json!({"text": "hi", "from": "quiet"}));
    assert_eq!(written.status, 201, "what comes in is not held up");
}

#[test]
fn whoever_invents_a_name_for_each_message_is_told_when_to_come_again() {
    let house = House::with(None, |settings| {
        settings.each = Rate { burst: 5, per_minute: 1 };
        settings.all = Rate { burst: 20, per_minute: 2 };
    });
    let post = |n: usize| {
        let body = json!({"text": "hi", "from": format!("somebody {n}")});
        house.post("/lanes/typed", &body)
    };
    let answers: Vec<_> = (0..13).map(post).collect();
    assert_eq!(answers.iter().filter(|it| it.status == 201).count(), 10, "half of what all may");
    let refused = &answers[12];
    assert_eq!(refused.status, 429);
    let wait: u64 = refused.header("retry-after").and_then(|it| it.parse().ok()).expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(house.get("/schemas").status, 200, "the rest of the door is open");
}

#[test]
fn all_of_them_together_have_a_limit_too() {
    let house = House::with(None, |settings| {
        settings.all = Rate { burst: 4, per_minute: 1 };
    });
    let statuses: Vec<u16> = (0..6).map(|_| house.get("/schemas").status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 429, 429]);
}

#[test]
fn who_brings_no_token_uses_up_nothing_of_those_who_do() {
    let house = House::with(None, |settings| {
        settings.all = Rate { burst: 4, per_minute: 1 };
    });
    let wrong = [("Authorization", "Bearer of bad news")];
    let status = |_| house.ask("GET", "/api/v1/status", &wrong, b"").status;
    let strangers: Vec<u16> = (0..6).map(status).collect();
    assert_eq!(strangers, [401, 401, 401, 401, 429, 429]);
    assert_eq!(house.post("/lanes/typed", &json!({"text": "hi", "from": "ann"})).status, 201);
}

#[test]
fn the_committed_schemas_are_current_and_served() {
    let house = House::open();
    let listed = house.get("/schemas").json();
    let update = std::env::var_os("XENLINE_WRITE_SCHEMAS").is_some();
    for file in schemas::files() {
        let path = schema_dir().join(file.name);
        if update {
            std::fs::create_dir_all(schema_dir()).expect("a folder");
            std::fs::write(&path, &file.text).expect("it is written");
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        // Compared as values: the order of keys depends on features that others switch on.
        let ours: Value = serde_json::from_str(&file.text).expect("our own schema");
        assert_eq!(
            serde_json::from_str::<Value>(&committed).ok().as_ref(),
            Some(&ours),
            "{} is not current; run this test with XENLINE_WRITE_SCHEMAS=1",
            path.display()
        );
        assert!(listed.as_array().is_some_and(|list| list.contains(&file.name.into())));
        let served = house.get(&format!("/schemas/{}", file.name));
        assert_eq!(served.header("content-type"), Some("application/schema+json"));
        assert_eq!(served.json(), ours);
        jsonschema::validator_for(&ours).expect("a valid schema");
    }
    assert_eq!(house.get("/schemas/nope.json").status, 404);
}

#[test]
fn the_schemas_refuse_what_the_door_refuses() {
    for (name, body) in [
        ("lane-post.schema.json", json!({})),
        ("lane-post.schema.json", json!({"text": ""})),
        ("lane-post.schema.json", json!({"text": "hi", "form": "me"})),
        ("send.schema.json", json!({"channel": "fax", "to": "a", "text": "hi"})),
        ("send.schema.json", json!({"channel": "sms", "text": "hi"})),
        ("sms-webhook.schema.json", json!({"data": {}})),
    ] {
        assert!(!validator(name).is_valid(&body), "{name} allows {body}");
    }
    assert_valid("lane-post.schema.json", &json!({"text": "hi"}));
    assert_valid("send.schema.json", &json!({"channel": "chat", "to": "ann", "text": "hi"}));
}

#[test]
fn requests_that_are_no_http_end_the_connection_and_nothing_else() {
    use std::io::{Read, Write};
    let house = House::open();
    for junk in [&b"\xff\xfe\r\n\r\n"[..], b"GET", &[b'A'; 40_000], b"POST / HTTP/9.9\r\n\r\n"] {
        let mut stream = std::net::TcpStream::connect(house.address).unwrap();
        // Whatever it does with this, it does not hold the connection.
        let _ = stream.write_all(junk);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    }
    let token = format!("Bearer {TOKEN}");
    let headers = [("Authorization", token.as_str())];
    assert_eq!(house.ask("POST", "/lanes/in", &headers, br#"{"text":"hi"}"#).status, 201);
}

pub fn assert_valid(name: &str, body: &Value) {
    assert!(validator(name).is_valid(body), "{body} is not valid under {name}");
}

pub fn validator(name: &str) -> jsonschema::Validator {
    let text = std::fs::read_to_string(schema_dir().join(name)).expect("a committed schema");
    let schema = serde_json::from_str(&text).expect("JSON");
    jsonschema::validator_for(&schema).expect("a valid schema")
}

fn schema_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/schema")
}
