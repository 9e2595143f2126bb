//! What other programs leave in files to be said: a spool directory, and a file of lines.
//!
//! Both are queues on a disk: what cannot be taken in just now stays where it is and is tried
//! again. What was taken in is known by a name that is made from the file, so that after a crash
//! it is recognised and not said a second time. What nobody asked to be delivered, and gave no
//! time, may wait for a call for [`DROP_TTL_S`]: nobody stands at the other end to hear of a
//! refusal.

mod dir;
mod lines;
mod maildir;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lane_broker::intake::{self, Permit, Who, Wish};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

pub use self::dir::SpoolError;
use self::lines::LineFile;
use self::maildir::{Drop as Dropped, Maildir};
use self::watch::Watch;
use crate::config::SaySection;
use crate::control::server::Asked;
use crate::control::{Reply, Request, peer};

/// How long a drop without `ttl_s` waits for a call.
pub const DROP_TTL_S: u64 = 300;
/// Files of one spool that ask to be taken in at once; the rest waits in its directory. What was
/// taken in waits in the queue, which has a bound of its own, and keeps no place.
const IN_HAND_MAX: usize = 64;
/// Directories are looked through at least this often, also where nothing tells of changes.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A refusal for now is tried again no sooner, and no later.
const AGAIN_MIN: Duration = Duration::from_millis(50);
const AGAIN_MAX: Duration = Duration::from_secs(2);
const REPLIES_MAX: usize = 64;

/// Where files come from, and to whom they go.
struct Shared {
    permit: Permit,
    asked: mpsc::Sender<Asked>,
}

/// Watches the spool at `spool` and whatever `[say] alias` names, until dropped. An alias that
/// cannot be used is left out, and the log says so: where everybody may make it, everybody could
/// keep the line closed.
///
/// # Errors
/// When the spool's directories cannot be made, or are somebody else's.
pub fn start(
    spool: PathBuf,
    say: &SaySection,
    asked: mpsc::Sender<Asked>,
) -> Result<Spools, SpoolError> {
    let shared = Arc::new(Shared { permit: peer::permit(say), asked });
    let group = say.allow_gids.first().copied();
    let marks = spool.join("lines.json");
    // Whoever is told that the line is open is heard from then on: all is watched before.
    let dir =
        |dir: Maildir, shared| tokio::spawn(follow_dir(Watch::dir(dir.new_dir()), dir, shared));
    let mut tasks = vec![dir(Maildir::open(spool, group)?, shared.clone())];
    match &say.alias {
        Some(alias) if alias.is_dir() => match Maildir::open(alias.clone(), group) {
            Ok(alias) => tasks.push(dir(alias, shared)),
            Err(error) => tracing::error!(
                "what is dropped into the alias is not said: {error}; or set [say] alias to another path"
            ),
        },
        Some(alias) => {
            let lines = LineFile::open(alias.clone(), marks, shared.permit.clone());
            let watch = Watch::nothing();
            watch.file(lines.path());
            tasks.push(tokio::spawn(follow_lines(watch, lines, shared)));
        }
        None => {}
    }
    Ok(Spools { tasks })
}

/// The watched places. Dropping it ends the watch; what is in them stays.
pub struct Spools {
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for Spools {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

async fn follow_dir(mut watch: Watch, dir: Maildir, shared: Arc<Shared>) {
    let places = Arc::new(Semaphore::new(IN_HAND_MAX));
    let dir = Arc::new(dir);
    loop {
        let (looking, room) = (dir.clone(), places.available_permits());
        let found = blocking(move || looking.look(room)).await.unwrap_or_default();
        for dropped in found {
            let Ok(place) = places.clone().acquire_owned().await else { return };
            let (dir, shared) = (dir.clone(), shared.clone());
            tokio::spawn(async move { take_drop(&dir, dropped, &shared, place).await });
        }
        watch.changed(LOOK_EVERY).await;
    }
}

/// Brings one file to its end: a result beside it.
async fn take_drop(
    dir: &Arc<Maildir>,
    dropped: Dropped,
    shared: &Shared,
    place: OwnedSemaphorePermit,
) {
    let mut place = Some(place);
    let Dropped { name, claim, peer, bytes } = dropped;
    let outcome = match shared.permit.judge(&peer) {
        None => Outcome::Final(Reply::refused(format!(
            "user {} may not speak on this line; its owner can name the user in [say] allow_uids",
            peer.uid
        ))),
        Some(who) => match read(&bytes) {
            Ok(None) => Outcome::Nothing,
            Ok(Some(wish)) => {
                let (dir, name) = (dir.clone(), name.clone());
                let note = |reply: &Reply| {
                    drop(place.take());
                    let (dir, name, reply) = (dir.clone(), name.clone(), reply.clone());
                    blocking(move || dir.accepted(&name, &reply))
                };
                ask(wish, who, claim, shared, note).await
            }
            Err(message) => Outcome::Final(Reply::refused(message)),
        },
    };
    let dir = dir.clone();
    match outcome {
        Outcome::Final(reply) => blocking(move || dir.finished(&name, Some(&reply))).await,
        Outcome::Nothing => blocking(move || dir.finished(&name, None)).await,
        Outcome::Later(again) => {
            tokio::time::sleep(again).await;
            blocking(move || dir.let_go(&name)).await
        }
        // The line ends; the next one finds it in `cur`.
        Outcome::Unknown => None,
    };
}

enum Outcome {
    /// The last word.
    Final(Reply),
    /// There is nothing in it.
    Nothing,
    /// Not now.
    Later(Duration),
    /// Nobody is there to tell.
    Unknown,
}

async fn ask<F: Future>(
    wish: Wish,
    who: Who,
    claim: String,
    shared: &Shared,
    mut accepted: impl FnMut(&Reply) -> F,
) -> Outcome {
    let (replies, mut inbox) = mpsc::channel(REPLIES_MAX);
    let request = Request::Say(Wish { wait: true, ..wish });
    let asked = Asked { request, who, claim: Some(claim), replies };
    if shared.asked.send(asked).await.is_err() {
        return Outcome::Unknown;
    }
    let (mut last, mut taken) = (Outcome::Unknown, false);
    while let Some(reply) = inbox.recv().await {
        last = match &reply {
            // Another call has it, or had.
            Reply::Refused { again_in_ms: Some(_), .. } if taken => continue,
            Reply::Refused { again_in_ms: Some(ms), .. } => Outcome::Later(again(*ms)),
            Reply::Accepted { .. } => {
                taken = true;
                accepted(&reply).await;
                continue;
            }
            _ => Outcome::Final(reply),
        };
    }
    last
}

async fn follow_lines(mut watch: Watch, mut lines: LineFile, shared: Arc<Shared>) {
    loop {
        let found = blocking(move || {
            let found = lines.look();
            (lines, found)
        });
        let Some((back, found)) = found.await else { return };
        lines = back;
        watch.file(lines.path());
        for line in found {
            take_line(&line.bytes, line.claim, &shared).await;
            let marked = blocking(move || {
                lines.done(line.end);
                lines
            });
            let Some(back) = marked.await else { return };
            lines = back;
        }
        watch.changed(LOOK_EVERY).await;
    }
}

/// Tries one line until it is taken in, or refused for good. Whose file it is was looked at; who may
/// write into it is decided by its mode, and whoever did is nobody that we know.
async fn take_line(bytes: &[u8], claim: String, shared: &Shared) {
    const SOMEBODY: Who = Who::Guest(u32::MAX);
    let wish = match read(bytes) {
        Ok(Some(wish)) => wish,
        Ok(None) => return,
        Err(error) => return tracing::warn!(%error, "a line of the say-queue is left out"),
    };
    loop {
        let (replies, mut inbox) = mpsc::channel(REPLIES_MAX);
        let request = Request::Say(Wish { wait: false, ..wish.clone() });
        let (who, claim) = (SOMEBODY, Some(claim.clone()));
        if shared.asked.send(Asked { request, who, claim, replies }).await.is_err() {
            // The line ends; nothing of it was marked, so the next one reads it again.
            return std::future::pending().await;
        }
        let mut later = None;
        // Each open call answers for itself; one that takes it in is enough.
        while let Some(reply) = inbox.recv().await {
            match reply {
                Reply::Refused { again_in_ms: Some(ms), .. } => later = Some(again(ms)),
                Reply::Refused { message, .. } => {
                    return tracing::warn!(message, "a line of the say-queue is refused");
                }
                Reply::Ended { ending, reason, .. } if ending == "refused" => {
                    let reason = reason.unwrap_or_default();
                    return tracing::warn!(reason, "a line of the say-queue is refused");
                }
                _ => return,
            }
        }
        match later {
            Some(later) => tokio::time::sleep(later).await,
            // The line ends, as above.
            None => return std::future::pending().await,
        }
    }
}

/// After how long a refusal for now is tried again.
fn again(ms: u64) -> Duration {
    Duration::from_millis(ms).clamp(AGAIN_MIN, AGAIN_MAX)
}

/// A wish from a file; it can wait for a call for a while.
fn read(bytes: &[u8]) -> Result<Option<Wish>, String> {
    let wish = intake::parse(bytes).map_err(|error| error.to_string())?;
    Ok(wish.map(|mut wish| {
        if !wish.can_wait() {
            wish.ttl_s = Some(DROP_TTL_S);
        }
        wish
    }))
}

/// On a thread that may wait for a disk. `None` when the runtime shuts down.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

#[cfg(test)]
mod tests;
