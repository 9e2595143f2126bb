//! The operator in a call.

use media_core::LineId;
use queue_governor::{Claim, Source};
use tokio::sync::{mpsc, oneshot};

use super::Desk;
use super::asked::send;
use super::say_queue::Asker;
use crate::control::Reply;
use crate::line::{LineHandle, LineInput, NotWhispered};
use crate::say::OPERATOR;

impl Desk {
    pub(super) fn operator_takes(&self, only: Option<u64>) -> Reply {
        match self.the_line(only) {
            Ok((line, handle)) if handle.offer(LineInput::Operator(true)) => {
                Reply::Done { message: format!("line {line}: the floor is yours") }
            }
            Ok((line, _)) => busy(line),
            Err(refused) => *refused,
        }
    }

    pub(super) fn operator_releases(&self, only: Option<u64>) -> Reply {
        let lines = self.lines_for(only);
        if lines.is_empty() {
            return no_line(only);
        }
        for (line, handle) in lines {
            if !handle.offer(LineInput::Operator(false)) {
                return busy(line);
            }
        }
        Reply::Done { message: "the floor is the agent's again".into() }
    }

    pub(super) fn operator_says(
        &mut self,
        text: &str,
        only: Option<u64>,
        wait: bool,
        replies: &mpsc::Sender<Reply>,
    ) {
        let (line, handle) = match self.the_line(only) {
            Ok(found) => found,
            Err(refused) => return send(replies, *refused),
        };
        let claim = Claim::text(self.saying.names.next(OPERATOR).as_str(), Source::Operator, text);
        self.hand_to_line(claim, (line, &handle), Asker { replies: replies.clone(), wait });
    }

    /// The answer comes when the line has passed it on, or has not.
    pub(super) fn operator_whispers(
        &self,
        text: &str,
        only: Option<u64>,
        replies: &mpsc::Sender<Reply>,
    ) {
        let (line, handle) = match self.the_line(only) {
            Ok(found) => found,
            Err(refused) => return send(replies, *refused),
        };
        if let Some(version) = self.brain_version.filter(|version| !version.knows_whispers()) {
            let message = format!(
                "this brain speaks protocol {version} and does not know whispers; one that speaks 1.2 does"
            );
            return send(replies, Reply::refused(message));
        }
        let (answer, told) = oneshot::channel();
        if !handle.offer(LineInput::Whisper { text: text.to_owned(), answer }) {
            return send(replies, busy(line));
        }
        let replies = replies.clone();
        tokio::spawn(async move {
            let reply = match told.await {
                Ok(Ok(())) => Reply::Done { message: format!("line {line}: the agent was told") },
                Ok(Err(refused)) => Reply::refused(refused.to_string()),
                Err(_) => Reply::refused(NotWhispered::Closed.to_string()),
            };
            send(&replies, reply);
        });
    }

    /// The line that is named, or the only one that is open.
    fn the_line(&self, only: Option<u64>) -> Result<(LineId, LineHandle), Box<Reply>> {
        let mut lines = self.lines_for(only);
        match lines.len() {
            1 => Ok(lines.remove(0)),
            0 => Err(Box::new(no_line(only))),
            _ => {
                let open: Vec<_> = lines.iter().map(|(line, _)| line.to_string()).collect();
                let message =
                    format!("several calls are open; name one with --line: {}", open.join(", "));
                Err(Box::new(Reply::refused(message)))
            }
        }
    }
}

pub(super) fn no_line(only: Option<u64>) -> Reply {
    Reply::refused(match only {
        Some(line) => format!("line {line} is not open; `xenline queue ls` shows where claims are"),
        None => "no call is open, so nobody would hear it; call the line first".to_owned(),
    })
}

pub(super) fn busy(line: LineId) -> Reply {
    Reply::Refused { message: format!("line {line} is busy; try again"), again_in_ms: Some(100) }
}
