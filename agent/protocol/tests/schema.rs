//! The committed schemas are the types, and the documented examples are messages.

use std::path::{Path, PathBuf};

use brain_protocol::{BrainMessage, LineMessage, Message, decode, encode, schema};
use serde_json::Value;

#[test]
fn the_committed_schemas_are_current() {
    for file in schema::files() {
        let path = schema_dir().join(file.name);
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        // Compared as values: the order of keys depends on features that others switch on.
        let same = serde_json::from_str::<Value>(&committed).ok()
            == Some(serde_json::from_str(&file.text).expect("our own schema"));
        assert!(
            same,
            "{} is not current; run `cargo run -p brain-protocol --example write-schemas`",
            path.display()
        );
    }
}

#[test]
fn every_line_message_is_documented_with_an_example_that_decodes() {
    check_examples::<LineMessage>("line-message.schema.json");
}

#[test]
fn every_brain_message_is_documented_with_an_example_that_decodes() {
    check_examples::<BrainMessage>("brain-message.schema.json");
}

#[test]
fn the_schemas_refuse_what_the_decoder_refuses() {
    let validator = validator("brain-message.schema.json");
    for line in [
        r#"{"type":"say","line":1}"#,
        r#"{"type":"pong"}"#,
        r#"{"type":"pong","seq":"one"}"#,
        r#"{"type":"withdraw","line":1,"claim":""}"#,
        r#"{"line":1}"#,
    ] {
        assert!(decode::<BrainMessage>(line.as_bytes()).is_err(), "decoded {line}");
        assert!(!validator.is_valid(&serde_json::from_str(line).unwrap()), "validated {line}");
    }
}

#[test]
fn the_schemas_allow_fields_of_a_newer_minor_version() {
    let newer = r#"{"type":"pong","seq":1,"mood":"fine"}"#;
    assert!(validator("brain-message.schema.json").is_valid(&serde_json::from_str(newer).unwrap()));
}

fn check_examples<M: Message + PartialEq + std::fmt::Debug>(file: &str) {
    let schema = read_schema(file);
    let validator = validator(file);
    let mut kinds = Vec::new();
    for variant in schema["oneOf"].as_array().expect("one schema per message") {
        let description = variant["description"].as_str().expect("a description");
        let example = description
            .split("```json\n")
            .nth(1)
            .and_then(|rest| rest.split("\n```").next())
            .unwrap_or_else(|| panic!("no example in: {description}"));
        let message: M = decode(example.as_bytes()).unwrap_or_else(|e| panic!("{example}: {e}"));
        let again = encode(&message).expect("an example is short");
        assert_eq!(decode::<M>(&again).as_ref(), Ok(&message));
        let value: Value = serde_json::from_str(example).unwrap();
        assert!(validator.is_valid(&value), "{example} is not valid under {file}");
        let written: Value = serde_json::from_slice(&again).unwrap();
        assert!(validator.is_valid(&written), "{written} is not valid under {file}");
        let kind = value["type"].as_str().unwrap().to_owned();
        assert_eq!(Some(kind.as_str()), variant["properties"]["type"]["const"].as_str());
        kinds.push(kind);
    }
    assert_eq!(kinds, M::KINDS, "KINDS must name every message");
}

fn validator(file: &str) -> jsonschema::Validator {
    jsonschema::validator_for(&read_schema(file)).expect("a valid schema")
}

fn read_schema(file: &str) -> Value {
    let text = std::fs::read_to_string(schema_dir().join(file)).expect("a committed schema");
    serde_json::from_str(&text).expect("JSON")
}

fn schema_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schema")
}
