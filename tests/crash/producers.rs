//! Programs of the machine that want to be heard: several at once, in every way there is.

use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use lane_broker::intake::{Policy, WishSource};
use serde_json::json;
use xenline::control::{Reply, Request, SayRequest, client};

use crate::claims::{Claims, Kind};
use crate::gateway::Messages;
use crate::house::House;
use crate::support::Random;

/// Between two of them, at most.
const APART_MS: u64 = 120;
/// How long one may have been accepted when it is taken back.
const TAKEN_BACK_MS: u64 = 250;
/// How long the operator has the floor at most.
const OPERATOR_HAS_IT_MS: u64 = 150;
/// Longest time to live of what has one: some expire in the next line or the one after, some are said.
const TTL_S_MAX: u64 = 40;

/// All of them, with what they had in mind when the line died.
pub struct Producers {
    socket: PathBuf,
    door: std::net::SocketAddr,
    pub claims: Arc<Claims>,
    messages: Arc<Messages>,
    random: Mutex<Random>,
    /// Said already, and to be said again by another name.
    twins: Mutex<Vec<(usize, usize)>>,
    /// Those that wait for endings; they are let go when the line dies.
    waiting: Mutex<Vec<JoinHandle<()>>>,
}

impl Producers {
    pub fn new(house: &House, claims: &Arc<Claims>, messages: &Arc<Messages>, seed: u64) -> Self {
        Self {
            socket: house.socket.clone(),
            door: house.door,
            claims: claims.clone(),
            messages: messages.clone(),
            random: Mutex::new(Random(seed)),
            twins: Mutex::default(),
            waiting: Mutex::default(),
        }
    }

    /// Has some of them hand something in, a moment apart, and messages sent.
    pub fn act(&self) {
        self.messages.submit_one(self.door);
        let twin = self.twins.lock().expect("no panic").pop();
        if let Some((key, steps)) = twin {
            self.say_again(key, steps);
        }
        for _ in 0..2 + self.below(2) {
            match self.below(20) {
                0..=2 => drop(self.play(Kind::Sound, 9)),
                3 => drop(self.play(Kind::Unbound, 4)),
                4 | 5 => self.drop_into_the_spool(),
                6 | 7 => drop(self.play(Kind::Alert, 2)),
                8 | 9 => self.speak(Kind::Text),
                10 | 11 => self.say_twice(),
                12 => self.take_back(),
                13 => self.replace(),
                14 => self.speak(Kind::Restated),
                15 | 16 => drop(self.play(Kind::Timed, 5)),
                17 | 18 => self.interfere(),
                _ => self.take_the_floor(),
            }
            std::thread::sleep(Duration::from_millis(self.below(APART_MS)));
        }
        self.messages.submit_one(self.door);
    }

    /// Has the voice say something at once, and waits for its ending.
    pub fn notice(&self) -> Option<String> {
        let (number, text) = self.claims.spoken(Kind::Notice, true);
        let wish = SayRequest {
            text,
            source: WishSource::System,
            must_deliver: true,
            wait: true,
            ..SayRequest::default()
        };
        hand_in(&self.socket, &self.claims, number, wish, |_| {});
        self.claims.get(number).ended
    }

    /// The line is dead: nobody waits for it any more.
    pub fn mourn(&self) {
        for waiting in self.waiting.lock().expect("no panic").drain(..) {
            waiting.join().expect("no panic");
        }
    }

    fn below(&self, bound: u64) -> u64 {
        self.random.lock().expect("no panic").below(bound)
    }

    fn play(&self, kind: Kind, steps: usize) -> Option<String> {
        let (number, words, file) = self.claims.sounding(kind, steps, None);
        let wish = SayRequest {
            text: words,
            wav: Some(file),
            source: if kind == Kind::Alert { WishSource::System } else { WishSource::External },
            must_deliver: !matches!(kind, Kind::Unbound | Kind::Timed),
            ttl_s: (kind == Kind::Timed).then(|| 1 + self.below(TTL_S_MAX)),
            ..SayRequest::default()
        };
        hand_in(&self.socket, &self.claims, number, wish, |_| {})
    }

    fn speak(&self, kind: Kind) {
        let (number, text) = self.claims.spoken(kind, true);
        let on_interrupt = (kind == Kind::Restated).then_some(Policy::Restate);
        let wish = SayRequest { text, must_deliver: true, on_interrupt, ..SayRequest::default() };
        hand_in(&self.socket, &self.claims, number, wish, |_| {});
    }

    /// The operator says something.
    fn interfere(&self) {
        let (number, text) = self.claims.spoken(Kind::Operator, false);
        let request = Request::OperatorSay { text, line: None, wait: false };
        ask(&self.socket, &self.claims, number, &request, |_| {});
    }

    /// The operator has the floor for a moment. A line that is dead gives it to nobody.
    fn take_the_floor(&self) {
        let _ = client::ask(&self.socket, &Request::OperatorTake { line: None }, |_| {});
        std::thread::sleep(Duration::from_millis(self.below(OPERATOR_HAS_IT_MS)));
        let _ = client::ask(&self.socket, &Request::OperatorRelease { line: None }, |_| {});
    }

    /// What lies in `new` was handed in, whoever lives or dies.
    fn drop_into_the_spool(&self) {
        let (number, text, wav) = self.claims.sounding(Kind::Dropped, 5, None);
        let spool = self.socket.with_file_name("spool");
        let claim = json!({"text": text, "wav": wav, "must_deliver": true}).to_string();
        let (tmp, new) = (spool.join(format!("tmp/{number}")), spool.join(format!("new/{number}")));
        std::fs::write(&tmp, claim).expect("the spool is there");
        std::fs::rename(&tmp, new).expect("it is dropped");
        self.claims.accepted(number);
    }

    /// Two that do not know of each other say the same, at once or one before and one after the
    /// crash.
    fn say_twice(&self) {
        const STEPS: usize = 3;
        let (number, words, file) = self.claims.sounding(Kind::Twin, STEPS, None);
        self.hand_in_twin(number, (words, file), number);
        match self.below(2) {
            0 => self.say_again(number, STEPS),
            _ => self.twins.lock().expect("no panic").push((number, STEPS)),
        }
    }

    fn say_again(&self, key: usize, steps: usize) {
        let (number, words, file) = self.claims.sounding(Kind::Twin, steps, Some(key));
        self.hand_in_twin(number, (words, file), key);
    }

    fn hand_in_twin(&self, number: usize, (text, file): (String, PathBuf), key: usize) {
        let wish = SayRequest {
            text,
            wav: Some(file),
            must_deliver: true,
            dedup_key: Some(format!("twin {key}")),
            ..SayRequest::default()
        };
        hand_in(&self.socket, &self.claims, number, wish, |_| {});
    }

    /// Hands one in, and takes it back.
    fn take_back(&self) {
        let (number, text, file) = self.claims.sounding(Kind::Withdrawn, 6, None);
        let (socket, claims) = (self.socket.clone(), self.claims.clone());
        let (accepted, claim) = channel();
        let waiting = std::thread::spawn(move || {
            let wish = SayRequest {
                text,
                wav: Some(file),
                must_deliver: true,
                on_interrupt: Some(Policy::Resume),
                wait: true,
                ..SayRequest::default()
            };
            hand_in(&socket, &claims, number, wish, |id| {
                let _ = accepted.send(id.to_owned());
            });
        });
        self.waiting.lock().expect("no panic").push(waiting);
        // Nothing comes where it was refused, or the line is dead.
        let Ok(claim) = claim.recv() else { return };
        std::thread::sleep(Duration::from_millis(self.below(TAKEN_BACK_MS)));
        // Whether it came in time is told by its ending.
        let _ = client::ask(&self.socket, &Request::QueueWithdraw { claim }, |_| {});
    }

    /// Hands one in, and another one in its place.
    fn replace(&self) {
        let Some(first) = self.play(Kind::Superseded, 5) else { return };
        let (number, text, file) = self.claims.sounding(Kind::Successor, 4, None);
        let wish = SayRequest {
            text,
            wav: Some(file),
            must_deliver: true,
            supersedes: Some(first),
            ..SayRequest::default()
        };
        hand_in(&self.socket, &self.claims, number, wish, |_| {});
    }
}

/// Hands a claim in, and notes what is said of it; gives its name if it was accepted. A line that
/// dies over it says nothing, and then nobody knows.
fn hand_in(
    socket: &std::path::Path,
    claims: &Claims,
    number: usize,
    wish: SayRequest,
    accepted: impl Fn(&str),
) -> Option<String> {
    ask(socket, claims, number, &Request::Say(wish), accepted)
}

fn ask(
    socket: &std::path::Path,
    claims: &Claims,
    number: usize,
    request: &Request,
    accepted: impl Fn(&str),
) -> Option<String> {
    let mut name = None;
    let _ = client::ask(socket, request, |reply| match reply {
        Reply::Accepted { claim, .. } => {
            claims.accepted(number);
            accepted(&claim);
            name = Some(claim);
        }
        Reply::Refused { .. } => claims.refused(number),
        Reply::Ended { ending, .. } => claims.ended(number, &ending),
        _ => {}
    });
    name
}
