//! The spool on disk: `tmp` to write in, `new` to drop into, `cur` for what was taken in, `done`
//! for what became of it.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lane_broker::intake::{Peer, WISH_BYTES_MAX};
use sha2::{Digest, Sha256};

use super::dir::{Dir, Shared, SpoolError};
use crate::control::Reply;
use crate::say::SPOOLED;

/// Results that are kept; whoever dropped a thing looks for it soon.
const DONE_KEPT: usize = 1_000;
/// Results are counted again after so many.
const TIDY_EVERY: u32 = 100;

/// A file that was dropped.
#[derive(Debug)]
pub(super) struct Drop {
    /// Its name in the spool.
    pub name: String,
    /// The name of its claim: the same whenever this file is met.
    pub claim: String,
    /// Whose it is.
    pub peer: Peer,
    /// What is in it, or one byte more than may be.
    pub bytes: Vec<u8>,
}

/// A spool directory. Who may drop can write in `tmp`, `new` and `done`; what the line writes is
/// made in `cur`, where nobody else can.
#[derive(Debug)]
pub(super) struct Maildir {
    root: PathBuf,
    new: Dir,
    cur: Dir,
    done: Dir,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    in_hand: BTreeSet<String>,
    results: u32,
}

impl Maildir {
    /// Makes the directories that are missing. `group`: whose members may drop.
    ///
    /// # Errors
    /// [`SpoolError`], also when one of them is somebody else's or a link.
    pub fn open(root: PathBuf, group: Option<u32>) -> Result<Self, SpoolError> {
        let dir = Dir::root(&root)?;
        let shared = |part| dir.part(&root, part, Shared::With(group));
        shared("tmp")?;
        let (new, done) = (shared("new")?, shared("done")?);
        let cur = dir.part(&root, "cur", Shared::Alone)?;
        let maildir = Self { root, new, cur, done, state: Mutex::default() };
        maildir.tidy();
        Ok(maildir)
    }

    pub fn new_dir(&self) -> PathBuf {
        self.root.join("new")
    }

    /// Up to `room` files that are not in hand yet: first what an earlier run took in, then what
    /// is new, each by name.
    pub fn look(&self, room: usize) -> Vec<Drop> {
        let mut found = Vec::new();
        for dir in [&self.cur, &self.new] {
            let mut names = dir.names();
            names.retain(|name| !self.state().in_hand.contains(name));
            names.sort();
            for name in names {
                // What cannot be read takes no room: it would keep it for ever.
                if found.len() >= room {
                    return found;
                }
                match read(dir, &name) {
                    Ok(Some(dropped)) => {
                        self.state().in_hand.insert(name);
                        found.push(dropped);
                    }
                    Ok(None) => {}
                    Err(error) => tracing::debug!(%error, name, "a drop cannot be read"),
                }
            }
        }
        found
    }

    /// It was taken in: the result says so, and it is not new any more.
    pub fn accepted(&self, name: &str, reply: &Reply) {
        self.note(name, reply);
        // It lies in `cur` already if an earlier run took it in.
        let _ = self.new.move_to(name, &self.cur, name);
    }

    /// It is over: the result says how, and the file is gone.
    pub fn finished(&self, name: &str, reply: Option<&Reply>) {
        if let Some(reply) = reply {
            self.note(name, reply);
        }
        // What was taken in lies in `cur`; another one of its name may have come since.
        if self.cur.remove(name).is_err() {
            let _ = self.new.remove(name);
        }
        self.let_go(name);
    }

    /// It is not in hand any more, and found again if it is there.
    pub fn let_go(&self, name: &str) {
        self.state().in_hand.remove(name);
    }

    fn note(&self, name: &str, reply: &Reply) {
        let write = || -> io::Result<()> {
            let mut line = serde_json::to_vec(reply)?;
            line.push(b'\n');
            let unfinished = format!(".{name}.result");
            self.cur.write(&unfinished, &line)?;
            self.cur.move_to(&unfinished, &self.done, &format!("{name}.json"))
        };
        if let Err(error) = write() {
            tracing::warn!(%error, name, "what became of a drop could not be written");
        }
        let mut state = self.state();
        state.results += 1;
        if state.results.is_multiple_of(TIDY_EVERY) {
            drop(state);
            self.tidy();
        }
    }

    /// Removes the oldest results.
    fn tidy(&self) {
        let aged = |name: String| (self.done.changed_at(&name), name);
        let mut names: Vec<_> = self.done.names().into_iter().map(aged).collect();
        names.sort();
        for (_, name) in names.iter().rev().skip(DONE_KEPT) {
            // Somebody else may have been quicker.
            let _ = self.done.remove(name);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `None`: not a plain file. A pipe would never end, and a link leads elsewhere.
fn read(dir: &Dir, name: &str) -> io::Result<Option<Drop>> {
    let mut file = dir.read(name)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.by_ref().take(WISH_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    let identity = (meta.dev(), meta.ino(), meta.mtime(), meta.mtime_nsec());
    let mut hash = Sha256::new();
    hash.update(name.as_bytes());
    hash.update(format!("{identity:?}").as_bytes());
    let claim: String = hash.finalize()[..12].iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Some(Drop {
        name: name.to_owned(),
        claim: format!("{SPOOLED}{claim}"),
        peer: Peer { uid: meta.uid(), gids: vec![meta.gid()] },
        bytes,
    }))
}
