//! Who watches, and what whoever watches may do to a call.

use std::time::{Duration, Instant};

use media_core::LineId;
use sip_bridge::HangupReason;
use tokio::sync::{mpsc, oneshot};

use super::asked::send;
use super::operator::{busy, no_line};
use super::{Carrier, Desk, OpenCall};
use crate::control::{LineDetails, Reply};
use crate::line::{LineInput, call_stats};
use crate::watch::{Cursor, CursorError, Reader, Seen, Sight};

/// A cursor's word for the oldest that is still known.
const START: &str = "start";
/// How often the say-queue is shown at most: a flood would push everything else out of what is
/// remembered for watchers.
const QUEUE_EACH: Duration = Duration::from_millis(100);

/// The say-queue as watchers saw it last.
#[derive(Default)]
pub(super) struct QueueShown {
    figures: (usize, bool),
    at: Option<Instant>,
}

impl Desk {
    /// Tells watchers when the say-queue is not what it was. `Some`: they are to be told then.
    pub(super) fn show_queue(&mut self) -> Option<Instant> {
        let (queued, paused) = self.saying.figures();
        if self.queue_shown.figures == (queued, paused) {
            return None;
        }
        let now = Instant::now();
        let due = self.queue_shown.at.map(|at| at + QUEUE_EACH).filter(|due| *due > now);
        if due.is_none() {
            self.queue_shown = QueueShown { figures: (queued, paused), at: Some(now) };
            self.journal.watch().post(Sight::Queue { queued, paused });
        }
        due
    }

    /// Passes everything on until the asker goes away.
    pub(super) fn watch(&self, after: Option<&str>, replies: &mpsc::Sender<Reply>) {
        let watch = self.journal.watch();
        let after = match after {
            None => None,
            Some(START) => Some(watch.start()),
            Some(cursor) => match cursor.parse() {
                Ok(cursor) => Some(cursor),
                Err(error) => return send(replies, Reply::refused(CursorError::to_string(&error))),
            },
        };
        tokio::spawn(pass_on(watch.read(after), replies.clone()));
    }

    /// Answered when every line has given its figures; one that cannot gives none.
    pub(super) fn tell_of_lines(&self, only: Option<u64>, replies: &mpsc::Sender<Reply>) {
        let wanted = |open: &&OpenCall| only.is_none_or(|only| only == open.line.0);
        let mut lines: Vec<_> = self.open_calls().filter(wanted).map(details).collect();
        if only.is_some() && lines.is_empty() {
            return send(replies, no_line(only));
        }
        lines.sort_by_key(|(details, _)| details.line);
        let replies = replies.clone();
        tokio::spawn(async move {
            let mut told = Vec::with_capacity(lines.len());
            for (mut details, figures) in lines {
                if let Some(figures) = figures {
                    // The line is closing, and its figures are in its record.
                    details.stats = figures.await.ok().as_ref().map(call_stats);
                }
                told.push(details);
            }
            send(&replies, Reply::Lines { lines: told });
        });
    }

    /// Where the console page is, for whoever may open the line's socket.
    pub(super) fn page(&self) -> Reply {
        match self.pages.invite(Instant::now()) {
            Some(url) => Reply::Page { url },
            None => Reply::refused(
                "this line has no HTTP door; its log says why, and [http] listen is where it would be",
            ),
        }
    }

    /// Ends the call on this line, for everybody on it.
    pub(super) fn hang_up(&mut self, line: u64) -> Reply {
        let done = Reply::Done { message: format!("line {line} is hung up") };
        if let Some((_, handle)) = self.lines_for(Some(line)).pop() {
            return match handle.offer(LineInput::HangUp(HangupReason::Normal)) {
                true => done,
                false => busy(LineId(line)),
            };
        }
        match self.call_of(LineId(line)) {
            Some(call) => {
                self.bridge.hangup(call, HangupReason::Normal);
                done
            }
            None => no_line(Some(line)),
        }
    }

    /// See [`Desk::drain`]; asked a second time it is only told how it goes, because a page that is
    /// reloaded must not end anybody's call.
    pub(super) fn drain_as_asked(&mut self) -> Reply {
        if self.drained_at.is_none() {
            self.drain();
        }
        let left = self.drained_at.map(|at| at.saturating_duration_since(Instant::now()));
        let (calls, left_s) = (self.open_calls().count(), left.unwrap_or_default().as_secs());
        Reply::Done {
            message: format!(
                "no new calls; {calls} are open and have {left_s} s before the line ends"
            ),
        }
    }
}

async fn pass_on(mut reader: Reader, replies: mpsc::Sender<Reply>) {
    let mut reply = Reply::Watching;
    loop {
        if replies.send(reply).await.is_err() {
            return;
        }
        let next = tokio::select! {
            next = reader.next() => next,
            () = replies.closed() => return,
        };
        reply = match next {
            Some(Seen::Sight(cursor, sight)) => {
                Reply::Seen { cursor: Cursor::to_string(&cursor), sight: (*sight).clone() }
            }
            Some(Seen::Level(level)) => Reply::Level(level),
            Some(Seen::Gap(missed)) => Reply::Gap { missed },
            Some(Seen::Reset) => Reply::Reset,
            None => return,
        };
    }
}

type Figures = Option<oneshot::Receiver<media_engine::LineStatistics>>;

/// A call, and where its figures come from if they are not at hand.
fn details(open: &OpenCall) -> (LineDetails, Figures) {
    let mut details = LineDetails {
        line: open.line.0,
        trunk: open.trunk.clone(),
        caller: open.from.clone(),
        called: open.to.clone(),
        outbound: open.out.is_some(),
        established: open.established,
        seconds: open.since.elapsed().as_secs(),
        stats: None,
    };
    match &open.carrier {
        Carrier::Waiting(_) => (details, None),
        Carrier::Echo(line) => {
            details.stats = Some(call_stats(&line.statistics()));
            (details, None)
        }
        Carrier::Agent(line) => {
            let (answer, figures) = oneshot::channel();
            // Dropped where the line is behind or gone, and then there are none.
            let asked = line.offer(LineInput::Statistics(answer));
            (details, asked.then_some(figures))
        }
    }
}
