//! The desk: calls from the bridge, words from the brain and requests from this machine's
//! programs are passed on to the line that they are about.

mod answer;
mod asked;
mod brain;
mod consoles;
mod dialling;
mod ending;
mod hold;
mod knocks;
mod operator;
mod queue;
mod quiet;
mod records;
mod reload;
mod ringback;
mod rooms;
mod say_queue;
mod sounds;
mod transfer;
mod typed;
mod upkeep;
mod waiting;
mod watching;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use brain_protocol::Version;
use brain_supervisor::SupervisorHandle;
use lane_broker::LaneStore;
use lane_broker::tap::Tap;
use media_core::{LineId, NegotiatedMedia};
use media_engine::{Engine, Line, RtpPort};
use sip_bridge::outbound::OutboundGate;
use sip_bridge::{Bridge, BridgeEvent, CallId, CallerIdentity, Cdr, HangupReason};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use self::consoles::Consoles;
use self::dialling::{CallOut, Outbound};
use self::quiet::{Arrived, Redialled};
use self::reload::Reload;
use self::say_queue::Saying;
use self::watching::QueueShown;
use super::account::AccountFile;
use super::budget::{Budget, BudgetLimits};
use super::doors::Knock;
use super::keep_open::KeepOpen;
use super::redial::Redials;
use super::start::{BrainEvents, BridgeEvents};
use crate::cdr::CallRecords;
use crate::config::Config;
use crate::control::server::Asked;
use crate::durable::{Keeper, Recovered};
use crate::http::Pages;
use crate::line::{Journal, LineEnd, LineHandle, LineInput, TransferTo};
use crate::rooms::RoomsHandle;
use crate::text::TextHandle;
use crate::watch::Sight;

/// Wishes that wait for the desk: one per line, and a few that ask twice.
const WISHES_MAX: usize = 1_024;

pub(super) struct Desk {
    config: Config,
    since: Instant,
    media: Arc<Engine>,
    bridge: Bridge,
    brain: Option<SupervisorHandle>,
    brain_pid: Option<u32>,
    /// What the brain that was up last speaks.
    brain_version: Option<Version>,
    journal: Journal,
    records: CallRecords,
    lanes: Arc<dyn LaneStore>,
    text: TextHandle,
    calls: BTreeMap<CallId, OpenCall>,
    /// Lines that no call of a trunk belongs to: opened by a door, or outlived by one.
    doors: BTreeMap<LineId, OpenCall>,
    /// Calls that are over, until their line is, or goes on with who else is there.
    leaving: BTreeMap<LineId, OpenCall>,
    knocks: Option<mpsc::Receiver<Knock>>,
    consoles: Consoles,
    /// Calls whose line is still writing its last words.
    closing: BTreeMap<LineId, Closing>,
    lines: JoinSet<(LineId, Option<LineEnd>)>,
    next_line: u64,
    saying: Saying,
    /// Watches the machine until the desk closes.
    tap: Option<Tap>,
    rooms: Option<RoomsHandle>,
    out: Outbound,
    /// Calls that were cut off lately.
    redials: Redials,
    /// Calls that wait until what they go on with is over.
    redialled: Redialled,
    /// The call that is kept open.
    kept: Option<KeepOpen>,
    budget: Budget,
    heap: super::heap::Heap,
    reload: Reload,
    wishes: (mpsc::Sender<Wish>, Option<mpsc::Receiver<Wish>>),
    /// No new calls are taken, and the running ones end then.
    drained_at: Option<Instant>,
    queue_shown: QueueShown,
    pages: Pages,
}

/// What a line wants of signalling.
type Wish = (LineId, What);

/// See [`Wish`].
enum What {
    /// Its call ended, and why.
    HangUp(HangupReason),
    /// Its caller put through.
    Transfer(TransferTo),
    /// Nothing: it goes on without the call that it was opened with.
    GoesOn,
    /// Its caller is not heard any more, or again.
    Quiet(bool),
}

/// A call that is over, and whose line is not yet.
struct Closing {
    cdr: Box<Cdr>,
    /// It is the one that is kept open.
    kept: bool,
    /// For so long its peer may have heard nothing any more.
    deaf: Duration,
}

/// A call and what carries it.
struct OpenCall {
    line: LineId,
    trunk: String,
    from: String,
    identity: CallerIdentity,
    to: String,
    since: Instant,
    carrier: Carrier,
    /// Both sides hear each other.
    established: bool,
    /// What else is known of one that the line placed.
    out: Option<CallOut>,
    /// Since when nothing was heard of its peer, where something should have been.
    quiet: Option<Instant>,
    /// Since when its peer has had it on hold.
    held: Option<Instant>,
    folder: Option<PathBuf>,
}

enum Carrier {
    /// The INVITE had no offer: what the line will be is known with the ACK.
    Waiting(RtpPort),
    Echo(Line),
    Agent(LineHandle),
}

/// What a desk is made of.
pub(super) struct DeskParts {
    pub config: Config,
    pub config_file: Option<PathBuf>,
    pub media: Arc<Engine>,
    pub knocks: mpsc::Receiver<Knock>,
    pub bridge: Bridge,
    pub brain: Option<SupervisorHandle>,
    pub journal: Journal,
    pub records: CallRecords,
    pub lanes: Arc<dyn LaneStore>,
    /// The keeper of claims, and what an earlier run left.
    pub kept: (Keeper, Recovered),
    pub text: TextHandle,
    pub tap: Option<Tap>,
    pub rooms: Option<RoomsHandle>,
    /// The gate of calls out, and the file of its account.
    pub out: (OutboundGate, AccountFile),
    pub pages: Pages,
}

/// What asks the line to end, or to read its configuration again.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

/// See [`Signals`].
enum Asking {
    End,
    Reload,
}

impl Signals {
    /// From now on such a signal waits for the desk instead of ending the process.
    pub fn listen() -> std::io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        let hang_up = signal(SignalKind::hangup())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())?, hang_up })
    }

    async fn recv(&mut self) -> Asking {
        tokio::select! {
            _ = self.terminate.recv() => Asking::End,
            _ = self.interrupt.recv() => Asking::End,
            _ = self.hang_up.recv() => Asking::Reload,
        }
    }
}

impl Desk {
    pub fn new(parts: DeskParts) -> Self {
        let DeskParts { config, media, bridge, brain, journal, records, lanes, kept, text, .. } =
            parts;
        let now = media.clock().now();
        let (wish, wished) = mpsc::channel(WISHES_MAX);
        let saying = Saying::new(&config, kept.0, kept.1, now);
        let keep_open = config.line.keep_open.clone();
        let budget = Budget::new(BudgetLimits::from(&config.admission));
        Self {
            config,
            since: Instant::now(),
            media,
            bridge,
            brain,
            brain_pid: None,
            brain_version: None,
            journal,
            records,
            lanes,
            text,
            calls: BTreeMap::new(),
            doors: BTreeMap::new(),
            leaving: BTreeMap::new(),
            knocks: Some(parts.knocks),
            consoles: Consoles::default(),
            closing: BTreeMap::new(),
            lines: JoinSet::new(),
            next_line: 1,
            saying,
            tap: parts.tap,
            rooms: parts.rooms,
            out: Outbound::new(parts.out.0, parts.out.1),
            redials: Redials::default(),
            redialled: Redialled::default(),
            kept: keep_open.map(|number| KeepOpen::new(number, now)),
            budget,
            heap: super::heap::Heap::default(),
            reload: Reload::new(parts.config_file),
            wishes: (wish, Some(wished)),
            drained_at: None,
            queue_shown: QueueShown::default(),
            pages: parts.pages,
        }
    }

    pub async fn run(
        mut self,
        mut bridge: BridgeEvents,
        mut brain: BrainEvents,
        mut asked: mpsc::Receiver<Asked>,
        mut signals: Signals,
    ) {
        let Some(mut wishes) = self.wishes.1.take() else { return };
        let Some(mut knocks) = self.knocks.take() else { return };
        let mut news = self.saying.take_news();
        let mut sounds = self.saying.fetcher.take_fetched();
        let mut late = self.saying.keeper.take_late();
        let mut permitted = self.out.take_ready();
        let mut upkeep = tokio::time::interval(upkeep::EVERY);
        upkeep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            let queue_shown = self.show_queue();
            let expiry = self.next_expiry();
            if self.drained_at.is_some()
                && self.open_calls().next().is_none()
                && self.lines.is_empty()
            {
                break;
            }
            tokio::select! {
                Some(event) = bridge.recv() => self.bridge_event(event),
                Some(event) = brain.recv() => self.brain_event(event),
                Some(asked) = asked.recv() => self.answer_request(asked),
                Some(knock) = knocks.recv() => self.knock(knock),
                Some((line, what)) = wishes.recv() => self.grant_wish(line, what),
                Some(ended) = self.lines.join_next() => self.line_ended(ended),
                Some(news) = news.recv() => self.claim_news(news),
                Some(fetched) = sounds.recv() => self.sound_fetched(fetched),
                () = self.saying.account.changed() => self.journal_progressed(),
                Some(recovered) = once(&mut late) => self.recovered_late(recovered),
                () = deadline(expiry) => self.expire_waiting(),
                () = deadline(queue_shown) => {}
                Some(ready) = permitted.recv() => self.leave(ready).await,
                _ = upkeep.tick() => self.look_after(self.drained_at.is_some()),
                asking = signals.recv() => match asking {
                    Asking::End => self.drain(),
                    // What became of it is in the log.
                    Asking::Reload => drop(self.reload()),
                },
                () = deadline(self.drained_at) => break,
            }
        }
        self.close(bridge).await;
    }

    /// No new calls; the running ones have `[sip] drain_s` left. Asked a second time: at once.
    fn drain(&mut self) {
        let left = match self.drained_at {
            None => Duration::from_secs(self.config.sip.drain_s),
            Some(_) => Duration::ZERO,
        };
        tracing::info!(
            calls = self.open_calls().count(),
            ?left,
            "no new calls; waiting for the running ones"
        );
        self.bridge.drain();
        self.drained_at = Some(Instant::now() + left);
        self.journal.watch().post(Sight::Draining { left_s: left.as_secs() });
    }

    fn bridge_event(&mut self, event: BridgeEvent) {
        match event {
            BridgeEvent::Incoming { call, from, identity, to, trunk, media } => {
                let caller = (from.into_exposed(), *identity.into_exposed());
                let to = to.into_exposed();
                self.comes_in(Arrived { call, caller, to, trunk, media });
            }
            BridgeEvent::Established { call, media } => self.established(call, media),
            BridgeEvent::MediaChanged { call, media } => self.media_changed(call, media),
            BridgeEvent::Digit { call, digit } => {
                if let Some(OpenCall { carrier: Carrier::Agent(line), .. }) = self.calls.get(&call)
                {
                    line.put(LineInput::Digit(digit));
                }
            }
            BridgeEvent::Ended { call, outcome, cdr } => self.ended(call, outcome, cdr),
            BridgeEvent::Refused { cdr } => self.records.put(*cdr),
            BridgeEvent::TransferAsked { call, number, target, replaces } => {
                let target = target.into_exposed();
                self.transfer_asked(call, &number.into_exposed(), &target, replaces);
            }
            BridgeEvent::TransferEnded { call, result } => self.transfer_ended(call, result),
            BridgeEvent::Moved { from, to, number, media } => {
                self.moved(from, to, number.into_exposed(), media);
            }
            BridgeEvent::EarlyMedia { .. } => {}
            BridgeEvent::Ringing { call } => self.rings(call),
        }
    }

    fn established(&mut self, call: CallId, media: NegotiatedMedia) {
        if matches!(self.calls.get(&call), Some(OpenCall { carrier: Carrier::Waiting(_), .. })) {
            self.open_waiting(call, media.clone());
        }
        self.answered(call);
        let Some(open) = self.calls.get_mut(&call) else { return };
        open.note_hold(&media);
        if let Carrier::Agent(line) = &open.carrier {
            let input = match core::mem::replace(&mut open.established, true) {
                false => LineInput::Established(media),
                // The conversation came here from another dialog.
                true => LineInput::MediaChanged(media),
            };
            line.put(input);
            self.feed();
        }
    }

    fn tell_lines(&self, input: impl Fn() -> LineInput) {
        for open in self.open_calls() {
            if let Carrier::Agent(line) = &open.carrier {
                line.put(input());
            }
        }
    }
}

/// What comes once, if it does.
async fn once<T>(comes: &mut Option<oneshot::Receiver<T>>) -> Option<T> {
    let came = match comes {
        Some(comes) => comes.await.ok(),
        None => std::future::pending().await,
    };
    *comes = None;
    came
}

async fn deadline(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
