//! The answering side.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lane_broker::intake::{Permit, Who};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::parse::parse;
use super::{REQUEST_BYTES_MAX, Reply, Request, peer};
use crate::config::SaySection;

/// Clients that are asking something at the same time; more wait in the kernel's backlog.
const CLIENTS_MAX: usize = 32;
/// Of these, programs of other users: the line's own user finds a place whatever they do.
const GUESTS_MAX: usize = 24;
/// Clients that were told that their claim is accepted and wait for its ending. More are let go:
/// what they handed in goes on.
const WAITERS_MAX: usize = 256;
/// Of these, programs of other users, as above.
const GUESTS_WAITING_MAX: usize = 192;
/// How often it is seen whether a client that waits is still there; a stranger is heard no longer.
const THERE_EVERY: Duration = Duration::from_secs(1);
/// A guest that found no place is better off then.
const GUESTS_AGAIN_MS: u64 = 1_000;
/// A client that sends nothing for so long is let go.
const REQUEST_WITHIN: Duration = Duration::from_secs(10);
/// Pause after a connection that could not be taken.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// Replies that wait for a slow client; a `say` on every line has two for each.
const REPLIES_MAX: usize = 256;
/// Who may read, write and search, besides the owner.
const OTHERS: u32 = 0o077;

/// A request and the way back. Dropping `replies` ends the conversation.
pub struct Asked {
    /// What is asked.
    pub request: Request,
    /// By whom.
    pub who: Who,
    /// The name that the claim gets, where its author remembers it across a restart.
    pub claim: Option<String>,
    /// Where the replies go.
    pub replies: mpsc::Sender<Reply>,
}

/// Listens at `path` with the mode and for the users that `say` names, and hands every request to
/// `asked`.
///
/// # Errors
/// When the socket cannot be made; a stale one left by a killed process is replaced.
pub fn listen(path: &Path, say: &SaySection, asked: mpsc::Sender<Asked>) -> io::Result<Listening> {
    if let Some(dir) = path.parent() {
        // Others who may use the socket must be able to reach it.
        let mode = if say.mode.0 & OTHERS == 0 { 0o700 } else { 0o711 };
        std::fs::DirBuilder::new().recursive(true).mode(mode).create(dir)?;
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(io::Error::new(io::ErrorKind::AddrInUse, "another line already listens there"));
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    if let Some(gid) = say.allow_gids.first()
        && let Err(error) = std::os::unix::fs::chown(path, None, Some(*gid))
    {
        tracing::warn!(%error, gid, "the socket keeps this user's group; only its members can open it by mode");
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(say.mode.0))?;
    let task = tokio::spawn(accept(listener, Arc::new(peer::permit(say)), asked));
    Ok(Listening { path: path.to_path_buf(), task })
}

/// The listening socket. Dropping it closes and removes it.
pub struct Listening {
    path: PathBuf,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
        // Gone already is as good as removed.
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn accept(listener: UnixListener, permit: Arc<Permit>, asked: mpsc::Sender<Asked>) {
    let places = Arc::new(Semaphore::new(CLIENTS_MAX));
    let rooms = Arc::new(Rooms::default());
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // No file descriptor is free: that passes when a call ends.
            tokio::time::sleep(ACCEPT_AGAIN).await;
            continue;
        };
        let (asked, permit, rooms) = (asked.clone(), permit.clone(), rooms.clone());
        tokio::spawn(async move {
            if let Err(error) = converse(stream, place, &rooms, &permit, asked).await {
                tracing::debug!(%error, "a client of the line's socket went away");
            }
        });
    }
}

/// Where there is room besides the places of those who ask.
struct Rooms {
    guests: Arc<Semaphore>,
    waiters: Arc<Semaphore>,
    guests_waiting: Arc<Semaphore>,
}

impl Default for Rooms {
    fn default() -> Self {
        Self {
            guests: Arc::new(Semaphore::new(GUESTS_MAX)),
            waiters: Arc::new(Semaphore::new(WAITERS_MAX)),
            guests_waiting: Arc::new(Semaphore::new(GUESTS_WAITING_MAX)),
        }
    }
}

/// What a client occupies: among those who ask, or among those who wait.
#[derive(Default)]
struct Place {
    asking: Vec<OwnedSemaphorePermit>,
    waiting: Vec<OwnedSemaphorePermit>,
}

impl Place {
    /// From now on it waits. `false`: too many wait.
    fn wait(&mut self, rooms: &Rooms, who: Who) -> bool {
        if self.waiting.is_empty() {
            let theirs = (who != Who::Owner).then_some(&rooms.guests_waiting);
            let rooms = theirs.into_iter().chain([&rooms.waiters]);
            let taken: Result<_, _> = rooms.map(|room| room.clone().try_acquire_owned()).collect();
            self.waiting = taken.unwrap_or_default();
        }
        self.asking.clear();
        !self.waiting.is_empty()
    }
}

async fn converse(
    stream: UnixStream,
    place: OwnedSemaphorePermit,
    rooms: &Rooms,
    permit: &Permit,
    asked: mpsc::Sender<Asked>,
) -> io::Result<()> {
    let peer = peer::of(stream.as_fd())?;
    let (read, mut write) = stream.into_split();
    let Some(who) = permit.judge(&peer) else {
        let message = format!(
            "user {} may not speak on this line; its owner can name the user in [say] allow_uids, or a group in allow_gids",
            peer.uid
        );
        // Whoever still writes when we close would not read why. Those who may speak keep room.
        let room = rooms.guests.available_permits() > GUESTS_MAX / 2;
        if let (true, Ok(_guest)) = (room, rooms.guests.clone().try_acquire_owned()) {
            let (mut read, mut line) = (BufReader::new(read), Vec::new());
            let _ = tokio::time::timeout(THERE_EVERY, next_line(&mut read, &mut line)).await;
        }
        return send(&mut write, &Reply::refused(message)).await;
    };
    let mut place = Place { asking: vec![place], waiting: Vec::new() };
    if who != Who::Owner {
        let Ok(guest) = rooms.guests.clone().try_acquire_owned() else {
            let message = "too many programs of other users ask at once; try again".to_owned();
            let again_in_ms = Some(GUESTS_AGAIN_MS);
            return send(&mut write, &Reply::Refused { message, again_in_ms }).await;
        };
        place.asking.push(guest);
    }
    let mut read = BufReader::new(read);
    loop {
        let mut line = Vec::new();
        match tokio::time::timeout(REQUEST_WITHIN, next_line(&mut read, &mut line)).await {
            Ok(Ok(0)) | Err(_) => return Ok(()),
            Ok(result) => result?,
        };
        let request = match parse(&line) {
            Ok(Some(request)) => request,
            Ok(None) => continue,
            Err(message) => {
                send(&mut write, &Reply::refused(message)).await?;
                // Where the next request would begin is not known.
                if line.len() > REQUEST_BYTES_MAX {
                    return Ok(());
                }
                continue;
            }
        };
        if who != Who::Owner && !request.is_for_guests() {
            let message = "only the line's own user may ask that; others may `say`";
            send(&mut write, &Reply::refused(message)).await?;
            continue;
        }
        let waits = request.waits();
        let (replies, mut inbox) = mpsc::channel(REPLIES_MAX);
        if asked.send(Asked { request, who, claim: None, replies }).await.is_err() {
            return Ok(());
        }
        while let Some(reply) = next_reply(&mut inbox, &write).await? {
            send(&mut write, &reply).await?;
            let accepted = matches!(
                reply,
                Reply::Accepted { .. }
                    | Reply::Kept { .. }
                    | Reply::Watching
                    | Reply::Attached { .. }
            );
            if accepted && waits && !place.wait(rooms, who) {
                tracing::warn!("a client is let go: {WAITERS_MAX} wait for endings already");
                return Ok(());
            }
        }
    }
}

/// The next reply. `None`: that was the last one.
///
/// # Errors
/// When the client is gone; one that has only said its last word is still there.
async fn next_reply(
    inbox: &mut mpsc::Receiver<Reply>,
    write: &OwnedWriteHalf,
) -> io::Result<Option<Reply>> {
    loop {
        match tokio::time::timeout(THERE_EVERY, inbox.recv()).await {
            Ok(reply) => return Ok(reply),
            Err(_) if peer::is_gone(write.as_ref().as_fd())? => {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            Err(_) => {}
        }
    }
}

/// Reads up to the end of a line, or one byte more than a request may have.
async fn next_line(read: &mut BufReader<OwnedReadHalf>, line: &mut Vec<u8>) -> io::Result<usize> {
    read.take(REQUEST_BYTES_MAX as u64 + 1).read_until(b'\n', line).await
}

async fn send(write: &mut OwnedWriteHalf, reply: &Reply) -> io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    write.write_all(&line).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::SayRequest;

    #[test]
    fn guests_who_wait_leave_the_owner_places_to_wait_in() {
        let rooms = Rooms::default();
        let waits = |who| {
            let mut place = Place::default();
            place.wait(&rooms, who).then_some(place)
        };
        let guests: Vec<_> = (0..WAITERS_MAX).map_while(|_| waits(Who::Guest(7))).collect();
        assert_eq!(guests.len(), GUESTS_WAITING_MAX);
        let owners: Vec<_> = (0..WAITERS_MAX).map_while(|_| waits(Who::Owner)).collect();
        assert_eq!(owners.len(), WAITERS_MAX - GUESTS_WAITING_MAX);
        drop(owners);
        assert!(waits(Who::Guest(7)).is_none() && waits(Who::Owner).is_some());
    }

    #[test]
    fn what_concerns_the_whole_line_is_not_for_guests() {
        assert!(Request::Say(SayRequest::text("hello")).is_for_guests());
        for owners in
            [Request::QueuePause, Request::QueueList, Request::OperatorTake { line: None }]
        {
            assert!(!owners.is_for_guests(), "{owners:?}");
        }
    }

    fn listening() -> (tempfile::TempDir, Listening, mpsc::Receiver<Asked>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (asked, desk) = mpsc::channel(REPLIES_MAX);
        let path = folder.path().join("line.sock");
        let listening = listen(&path, &SaySection::default(), asked).expect("a socket");
        (folder, listening, desk)
    }

    async fn ask(listening: &Listening, line: &[u8]) -> UnixStream {
        let mut client = UnixStream::connect(&listening.path).await.expect("it listens");
        client.write_all(line).await.expect("it reads");
        client.shutdown().await.expect("the last word");
        client
    }

    fn accepted() -> Reply {
        Reply::Accepted { line: None, claim: "c".into() }
    }

    async fn next(desk: &mut mpsc::Receiver<Asked>) -> Asked {
        let soon = Duration::from_secs(30);
        tokio::time::timeout(soon, desk.recv()).await.expect("in time").expect("a request")
    }

    #[tokio::test]
    async fn whoever_waits_for_an_ending_locks_out_nobody() {
        let (_folder, listening, mut desk) = listening();
        let mut waiting = Vec::new();
        for _ in 0..2 * CLIENTS_MAX {
            let client =
                ask(&listening, b"{\"ask\":\"say\",\"text\":\"hello\",\"wait\":true}\n").await;
            let asked = next(&mut desk).await;
            asked.replies.send(accepted()).await.expect("it is there");
            waiting.push((client, asked));
        }
        let _operator = ask(&listening, b"{\"ask\":\"operator_take\"}\n").await;
        assert_eq!(next(&mut desk).await.request, Request::OperatorTake { line: None });
        // Who only said its last word is still told the ending.
        let (mut client, asked) = waiting.swap_remove(0);
        drop(asked);
        let mut told = String::new();
        client.read_to_string(&mut told).await.expect("it is told");
        assert_eq!(told.lines().count(), 1, "{told}");
    }

    #[tokio::test]
    async fn what_a_wish_names_is_not_opened_before_it_is_let_in() {
        let (_folder, listening, mut desk) = listening();
        let _client = ask(&listening, b"{\"wav\":\"/nonexistent/chime.wav\"}\n").await;
        assert!(matches!(next(&mut desk).await.request, Request::Say(_)));
    }

    #[tokio::test]
    async fn a_client_that_waits_and_hangs_up_is_noticed() {
        let (_folder, listening, mut desk) = listening();
        let stays = ask(&listening, b"{\"text\":\"hello\",\"wait\":true}\n").await;
        let stayed = next(&mut desk).await;
        let leaves = ask(&listening, b"{\"text\":\"hello\",\"wait\":true}\n").await;
        let left = next(&mut desk).await;
        drop(leaves);
        let soon = Duration::from_secs(30);
        tokio::time::timeout(soon, left.replies.closed()).await.expect("it is noticed");
        assert!(!stayed.replies.is_closed());
        drop(stays);
    }
}
