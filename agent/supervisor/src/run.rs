use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use brain_protocol::{
    BrainMessage, ClaimEnding, LINE_BYTES_MAX, LineMessage, MessageEnding, VERSION,
};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::connection::{Connection, Inbound};
use crate::handle::{CONTROL_ROOM, LIFECYCLE_ROOM, Shared};
use crate::lifecycle::{Action, Input, Lifecycle};
use crate::process::Brain;
use crate::socket::PrivateSocket;
use crate::{SupervisorConfig, SupervisorEvent};

/// The supervisor's task: it carries inputs to the [`Lifecycle`] and does what that says.
pub(crate) struct Run {
    config: SupervisorConfig,
    socket: PrivateSocket,
    shared: Arc<Shared>,
    events: mpsc::Sender<SupervisorEvent>,
    stop: watch::Receiver<bool>,
    lifecycle: Lifecycle,
    brain: Option<Brain>,
    last_pid: u32,
    connection: Option<Connection>,
    /// Whether the brain on the connection said hello.
    greeted: bool,
}

impl Run {
    pub(crate) fn new(
        config: SupervisorConfig,
        socket: PrivateSocket,
        shared: Arc<Shared>,
        events: mpsc::Sender<SupervisorEvent>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let lifecycle = Lifecycle::new(now(), config.timing);
        Self {
            config,
            socket,
            shared,
            events,
            stop,
            lifecycle,
            brain: None,
            last_pid: 0,
            connection: None,
            greeted: false,
        }
    }

    /// Returns when the lifecycle is finished.
    pub(crate) async fn until_stopped(mut self) {
        let mut stopping = false;
        loop {
            if self.act().await {
                return;
            }
            let timeout = self.lifecycle.next_timeout().map(Instant::from_std);
            // Time first: no flood of messages may delay a ping or a kill.
            tokio::select! {
                biased;
                () = sleep_until(timeout) => self.lifecycle.handle(now(), Input::Timeout),
                () = stop_asked(&mut self.stop), if !stopping => {
                    // Also when the last handle is gone: nobody can use the brain any more.
                    stopping = true;
                    self.lifecycle.handle(now(), Input::Stop);
                }
                how = exited(&mut self.brain) => {
                    self.brain = None;
                    self.drain_connection();
                    self.lifecycle.handle(now(), Input::Exited(how));
                }
                accepted = self.socket.accept() => self.on_accepted(accepted).await,
                inbound = next_inbound(&mut self.connection) => self.on_inbound(inbound),
            }
        }
    }

    /// Does what the lifecycle asks for. `true` when it is finished.
    async fn act(&mut self) -> bool {
        while let Some(action) = self.lifecycle.poll_action() {
            match action {
                Action::Spawn => self.spawn(),
                Action::Ping(seq) => self.send(&LineMessage::Ping { seq }),
                Action::AskToEnd => self.send(&LineMessage::Shutdown),
                Action::Disconnect => self.disconnect(),
                Action::Kill => Brain::kill(self.last_pid),
                Action::Up { pid, name, version } => {
                    let queue = self.connection.as_ref().map(|it| it.outbound.clone());
                    self.shared.set_outbound(queue);
                    tracing::info!(pid, brain = %name, protocol = %version, "the brain is up");
                    self.tell(SupervisorEvent::Up { pid, name, version }).await;
                }
                Action::Down { reason, retry_in } => {
                    tracing::warn!(%reason, ?retry_in, "there is no brain");
                    self.tell(SupervisorEvent::Down { reason, retry_in }).await;
                }
                Action::Finished => return true,
            }
        }
        false
    }

    fn spawn(&mut self) {
        let input = match Brain::start(&self.config, self.socket.path(), &self.shared) {
            Ok(brain) => {
                let pid = brain.pid();
                self.last_pid = pid;
                self.brain = Some(brain);
                Input::Spawned { pid }
            }
            Err(error) => Input::SpawnFailed(error.to_string()),
        };
        self.lifecycle.handle(now(), input);
    }

    /// Waits when nobody reads the events. The line is not blocked by that, only restarts are.
    async fn tell(&mut self, event: SupervisorEvent) {
        let mut stop = self.stop.clone();
        tokio::select! {
            _ = self.events.send(event) => {}
            // A line that ends may have stopped reading.
            () = stop_asked(&mut stop) => {}
        }
    }

    async fn on_accepted(&mut self, accepted: std::io::Result<(UnixStream, bool)>) {
        match accepted {
            Ok((stream, true)) if self.connection.is_none() && self.brain.is_some() => {
                self.connect(stream);
            }
            Ok((_, ours)) => {
                count(&self.shared.counters.connections_refused);
                let why = if ours { "there is a brain already" } else { "it is another user's" };
                tracing::warn!(why, "turned away a connection to the brain's socket");
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection of the brain");
                // Mostly a lack of file descriptors, which does not pass within a moment.
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }

    fn connect(&mut self, stream: UnixStream) {
        let shared = Arc::clone(&self.shared);
        self.connection =
            Some(Connection::new(stream, self.config.outbound_max + CONTROL_ROOM, shared));
        self.greeted = false;
        let timing = &self.config.timing;
        self.send(&LineMessage::Hello {
            version: VERSION,
            name: self.config.line_name.clone(),
            ping_every_ms: whole_ms(timing.ping_every),
            silence_limit_ms: whole_ms(timing.silence_limit),
        });
    }

    /// Sends what the supervisor itself has to say: hello, ping, shutdown. If there is no room even
    /// for that, the brain does not read, and the heartbeat notices.
    fn send(&self, message: &LineMessage) {
        let (Some(connection), Ok(line)) = (&self.connection, brain_protocol::encode(message))
        else {
            return;
        };
        if connection.outbound.try_send(line).is_err() {
            count(&self.shared.counters.outbound_refused);
        }
    }

    fn disconnect(&mut self) {
        self.shared.set_outbound(None);
        self.connection = None;
    }

    /// What a brain said before it ended counts.
    fn drain_connection(&mut self) {
        for _ in 0..DRAIN_MAX {
            let Some(connection) = &mut self.connection else { return };
            match connection.inbound.try_recv() {
                Ok(Inbound::Message(message)) if self.greeted => self.admit(message),
                _ => return,
            }
        }
    }

    fn on_inbound(&mut self, inbound: Option<Inbound>) {
        let input = match inbound {
            None => Some(Input::Disconnected),
            Some(Inbound::Broken(what)) => Some(Input::Broken(what)),
            Some(Inbound::Message(BrainMessage::Hello { name, version })) if !self.greeted => {
                self.greeted = true;
                Some(Input::Hello { name: shortened(name), version })
            }
            Some(Inbound::Message(BrainMessage::Hello { .. })) => {
                Some(Input::Broken("said hello twice".into()))
            }
            Some(Inbound::Message(_)) if !self.greeted => {
                Some(Input::Broken("spoke before its hello".into()))
            }
            Some(Inbound::Message(BrainMessage::Pong { seq })) => Some(Input::Pong(seq)),
            Some(Inbound::Message(message)) => {
                self.admit(message);
                None
            }
        };
        if let Some(input) = input {
            self.lifecycle.handle(now(), input);
        }
    }

    fn admit(&self, message: BrainMessage) {
        if self.events.capacity() > LIFECYCLE_ROOM
            && self.events.try_send(SupervisorEvent::Message(message.clone())).is_ok()
        {
            return;
        }
        let refused = self.shared.counters.inbound_refused.fetch_add(1, Ordering::Relaxed);
        if refused.is_multiple_of(REFUSALS_PER_WARNING) {
            tracing::warn!(
                refused = refused + 1,
                "the line does not keep up with its brain; messages are refused"
            );
        }
        if let Some(refusal) = refusal_of(message) {
            let _ = self.shared.send(&refusal);
        }
    }
}

/// What a brain is told of a message that found no room, where it waits for an ending.
fn refusal_of(message: BrainMessage) -> Option<LineMessage> {
    let reason = Some("the line's queue is full".into());
    match message {
        BrainMessage::Say(say) => Some(LineMessage::ClaimEnded {
            line: say.line,
            claim: say.claim,
            ending: ClaimEnding::Refused,
            heard_text: String::new(),
            heard_ms: 0,
            reason,
        }),
        BrainMessage::Send(send) => Some(LineMessage::MessageEnded {
            message: send.message,
            ending: MessageEnding::Refused,
            reason,
        }),
        _ => None,
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Also when the last handle is gone.
async fn stop_asked(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn exited(brain: &mut Option<Brain>) -> String {
    match brain {
        Some(brain) => brain.exited().await,
        None => std::future::pending().await,
    }
}

async fn next_inbound(connection: &mut Option<Connection>) -> Option<Inbound> {
    match connection {
        Some(connection) => connection.inbound.recv().await,
        None => std::future::pending().await,
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn shortened(name: String) -> String {
    name.chars().take(NAME_CHARS_MAX).collect()
}

/// A brain's name goes to the log and to screens.
const NAME_CHARS_MAX: usize = 80;

/// As much as a reader can have found before the exit was noticed, with some to spare.
const DRAIN_MAX: usize = 256;

const REFUSALS_PER_WARNING: u64 = 1000;

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

// A hello, the longest message that the supervisor makes itself, always fits.
const _: () = assert!(LINE_BYTES_MAX > 4096);
