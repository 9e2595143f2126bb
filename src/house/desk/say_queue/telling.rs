//! Who is told what became of a claim, and when.

use media_core::LineId;
use queue_governor::ClaimId;
use tokio::sync::mpsc;

use super::{Asker, Saying};
use crate::control::Reply;
use crate::house::desk::Desk;
use crate::house::desk::asked::send;
use crate::line::{ClaimNews, LineNews, News};
use crate::say::{HowItEnded, Withdrawal};

impl Saying {
    /// Its author handed it in before, and did not hear of it: there was a crash in between.
    pub(super) fn meet_again(&mut self, id: &ClaimId, asker: Asker) {
        let claim = id.to_string();
        send(&asker.replies, Reply::Accepted { line: None, claim: claim.clone() });
        let ended = |how: HowItEnded| {
            let HowItEnded { ending, reason, heard } = how;
            Reply::Ended { line: None, claim, ending, reason, heard }
        };
        match self.queue.withdraw(id) {
            Withdrawal::Waited(_) | Withdrawal::OnLine(_) => {
                if asker.wait {
                    self.queue.ask(id, asker);
                }
            }
            Withdrawal::TooLate(how) => send(&asker.replies, ended(how)),
            Withdrawal::Unknown => send(
                &asker.replies,
                ended(HowItEnded {
                    ending: "ended".into(),
                    reason: Some("before the line was started again".into()),
                    heard: String::new(),
                }),
            ),
        }
    }
}

impl Desk {
    /// A line says what became of a claim.
    pub(in crate::house::desk) fn claim_news(&mut self, LineNews { line, claim, news }: LineNews) {
        match news {
            ClaimNews::Governor(News::Accepted) => self.tell_accepted(&claim, Some(line)),
            ClaimNews::Governor(News::Ended { ending, reason, heard }) => {
                self.tell_ended(&claim, Some(line), HowItEnded { ending, reason, heard });
                self.feed();
            }
            ClaimNews::Governor(News::NotNow { reason }) => {
                self.saying.refuse_for_now(&claim, format!("line {line}: {reason}"));
                self.feed();
            }
            ClaimNews::HandedBack(unfinished) => self.handed_back(line, *unfinished),
            ClaimNews::NotKept => self.saying.break_promise(&claim),
        }
    }

    /// The journal is further, or fails.
    pub(in crate::house::desk) fn journal_progressed(&mut self) {
        let progress = self.saying.account.progress();
        while let Some((number, _)) = self.saying.promises.front() {
            if *number > progress.durable && !progress.failing {
                return;
            }
            let kept = *number <= progress.durable;
            let Some((_, id)) = self.saying.promises.pop_front() else { return };
            if kept {
                self.tell_accepted(&id, None);
                continue;
            }
            self.saying.break_promise_of_waiting(self.media.clock().now(), &id);
        }
        self.feed();
    }

    fn tell_accepted(&mut self, id: &ClaimId, line: Option<LineId>) {
        let Some(asker) = self.saying.queue.asker(id) else { return };
        let line = line.map(|line| line.0);
        send(&asker.replies, Reply::Accepted { line, claim: id.to_string() });
        if !asker.wait {
            self.saying.queue.forget_asker(id);
        }
    }

    pub(in crate::house::desk) fn tell_ended(
        &mut self,
        id: &ClaimId,
        line: Option<LineId>,
        how: HowItEnded,
    ) {
        if let Some((asker, reply)) = self.ended_for_its_asker(id, line, how) {
            send(&asker, reply);
        }
    }

    /// It has ended: what is to be told, and to whom, if somebody wants to hear of it.
    pub(in crate::house::desk) fn ended_for_its_asker(
        &mut self,
        id: &ClaimId,
        line: Option<LineId>,
        how: HowItEnded,
    ) -> Option<(mpsc::Sender<Reply>, Reply)> {
        let asker = self.saying.queue.ended(id, how.clone())?;
        let (line, claim) = (line.map(|line| line.0), id.to_string());
        let HowItEnded { ending, reason, heard } = how;
        Some((asker.replies, Reply::Ended { line, claim, ending, reason, heard }))
    }
}
