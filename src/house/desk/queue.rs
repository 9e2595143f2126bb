//! `xenline queue` at the desk.

use queue_governor::{ClaimId, Ending, Unfinished};
use tokio::sync::mpsc;

use super::Desk;
use super::asked::send;
use crate::control::{QueuedClaim, Reply};
use crate::line::LineInput;
use crate::say::{HowItEnded, Withdrawal};

impl Desk {
    pub(super) fn queue_list(&self, which: impl Fn(&QueuedClaim) -> bool) -> Reply {
        let mut claims = self.saying.queue.list(self.media.clock().now());
        claims.retain(which);
        let journal = self.saying.keeper.state().trouble();
        Reply::Queue { claims, paused: self.saying.queue.is_paused(), journal }
    }

    pub(super) fn queue_show(&self, claim: &str) -> Reply {
        match self.queue_list(|queued| queued.claim == claim) {
            Reply::Queue { claims, .. } if claims.is_empty() => unknown(claim),
            found => found,
        }
    }

    pub(super) fn queue_withdraw(&mut self, claim: &str, replies: &mpsc::Sender<Reply>) {
        let id = ClaimId::new(claim);
        let answer = match self.saying.queue.withdraw(&id) {
            Withdrawal::Waited(unfinished) => return self.take_back(&unfinished, Some(replies)),
            Withdrawal::OnLine(line) => {
                let told = self
                    .lines_for(Some(line.0))
                    .into_iter()
                    .next()
                    .is_some_and(|(_, handle)| handle.offer(LineInput::Withdraw(id)));
                match told {
                    true => Reply::Done { message: format!("line {line} withdraws {claim}") },
                    false => Reply::refused(format!("line {line} is just closing; ask again")),
                }
            }
            Withdrawal::TooLate(how) => {
                Reply::refused(format!("{claim} has ended already: {}", how.ending))
            }
            Withdrawal::Unknown => unknown(claim),
        };
        send(replies, answer);
    }

    /// Whoever waits for it and whoever asks are told when it is safe: it would be said after a
    /// crash otherwise.
    pub(super) fn take_back(
        &mut self,
        unfinished: &Unfinished,
        replies: Option<&mpsc::Sender<Reply>>,
    ) {
        self.write_ended(unfinished, Ending::Withdrawn);
        let (claim, heard) = (unfinished.claim.id.to_string(), unfinished.heard().text);
        let how = HowItEnded { ending: "withdrawn".into(), reason: None, heard };
        let ended = self.ended_for_its_asker(&unfinished.claim.id, None, how);
        let replies = replies.cloned();
        self.once_kept(move |kept| {
            if let Some((asker, reply)) = ended {
                send(&asker, reply);
            }
            if let Some(replies) = replies {
                send(&replies, Reply::Done { message: format!("{claim} is withdrawn{kept}") });
            }
        });
    }

    /// Told when it would outlive the process, or could not.
    pub(super) fn queue_pause(&mut self, pause: bool, replies: &mpsc::Sender<Reply>) {
        if self.saying.queue.pause(pause) {
            self.saying.account.pause(pause);
        }
        self.tell_lines(|| LineInput::HoldExternal(pause));
        let message = match pause {
            true => "paused: nothing is said for other programs until `xenline queue resume`",
            false => "resumed: what other programs want said is said again",
        };
        let replies = replies.clone();
        self.once_kept(move |kept| {
            send(&replies, Reply::Done { message: format!("{message}{kept}") });
        });
    }

    /// When all that was written is safe, or could not be: then with the words that say so.
    fn once_kept(&self, tell: impl FnOnce(String) + Send + 'static) {
        let keeper = self.saying.keeper.clone();
        // It waits for a disk, and the desk must not.
        tokio::task::spawn_blocking(move || {
            keeper.flush();
            tell(match keeper.state().trouble() {
                Some(reason) => format!(". This would not survive a restart: {reason}"),
                None => String::new(),
            });
        });
    }
}

fn unknown(claim: &str) -> Reply {
    Reply::refused(format!(
        "no claim {claim:?}, or it ended long ago; `xenline queue ls` shows those that there are"
    ))
}
