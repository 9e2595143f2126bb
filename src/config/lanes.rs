use std::path::PathBuf;

use lane_broker::{Durability, Retention};
use serde::{Deserialize, Serialize};

/// What keeps the lanes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LaneStoreKind {
    /// One file on this machine.
    #[default]
    Sqlite,
    /// Redis Streams, which several machines can share.
    Redis,
    /// Nothing: they are gone when the line ends.
    Memory,
}

/// What an acknowledged entry survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Survives {
    /// A power cut: every write waits for the disk.
    #[default]
    Power,
    /// The end of the process, `kill -9` included; a power cut may take the last seconds.
    Process,
}

/// `[lanes]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LanesSection {
    /// `sqlite`, `redis` or `memory`.
    pub store: LaneStoreKind,
    /// The file; absent: `lanes.sqlite` in the state directory.
    pub path: Option<PathBuf>,
    /// `power` or `process`.
    pub survives: Survives,
    /// The file grows no larger, in MB.
    pub file_mb_max: u32,
    /// The variable of the environment that holds the address of Redis, password and all.
    pub redis_url_env: String,
    /// What every reader is done with is kept so long for replay, in days.
    pub keep_days: u32,
    /// And no more of it in one lane than so many MB.
    pub keep_mb: u32,
}

impl Default for LanesSection {
    fn default() -> Self {
        Self {
            store: LaneStoreKind::default(),
            path: None,
            survives: Survives::default(),
            file_mb_max: 1_024,
            redis_url_env: "XENLINE_REDIS_URL".into(),
            keep_days: 7,
            keep_mb: 16,
        }
    }
}

impl LanesSection {
    /// What cannot work: the key, and why.
    pub(super) fn problem(&self) -> Option<(&'static str, String)> {
        if self.keep_mb == 0 || self.keep_days == 0 {
            return Some(("lanes.keep_mb", "keep_mb and keep_days are at least 1".into()));
        }
        if self.file_mb_max < 2 * self.keep_mb {
            let message = format!(
                "{} MB do not hold one lane of twice keep_mb ({}); raise it or keep less",
                self.file_mb_max, self.keep_mb
            );
            return Some(("lanes.file_mb_max", message));
        }
        None
    }

    /// How many MB would have to be kept for a journal with so many claims that wait, if these are
    /// too few. A full journal takes nothing in any more, so it must have room for the most that
    /// can wait, twice while it is written anew, and for what is written meanwhile.
    pub(super) fn too_little_for(&self, waiting_max: usize) -> Option<u32> {
        let waiting = waiting_max + crate::say::FOR_CALLERS_MAX;
        let bytes = 2 * waiting * CLAIM_BYTES + 4 * MB;
        let keep_mb = u32::try_from(bytes.div_ceil(2 * MB)).unwrap_or(u32::MAX);
        (self.keep_mb > 0 && self.keep_mb < keep_mb).then_some(keep_mb)
    }

    /// The file that holds the lanes.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.path.clone().unwrap_or_else(|| super::state_dir().join("lanes.sqlite"))
    }

    /// What is kept of a lane's settled entries.
    #[must_use]
    pub fn retention(&self) -> Retention {
        const DAY_S: u64 = 86_400;
        Retention {
            age: Some(std::time::Duration::from_secs(u64::from(self.keep_days) * DAY_S)),
            entries: Some(LANE_ENTRIES_MAX / 4 * 3),
            bytes: Some(self.keep_mb as usize * MB),
        }
    }

    /// How much a lane may hold: twice what is kept, so that a full one is one that nobody reads.
    #[must_use]
    pub fn limits(&self) -> lane_broker::Limits {
        lane_broker::Limits {
            lane_entries_max: LANE_ENTRIES_MAX,
            lane_bytes_max: 2 * self.keep_mb as usize * MB,
            ..lane_broker::Limits::default()
        }
    }

    /// The file's bounds.
    #[must_use]
    pub fn sqlite(&self) -> lane_broker::SqliteOptions {
        lane_broker::SqliteOptions {
            durability: match self.survives {
                Survives::Power => Durability::Power,
                Survives::Process => Durability::Process,
            },
            file_bytes_max: u64::from(self.file_mb_max) * MB as u64,
        }
    }
}

const MB: usize = 1 << 20;
/// The longest text that programs hand in, and what stands around it in a journal.
const CLAIM_BYTES: usize = lane_broker::intake::TEXT_BYTES_MAX + 1_024;
/// Two hundred thousand lines of text; by then the bytes are what counts.
const LANE_ENTRIES_MAX: usize = 100_000;
