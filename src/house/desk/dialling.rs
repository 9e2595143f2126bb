//! Calls out: whoever wants one, it passes the gate first, and the day's account is on disk before it
//! leaves. Transfers to a number are calls out like any other; what is particular to them is in
//! [`super::transfer`].

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use brain_protocol::{DialId, DialOutcome, LineMessage};
use media_core::LineId;
use sip_bridge::outbound::{Now, OutboundGate, OutboundRefusal, Permit};
use sip_bridge::{CallId, CallOutcome, CallerIdentity, DialSpec, HangupReason};
use tokio::sync::mpsc;

use super::asked::send;
use super::transfer::{Followed, PermittedTransfers};
use super::{Carrier, Desk, OpenCall};
use crate::control::Reply;
use crate::house::account::AccountFile;
use crate::house::keep_open::KeepOpen;

/// Calls that are permitted and whose account is being written: as many as may be open at all.
const READY_MAX: usize = 64;
/// So long before a call's last billed minute is over it is hung up: a BYE takes its time.
const HANG_UP_BEFORE: Duration = Duration::from_secs(2);

/// What the desk needs for calls out.
pub(super) struct Outbound {
    pub gate: OutboundGate,
    file: AccountFile,
    /// Counts the books that were written.
    books: u64,
    /// Counts the numbers that were to be kept open, one after the other.
    keeper: u64,
    ready: (mpsc::Sender<Ready>, Option<mpsc::Receiver<Ready>>),
    pub transfers: PermittedTransfers,
}

/// A permitted call whose account is on disk, or is not.
pub(super) struct Ready {
    permit: Permit,
    errand: Errand,
    kept: std::io::Result<()>,
}

/// What a call out is permitted for.
#[derive(Debug)]
pub(super) enum Errand {
    /// A conversation of the line's own.
    Call(Dialler),
    /// To tell this call's peer to call the number in our place.
    PutThrough(CallId),
    /// To follow the transfer that this call's peer asked for.
    Follow(CallId, Followed),
}

/// Who wants a call, and hears what becomes of it.
#[derive(Debug)]
pub(super) enum Dialler {
    /// A program of this machine's own user.
    Client(mpsc::Sender<Reply>),
    /// The brain, by the name that it gave the call.
    Brain(DialId),
    /// The line itself, which keeps a call open: the number of its so many-th wish.
    Keeper(u64),
    /// Whoever wanted it has heard that it was answered, and waits no more.
    Told,
}

/// What is known of a call out besides what is known of any call.
#[derive(Debug)]
pub(super) struct CallOut {
    pub permit: Permit,
    pub dialler: Dialler,
    pub answered: Option<Instant>,
}

impl CallOut {
    /// How long both sides have heard each other.
    pub fn talked(&self) -> Duration {
        self.answered.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Whether its time is over.
    pub fn is_over(&self) -> bool {
        let longest = self.permit.longest.saturating_sub(HANG_UP_BEFORE);
        self.answered.is_some_and(|since| since.elapsed() >= longest)
    }

    /// Whether the line keeps it open.
    pub fn is_kept(&self) -> bool {
        matches!(self.dialler, Dialler::Keeper(_))
    }
}

impl Outbound {
    pub fn new(mut gate: OutboundGate, file: AccountFile) -> Self {
        gate.turn_to(unix_s()); // What an earlier run kept may be another day's.
        let (sender, receiver) = mpsc::channel(READY_MAX);
        let transfers = PermittedTransfers::default();
        Self { gate, file, books: 0, keeper: 0, ready: (sender, Some(receiver)), transfers }
    }

    /// Who calls the number that is kept open now.
    pub fn keeper(&self) -> Dialler {
        Dialler::Keeper(self.keeper)
    }

    /// Whether somebody called for a number that is not kept open any more.
    fn is_unwanted(&self, dialler: &Dialler) -> bool {
        matches!(dialler, Dialler::Keeper(wish) if *wish != self.keeper)
    }

    /// Where permitted calls come back from the disk; once.
    pub fn take_ready(&mut self) -> mpsc::Receiver<Ready> {
        self.ready.1.take().unwrap_or_else(|| mpsc::channel(1).1)
    }

    /// Writes the account as it is now. What the future gives is whether that is on disk.
    fn keep_book(&mut self) -> impl Future<Output = std::io::Result<()>> + Send + use<> {
        self.books += 1;
        let (file, number, book) = (self.file.clone(), self.books, self.gate.book());
        let written = tokio::task::spawn_blocking(move || file.keep(number, book));
        async { written.await.unwrap_or_else(|error| Err(std::io::Error::other(error))) }
    }
}

impl Desk {
    /// Somebody wants `number` to be called.
    pub(super) fn dial(&mut self, number: &str, dialler: Dialler) {
        match self.permit(number) {
            Ok(permit) => self.send_out(permit, Errand::Call(dialler)),
            Err(refusal) => self.refuse_dial(dialler, refusal),
        }
    }

    /// Whether this number may be called now, and what for the account promises.
    pub(super) fn permit(&mut self, number: &str) -> Result<Permit, OutboundRefusal> {
        self.out.gate.ask(self.now(), number)
    }

    fn now(&self) -> Now {
        Now { mono: self.media.clock().now(), unix_s: unix_s() }
    }

    /// Has a permitted call leave once its account is written.
    pub(super) fn send_out(&mut self, permit: Permit, errand: Errand) {
        let kept = self.out.keep_book();
        let ready = self.out.ready.0.clone();
        tokio::spawn(async move {
            let kept = kept.await;
            // A house that closes meanwhile calls nobody.
            let _ = ready.send(Ready { permit, errand, kept }).await;
        });
    }

    /// The account of a permitted call is written, or cannot be: it leaves, or does not.
    pub(super) async fn leave(&mut self, Ready { permit, errand, kept }: Ready) {
        let kept = kept.map_err(|error| {
            format!(
                "the day's account of calls out cannot be kept: {error}; `xenline check` looks at the disk"
            )
        });
        match (errand, kept) {
            (Errand::Call(dialler), kept) => {
                let out = CallOut { permit, dialler, answered: None };
                if self.out.is_unwanted(&out.dialler) {
                    let why = "another number is kept open now".to_owned();
                    return self.came_to_nothing(out, DialOutcome::Refused, why);
                }
                match kept {
                    Ok(()) => self.call_out(out).await,
                    Err(why) => self.came_to_nothing(out, DialOutcome::Refused, why),
                }
            }
            (Errand::PutThrough(call), kept) => self.put_through_now(call, kept),
            (Errand::Follow(call, followed), kept) => self.follow(call, permit, followed, kept),
        }
    }

    async fn call_out(&mut self, out: CallOut) {
        let port = match self.media.reserve_port() {
            Ok(port) => port,
            Err(error) => {
                return self.came_to_nothing(out, DialOutcome::Failed, error.to_string());
            }
        };
        let section = &self.config.outbound;
        let trunk = section.trunk.clone().unwrap_or_default();
        let spec = DialSpec {
            target: format!("sip:{}@{trunk}", out.permit.number),
            from: section.from.clone(),
            local_rtp: port.local_addr(),
            // What the trunk's terms are for how it is signalled.
            codecs: Vec::new(),
            headers: Vec::new(),
        };
        match self.bridge.dial(spec).await {
            Ok(call) => {
                tell(&out.dialler, "calling");
                let line = LineId(self.next_line);
                self.next_line += 1;
                let folder = self.folder_of(line);
                let open = OpenCall {
                    line,
                    trunk,
                    from: out.permit.number.clone(),
                    identity: CallerIdentity::default(),
                    to: self.config.outbound.from.clone(),
                    since: Instant::now(),
                    carrier: Carrier::Waiting(port),
                    established: false,
                    out: Some(out),
                    quiet: None,
                    held: None,
                    folder,
                };
                self.calls.insert(call, open);
            }
            Err(error) => self.came_to_nothing(out, DialOutcome::Failed, error.to_string()),
        }
    }

    /// The other side is alerted.
    pub(super) fn rings(&self, call: CallId) {
        self.ring_back(call);
        if let Some(out) = self.calls.get(&call).and_then(|open| open.out.as_ref()) {
            tell(&out.dialler, "ringing");
        }
    }

    /// The other side has answered a call out, and its line is open.
    pub(super) fn answered(&mut self, call: CallId) {
        let now = self.media.clock().now();
        let Some(open) = self.calls.get_mut(&call) else { return };
        let line = open.line;
        let Some(out) = &mut open.out else { return };
        out.answered = Some(Instant::now());
        match &out.dialler {
            Dialler::Client(replies) => {
                send(replies, Reply::Done { message: format!("line {}: answered", line.0) });
                out.dialler = Dialler::Told;
            }
            Dialler::Brain(dial) => {
                let (dial, line) = (dial.clone(), Some(brain_protocol::LineId(line.0)));
                out.dialler = Dialler::Told;
                self.tell_brain(dial, DialOutcome::Answered, line, None);
            }
            Dialler::Keeper(wish) if *wish == self.out.keeper => {
                if let Some(kept) = &mut self.kept {
                    kept.answered(now);
                }
            }
            Dialler::Keeper(_) | Dialler::Told => {}
        }
    }

    /// A call out is over: what it did not cost is taken off the account.
    pub(super) fn call_out_over(&mut self, out: CallOut, outcome: &CallOutcome) {
        let reason = format!("{} {}", outcome.sip_status, outcome.reason);
        if out.answered.is_none() {
            return self.came_to_nothing(out, outcome_of(outcome.sip_status), reason);
        }
        self.settle(&out.permit, out.talked());
        if let Dialler::Keeper(wish) = out.dialler {
            self.kept_is_over(wish, Some(outcome.reason.clone()));
        }
    }

    /// Calls out whose time is over are hung up.
    pub(super) fn end_overdue_calls(&self) {
        let overdue = |open: &OpenCall| open.out.as_ref().is_some_and(CallOut::is_over);
        for (call, _) in self.calls.iter().filter(|(_, open)| overdue(open)) {
            tracing::info!(%call, "a call out has lasted as long as it may");
            self.bridge.hangup(*call, HangupReason::Normal);
        }
    }

    /// The call was permitted, and nobody talked.
    pub(super) fn came_to_nothing(&mut self, out: CallOut, outcome: DialOutcome, why: String) {
        self.settle(&out.permit, Duration::ZERO);
        self.tell_dialler(out.dialler, outcome, why, outcome != DialOutcome::Refused);
    }

    fn refuse_dial(&mut self, dialler: Dialler, refusal: OutboundRefusal) {
        tracing::warn!(%refusal, "a call out is refused");
        self.tell_dialler(dialler, DialOutcome::Refused, refusal.to_string(), refusal.passes());
    }

    pub(super) fn settle(&mut self, permit: &Permit, talked: Duration) {
        let now = self.now();
        self.out.gate.settle(now, permit.ticket, talked);
        self.keep_account();
    }

    /// The account is today's, whether anybody calls or not.
    pub(super) fn turn_account(&mut self) {
        if self.out.gate.turn_to(unix_s()) {
            self.keep_account();
        }
    }

    fn keep_account(&mut self) {
        let kept = self.out.keep_book();
        tokio::spawn(async move {
            if let Err(error) = kept.await {
                // What is on disk is more than was spent: the day ends early, and not dear.
                tracing::warn!(%error, "the account of calls out was not written");
            }
        });
    }

    fn tell_dialler(&mut self, dialler: Dialler, outcome: DialOutcome, why: String, again: bool) {
        match dialler {
            Dialler::Client(replies) => {
                let again_in_ms = again.then_some(AGAIN_MS);
                send(&replies, Reply::Refused { message: why, again_in_ms });
            }
            Dialler::Brain(dial) => self.tell_brain(dial, outcome, None, Some(why)),
            Dialler::Keeper(wish) => self.kept_is_over(wish, Some(why)),
            Dialler::Told => {}
        }
    }

    fn kept_is_over(&mut self, wish: u64, trouble: Option<String>) {
        let now = self.media.clock().now();
        if let Some(kept) = self.kept.as_mut().filter(|_| wish == self.out.keeper) {
            kept.over(now, trouble);
        }
    }

    /// From now on a call with this number is kept open, or with nobody. One that was kept until now
    /// ends: nobody looks after it any more.
    pub(super) fn keep_open_another(&mut self, number: Option<String>) {
        self.out.keeper += 1;
        let now = self.media.clock().now();
        self.kept = number.map(|number| KeepOpen::new(number, now));
        let is_kept = |open: &OpenCall| open.out.as_ref().is_some_and(CallOut::is_kept);
        for (call, _) in self.calls.iter().filter(|(_, open)| is_kept(open)) {
            tracing::info!(%call, "the call that was kept open ends: [line] keep_open is another");
            self.bridge.hangup(*call, HangupReason::Normal);
        }
    }

    fn tell_brain(
        &self,
        dial: DialId,
        outcome: DialOutcome,
        line: Option<brain_protocol::LineId>,
        reason: Option<String>,
    ) {
        let ended = LineMessage::DialEnded { dial, outcome, line, reason };
        let Some(brain) = &self.brain else { return };
        if let Err(error) = brain.send(&ended) {
            tracing::debug!(%error, "the brain does not hear what became of its call");
        }
    }
}

/// Progress, for a person who waits.
fn tell(dialler: &Dialler, state: &str) {
    if let Dialler::Client(replies) = dialler {
        send(replies, Reply::Calling { state: state.to_owned() });
    }
}

/// A final status in the brain's words.
fn outcome_of(status: u16) -> DialOutcome {
    match status {
        486 | 600 => DialOutcome::Busy,
        408 | 480 | 487 => DialOutcome::NoAnswer,
        401..=407 | 603 | 604 | 607 | 608 => DialOutcome::Declined,
        _ => DialOutcome::Failed,
    }
}

fn unix_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// A trunk or a phone that was busy may not be any more.
const AGAIN_MS: u64 = 5_000;
