//! What other programs of this machine ask of the running line.

use lane_broker::tap::{Counts, TapCounts};
use media_core::LineId;
use media_engine::EngineMetrics;
use sip_bridge::RouteState;
use tokio::sync::mpsc;

use super::dialling::Dialler;
use super::{Carrier, Desk, OpenCall};
use crate::control::server::Asked;
use crate::control::{CallStatus, ProcessStatus, Reply, Request, TapStatus};
use crate::line::LineHandle;

impl Desk {
    pub(super) fn answer_request(&mut self, asked: Asked) {
        let replies = &asked.replies;
        match &asked.request {
            Request::Say(_) => self.say(asked),
            Request::Type { text, from, wait } => {
                self.type_in(text, from.as_deref(), *wait, replies)
            }
            Request::Dial { number } => self.dial(number, Dialler::Client(replies.clone())),
            Request::Reload => {
                let reply = self.answer_reload();
                send(replies, reply);
            }
            Request::Status => send(replies, self.status()),
            Request::Lines { line } => self.tell_of_lines(*line, replies),
            Request::Watch { after } => self.watch(after.as_deref(), replies),
            Request::Attach { line, part, rtp } => self.attach(*line, *part, *rtp, replies),
            Request::Part { line, leg, part } => {
                send(replies, self.take_part(*line, *leg, *part));
            }
            Request::HangUp { line } => {
                let reply = self.hang_up(*line);
                send(replies, reply);
            }
            Request::Page => send(replies, self.page()),
            Request::Drain => {
                let reply = self.drain_as_asked();
                send(replies, reply);
            }
            Request::RoomList => self.list_rooms(replies),
            Request::RoomJoin { room, line } => send(replies, self.join_room(room, *line)),
            Request::RoomLeave { room } => self.leave_room(room, replies),
            Request::QueueList => send(replies, self.queue_list(|_| true)),
            Request::QueueShow { claim } => send(replies, self.queue_show(claim)),
            Request::QueueWithdraw { claim } => self.queue_withdraw(claim, replies),
            Request::QueuePause => self.queue_pause(true, replies),
            Request::QueueResume => self.queue_pause(false, replies),
            Request::OperatorTake { line } => send(replies, self.operator_takes(*line)),
            Request::OperatorRelease { line } => send(replies, self.operator_releases(*line)),
            Request::OperatorWhisper { text, line } => {
                self.operator_whispers(text, *line, replies);
            }
            Request::OperatorSay { text, line, wait } => {
                self.operator_says(text, *line, *wait, replies);
            }
        }
    }

    /// The open lines with an agent, or the one that is named.
    pub(super) fn lines_for(&self, only: Option<u64>) -> Vec<(LineId, LineHandle)> {
        let wanted = |line: LineId| only.is_none_or(|only| only == line.0);
        let agent = |open: &OpenCall| match &open.carrier {
            Carrier::Agent(line) if wanted(open.line) => Some((open.line, line.clone())),
            _ => None,
        };
        self.open_calls().filter_map(agent).collect()
    }

    fn status(&self) -> Reply {
        let calls = self.open_calls().map(|open| CallStatus {
            line: open.line.0,
            trunk: open.trunk.clone(),
            seconds: open.since.elapsed().as_secs(),
        });
        let metrics = self.media.metrics();
        let (queued, paused) = self.saying.figures();
        Reply::Status {
            calls: calls.collect(),
            brain_up: self.brain_pid.is_some(),
            process: Box::new(self.process_status(&metrics)),
            tick_late_us_p999: metrics.lateness.p999_us,
            tick_late_us_max: metrics.lateness.max_us,
            ticks_skipped: metrics.ticks_skipped,
            queued,
            paused,
            journal: self.saying.keeper.state().trouble(),
            tap: self.tap.as_ref().map(|tap| tap_status(tap.counts())),
        }
    }

    fn routes_down(&self) -> Vec<String> {
        let routes = self.bridge.routes();
        let routes = routes.iter().filter(|route| route.up == Some(false)).map(route_name);
        // An exchange that has not answered yet is not down.
        let registrations = self.bridge.registrations();
        let lost = registrations.iter().filter(|it| !it.up && it.last_status.is_some());
        let lost = lost.map(|it| {
            format!("{}: not registered ({})", it.name, it.last_status.unwrap_or_default())
        });
        routes.chain(lost).collect()
    }

    fn process_status(&self, metrics: &EngineMetrics) -> ProcessStatus {
        ProcessStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            up_seconds: self.since.elapsed().as_secs(),
            agent: self.brain.is_some(),
            brain_pid: self.brain_pid,
            ports_in_use: metrics.ports_in_use,
            ports_resting: metrics.ports_resting,
            stt_waiting: metrics.stt_waiting,
            tts_waiting: metrics.tts_waiting,
            forgotten: self.text.forgotten(),
            routes_down: self.routes_down(),
            signalling_panics: self.bridge.counts().panics,
            ticks: metrics.ticks,
            ticks_late: metrics.ticks_late,
            strained: self.budget.is_strained(),
            outbound: self.outbound_status(),
            kept: self.kept_status(),
            reload: self.reload.status(),
        }
    }
}

/// `carrier 192.0.2.1:5060 does not answer`.
fn route_name(route: &RouteState) -> String {
    format!("{} {} does not answer", route.trunk, route.address)
}

fn tap_status(counts: TapCounts) -> TapStatus {
    let TapCounts { sorter, unwritten } = counts;
    let Counts { seen, sorted, unmatched, lost, said, hushed } = sorter;
    TapStatus { seen, sorted, unmatched, lost, unwritten, said, hushed }
}

pub(super) fn send(replies: &mpsc::Sender<Reply>, reply: Reply) {
    // A client that went away needs no answer.
    let _ = replies.try_send(reply);
}
