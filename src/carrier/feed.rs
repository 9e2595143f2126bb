//! A carrier's own list of networks, as JSON of a shape that the carrier may change: what stands
//! under a name with "media" in it, at any depth, is taken for media.

use ipnet::IpNet;
use serde_json::Value;

/// Wider than this is no carrier's network but a mistake: it would open the port to a continent.
const PREFIX_MIN: u8 = 12;
/// A carrier has dozens.
const NETWORKS_MAX: usize = 512;
/// Published lists are flat; nobody nests deeper.
const DEPTH_MAX: usize = 16;

/// What a feed cannot be taken for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// Not JSON.
    #[error("it is not JSON: {0}")]
    NotJson(String),
    /// JSON, without networks under a name with "media" in it.
    #[error("it names no media networks; has its shape changed?")]
    NoMedia,
    /// A network that no carrier has.
    #[error("it names {0}, which is too wide to be a carrier's")]
    TooWide(IpNet),
    /// More of them than any carrier has.
    #[error("it names more than {NETWORKS_MAX} networks")]
    TooMany,
}

/// The media networks of a feed, each once, in order.
///
/// # Errors
/// [`FeedError`] for what nobody should open a firewall for.
pub(super) fn media(text: &str) -> Result<Vec<IpNet>, FeedError> {
    let json: Value =
        serde_json::from_str(text).map_err(|error| FeedError::NotJson(error.to_string()))?;
    let mut found = Vec::new();
    collect(&json, false, DEPTH_MAX, &mut found);
    found.sort_unstable();
    found.dedup();
    if let Some(wide) = found.iter().find(|network| network.prefix_len() < PREFIX_MIN) {
        return Err(FeedError::TooWide(*wide));
    }
    match found.len() {
        0 => Err(FeedError::NoMedia),
        n if n > NETWORKS_MAX => Err(FeedError::TooMany),
        _ => Ok(found),
    }
}

fn collect(value: &Value, is_media: bool, depth: usize, found: &mut Vec<IpNet>) {
    if depth == 0 {
        return;
    }
    match value {
        Value::String(text) if is_media => found.extend(super::network(text).ok()),
        Value::Array(values) => {
            values.iter().for_each(|value| collect(value, is_media, depth - 1, found));
        }
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            let is_media = is_media || name.to_ascii_lowercase().contains("media");
            collect(value, is_media, depth - 1, found);
        }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_is_found_at_any_depth_and_nothing_else_is() {
        let text = r#"{"version":"2026-05-25T00:00:00Z",
            "signaling":{"us":["192.0.2.10"]},
            "voice":{"media_ips":[{"cidr":"198.51.100.0/25","site":"Chicago"},{"cidr":"203.0.113.7"}]},
            "Media":["198.51.100.0/25"]}"#;
        let found = media(text).expect("a feed");
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["198.51.100.0/25", "203.0.113.7/32"]);
    }

    #[test]
    fn what_nobody_should_open_a_firewall_for_is_refused() {
        assert!(matches!(media("<html>"), Err(FeedError::NotJson(_))));
        assert_eq!(media(r#"{"networks":["198.51.100.0/25"]}"#), Err(FeedError::NoMedia));
        assert!(matches!(media(r#"{"media":["0.0.0.0/0"]}"#), Err(FeedError::TooWide(_))));
        let many: Vec<String> =
            (0..600).map(|n| format!("10.{}.{}.0/24", n / 256, n % 256)).collect();
        let text = serde_json::json!({ "media": many }).to_string();
        assert_eq!(media(&text), Err(FeedError::TooMany));
    }
}
