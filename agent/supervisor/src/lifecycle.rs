//! When to start, ping, kill and start again: the supervisor's decisions, without its hands.
//!
//! `handle(now, input)`, then `poll_action()` until there is none, then again at `next_timeout()`
//! with [`Input::Timeout`] or with what happens earlier. Never reads a clock, never fails.

mod backoff;
mod heartbeat;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use brain_protocol::{VERSION, Version};

use crate::Timing;
use backoff::Backoff;
use heartbeat::{Beat, Heartbeat};

/// What happened.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// Time has passed.
    Timeout,
    /// The process runs.
    Spawned {
        /// Its id.
        pid: u32,
    },
    /// The process could not be started.
    SpawnFailed(String),
    /// The process has ended.
    Exited(String),
    /// The brain said hello on an admitted connection.
    Hello {
        /// As it calls itself.
        name: String,
        /// What it speaks.
        version: Version,
    },
    /// The brain answered a ping.
    Pong(u64),
    /// The brain sent something that is no message, or not in its turn.
    Broken(String),
    /// The brain closed its connection.
    Disconnected,
    /// The line ends.
    Stop,
}

/// What to do.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// Start the process, then say `Spawned` or `SpawnFailed`.
    Spawn,
    /// Send a ping.
    Ping(u64),
    /// Send `shutdown`.
    AskToEnd,
    /// Close the connection, if there is one, and read nothing more from it.
    Disconnect,
    /// Kill the process and its group; `Exited` follows.
    Kill,
    /// Tell the line.
    Up {
        /// The process.
        pid: u32,
        /// As it calls itself.
        name: String,
        /// What it speaks.
        version: Version,
    },
    /// Tell the line.
    Down {
        /// Why.
        reason: String,
        /// Until the next start.
        retry_in: Duration,
    },
    /// Nothing is left to do, and never will be.
    Finished,
}

/// One brain after the other, as long as the line lives.
#[derive(Debug)]
pub struct Lifecycle {
    timing: Timing,
    state: State,
    backoff: Backoff,
    stopping: bool,
    /// The brain that closed its connection had not said hello.
    early: bool,
    actions: VecDeque<Action>,
}

#[derive(Debug)]
enum State {
    /// No process; the next one is due.
    Waiting {
        until: Instant,
    },
    /// `Spawn` was asked for.
    Spawning,
    /// The process runs and has not said hello.
    Starting {
        pid: u32,
        hello_by: Instant,
    },
    /// The brain works.
    Up {
        since: Instant,
        heartbeat: Heartbeat,
    },
    /// The brain is lost or asked to end, its process is not gone.
    Ending {
        reason: String,
        kill_at: Option<Instant>,
        retry_at: Option<Instant>,
    },
    Finished,
}

impl Lifecycle {
    /// The first brain is due at `now`.
    #[must_use]
    pub fn new(now: Instant, timing: Timing) -> Self {
        Self {
            timing,
            state: State::Waiting { until: now },
            backoff: Backoff::new(timing.backoff_min, timing.backoff_max),
            stopping: false,
            early: false,
            actions: VecDeque::new(),
        }
    }

    /// Takes in what happened at `now`. Inputs that do not fit the state are leftovers of a
    /// brain that is already given up, and change nothing.
    pub fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::Timeout => self.on_timeout(now),
            Input::Spawned { pid } => self.on_spawned(now, pid),
            Input::SpawnFailed(error) => self.on_spawn_failed(now, error),
            Input::Exited(how) => self.on_exited(now, how),
            Input::Hello { name, version } => self.on_hello(now, name, version),
            Input::Pong(seq) => {
                if let State::Up { heartbeat, .. } = &mut self.state {
                    heartbeat.on_pong(seq);
                }
            }
            Input::Broken(what) => self.on_broken(now, what),
            Input::Disconnected => self.on_disconnected(now),
            Input::Stop => self.on_stop(now),
        }
    }

    /// The next thing to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to come back, if nothing happens before.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Waiting { until } => Some(*until),
            State::Starting { hello_by, .. } => Some(*hello_by),
            State::Up { heartbeat, .. } => Some(heartbeat.next_timeout()),
            State::Ending { kill_at, .. } => *kill_at,
            State::Spawning | State::Finished => None,
        }
    }

    fn on_timeout(&mut self, now: Instant) {
        match &mut self.state {
            State::Waiting { until } if *until <= now => {
                self.state = State::Spawning;
                self.actions.push_back(Action::Spawn);
            }
            State::Starting { hello_by, .. } if *hello_by <= now => {
                let limit = self.timing.hello_within;
                self.give_up(now, format!("said no hello within {limit:?}"));
            }
            State::Up { heartbeat, .. } => match heartbeat.on_time(now) {
                Some(Beat::Ping(seq)) => self.actions.push_back(Action::Ping(seq)),
                Some(Beat::Lost) => {
                    let limit = self.timing.silence_limit;
                    self.give_up(now, format!("hangs: a ping was not answered within {limit:?}"));
                }
                None => {}
            },
            State::Ending { kill_at, .. } if kill_at.is_some_and(|at| at <= now) => {
                *kill_at = None;
                self.actions.push_back(Action::Disconnect);
                self.actions.push_back(Action::Kill);
                self.tell_down(now);
            }
            _ => {}
        }
    }

    fn on_spawned(&mut self, now: Instant, pid: u32) {
        if matches!(self.state, State::Spawning) {
            let hello_by = now + self.timing.hello_within;
            self.state = State::Starting { pid, hello_by };
            if self.stopping {
                self.give_up(now, STOPPED.into());
            }
        }
    }

    fn on_spawn_failed(&mut self, now: Instant, error: String) {
        if matches!(self.state, State::Spawning) {
            self.state = State::Ending {
                reason: format!("cannot start: {error}"),
                kill_at: None,
                retry_at: None,
            };
            self.on_gone(now);
        }
    }

    fn on_hello(&mut self, now: Instant, name: String, version: Version) {
        let State::Starting { pid, .. } = self.state else { return };
        if !version.speaks(VERSION) {
            let reason = format!(
                "{name} speaks protocol {version}, this line speaks {VERSION}; \
                 install the brain that belongs to this line"
            );
            self.give_up(now, reason);
            return;
        }
        let heartbeat = Heartbeat::new(now, self.timing.ping_every, self.timing.silence_limit);
        self.state = State::Up { since: now, heartbeat };
        self.actions.push_back(Action::Up { pid, name, version });
    }

    fn on_broken(&mut self, now: Instant, what: String) {
        if matches!(self.state, State::Starting { .. } | State::Up { .. }) {
            self.give_up(now, what);
        }
    }

    /// A closed socket is mostly the first sign of an exit. The exit status says more, so it is
    /// waited for.
    fn on_disconnected(&mut self, now: Instant) {
        if matches!(self.state, State::Starting { .. } | State::Up { .. }) {
            self.note_health(now);
            self.actions.push_back(Action::Disconnect);
            self.early = matches!(self.state, State::Starting { .. });
            self.state = State::Ending {
                reason: "closed its connection".into(),
                kill_at: Some(now + self.timing.end_within.min(EXIT_GRACE)),
                retry_at: None,
            };
        }
    }

    fn on_exited(&mut self, now: Instant, how: String) {
        match &mut self.state {
            State::Starting { .. } => self.on_lost(now, before_hello(&how)),
            State::Up { .. } => self.on_lost(now, how),
            State::Ending { reason, retry_at: None, .. } if !self.stopping => {
                *reason = if self.early { before_hello(&how) } else { how };
                self.on_gone(now);
            }
            State::Ending { .. } => self.on_gone(now),
            State::Waiting { .. } | State::Spawning | State::Finished => {}
        }
    }

    fn on_lost(&mut self, now: Instant, reason: String) {
        self.note_health(now);
        self.actions.push_back(Action::Disconnect);
        // What it started in its group is of no use to anybody.
        self.actions.push_back(Action::Kill);
        self.state = State::Ending { reason, kill_at: None, retry_at: None };
        self.on_gone(now);
    }

    fn on_stop(&mut self, now: Instant) {
        self.stopping = true;
        match &self.state {
            State::Waiting { .. } => self.finish(),
            State::Starting { .. } => self.give_up(now, STOPPED.into()),
            State::Up { .. } => {
                self.actions.push_back(Action::AskToEnd);
                self.state = State::Ending {
                    reason: STOPPED.into(),
                    kill_at: Some(now + self.timing.end_within),
                    retry_at: None,
                };
            }
            // These end by themselves.
            State::Spawning | State::Ending { .. } | State::Finished => {}
        }
    }

    /// Kills the process at once and tells the line at once; the restart waits for the exit.
    fn give_up(&mut self, now: Instant, reason: String) {
        self.note_health(now);
        self.actions.push_back(Action::Disconnect);
        self.actions.push_back(Action::Kill);
        self.state = State::Ending { reason, kill_at: None, retry_at: None };
        self.tell_down(now);
    }

    fn note_health(&mut self, now: Instant) {
        if let State::Up { since, .. } = self.state
            && now.saturating_duration_since(since) >= self.timing.steady_after
        {
            self.backoff.reset();
        }
    }

    fn tell_down(&mut self, now: Instant) {
        if self.stopping {
            return;
        }
        if let State::Ending { reason, retry_at: retry_at @ None, .. } = &mut self.state {
            let retry_in = self.backoff.next_delay();
            *retry_at = Some(now + retry_in);
            self.actions.push_back(Action::Down { reason: reason.clone(), retry_in });
        }
    }

    /// The process is gone.
    fn on_gone(&mut self, now: Instant) {
        self.tell_down(now);
        match self.state {
            _ if self.stopping => self.finish(),
            State::Ending { retry_at: Some(until), .. } => self.state = State::Waiting { until },
            _ => {}
        }
    }

    fn finish(&mut self) {
        self.state = State::Finished;
        self.actions.push_back(Action::Disconnect);
        self.actions.push_back(Action::Finished);
    }
}

fn before_hello(how: &str) -> String {
    format!("{how} before its hello")
}

/// Reason of an ending that was asked for. Never told: there is no `Down` then.
const STOPPED: &str = "the line ends";

/// How long a brain that closed its socket may take to exit before the line is told.
const EXIT_GRACE: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests;
