//! How the thread begins.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lane_broker::{Lane, LaneStore, Tags};
use media_core::MonoTime;
use queue_governor::Tag;
use tokio::sync::watch;

use super::handle::{BrainState, Lanes, Names, TextHandle};
use super::inbox::Inbox;
use super::input::Input;
use super::message::MAIN;
use super::outbox::Outbox;
use super::sms::{SmsGateway, SmsThread};
use super::thread::{Rooms, Thread, ToBrain};

/// Inputs that wait for the thread; it works through one in microseconds, or as long as a disk takes.
const INPUTS_MAX: usize = 4_096;

/// What the thread is made of.
pub struct TextParts {
    /// The lanes.
    pub store: Arc<dyn LaneStore>,
    /// Tags of the user's own.
    pub registered: Vec<String>,
    /// Those whose main lane the brain answers.
    pub answered: Vec<String>,
    /// The way to the brain.
    pub to_brain: ToBrain,
    /// Where short messages go.
    pub sms: Option<SmsGateway>,
}

/// Starts the thread. It ends with the last handle.
///
/// # Errors
/// When the system gives no thread. A store that is away does not keep it from starting: what needs
/// the store is refused until it is there.
pub fn start(parts: TextParts) -> std::io::Result<TextHandle> {
    let (inputs, inbox) = sync_channel(INPUTS_MAX);
    let inputs = Arc::new(inputs);
    let clock = Clock::start();
    let boot = clock.now().as_micros();
    let mut tags = Tags::default();
    let registered = parts.registered.iter().filter_map(|tag| tags.register(tag).ok());
    let registered = registered.map(|tag| Tag::new(tag.to_string())).collect();
    let answered = parts.answered.iter().filter_map(|tag| tags.parse(tag).ok());
    let answered: Vec<_> = answered.collect();
    let lanes = Lanes {
        store: parts.store,
        tags: Arc::new(tags),
        names: Arc::new(Names::new(boot)),
        posts: watch::channel(0).0,
        forgotten: Arc::default(),
    };
    let resend = parts.sms.as_ref().is_some_and(|sms| sms.recognises_repetitions);
    let outbox = Outbox::recover(lanes.clone(), registered, resend, clock.now())
        .ok_or_else(|| std::io::Error::other("the journal of messages cannot be named"))?;
    let (brains, brain) = watch::channel(BrainState::default());
    let thread = Thread::new(Rooms {
        inbox: Inbox::new(Arc::clone(&lanes.store), &answered),
        main: Lane::new(lane_broker::Tag::xen_out(), MAIN).map_err(std::io::Error::other)?,
        outbox,
        sms: parts.sms.map(|gateway| sms_thread(gateway, &inputs)).transpose()?,
        brain,
        clock,
        lanes: lanes.clone(),
        to_brain: Arc::clone(&parts.to_brain),
    });
    std::thread::Builder::new().name("text".into()).spawn(move || thread.run(&inbox))?;
    Ok(TextHandle { inputs, lanes, to_brain: parts.to_brain, brains })
}

fn sms_thread(gateway: SmsGateway, inputs: &Arc<SyncSender<Input>>) -> std::io::Result<SmsThread> {
    // Its reports must not keep the queue alive that it reports to.
    let inputs = Arc::downgrade(inputs);
    SmsThread::start(
        gateway,
        Box::new(move |id, outcome| {
            if let Some(inputs) = inputs.upgrade() {
                // Waits for room: nobody else knows what became of it.
                let _ = inputs.send(Input::Settled(id, outcome));
            }
        }),
    )
}

/// A clock that never goes back, set once by the system's: microseconds since 1970.
pub(super) struct Clock {
    started: Instant,
    unix: Duration,
}

impl Clock {
    pub fn start() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), unix }
    }

    pub fn now(&self) -> MonoTime {
        MonoTime::ZERO + self.unix + self.started.elapsed()
    }
}
