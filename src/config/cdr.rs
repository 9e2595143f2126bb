use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::cdr::Bounds;

/// `[cdr]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CdrSection {
    /// Whether there is a record of every call.
    pub keep: bool,
    /// The file; absent: `cdr.jsonl` in the state directory.
    pub path: Option<PathBuf>,
    /// Whether it holds the numbers in full, not only their ends.
    pub numbers: bool,
    /// A file grows no larger, in MB; then the next one is begun.
    pub file_mb_max: u32,
    /// Files that are kept.
    pub files_max: u32,
}

impl Default for CdrSection {
    fn default() -> Self {
        Self { keep: true, path: None, numbers: false, file_mb_max: 16, files_max: 8 }
    }
}

impl CdrSection {
    /// What cannot work: the key, and why.
    pub(super) fn problem(&self) -> Option<(&'static str, String)> {
        if !(1..=1_024).contains(&self.file_mb_max) || !(1..=1_000).contains(&self.files_max) {
            let message = "file_mb_max is between 1 and 1024, files_max between 1 and 1000; \
                           keep = false keeps no records";
            return Some(("cdr.file_mb_max", message.into()));
        }
        None
    }

    /// The file that holds the records.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.path.clone().unwrap_or_else(|| super::state_dir().join("cdr.jsonl"))
    }

    /// How much is kept.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        const MB: u64 = 1 << 20;
        Bounds { file_bytes_max: u64::from(self.file_mb_max) * MB, files_max: self.files_max }
    }
}
