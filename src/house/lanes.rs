//! The store of the lanes: opened as `[lanes]` says, and swept of what nobody needs.

use std::sync::Arc;
use std::time::Duration;

use lane_broker::{
    AwaitedStore, LaneStore, Limits, MemoryStore, OpenError, RedisOpenError, RedisStore, Retention,
    RoutedStore, SqliteStore, Tag, WallClock,
};

use crate::config::{Config, LaneStoreKind, LanesSection};

/// Why the lanes cannot be kept where the configuration says.
#[derive(Debug, thiserror::Error)]
pub enum LanesFailure {
    /// Not in that file.
    #[error(transparent)]
    File(#[from] OpenError),
    /// Nobody says where Redis is.
    #[error(
        "no address of Redis: set {variable}=redis://127.0.0.1:6379 in the environment, or [lanes] store"
    )]
    NoAddress {
        /// The variable that should hold it.
        variable: String,
    },
    /// What is said is no address.
    #[error("{variable} in the environment: {source}")]
    Address {
        /// The variable that holds it.
        variable: String,
        /// Why it is none.
        source: RedisOpenError,
    },
}

/// The store of the lanes, as it could be opened.
pub struct OpenLanes {
    /// It.
    pub store: Arc<dyn LaneStore>,
    /// Why it forgets everything with the process, although the configuration names one that does
    /// not. What lies beside that one is to be left alone then.
    pub forgets: Option<String>,
}

/// Opens the store. What callers say stays in memory whatever store there is: it is gone with the
/// call, and a call must not wait for a disk.
///
/// A file that cannot be used because of its contents does not keep the line from being open: the
/// lanes are in memory then, and the log and `xenline status` say so. A file that another process
/// holds, or whose disk refuses, is waited for, and so is a Redis that is away: until it is there,
/// nothing is accepted that would have to be kept.
///
/// # Errors
/// [`LanesFailure`] when the configuration names a place that can never be ours.
pub fn open_lanes(config: &Config) -> Result<OpenLanes, LanesFailure> {
    let lanes = &config.lanes;
    let (beneath, forgets): (Arc<dyn LaneStore>, _) = match lanes.store {
        LaneStoreKind::Memory => (Arc::new(MemoryStore::new(lanes.limits())), None),
        LaneStoreKind::Sqlite => sqlite(lanes)?,
        LaneStoreKind::Redis => (Arc::new(redis(lanes)?), None),
    };
    let store = Arc::new(RoutedStore::new(Tag::call(), Limits::default(), beneath));
    Ok(OpenLanes { store, forgets })
}

fn sqlite(lanes: &LanesSection) -> Result<(Arc<dyn LaneStore>, Option<String>), OpenError> {
    match open_file(lanes) {
        Ok(store) => Ok((store, None)),
        Err(error @ OpenError::Refused { .. }) => {
            tracing::error!(
                "nothing is accepted that would have to be kept, until it can: {error}"
            );
            let lanes = lanes.clone();
            let again = move || match open_file(&lanes) {
                Ok(store) => {
                    tracing::info!("the lanes can be kept now");
                    Some(store)
                }
                Err(error) => {
                    tracing::debug!(%error, "the lanes cannot be kept yet");
                    None
                }
            };
            Ok((Arc::new(AwaitedStore::new(WallClock::system(), again)), None))
        }
        Err(error @ OpenError::Damaged { .. }) => {
            let reason = format!("nothing that is accepted now survives a restart: {error}");
            tracing::error!("{reason}");
            Ok((Arc::new(MemoryStore::new(lanes.limits())), Some(reason)))
        }
        Err(error) => Err(error),
    }
}

fn open_file(lanes: &LanesSection) -> Result<Arc<dyn LaneStore>, OpenError> {
    Ok(Arc::new(SqliteStore::open(&lanes.file(), lanes.limits(), lanes.sqlite())?))
}

/// The store in the Redis that the environment names.
pub(crate) fn redis(lanes: &LanesSection) -> Result<RedisStore, LanesFailure> {
    let variable = lanes.redis_url_env.clone();
    match crate::secret::secret(&variable) {
        Some(address) => RedisStore::new(&address, REDIS_PREFIX, lanes.limits())
            .map_err(|source| LanesFailure::Address { variable, source }),
        None => Err(LanesFailure::NoAddress { variable }),
    }
}

/// Drops what is too old or too much, every minute until the handle is dropped.
pub(super) fn sweep(store: Arc<dyn LaneStore>, keep: Retention) -> Sweeper {
    Sweeper(tokio::spawn(async move {
        let mut due = tokio::time::interval(SWEEP_EVERY);
        loop {
            due.tick().await;
            let store = store.clone();
            let swept = tokio::task::spawn_blocking(move || sweep_once(&*store, &keep)).await;
            if let Ok(Err(error)) = swept {
                tracing::warn!("lanes were not swept: {error}");
            }
        }
    }))
}

/// Stops sweeping when it is dropped.
pub(super) struct Sweeper(tokio::task::JoinHandle<()>);

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn sweep_once(store: &dyn LaneStore, keep: &Retention) -> Result<(), lane_broker::StoreError> {
    for info in store.lanes()? {
        let is_out = *info.lane.tag() == Tag::xen_out();
        if !(is_out && JOURNALS.contains(&info.lane.name())) {
            store.retain(&info.lane, keep)?;
        }
    }
    Ok(())
}

/// Ours among the keys of a Redis that others use too.
const REDIS_PREFIX: &str = "xenline";
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// A journal is read by nobody until the line comes back; its writer drops what is over.
const JOURNALS: [&str; 2] = [crate::durable::LANE, crate::text::JOURNAL];

#[cfg(test)]
mod tests {
    use lane_broker::{Lane, Position};

    use super::*;

    fn config(folder: &tempfile::TempDir) -> Config {
        let path = Some(folder.path().join("lanes.sqlite"));
        Config { lanes: LanesSection { path, ..LanesSection::default() }, ..Config::default() }
    }

    fn kept(name: &str) -> Lane {
        Lane::new(Tag::xen_out(), name).expect("a good name")
    }

    #[test]
    fn what_was_accepted_is_there_after_a_restart_and_what_a_caller_said_is_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let said = Lane::new(Tag::call(), "17").expect("a good name");
        let store = open_lanes(&config(&folder)).expect("it opens").store;
        store.publish(&kept("a"), "k", b"kept").expect("there is room");
        store.publish(&said, "k", b"said").expect("there is room");
        drop(store);
        let store = open_lanes(&config(&folder)).expect("it opens again").store;
        let read = |lane| store.read(lane, Position::START, 9).expect("it can be read").len();
        assert_eq!((read(&kept("a")), read(&said)), (1, 0));
    }

    #[test]
    fn a_damaged_file_does_not_close_the_line_and_stays_as_it_is() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = config(&folder);
        let file = config.lanes.file();
        std::fs::write(&file, "what is this?".repeat(1_000)).expect("it is writable");
        let OpenLanes { store, forgets } = open_lanes(&config).expect("the line goes on");
        assert!(forgets.is_some_and(|why| why.contains("is damaged")), "it is told");
        store.publish(&kept("a"), "k", b"in memory").expect("there is room");
        let bytes = std::fs::read(&file).expect("it is there");
        assert!(bytes.starts_with(b"what is this?"));
    }

    #[test]
    fn a_redis_without_an_address_is_told_with_the_variable_to_set() {
        let mut config = Config::default();
        config.lanes.store = LaneStoreKind::Redis;
        config.lanes.redis_url_env = "XENLINE_TEST_NO_SUCH_VARIABLE".into();
        let message = open_lanes(&config).err().expect("there is no address").to_string();
        assert!(message.contains("XENLINE_TEST_NO_SUCH_VARIABLE=redis://"), "{message}");
    }

    #[test]
    fn sweeping_drops_what_is_too_much_and_spares_a_journal() {
        let store = MemoryStore::new(Limits::default());
        for name in ["sms", "journal", "messages"] {
            for n in 0..4 {
                store.publish(&kept(name), &format!("k{n}"), b"x").expect("there is room");
            }
        }
        let keep = Retention { entries: Some(1), ..Retention::default() };
        sweep_once(&store, &keep).expect("memory can be swept");
        let left = |name| store.read(&kept(name), Position::START, 9).expect("it is there").len();
        assert_eq!((left("sms"), left("journal"), left("messages")), (1, 4, 4));
        let watched = Lane::new(Tag::os(), "journal").expect("a good name");
        for n in 0..4 {
            store.publish(&watched, &format!("k{n}"), b"x").expect("there is room");
        }
        sweep_once(&store, &keep).expect("memory can be swept");
        let left = store.read(&watched, Position::START, 9).expect("it is there").len();
        assert_eq!(left, 1, "another lane of that name is none of the line's journals");
    }
}
