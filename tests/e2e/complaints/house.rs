//! One line for all of these calls, and a caller on it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use media_core::LineId;
use tempfile::TempDir;
use xenline::control::Reply;
use xenline::report::{CallEvent, EndingKind, VerdictKind};

use crate::support::line::{Serving, Timed};
use crate::support::phone::Phone;
use crate::support::process::{need, xenline};
use crate::support::rtp::Packet;
use crate::support::sound::{from_mu_law, plain, rms};
use crate::support::{Alone, alone};

/// A step of a conversation, on a machine that is busy with others' conversations.
pub const STEP: Duration = Duration::from_secs(30);
/// A vanished caller is given up after so long.
pub const RTP_TIMEOUT_S: u64 = 3;
/// Louder than comfort noise, softer than anybody who speaks.
const SOUND_RMS: f64 = 100.0;

/// A line that every test here that runs at the same time shares, because it is there for many
/// calls. The last one ends it.
pub struct House {
    pub line: Option<Serving>,
    stay_away: PathBuf,
    _dir: TempDir,
    _machine: Alone,
}

impl House {
    pub fn shared() -> Arc<House> {
        static SHARED: Mutex<Weak<House>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(house) = shared.upgrade() {
            return house;
        }
        let house = Arc::new(House::open());
        *shared = Arc::downgrade(&house);
        house
    }

    /// One for a test that does to the brain what no other call should see.
    pub fn open() -> House {
        let machine = alone();
        need("python3", "python3");
        let dir = tempfile::tempdir().expect("a temporary directory");
        let stay_away = dir.path().join("stay-away");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/parts.py");
        let mut command = xenline();
        command.env("PARTS_STAY_AWAY", &stay_away);
        let line = Serving::start(command, |config| {
            config.brain.command = vec!["python3".into(), script.display().to_string()];
            config.brain.away_text = "One moment please.".into();
            config.rtp.timeout_s = RTP_TIMEOUT_S;
        });
        House { line: Some(line), stay_away, _dir: dir, _machine: machine }
    }

    pub fn line(&self) -> &Serving {
        self.line.as_ref().expect("it runs until the house is left")
    }

    /// The next brain leaves as soon as it comes.
    pub fn brain_stays_away(&self) {
        std::fs::write(&self.stay_away, "").expect("it is written");
    }

    /// Waits until there is a brain again.
    pub fn brain_may_come_back(&self) {
        std::fs::remove_file(&self.stay_away).expect("it was written");
        within("another brain", || match self.line().status() {
            Reply::Status { brain_up: true, .. } => Some(()),
            _ => None,
        });
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let line = self.line.take().expect("it runs until the house is left");
        if std::thread::panicking() {
            return drop(line);
        }
        line.stop();
    }
}

/// Somebody on the phone.
pub struct Caller<'h> {
    line: &'h Serving,
    id: LineId,
    pub phone: Phone,
}

impl<'h> Caller<'h> {
    /// Dials `part`, and waits until the greeting is over.
    pub fn greeted(house: &'h House, part: &str) -> Self {
        let caller = Self::silent(house, part);
        caller.phone.media.send_to(caller.phone.line_rtp);
        caller.wait_ended("the greeting", "Good morning.");
        // Whoever answers at once takes a breath first.
        std::thread::sleep(Duration::from_millis(400));
        caller
    }

    /// Dials `part` and sends no sound yet.
    pub fn silent(house: &'h House, part: &str) -> Self {
        // Two that dial the same at once could each take the other's call for its own.
        static DIALS: Mutex<()> = Mutex::new(());
        let _dials = DIALS.lock().unwrap_or_else(PoisonError::into_inner);
        let line = house.line();
        let mark = line.mark();
        let phone = Phone::call_somebody(line.sip, part);
        let opened = |events: Vec<(LineId, Timed)>| {
            events.into_iter().skip(mark).find_map(|(id, (_, event))| match event {
                CallEvent::CallOpened(opened) if opened.called == part => Some(id),
                _ => None,
            })
        };
        let id = within("the call to open", || opened(line.events_of_lines()));
        Self { line, id, phone }
    }

    pub fn id(&self) -> LineId {
        self.id
    }

    /// The events of this call.
    pub fn events(&self) -> Vec<Timed> {
        let mine = |(id, timed): (LineId, Timed)| (id == self.id).then_some(timed);
        self.line.events_of_lines().into_iter().filter_map(mine).collect()
    }

    pub fn wait<T>(&self, what: &str, is: impl Fn(f64, &CallEvent) -> Option<T>) -> T {
        let found = || self.events().iter().find_map(|(t_ms, event)| is(*t_ms, event));
        let latest = Instant::now() + STEP;
        while Instant::now() < latest {
            if let Some(found) = found() {
                return found;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let told: Vec<String> = self.events().iter().map(|event| format!("{event:?}")).collect();
        panic!("waited {STEP:?} in vain for {what}; so far:\n{}", told.join("\n"));
    }

    /// Waits until the turn with these words was understood; gives its number.
    pub fn turn(&self, words: &str) -> u64 {
        self.wait(&format!("the line to hear {words:?}"), |_, event| match event {
            CallEvent::CallerTurn { turn, text, .. } if plain(text) == words => Some(*turn),
            _ => None,
        })
    }

    /// The claims with these words that were taken in, and how each ended.
    fn endings(&self, words: &str) -> Vec<(String, Option<EndingKind>)> {
        let events = self.events();
        let ending = |id: &str| {
            events.iter().find_map(|(_, event)| match event {
                CallEvent::ClaimEnded { claim, ending, .. } if claim == id => Some(*ending),
                _ => None,
            })
        };
        let claim = |(_, event): &Timed| match event {
            CallEvent::ClaimAccepted { claim, text, .. } if plain(text) == plain(words) => {
                Some((claim.clone(), ending(claim)))
            }
            _ => None,
        };
        events.iter().filter_map(claim).collect()
    }

    /// Waits until a claim with these words has ended; gives how.
    pub fn wait_ended(&self, what: &str, words: &str) -> EndingKind {
        let ended =
            |_: f64, _: &CallEvent| self.endings(words).into_iter().find_map(|(_, ending)| ending);
        self.wait(what, ended)
    }

    /// Waits until a claim has ended so, without a sample of it.
    pub fn wait_never_heard(&self, what: &str, how: EndingKind) {
        self.wait(&format!("{what} to end {how}"), |_, event| match event {
            CallEvent::ClaimEnded { ending, heard_text, .. } if *ending == how => {
                assert_eq!(heard_text, "", "{what}");
                Some(())
            }
            _ => None,
        });
    }

    /// What the line took the caller's sounds for while it was speaking.
    pub fn verdicts(&self) -> Vec<VerdictKind> {
        let verdict = |(_, event): Timed| match event {
            CallEvent::Verdict { verdict, .. } => Some(verdict),
            _ => None,
        };
        self.events().into_iter().filter_map(verdict).collect()
    }

    /// How many turns the line understood.
    pub fn turns(&self) -> usize {
        let turn = |(_, event): &&Timed| matches!(event, CallEvent::CallerTurn { .. });
        self.events().iter().filter(turn).count()
    }

    /// Says it; from when to when, in µs of the machine's clock.
    pub fn says(&self, sound: &[i16]) -> (i64, i64) {
        let from = clock_us();
        self.phone.media.say(sound);
        (from, clock_us())
    }

    /// Packets with sound in them that came between these times.
    pub fn sounds_between(&self, from_us: i64, to_us: i64) -> usize {
        let packets = self.phone.media.received();
        let between = packets.iter().filter(|packet| (from_us..to_us).contains(&packet.at_us));
        between.filter(|packet| is_sound(packet)).count()
    }

    pub fn hangs_up(self) {
        self.phone.hang_up();
    }
}

pub fn clock_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_micros()).expect("before the year 294000")
}

fn is_sound(packet: &Packet) -> bool {
    rms(&from_mu_law(&packet.payload)) > SOUND_RMS
}

pub fn within<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    crate::support::wait_until(what, STEP, look)
}
