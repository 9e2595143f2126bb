use lane_broker::{LaneStore, OpenError, SqliteStore};

use super::Finding;
use crate::config::{Config, LaneStoreKind};

const WHAT: &str = "lanes";

/// Whether the lanes can be kept where the configuration says. Makes nothing.
pub(super) fn look(config: &Config, tell: &mut dyn FnMut(Finding)) {
    match config.lanes.store {
        LaneStoreKind::Memory => tell(Finding::warning(
            WHAT,
            "in memory: what was accepted to be said is gone when the line ends",
            "set [lanes] store = \"sqlite\"",
        )),
        LaneStoreKind::Sqlite => tell(sqlite(config)),
        LaneStoreKind::Redis => tell(redis(config)),
    }
}

fn redis(config: &Config) -> Finding {
    let variable = &config.lanes.redis_url_env;
    let store = match crate::house::redis(&config.lanes) {
        Ok(store) => store,
        Err(error) => return Finding::failure(WHAT, error.to_string(), format!("set {variable}")),
    };
    match store.keeps() {
        Ok(true) => Finding::good(WHAT, "in Redis, which keeps what it acknowledges"),
        Ok(false) => Finding::warning(
            WHAT,
            "Redis forgets what it acknowledged when it is restarted",
            "set appendonly yes and appendfsync always in redis.conf",
        ),
        Err(_) => Finding::failure(
            WHAT,
            format!("Redis does not answer at the address in {variable}"),
            "start it, mend the address or its password, or set [lanes] store = \"sqlite\"",
        ),
    }
}

fn sqlite(config: &Config) -> Finding {
    let path = config.lanes.file();
    if !path.exists() {
        return to_be_made(&path);
    }
    match SqliteStore::open_to_look(&path).and_then(|store| {
        store.lanes().map_err(|reason| OpenError::Refused { path: path.clone(), reason })
    }) {
        Ok(lanes) => {
            let entries: usize = lanes.iter().map(|lane| lane.entries).sum();
            let (count, path) = (lanes.len(), path.display());
            Finding::good(WHAT, format!("{path}: {entries} entries in {count} lanes"))
        }
        Err(error) => Finding::failure(
            WHAT,
            error.to_string(),
            "until then what is accepted is kept in memory only; or set [lanes] path to another file",
        ),
    }
}

fn to_be_made(path: &std::path::Path) -> Finding {
    let mut above = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
    let there = above.find(|folder| folder.exists()).unwrap_or(std::path::Path::new("."));
    let writable =
        there.is_dir() && there.metadata().is_ok_and(|folder| !folder.permissions().readonly());
    if writable {
        Finding::good(WHAT, format!("{} will be made", path.display()))
    } else {
        Finding::failure(
            WHAT,
            format!("{} cannot be made: {} is not writable", path.display(), there.display()),
            "make it writable or set [lanes] path to another file",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::State;

    fn found(config: &Config) -> Finding {
        let mut findings = Vec::new();
        look(config, &mut |finding| findings.push(finding));
        findings.remove(0)
    }

    #[test]
    fn the_store_is_looked_at_and_not_made() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut config = Config::default();
        config.lanes.path = Some(folder.path().join("state/lanes.sqlite"));
        assert!(matches!(found(&config).state, State::Good(fact) if fact.contains("will be made")));
        assert!(!config.lanes.file().exists());
        let store = crate::house::open_lanes(&config).expect("it opens").store;
        let lane = lane_broker::Lane::new(lane_broker::Tag::xen_out(), "a").expect("a good name");
        store.publish(&lane, "k", b"x").expect("there is room");
        assert!(
            matches!(found(&config).state, State::Good(fact) if fact.contains("1 entries in 1"))
        );
        drop(store);
        std::fs::write(config.lanes.file(), "what is this?".repeat(99)).expect("it is writable");
        let damaged = found(&config);
        assert!(damaged.is_failure() && damaged.to_string().contains("mv "), "{damaged}");
    }
}
