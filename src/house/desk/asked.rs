//! What other programs of this machine ask of the running line.

use std::time::Duration;

use media_core::LineId;
use queue_governor::{Claim, OnInterrupt, Source};
use tokio::sync::mpsc;

use super::{Carrier, Desk};
use crate::control::server::Asked;
use crate::control::{CallStatus, Reply, Request, SayRequest};
use crate::line::{LineHandle, LineInput};

impl Desk {
    pub(super) fn answer_request(&mut self, asked: Asked) {
        match asked.request {
            Request::Say(say) => self.say(&say, &asked.replies),
            Request::Status => send(&asked.replies, self.status()),
        }
    }

    fn say(&mut self, say: &SayRequest, replies: &mpsc::Sender<Reply>) {
        let lines = self.lines_for(say.line);
        if lines.is_empty() {
            let message = match say.line {
                Some(line) => format!(
                    "line {line} is not open; `xenline say` without --line speaks on every open line"
                ),
                None => "no call is open, so nobody would hear it; call the line first".to_owned(),
            };
            return send(replies, Reply::Refused { message });
        }
        for line in lines {
            let claim = self.claim_of(say);
            line.put(LineInput::Say(claim, replies.clone(), say.wait));
        }
    }

    fn lines_for(&self, only: Option<u64>) -> Vec<LineHandle> {
        let wanted = |line: LineId| only.is_none_or(|only| only == line.0);
        let agent = |open: &super::OpenCall| match &open.carrier {
            Carrier::Agent(line) if wanted(open.line) => Some(line.clone()),
            _ => None,
        };
        self.calls.values().filter_map(agent).collect()
    }

    fn claim_of(&mut self, say: &SayRequest) -> Claim {
        let id = format!("say-{}", self.next_say);
        self.next_say += 1;
        Claim {
            ttl: say.ttl_s.map(Duration::from_secs),
            must_deliver: say.must_deliver,
            on_interrupt: if say.must_deliver { OnInterrupt::Resume } else { OnInterrupt::Drop },
            ..Claim::text(id, Source::External, say.text.as_str())
        }
    }

    fn status(&self) -> Reply {
        let calls = self.calls.values().map(|open| CallStatus {
            line: open.line.0,
            trunk: open.trunk.clone(),
            seconds: open.since.elapsed().as_secs(),
        });
        let metrics = self.media.metrics();
        Reply::Status {
            calls: calls.collect(),
            brain_up: self.brain_pid.is_some(),
            tick_late_us_p999: metrics.lateness.p999_us,
            tick_late_us_max: metrics.lateness.max_us,
            ticks_skipped: metrics.ticks_skipped,
        }
    }
}

fn send(replies: &mpsc::Sender<Reply>, reply: Reply) {
    // A client that went away needs no answer.
    let _ = replies.try_send(reply);
}
