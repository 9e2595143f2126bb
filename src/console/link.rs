//! The way to the line: what goes on there comes in, and is asked for again when the way breaks.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

use super::news::{LinkNews, News, OpenCall, Queued, Seen};
use crate::control::{ClaimState, LineDetails, QueuedClaim, Reply, Request};
use crate::watch::{Level, Sight};

/// A connection to the line's socket.
pub(super) struct Way {
    replies: Lines<BufReader<OwnedReadHalf>>,
    requests: OwnedWriteHalf,
}

impl Way {
    /// Opens one.
    ///
    /// # Errors
    /// Why nobody answers there, in words.
    pub async fn open(socket: &Path) -> Result<Way, String> {
        let stream = UnixStream::connect(socket).await.map_err(|error| {
            format!("nobody answers at {} ({error}); is `xenline serve` running?", socket.display())
        })?;
        let (replies, requests) = stream.into_split();
        Ok(Way { replies: BufReader::new(replies).lines(), requests })
    }

    /// Asks.
    pub async fn ask(&mut self, request: &Request) -> Result<(), String> {
        let mut line = serde_json::to_vec(request).map_err(|error| error.to_string())?;
        line.push(b'\n');
        self.requests.write_all(&line).await.map_err(|error| error.to_string())
    }

    /// The next reply. One of a later version of the line's says so.
    pub async fn reply(&mut self) -> Result<Reply, String> {
        match self.replies.next_line().await {
            Ok(Some(line)) => serde_json::from_str(&line)
                .map_err(|error| format!("the line speaks otherwise: {error}")),
            Ok(None) => Err("the line has closed the connection".into()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Asks once, and tells what came of it.
pub(super) async fn ask(socket: PathBuf, request: Request, news: mpsc::Sender<News>) {
    let answer = async {
        let mut way = Way::open(&socket).await?;
        way.ask(&request).await?;
        way.reply().await
    };
    let (done, text) = match answer.await {
        Ok(Reply::Done { message }) => (true, message),
        Ok(Reply::Accepted { .. }) => (true, "the line will say it".into()),
        Ok(Reply::Refused { message, .. }) => (false, message),
        Ok(other) => (true, format!("{other:?}")),
        Err(why) => (false, why),
    };
    // A console that has ended needs no answer.
    let _ = news.send(News::Answer { done, text }).await;
}

/// Tells what goes on, for as long as anybody listens.
pub(super) async fn follow(socket: PathBuf, news: mpsc::Sender<News>) {
    let mut cursor = None;
    while !news.is_closed() {
        let why = match watch(&socket, &mut cursor, &news).await {
            Ok(()) => return,
            Err(why) => why,
        };
        let _ = news.send(News::Link(LinkNews::Down(why))).await;
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

/// What the line has at this moment comes first, then what happens.
async fn watch(
    socket: &Path,
    cursor: &mut Option<String>,
    news: &mpsc::Sender<News>,
) -> Result<(), String> {
    let mut way = Way::open(socket).await?;
    let after = Some(cursor.clone().unwrap_or_else(|| START.to_owned()));
    way.ask(&Request::Watch { after }).await?;
    let mut asked = Way::open(socket).await?;
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            _ = look.tick() => look_around(&mut asked, news).await?,
            reply = way.reply() => {
                let Some(item) = seen(reply?, cursor)? else { continue };
                if news.send(item).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
}

/// What no event tells: the calls' figures, the queue, whether the brain is there.
async fn look_around(way: &mut Way, news: &mpsc::Sender<News>) -> Result<(), String> {
    for request in [Request::Lines { line: None }, Request::QueueList, Request::Status] {
        way.ask(&request).await?;
        for item in looked(way.reply().await?)? {
            let _ = news.send(item).await;
        }
    }
    Ok(())
}

fn looked(reply: Reply) -> Result<Vec<News>, String> {
    Ok(match reply {
        Reply::Lines { lines } => {
            let open = Seen::OnlyThese(lines.iter().map(|it| it.line).collect());
            let calls = lines.into_iter().map(|it| News::Seen(Seen::Open(open_call(it))));
            [News::Link(LinkNews::Up)].into_iter().chain(calls).chain([News::Seen(open)]).collect()
        }
        Reply::Queue { claims, paused, .. } => {
            let waits = |claim: &QueuedClaim| !matches!(claim.state, ClaimState::Ended { .. });
            vec![News::Queue(claims.into_iter().filter(waits).map(queued).collect(), paused)]
        }
        // A line that echoes misses no brain.
        Reply::Status { brain_up, process, .. } if process.agent => vec![News::Brain(brain_up)],
        Reply::Refused { message, .. } => return Err(message),
        _ => Vec::new(),
    })
}

fn seen(reply: Reply, cursor: &mut Option<String>) -> Result<Option<News>, String> {
    Ok(Some(News::Seen(match reply {
        Reply::Seen { cursor: at, sight } => {
            *cursor = Some(at);
            match sight {
                Sight::Call { line, event } => {
                    Seen::Event { line, t_ms: event.t_ms, what: event.what }
                }
                Sight::Level(level) => loud(level),
                Sight::Draining { left_s } => Seen::Draining(left_s),
                _ => return Ok(None),
            }
        }
        Reply::Level(level) => loud(level),
        Reply::Gap { missed } => Seen::Gap(missed),
        // Another run of the line: what was known of its calls is void.
        Reply::Reset => Seen::OnlyThese(Vec::new()),
        Reply::Refused { message, .. } => return Err(message),
        _ => return Ok(None),
    })))
}

fn loud(level: Level) -> Seen {
    let Level { line, leg, heard_dbov, sent_dbov, speech, .. } = level;
    Seen::Level { line, leg, heard_dbov, sent_dbov, speech }
}

fn open_call(details: LineDetails) -> OpenCall {
    let LineDetails { line, trunk, caller, called, seconds, stats, .. } = details;
    OpenCall { line, trunk, caller, called, seconds, stats }
}

fn queued(claim: QueuedClaim) -> Queued {
    let state = match &claim.state {
        ClaimState::Waiting => "waits".into(),
        ClaimState::OnLine { line } => format!("on line {line}"),
        ClaimState::Ended { ending, .. } => ending.clone(),
    };
    Queued {
        claim: claim.claim,
        source: claim.source,
        text: claim.text,
        state,
        age_s: claim.age_s,
        must_deliver: claim.must_deliver,
    }
}

/// A cursor's word for the oldest that is still known.
const START: &str = "start";
const LOOK_EVERY: Duration = Duration::from_secs(1);
const AGAIN_AFTER: Duration = Duration::from_secs(1);
