//! A listener's address, or the word `off`: a key that is left out keeps its default, so that
//! "none" needs a word.

use std::net::SocketAddr;

use serde::{Deserialize, Deserializer, Serializer, de};

const OFF: &str = "off";

pub(super) fn serialize<S: Serializer>(
    address: &Option<SocketAddr>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match address {
        Some(address) => serializer.collect_str(address),
        None => serializer.serialize_str(OFF),
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text == OFF {
        return Ok(None);
    }
    let wrong = |_| {
        de::Error::custom(format!("{text:?} is not an address like 127.0.0.1:5060, nor \"off\""))
    };
    text.parse().map(Some).map_err(wrong)
}
