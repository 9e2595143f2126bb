use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;

use super::feed::FeedError;
use super::{Carrier, CarrierError, Day};

/// A list of networks has some kilobytes.
const FEED_BYTES_MAX: u64 = 1024 * 1024;
/// A person waits for it.
const FEED_WITHIN: Duration = Duration::from_secs(30);

/// What a refresh changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The file that was written.
    pub file: PathBuf,
    /// Networks that are new.
    pub added: Vec<IpNet>,
    /// Networks that are no longer published.
    pub removed: Vec<IpNet>,
}

/// Why a carrier's file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// There is no file to bring up to date.
    #[error(transparent)]
    Carrier(#[from] CarrierError),
    /// The carrier has no feed.
    #[error("{0} publishes nothing that a machine can read; see {1} and edit the file")]
    NoFeed(String, String),
    /// The feed cannot be fetched.
    #[error("cannot fetch {url}: {message}; nothing was changed")]
    Fetch {
        /// From where.
        url: String,
        /// What went wrong.
        message: String,
    },
    /// What was fetched is no list of networks.
    #[error("{url} is no use: {source}. Nothing was changed; see {page}")]
    Feed {
        /// From where.
        url: String,
        /// What is wrong with it.
        source: FeedError,
        /// What the carrier publishes for people.
        page: String,
    },
    /// Most networks are gone, which looks like a mistake of the feed.
    #[error(
        "{url} names {found} media networks, and {known} are known. Nothing was changed: compare with {page}, and edit the file if that is right"
    )]
    Shrunk {
        /// From where.
        url: String,
        /// How many it names.
        found: usize,
        /// How many the file has.
        known: usize,
        /// What the carrier publishes for people.
        page: String,
    },
    /// The new file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Unwritable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Reads the carrier's feed (or `url`) and writes its file anew in `shelf`, with `today` as its day.
/// What the file says beside networks and day stays, its comments included.
///
/// # Errors
/// [`RefreshError`]; the file is then as it was.
pub fn refresh(
    shelf: &Path,
    name: &str,
    url: Option<&str>,
    today: Day,
) -> Result<Change, RefreshError> {
    let mut shelves = vec![shelf];
    shelves.extend(super::SHELVES.map(Path::new));
    let (path, text) = super::text_of(&shelves, name)?;
    let carrier = Carrier::parse(&text)
        .map_err(|message| CarrierError::Invalid { path: path.clone(), message })?;
    let feed = url.or(carrier.feed.as_deref());
    let url =
        feed.ok_or_else(|| RefreshError::NoFeed(carrier.name.clone(), carrier.page.clone()))?;
    let known = &carrier.media.networks;
    let found = published(url, &carrier)?;
    let renewed = rewritten(&text, today, &found)
        .ok_or_else(|| CarrierError::Invalid { path, message: "no `read` or `networks`".into() })?;
    let file = shelf.join(format!("{name}.toml"));
    write(&file, &renewed)
        .map_err(|source| RefreshError::Unwritable { path: file.clone(), source })?;
    let added = found.iter().filter(|network| !known.contains(network)).copied().collect();
    let removed = known.iter().filter(|network| !found.contains(network)).copied().collect();
    Ok(Change { file, added, removed })
}

fn published(url: &str, carrier: &Carrier) -> Result<Vec<IpNet>, RefreshError> {
    let text = fetch(url)
        .map_err(|error| RefreshError::Fetch { url: url.into(), message: error.to_string() })?;
    let page = carrier.page.clone();
    let found = super::feed::media(&text).map_err(|source| RefreshError::Feed {
        url: url.into(),
        source,
        page: page.clone(),
    })?;
    let known = carrier.media.networks.len();
    if found.len() * 2 < known {
        return Err(RefreshError::Shrunk { url: url.into(), found: found.len(), known, page });
    }
    Ok(found)
}

fn fetch(url: &str) -> Result<String, ureq::Error> {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(FEED_WITHIN))
        .user_agent(concat!("xenline/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent();
    agent.get(url).call()?.body_mut().with_config().limit(FEED_BYTES_MAX).read_to_string()
}

/// `text` with another day and other networks. The tables are ours, so their shape is known.
fn rewritten(text: &str, today: Day, networks: &[IpNet]) -> Option<String> {
    let mut renewed = String::with_capacity(text.len());
    let (mut read, mut written, mut in_networks) = (false, false, false);
    for line in text.lines() {
        if in_networks {
            in_networks = !line.starts_with(']');
            continue;
        }
        if line.starts_with("read = ") {
            renewed.push_str(&format!("read = \"{today}\"\n"));
            read = true;
        } else if line.starts_with("networks = [") {
            renewed.push_str("networks = [\n");
            networks.iter().for_each(|n| renewed.push_str(&format!("    \"{n}\",\n")));
            renewed.push_str("]\n");
            written = true;
            in_networks = !line.ends_with(']');
        } else {
            renewed.push_str(line);
            renewed.push('\n');
        }
    }
    // What could not be read back is not written.
    let parsed = Carrier::parse(&renewed).ok()?;
    (read && written && parsed.read == today && parsed.media.networks == networks)
        .then_some(renewed)
}

/// Whole or not at all: a line that starts meanwhile reads the old file or the new one.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    let shelf = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(shelf)?;
    let mut new = tempfile::NamedTempFile::new_in(shelf)?;
    new.write_all(text.as_bytes())?;
    // Nothing in it is secret, and the line that reads it is another user.
    new.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renewed_file_differs_in_day_and_networks_alone() {
        let (_, text) = super::super::BUILT_IN[0];
        let today = "2027-01-02".parse().expect("a day");
        let networks = vec!["198.51.100.0/24".parse().expect("a network")];
        let renewed = rewritten(text, today, &networks).expect("it can be read back");
        let kept = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|line| {
                !line.starts_with("read = ") && !line.starts_with("    \"") && *line != "]"
            });
            lines.map(str::to_owned).collect()
        };
        assert_eq!(kept(&renewed), kept(text));
        assert!(renewed.contains("\n    \"198.51.100.0/24\",\n]\n"), "{renewed}");
    }
}
