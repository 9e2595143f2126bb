//! The JSON Schema of both directions, as committed under `schema/`.

use schemars::schema_for;

use crate::{BrainMessage, LineMessage};

/// A schema file: its name under `schema/`, and what it must contain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SchemaFile {
    /// File name.
    pub name: &'static str,
    /// Its text, newline at the end.
    pub text: String,
}

/// Both directions' schemas, generated from the types.
#[must_use]
pub fn files() -> [SchemaFile; 2] {
    [
        SchemaFile {
            name: "line-message.schema.json",
            text: pretty(&schema_for!(LineMessage).to_value()),
        },
        SchemaFile {
            name: "brain-message.schema.json",
            text: pretty(&schema_for!(BrainMessage).to_value()),
        },
    ]
}

fn pretty(schema: &serde_json::Value) -> String {
    format!("{schema:#}\n")
}
