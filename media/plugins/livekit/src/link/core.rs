use std::collections::VecDeque;
use std::time::Duration;

use media_core::MonoTime;

/// Names one attempt, so that what an older one comes to is known as that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TryId(u64);

/// How to get into the room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Try {
    /// As a new participant. What is left of the old session is thrown away.
    Join,
    /// As the participant that we were, for this reason.
    Resume(Lost),
}

/// What was lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lost {
    /// The signalling connection.
    Signal,
    /// The connection that carries our voice.
    Publisher,
    /// The connection that carries the others'.
    Subscriber,
}

/// Why an attempt failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Perhaps another time.
    ForNow,
    /// The key, the token or the address is wrong, and will be.
    ForGood,
}

/// What the core is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkInput {
    /// Get into the room.
    Begin,
    /// The attempt succeeded.
    Done(TryId),
    /// It did not.
    Failed(TryId, Refusal),
    /// Something broke.
    Lost(Lost),
    /// The server asks for a resume.
    AskedToResume,
    /// The server asks for a new session.
    AskedToJoinAnew,
    /// The server has thrown us out: its number for why.
    Removed(i32),
    /// Leave.
    Leave,
    /// [`Link::next_timeout`] has come.
    Timeout,
}

/// What the core wants done, or known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkOutput {
    /// Do this, and tell what came of it.
    Try(TryId, Try),
    /// We are in.
    Connected {
        /// As somebody new: tracks and identities of before are void.
        anew: bool,
    },
    /// We are not, and it is being worked on.
    Interrupted,
    /// It is over. Close what is open.
    Ended(Ending),
}

/// Why a link is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// We left.
    Left,
    /// The server has thrown us out; its number for why (`DisconnectReason`).
    Removed(i32),
    /// The server does not let us in.
    Refused,
    /// [`TRIES_MAX`] attempts in a row failed.
    GaveUp,
}

/// The core. One input, then drain [`Link::poll_output`], then wait for [`Link::next_timeout`].
#[derive(Debug)]
pub struct Link {
    phase: Phase,
    /// Attempts in a row that did not bring a lasting session.
    tries: u32,
    last: u64,
    random: u64,
    outputs: VecDeque<LinkOutput>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    New,
    Trying { id: TryId, how: Try, until: MonoTime },
    Waiting { until: MonoTime },
    Connected { since: MonoTime },
    Ended,
}

impl Link {
    /// A link that was not begun. `seed`: scatters the waits.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { phase: Phase::New, tries: 0, last: 0, random: seed | 1, outputs: VecDeque::new() }
    }

    /// Takes what happened at `now`.
    pub fn handle(&mut self, now: MonoTime, input: LinkInput) {
        match (self.phase, input) {
            (Phase::Ended, _) => {}
            (_, LinkInput::Leave) => self.end(Ending::Left),
            (_, LinkInput::Removed(why)) => self.end(Ending::Removed(why)),
            (Phase::New, LinkInput::Begin) => self.attempt(now, Try::Join),
            (Phase::Trying { id, how, .. }, LinkInput::Done(done)) if id == done => {
                self.phase = Phase::Connected { since: now };
                self.outputs.push_back(LinkOutput::Connected { anew: how == Try::Join });
            }
            (Phase::Trying { id, .. }, LinkInput::Failed(failed, refusal)) if id == failed => {
                self.failed(now, refusal);
            }
            (Phase::Trying { until, .. }, LinkInput::Timeout) if now >= until => {
                self.failed(now, Refusal::ForNow);
            }
            // Nothing can come of it without these. What else broke, a resume is to mend.
            (Phase::Trying { how, .. }, LinkInput::Lost(lost))
                if how == Try::Join || lost == Lost::Signal =>
            {
                self.failed(now, Refusal::ForNow);
            }
            (Phase::Trying { how: Try::Resume(_), .. }, LinkInput::AskedToJoinAnew) => {
                self.wait(now);
            }
            (Phase::Waiting { until }, LinkInput::Timeout) if now >= until => {
                self.attempt(now, Try::Join);
            }
            (Phase::Connected { since }, input) => self.interrupted(now, since, input),
            _ => {}
        }
    }

    /// What is to be done, in order.
    pub fn poll_output(&mut self) -> Option<LinkOutput> {
        self.outputs.pop_front()
    }

    /// When to say [`LinkInput::Timeout`].
    #[must_use]
    pub fn next_timeout(&self) -> Option<MonoTime> {
        match self.phase {
            Phase::Trying { until, .. } | Phase::Waiting { until } => Some(until),
            Phase::New | Phase::Connected { .. } | Phase::Ended => None,
        }
    }

    fn interrupted(&mut self, now: MonoTime, since: MonoTime, input: LinkInput) {
        let lost = match input {
            LinkInput::Lost(lost) => Some(lost),
            LinkInput::AskedToResume => Some(Lost::Signal),
            LinkInput::AskedToJoinAnew => None,
            _ => return,
        };
        if now.since(since) >= LASTING {
            self.tries = 0;
        }
        self.outputs.push_back(LinkOutput::Interrupted);
        match lost {
            _ if self.tries >= TRIES_MAX => self.end(Ending::GaveUp),
            // One that broke right after it was mended is not mended the same way again.
            _ if self.tries > 1 => self.wait(now),
            Some(lost) => self.attempt(now, Try::Resume(lost)),
            None => self.attempt(now, Try::Join),
        }
    }

    fn attempt(&mut self, now: MonoTime, how: Try) {
        self.last += 1;
        self.tries += 1;
        let id = TryId(self.last);
        self.phase = Phase::Trying { id, how, until: now + TRY_MAX };
        self.outputs.push_back(LinkOutput::Try(id, how));
    }

    fn failed(&mut self, now: MonoTime, refusal: Refusal) {
        match refusal {
            Refusal::ForGood => self.end(Ending::Refused),
            Refusal::ForNow if self.tries >= TRIES_MAX => self.end(Ending::GaveUp),
            Refusal::ForNow => self.wait(now),
        }
    }

    /// Full jitter: anything up to a limit that doubles.
    fn wait(&mut self, now: MonoTime) {
        let doublings = self.tries.saturating_sub(1).min(10);
        let limit = (WAIT_FIRST * 2_u32.pow(doublings)).min(WAIT_MAX);
        let micros = self.next_random() % (limit.as_micros() as u64 + 1);
        self.phase = Phase::Waiting { until: now + Duration::from_micros(micros) };
    }

    fn end(&mut self, ending: Ending) {
        self.phase = Phase::Ended;
        self.outputs.clear();
        self.outputs.push_back(LinkOutput::Ended(ending));
    }

    fn next_random(&mut self) -> u64 {
        // xorshift64*, Vigna 2016: good enough to scatter.
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

/// As LiveKit's own clients wait and give up.
pub(super) const WAIT_FIRST: Duration = Duration::from_millis(300);
pub(super) const WAIT_MAX: Duration = Duration::from_secs(7);
pub(super) const TRIES_MAX: u32 = 10;

/// An attempt that takes longer will not come to anything.
pub(crate) const TRY_MAX: Duration = Duration::from_secs(15);

/// A session that lasted so long has nothing to do with the attempts before it.
pub(super) const LASTING: Duration = Duration::from_secs(10);
