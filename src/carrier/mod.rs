//! What a carrier publishes about itself: where it signals from, where its sound comes from, and
//! what its portal has to be set to. Data, not code: a file for each carrier, which ages.
//!
//! A `[[trunk]]` and a carrier belong together by their name. A file in [`SHELVES`] goes before the
//! one that is built in, so that an operator's refreshed copy survives an upgrade. Nothing here
//! decides who may call: that is `[[trunk]] allow` alone.

mod date;
mod feed;
mod portal;
mod refresh;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::Deserialize;

pub use date::Day;
pub use portal::{Step, steps};
pub use refresh::{Change, RefreshError, refresh};

/// Where carrier files are looked for, the operator's own first.
pub const SHELVES: [&str; 2] = ["/etc/xenline/carriers", "/usr/share/xenline/carriers"];

const BUILT_IN: [(&str, &str); 1] = [("telnyx", include_str!("../../deploy/carriers/telnyx.toml"))];

/// Such a file is a page; more is another file by mistake.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// A carrier, as it published itself on one day.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carrier {
    /// Its name, for people.
    pub name: String,
    /// When somebody last read what it publishes.
    pub read: Day,
    /// For how long that is believed, in days.
    pub stale_after_days: u32,
    /// Where it publishes for people.
    pub page: String,
    /// Where it publishes for machines, as JSON; absent: nowhere.
    pub feed: Option<String>,
    /// The addresses that its signalling comes from, by region.
    #[serde(deserialize_with = "regions")]
    pub signalling: BTreeMap<String, Vec<IpNet>>,
    /// Where its sound comes from.
    pub media: Media,
    /// What its portal has to be set to, in the order of its pages.
    #[serde(default)]
    portal: Vec<portal::Template>,
}

/// Where a carrier's sound comes from.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Media {
    /// The networks.
    #[serde(deserialize_with = "networks")]
    pub networks: Vec<IpNet>,
    /// Its first and last UDP port.
    pub ports: [u16; 2],
}

/// Why there is no carrier's data.
#[derive(Debug, thiserror::Error)]
pub enum CarrierError {
    /// Nobody wrote down what this carrier publishes.
    #[error(
        "nothing is known about a carrier {0:?}; write {dir}/{0}.toml after the example of telnyx.toml", dir = SHELVES[0]
    )]
    Unknown(String),
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file does not say what it has to.
    #[error("{}: {message}", path.display())]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// What the parser says, with line and column.
        message: String,
    },
}

impl Carrier {
    /// What is known about the carrier `name`, and where that is written.
    ///
    /// # Errors
    /// [`CarrierError::Unknown`] for a name without a file; the others for a file that is no use.
    pub fn find(name: &str) -> Result<Self, CarrierError> {
        Self::find_on(&SHELVES.map(Path::new), name)
    }

    /// As [`find`](Self::find), looking at `shelves` before what is built in.
    ///
    /// # Errors
    /// As there.
    pub fn find_on(shelves: &[&Path], name: &str) -> Result<Self, CarrierError> {
        let (path, text) = text_of(shelves, name)?;
        Self::parse(&text).map_err(|message| CarrierError::Invalid { path, message })
    }

    fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// How many days ago it was read, where that is longer than it is believed.
    #[must_use]
    pub fn stale(&self, today: Day) -> Option<u32> {
        Some(today.since(self.read)).filter(|days| *days > self.stale_after_days)
    }

    /// The regions whose signalling `network` is part of.
    pub fn regions_of(&self, network: IpNet) -> impl Iterator<Item = &str> {
        let published = self.signalling.iter();
        published
            .filter(move |(_, networks)| networks.iter().any(|known| known.contains(&network)))
            .map(|(region, _)| region.as_str())
    }
}

/// The text of `name`'s file, and where it lies.
fn text_of(shelves: &[&Path], name: &str) -> Result<(PathBuf, String), CarrierError> {
    let unknown = || CarrierError::Unknown(name.to_owned());
    // A trunk may have any name; only one like this can be a file's.
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    {
        return Err(unknown());
    }
    for shelf in shelves {
        let path = shelf.join(format!("{name}.toml"));
        match read(&path) {
            Ok(text) => return Ok((path, text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(CarrierError::Unreadable { path, source }),
        }
    }
    let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name).ok_or_else(unknown)?;
    Ok((PathBuf::from(format!("the built-in {name}.toml")), (*text).to_owned()))
}

fn read(path: &Path) -> std::io::Result<String> {
    if std::fs::metadata(path)?.len() > FILE_BYTES_MAX {
        let message = format!("more than {FILE_BYTES_MAX} bytes; is it the right file?");
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, message));
    }
    std::fs::read_to_string(path)
}

/// An address alone is a network of one.
fn network(text: &str) -> Result<IpNet, String> {
    let alone = text.parse::<std::net::IpAddr>().map(IpNet::from);
    alone.or_else(|_| text.parse()).map_err(|_| {
        format!("{text:?} is neither an address like 192.0.2.1 nor a network like 192.0.2.0/24")
    })
}

/// A list of addresses and networks.
pub(crate) fn networks<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| network(text).map_err(serde::de::Error::custom)).collect()
}

fn regions<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Vec<IpNet>>, D::Error> {
    let texts = BTreeMap::<String, Vec<String>>::deserialize(deserializer)?;
    let parsed = texts.into_iter().map(|(region, texts)| {
        let networks = texts.iter().map(|text| network(text)).collect::<Result<_, _>>()?;
        Ok((region, networks))
    });
    parsed.collect::<Result<_, String>>().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_can_be_read() {
        for (name, _) in BUILT_IN {
            let carrier = Carrier::find_on(&[], name).expect("it is TOML");
            assert!(!carrier.signalling.is_empty() && !carrier.media.networks.is_empty());
        }
    }

    #[test]
    fn the_operators_file_goes_before_the_built_in_one() {
        let shelf = tempfile::tempdir().expect("a folder");
        let text = BUILT_IN[0].1.replace("name = \"Telnyx\"", "name = \"mine\"");
        std::fs::write(shelf.path().join("telnyx.toml"), text).expect("it is written");
        let carrier = Carrier::find_on(&[shelf.path()], "telnyx").expect("it is TOML");
        assert_eq!(carrier.name, "mine");
    }

    #[test]
    fn a_name_is_no_way_out_of_the_shelf() {
        for name in ["", "../telnyx", "/etc/passwd", "a/b", "tel nyx"] {
            let found = Carrier::find_on(&[], name);
            assert!(matches!(found, Err(CarrierError::Unknown(_))), "{name}: {found:?}");
        }
    }

    #[test]
    fn addresses_are_believed_until_their_day_has_come() {
        let carrier = Carrier::find_on(&[], "telnyx").expect("built in");
        let after = |days| carrier.read.plus(days);
        assert_eq!(carrier.stale(after(carrier.stale_after_days)), None);
        let late = carrier.stale_after_days + 1;
        assert_eq!(carrier.stale(after(late)), Some(late));
    }
}
