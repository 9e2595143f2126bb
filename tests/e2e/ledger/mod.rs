//! What the brain is told that the caller heard, against what is on the caller's recording: sayings
//! are interrupted, paused, preempted, replaced, taken back, silenced by the operator and cut off by
//! a hang-up, at random moments of real calls, and for each ending the words that are reported are
//! looked for in the packets that came. What was to happen did: the line's events show it. One call in
//! eight is in G.722.
//!
//! `LEDGER_CALLS` sets how many calls (8; `make prove`: 48), `LEDGER_SEED` repeats them.

mod error;
mod fates;
mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use brain_protocol::{ClaimEnding, LineMessage};
use lane_broker::intake::WishSource;
use media_core::Codec;
use serde_json::json;
use xenline::control::{Reply, Request, SayRequest, client};

use xenline::report::CallEvent;

use self::error::error_ms;
use self::fates::{FATES, Fate, GOES_ON, RESUMED};
use self::words::{
    OTHER, Piece, RATE_PER_MS, Reference, WORDS, every_word, text_from, without_tone,
};
use crate::support::line::Serving;
use crate::support::mind::Mind;
use crate::support::phone::Phone;
use crate::support::process::xenline;
use crate::support::sound::{decoded, recorded, write_wav};
use crate::support::{Random, SEED, alone, figure, number, wait_until};

/// What the contract allows.
const ERROR_MS_MAX: usize = 80;
/// What is on its way through the loopback arrives at once.
const UNDER_WAY: Duration = Duration::from_millis(100);
/// A step of a call, on a busy machine.
const SOON: Duration = Duration::from_secs(40);
/// An alert's; no voice is so pure.
const ALERT_HZ: f64 = 1_000.0;
/// Calls at the same time.
const SIDE_BY_SIDE: usize = 8;
/// Who calls in them.
const CALLERS: [&str; SIDE_BY_SIDE] = [
    "caller-a", "caller-b", "caller-c", "caller-d", "caller-e", "caller-f", "caller-g", "caller-h",
];

/// How often a call is made for a fate that a busy machine was too late for.
const TRIES_MAX: usize = 3;

#[test]
fn the_ledger_knows_the_words_that_are_on_the_callers_recording() {
    let _machine = alone();
    let calls = number("LEDGER_CALLS").unwrap_or(8);
    let seed = number("LEDGER_SEED").unwrap_or(SEED);
    figure(format!("ledger on the wire: LEDGER_CALLS={calls} LEDGER_SEED={seed}"));
    let house = House::open();
    let references = std::thread::scope(|scope| {
        let wide = scope.spawn(|| house.reference(CALLERS[1], Codec::G722));
        let narrow = house.reference(CALLERS[0], Codec::Pcmu);
        (narrow, wide.join().expect("no panic"))
    });
    let next = std::sync::atomic::AtomicUsize::new(0);
    let mut cases: Vec<Case> = std::thread::scope(|scope| {
        let callers = CALLERS.map(|caller| {
            let (house, (narrow, wide), next) = (&house, &references, &next);
            scope.spawn(move || {
                let mut cases = Vec::new();
                loop {
                    let nth = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if nth as u64 >= calls {
                        return cases;
                    }
                    let mut random = Random(seed.wrapping_add(nth as u64 * 1_000));
                    for again in 0..TRIES_MAX {
                        let (_, codec) = Fate::of_call(nth);
                        let by = if codec == Codec::G722 { wide } else { narrow };
                        let case = house.call(caller, (nth, again), &mut random, by);
                        cases.push(case);
                        if cases.last().is_some_and(|case| case.happened) {
                            break;
                        }
                    }
                }
            })
        });
        callers.into_iter().flat_map(|cases| cases.join().expect("no panic")).collect()
    });
    house.line.stop();
    cases.sort_by_key(|case| case.error_ms);
    let worst = cases.last().expect("a call").error_ms;
    let mut endings = BTreeMap::<(Fate, String), usize>::new();
    for case in &cases {
        *endings.entry((case.fate, case.ending.clone())).or_default() += 1;
    }
    let happened = |fate: &Fate| cases.iter().any(|case| case.fate == *fate && case.happened);
    let missing: Vec<_> = FATES.iter().take(calls as usize).filter(|it| !happened(it)).collect();
    let wide = cases.iter().filter(|case| case.codec == Codec::G722).count();
    let words: usize = cases.iter().map(|case| case.reported).sum();
    figure(format!(
        "ledger on the wire: endings={} g722={wide} words_reported={words} ledger_error_ms_max={worst} \
         of {endings:?}",
        cases.len()
    ));
    assert!(missing.is_empty(), "never happened: {missing:?} of {cases:#?}");
    assert!(worst <= ERROR_MS_MAX, "{:#?}", cases.last());
}

/// One saying, and what was told of it.
#[derive(Debug)]
#[allow(dead_code, reason = "printed where it is wrong")]
struct Case {
    fate: Fate,
    /// The line's own account shows it.
    happened: bool,
    codec: Codec,
    ending: String,
    heard_text: String,
    reported: usize,
    pieces: Vec<Piece>,
    cut_ms: usize,
    /// How far what was told is from what is on the recording.
    error_ms: usize,
}

struct House {
    line: Serving,
    mind: Mind,
    alert: PathBuf,
    _dir: tempfile::TempDir,
}

impl House {
    fn open() -> Self {
        let mind = Mind::start(|mind, message| {
            if let LineMessage::CallerTurn { line, turn, position, .. } = message {
                mind.say(&json!({
                    "type": "turn_done", "line": line, "turn": turn, "position": position,
                }));
            }
        });
        let line = Serving::start(xenline(), |config| {
            config.brain.command = mind.command();
            // Sayings alone are on the recordings, however slow the machine.
            config.governor.filler = String::new();
            config.governor.stall_ms = 5_000;
        });
        let dir = tempfile::tempdir().expect("a temporary directory");
        let alert = alert(dir.path());
        Self { line, mind, alert, _dir: dir }
    }

    /// How each word sounds on this line when nothing happens to it.
    fn reference(&self, caller: &'static str, codec: Codec) -> Reference {
        let (call, claim) = (self.dial(caller, codec), format!("reference-{caller}"));
        call.say(&claim, &every_word(), None);
        let told = call.ended(&claim);
        assert_eq!(told, (ClaimEnding::Spoken, every_word()));
        std::thread::sleep(UNDER_WAY);
        call.hang_up();
        Reference::of(&call.sound())
    }

    /// One call with one saying, that begins with another word each time.
    fn call(
        &self,
        caller: &'static str,
        (nth, again): (usize, usize),
        random: &mut Random,
        by: &Reference,
    ) -> Case {
        let (fate, codec) = Fate::of_call(nth);
        let first = random.below(WORDS.len() as u64) as usize;
        let claim = format!("saying-{nth}-{again}");
        let call = self.dial(caller, codec);
        let text = text_from(first);
        call.say(&claim, &text, None);
        call.started(&claim);
        let cut_ms = call.befall(fate, &claim, random);
        let (ending, heard_text) = call.ended(&claim);
        let happened = fate.happened(&claim, &call.events_up_to_its_end(&claim));
        std::thread::sleep(UNDER_WAY);
        call.hang_up();
        let sound = without_tone(&call.sound(), ALERT_HZ);
        assert!(text.starts_with(&heard_text), "{heard_text:?} of {text:?}");
        let reported = heard_text.split_whitespace().count();
        let mut pieces = by.pieces_in(&sound);
        pieces.retain(|piece| piece.word < WORDS.len());
        for piece in &mut pieces {
            piece.word = (piece.word + WORDS.len() - first) % WORDS.len();
        }
        let whole_ms = |word: usize| by.ms_of((word + first) % WORDS.len());
        let error_ms = error_ms(reported, &pieces, cut_ms, whole_ms);
        let ending = format!("{ending:?}");
        Case { fate, happened, codec, ending, heard_text, reported, pieces, cut_ms, error_ms }
    }

    fn ask(&self, request: &Request, take: impl FnMut(Reply)) {
        let socket = self.line.config.say.socket.clone().expect("the tests name one");
        client::ask(&socket, request, take).expect("the line answers");
    }

    fn dial(&self, caller: &'static str, codec: Codec) -> Call<'_> {
        let so_far = self.mind.told().len();
        let phone = Phone::call_in(self.line.sip, caller, codec);
        let id = wait_until("the brain to be told of the call", SOON, || {
            self.mind.told()[so_far..].iter().find_map(|message| match message {
                LineMessage::LineOpened { line, caller: who, .. } if who.contains(caller) => {
                    Some(line.0)
                }
                _ => None,
            })
        });
        Call { house: self, phone, codec, id }
    }
}

/// A call, and the brain's part in it.
struct Call<'h> {
    house: &'h House,
    phone: Phone,
    codec: Codec,
    id: u64,
}

impl Call<'_> {
    fn say(&self, claim: &str, text: &str, supersedes: Option<&str>) {
        let said = self.house.mind.say(&json!({
            "type": "say", "line": self.id, "claim": claim, "source": "worker", "tag": "call",
            "text": text, "supersedes": supersedes,
        }));
        assert!(said, "the brain is up");
    }

    fn withdraw(&self, claim: &str) {
        self.house.mind.say(&json!({"type": "withdraw", "line": self.id, "claim": claim}));
    }

    fn started(&self, id: &str) {
        self.told(&format!("{id} to begin"), |message| match message {
            LineMessage::ClaimStarted { claim, .. } if claim.as_str() == id => Some(()),
            _ => None,
        });
    }

    fn ended(&self, id: &str) -> (ClaimEnding, String) {
        self.told(&format!("{id} to end"), |message| match message {
            LineMessage::ClaimEnded { claim, ending, heard_text, .. } if claim.as_str() == id => {
                Some((*ending, heard_text.clone()))
            }
            _ => None,
        })
    }

    fn told<T>(&self, what: &str, is: impl Fn(&LineMessage) -> Option<T>) -> T {
        wait_until(what, SOON, || self.house.mind.told().iter().find_map(&is))
    }

    /// What had come by the time of the act that ended it, in ms of the recording: it was not cut
    /// before.
    fn befall(&self, fate: Fate, claim: &str, random: &mut Random) -> usize {
        random.pause(200..3_500);
        match fate {
            Fate::Paused => {
                self.phone.media.say(&recorded("uh huh"));
                self.until_floor(RESUMED, claim);
                random.pause(100..1_500);
            }
            Fate::Preempted => {
                self.alarm();
                self.until_floor(GOES_ON, claim);
                random.pause(100..2_000);
            }
            Fate::TakenOver => {
                self.operator(Request::OperatorTake { line: Some(self.id) });
                // Longer than a word is silent for within itself.
                random.pause(300..900);
                self.operator(Request::OperatorRelease { line: Some(self.id) });
                self.until_floor(GOES_ON, claim);
                random.pause(100..2_000);
            }
            _ => {}
        }
        let cut_ms = self.sound().len() / RATE_PER_MS;
        match fate {
            Fate::Withdrawn | Fate::Paused | Fate::Preempted | Fate::TakenOver => {
                self.withdraw(claim);
            }
            Fate::Interrupted => self.phone.media.say(&recorded("stop")),
            Fate::TakenOverForGood => {
                self.operator(Request::OperatorTake { line: Some(self.id) });
                random.pause(0..300);
                self.hang_up();
            }
            Fate::HungUp => self.hang_up(),
            Fate::Superseded => self.say(&format!("instead-of-{claim}"), OTHER, Some(claim)),
        }
        cut_ms
    }

    /// The line's events of this call.
    fn events(&self) -> Vec<CallEvent> {
        let all = self.house.line.events_of_lines().into_iter();
        all.filter(|(line, _)| line.0 == self.id).map(|(_, (_, event))| event).collect()
    }

    fn has_ended(&self, saying: &str) -> bool {
        let is = |event: &CallEvent| matches!(event, CallEvent::ClaimEnded { claim, .. } if claim == saying);
        self.events().iter().any(is)
    }

    fn events_up_to_its_end(&self, claim: &str) -> Vec<CallEvent> {
        wait_until("the event of its end", SOON, || self.has_ended(claim).then_some(()));
        self.events()
    }

    /// Waits until the floor's state changes for this reason, or `claim` has ended before.
    fn until_floor(&self, reason: &str, claim: &str) {
        let changed =
            |event: &CallEvent| matches!(event, CallEvent::Floor { why, .. } if why == reason);
        wait_until(reason, SOON, || {
            (self.events().iter().any(changed) || self.has_ended(claim)).then_some(())
        });
    }

    /// An alert is said to its end.
    fn alarm(&self) {
        let wish = SayRequest {
            wav: Some(self.house.alert.clone()),
            source: WishSource::System,
            line: Some(self.id),
            wait: true,
            ..SayRequest::text(format!("alert on line {}", self.id))
        };
        let mut ending = None;
        self.house.ask(&Request::Say(wish), |reply| match reply {
            Reply::Ended { ending: how, .. } => ending = Some(how),
            Reply::Refused { message, .. } => panic!("refused: {message}"),
            _ => {}
        });
        assert_eq!(ending.as_deref(), Some("spoken"));
    }

    fn operator(&self, request: Request) {
        self.house.ask(&request, |reply| assert!(matches!(reply, Reply::Done { .. }), "{reply:?}"));
    }

    /// If that has not happened yet.
    fn hang_up(&self) {
        self.phone.say_goodbye();
    }

    /// What came, packet after packet: a tick that a busy machine left out is no hole in a word.
    fn sound(&self) -> Vec<i16> {
        let packets = self.phone.media.received();
        decoded(packets.iter().map(|packet| packet.payload.as_slice()), self.codec)
    }
}

/// Half a second of a tone.
fn alert(dir: &Path) -> PathBuf {
    let file = dir.join("alert.wav");
    let at = |n| (f64::from(n) * ALERT_HZ * std::f64::consts::TAU / 8_000.0).sin() * 8_000.0;
    write_wav(&file, 8_000, (0..4_000).map(|n| at(n) as i16));
    file
}
