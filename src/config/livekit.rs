use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// When a room is joined that the configuration names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JoinWhen {
    /// For as long as the line runs.
    Always,
    /// While somebody is there, as the server says when it is asked.
    #[default]
    WhenSomebodyIsThere,
    /// While somebody is there, as the server tells by itself.
    Webhook,
}

/// Whose STUN and TURN servers are asked for ways through the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomIce {
    /// Nobody's: the server is reached directly.
    #[default]
    None,
    /// Those that the LiveKit server names.
    Server,
}

/// `[livekit]`: rooms that the line's agent comes into.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LivekitSection {
    /// The server, `ws://127.0.0.1:7880`, or `wss:` where it is elsewhere; absent: no rooms. Its key and secret are in
    /// `XENLINE_LIVEKIT_KEY` and `XENLINE_LIVEKIT_SECRET`.
    pub url: Option<String>,
    /// Rooms by name, or by the beginning of the name and a `*`.
    pub rooms: Vec<String>,
    /// When they are joined.
    pub join: JoinWhen,
    /// How often the server is asked who is where, in seconds.
    pub poll_s: u64,
    /// So long after the last person went the room is left, in seconds.
    pub linger_s: u64,
    /// Rooms, written like those above, whose people sit down at the one open call instead of a line
    /// of their own.
    pub bridge: Vec<String>,
    /// Whether a bridged room is shown the number of who calls.
    pub show_caller: bool,
    /// Who the agent is in a room; a second one of that identity throws out the first.
    pub identity: String,
    /// How it is called there.
    pub name: String,
    /// Where media comes in.
    pub media_ip: IpAddr,
    /// Who helps with ways through the network.
    pub ice: RoomIce,
}

impl Default for LivekitSection {
    fn default() -> Self {
        Self {
            url: None,
            rooms: Vec::new(),
            join: JoinWhen::default(),
            poll_s: 5,
            linger_s: 10,
            bridge: Vec::new(),
            show_caller: false,
            identity: "xenline".into(),
            name: "Agent".into(),
            media_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ice: RoomIce::default(),
        }
    }
}

impl LivekitSection {
    /// How often the server is asked.
    #[must_use]
    pub fn poll(&self) -> Duration {
        Duration::from_secs(self.poll_s)
    }

    /// How long an empty room is stayed in.
    #[must_use]
    pub fn linger(&self) -> Duration {
        Duration::from_secs(self.linger_s)
    }

    /// Whether `pattern` means `room`.
    #[must_use]
    pub fn means(pattern: &str, room: &str) -> bool {
        match pattern.strip_suffix('*') {
            Some(beginning) => room.starts_with(beginning),
            None => pattern == room,
        }
    }

    /// What cannot work, if anything: the key, and what to do.
    pub(super) fn problem(&self) -> Option<(&'static str, String)> {
        let speaks = |url: &str| ["ws://", "wss://"].iter().any(|scheme| url.starts_with(scheme));
        if self.url.as_deref().is_some_and(|url| !speaks(url)) {
            let next = "an address like ws://127.0.0.1:7880 or wss://rooms.example.org";
            return Some(("livekit.url", next.into()));
        }
        let patterns = [("livekit.rooms", &self.rooms), ("livekit.bridge", &self.bridge)];
        for (key, patterns) in patterns {
            let odd = |pattern: &&String| {
                let name = pattern.strip_suffix('*').unwrap_or(pattern);
                name.is_empty() && *pattern != "*" || name.contains('*')
            };
            if let Some(odd) = patterns.iter().find(odd) {
                return Some((key, format!("{odd:?}: write a name, or its beginning and one *")));
            }
        }
        if !(1..=3_600).contains(&self.poll_s) {
            return Some(("livekit.poll_s", "between 1 and 3600".into()));
        }
        if self.linger_s > 86_400 {
            return Some(("livekit.linger_s", "a day, 86400, at most".into()));
        }
        let names = [("livekit.identity", &self.identity), ("livekit.name", &self.name)];
        let unfit = |name: &str| !(1..=NAME_BYTES_MAX).contains(&name.len());
        let (key, _) = names.into_iter().find(|(_, name)| unfit(name))?;
        Some((key, format!("1 to {NAME_BYTES_MAX} bytes")))
    }
}

/// As long as the labels of who speaks.
const NAME_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_a_name_or_a_beginning() {
        assert!(LivekitSection::means("den", "den"));
        assert!(!LivekitSection::means("den", "dens"));
        assert!(LivekitSection::means("support-*", "support-7"));
        assert!(!LivekitSection::means("support-*", "support"));
        assert!(LivekitSection::means("*", "anything"));
    }

    #[test]
    fn each_impossible_value_is_named() {
        type Spoil = fn(&mut LivekitSection);
        let cases: &[(&str, Spoil)] = &[
            ("livekit.url", |it| it.url = Some("127.0.0.1:7880".into())),
            ("livekit.rooms", |it| it.rooms = vec!["a*b".into()]),
            ("livekit.bridge", |it| it.bridge = vec![String::new()]),
            ("livekit.poll_s", |it| it.poll_s = 0),
            ("livekit.linger_s", |it| it.linger_s = 100_000),
            ("livekit.identity", |it| it.identity.clear()),
            ("livekit.name", |it| it.name = "x".repeat(65)),
        ];
        assert_eq!(LivekitSection::default().problem(), None);
        for (key, spoil) in cases {
            let mut section = LivekitSection::default();
            spoil(&mut section);
            assert_eq!(section.problem().map(|(key, _)| key), Some(*key));
        }
    }
}
