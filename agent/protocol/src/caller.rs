use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who calls, beside the number, and how far the network vouches for it. Since 1.3.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Caller {
    /// What the network says of the number: see [`Attestation`].
    pub attestation: Attestation,
    /// The trunk asserts the number; otherwise it is what the caller's side wrote.
    pub asserted: bool,
    /// The caller asked not to be named.
    pub withheld: bool,
    /// The display name, empty if there is none. Anybody can write anything into it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Whom the call was for before it was sent on to this line, the latest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub diversions: Vec<Diversion>,
    /// Headers of the trunk's own that the line's operator lets through.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

/// A number that the call was for before.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Diversion {
    /// The number; empty where it is withheld.
    #[serde(default)]
    pub from: String,
    /// Why the call was sent on: `no-answer`, `user-busy`, `unconditional`, …
    #[serde(default)]
    pub reason: String,
}

/// How far the network vouches for the calling number (STIR/SHAKEN). An open enumeration.
///
/// Only `full` says that the number is the caller's. Everything from `failed` on may be forged.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Attestation {
    /// A: the originating carrier knows its customer, and that the number is theirs.
    Full,
    /// B: it knows its customer, and not whether the number is theirs.
    Partial,
    /// C: it knows only where the call came in.
    Gateway,
    /// The signature held, at a level that nobody named.
    Passed,
    /// The signature did not hold.
    Failed,
    /// Nobody vouches for it.
    #[default]
    Unverified,
    /// A word that this version has not.
    #[serde(other)]
    Unknown,
}
