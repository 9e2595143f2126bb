//! The wire under a flood: each producer has a tone of its own, ten thousand claims a second are
//! handed in, and the floor is taken from whoever has it many times a second, by the operator and
//! by alerts; and what leaves is looked at packet by packet.
//!
//! `WIRE_SECONDS` sets how long (6; `make prove`: 40).

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lane_broker::intake::WishSource;
use xenline::control::{Reply, Request, SayRequest, client};
use xenline::report::CallEvent;

use crate::claims::write;
use crate::revokes::{Arrived, packets_after};
use crate::support::line::{Serving, Timed};
use crate::support::phone::Phone;
use crate::support::process::{need, xenline};
use crate::support::sound::from_mu_law;
use crate::support::{alone, figure, number};
use crate::tones::{Heard, heard, sound};

const PRODUCERS: usize = 8;
const CLAIMS_PER_S: usize = 10_000;
/// An alert takes the floor, is heard for a moment, and gives way to the flood.
const ALERT_MS: usize = 60;
/// None of the producers' tones.
const ALERT_CODE: usize = 210;
const ALERT_EACH: Duration = Duration::from_millis(400);
/// The operator has the floor for a moment, and the flood has it for six: in half of them
/// the next claim is on its way to the wire.
const OPERATOR_HAS_IT: Duration = Duration::from_millis(15);
const FLOOD_HAS_IT: Duration = Duration::from_millis(90);
/// Of claims that are being heard, per second of flood; a quiet machine makes three times as many.
const REVOKES_PER_S_MIN: usize = 1;
/// A busy machine makes a tenth of what a quiet one does.
const CLAIMS_PER_S_MIN: f64 = 500.0;
/// Of a sound that is cut or begins within a packet; all of ours fill theirs.
const UNSURE_MAX: usize = 5;

#[test]
fn in_a_flood_of_claims_one_tone_is_heard_at_a_time() {
    let _machine = alone();
    need("python3", "python3");
    let brain = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/chatter.py");
    let mut command = xenline();
    command.env("CHATTER_TEXTS", "[]");
    let line = Serving::start(command, |config| {
        config.brain.command = vec!["python3".into(), brain.display().to_string()];
        config.say.per_second = 20_000;
        config.say.burst = 20_000;
    });
    let sounds = tempfile::tempdir().expect("a temporary directory");
    let alert = sounds.path().join("alert.wav");
    write(&alert, &sound(ALERT_CODE, ALERT_MS));
    for producer in 0..PRODUCERS {
        let file = sounds.path().join(format!("{producer}.wav"));
        write(&file, &sound(code(producer), 80 + producer * 20));
    }
    let socket = line.config.say.socket.clone().expect("the tests name one");
    let phone = Phone::call(line.sip);
    let flood = Flood::default();
    let flood_lasts = Duration::from_secs(number("WIRE_SECONDS").unwrap_or(6));
    std::thread::scope(|scope| {
        scope.spawn(|| flood.alarm(&socket, &alert));
        for producer in 0..PRODUCERS {
            let wav = sounds.path().join(format!("{producer}.wav"));
            let (socket, flood) = (&socket, &flood);
            scope.spawn(move || flood.produce(socket, producer, &wav));
        }
        let began = Instant::now();
        while began.elapsed() < flood_lasts {
            std::thread::sleep(FLOOD_HAS_IT);
            operator(&socket, Request::OperatorTake { line: None });
            std::thread::sleep(OPERATOR_HAS_IT);
            operator(&socket, Request::OperatorRelease { line: None });
        }
        flood.over.store(true, Ordering::Relaxed);
    });
    std::thread::sleep(Duration::from_millis(300));
    let wire = arrived(&phone);
    let late_ms = late_ms_max(&line);
    phone.hang_up();
    let (events, took) = (line.events(), flood_lasts.as_secs_f64());
    line.stop();
    let count = |what: Heard| wire.iter().filter(|packet| packet.heard == what).count();
    let (two, unsure) = (count(Heard::TwoAtOnce), count(Heard::Other));
    let is_heard =
        |producer: &usize| wire.iter().any(|it| it.heard.code() == Some(code(*producer)));
    let heard = (0..PRODUCERS).filter(is_heard).count();
    let after = packets_after(&events, &wire, code_of);
    let within = after.iter().filter(|packets| **packets <= 1).count();
    let slowest = silences(&events).into_iter().fold(0.0, f64::max);
    let Counts { asked, one_each, on_kept, accepted } = flood.counts();
    let answered = one_each + on_kept;
    let per_s = answered as f64 / took;
    figure(format!(
        "wire: handed_in={asked} answered={answered} (connections of their own {one_each}, kept ones \
         {on_kept}) answered_per_s={per_s:.0} accepted={accepted} packets={} \
         unsure={unsure} producers_heard={heard} of {PRODUCERS} two_at_once={two} revokes={} \
         revokes_within_ptime={within} of {} revoke_to_silence_ms_max={slowest:.1} \
         late_ms_max={late_ms:.1}",
        wire.len(),
        after.len(),
        after.len(),
    ));
    assert_eq!(two, 0, "two tones in one packet");
    assert!(unsure <= UNSURE_MAX, "{unsure} packets in which nobody knows who is heard");
    assert!(heard >= PRODUCERS / 2, "{heard} producers of {PRODUCERS} were heard");
    assert!(per_s >= CLAIMS_PER_S_MIN, "{answered} claims answered in {took:.0} s");
    assert!(one_each > 0 && on_kept > 0, "{one_each} and {on_kept}");
    assert!(after.len() >= flood_lasts.as_secs() as usize * REVOKES_PER_S_MIN, "{after:?}");
    assert_eq!(within, after.len(), "packets after each revoke: {after:?}");
}

/// What came, packet by packet.
fn arrived(phone: &Phone) -> Vec<Arrived> {
    let packets = phone.media.received().into_iter();
    packets
        .map(|it| Arrived {
            unix_ms: it.at_us as f64 / 1_000.0,
            heard: heard(&from_mu_law(&it.payload)),
        })
        .collect()
}

/// A producer's sound.
fn code(producer: usize) -> usize {
    producer * 29
}

/// The sound of a claim with this text.
fn code_of(text: &str) -> Option<usize> {
    let mut words = text.split(' ');
    match (words.next()?, words.next()?.parse().ok()?) {
        ("tone", producer) => Some(code(producer)),
        ("alert", _) => Some(ALERT_CODE),
        _ => None,
    }
}

/// What the producers did, and what the line said to it.
#[derive(Default)]
struct Flood {
    over: AtomicBool,
    /// Claims that were handed in, answered or not.
    asked: AtomicUsize,
    /// Answers to those with a connection for each.
    one_each: AtomicUsize,
    /// Answers on a connection that is kept.
    on_kept: AtomicUsize,
    accepted: AtomicUsize,
}

/// Of a flood that is over.
struct Counts {
    asked: usize,
    one_each: usize,
    on_kept: usize,
    accepted: usize,
}

impl Flood {
    /// Hands in claims at a steady rate until it is over: every other producer with a connection for
    /// each, as scripts do, the rest on one that they keep, as programs do.
    fn produce(&self, socket: &Path, producer: usize, wav: &Path) {
        let began = Instant::now();
        let mut number = 0_u32;
        let mut kept = (producer % 2 == 1).then(Kept::default);
        let answered = if kept.is_some() { &self.on_kept } else { &self.one_each };
        while !self.over.load(Ordering::Relaxed) {
            let due = began.elapsed().as_secs_f64() * (CLAIMS_PER_S / PRODUCERS) as f64;
            if f64::from(number) > due {
                std::thread::sleep(Duration::from_millis(1));
                continue;
            }
            number += 1;
            let wish = SayRequest {
                text: format!("tone {producer} {number}"),
                wav: Some(wav.to_owned()),
                ..SayRequest::default()
            };
            self.asked.fetch_add(1, Ordering::Relaxed);
            let reply = match &mut kept {
                Some(kept) => kept.ask(socket, &Request::Say(wish)),
                None => ask_once(socket, &Request::Say(wish)),
            };
            let Ok(Some(reply)) = reply else { continue };
            answered.fetch_add(1, Ordering::Relaxed);
            if matches!(reply, Reply::Accepted { .. }) {
                self.accepted.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Alerts, each of which takes the floor from the flood.
    fn alarm(&self, socket: &Path, wav: &Path) {
        let mut number = 0_u32;
        while !self.over.load(Ordering::Relaxed) {
            number += 1;
            let wish = SayRequest {
                text: format!("alert {number}"),
                wav: Some(wav.to_owned()),
                source: WishSource::System,
                ..SayRequest::default()
            };
            // One that is refused is followed by the next.
            let _ = ask_once(socket, &Request::Say(wish));
            std::thread::sleep(ALERT_EACH);
        }
    }

    fn counts(&self) -> Counts {
        let count = |of: &AtomicUsize| of.load(Ordering::Relaxed);
        Counts {
            asked: count(&self.asked),
            one_each: count(&self.one_each),
            on_kept: count(&self.on_kept),
            accepted: count(&self.accepted),
        }
    }
}

/// A connection that is kept for as long as it answers.
#[derive(Default)]
struct Kept(Option<BufReader<UnixStream>>);

impl Kept {
    fn ask(&mut self, socket: &Path, request: &Request) -> std::io::Result<Option<Reply>> {
        let mut stream = match self.0.take() {
            Some(stream) => stream,
            None => connected(socket)?,
        };
        let reply = ask_on(&mut stream, request)?;
        // One that was closed says nothing; the next claim goes on another.
        self.0 = reply.is_some().then_some(stream);
        Ok(reply)
    }
}

/// The first word of an answer; a flood does not stay for the rest.
fn ask_once(socket: &Path, request: &Request) -> std::io::Result<Option<Reply>> {
    ask_on(&mut connected(socket)?, request)
}

fn connected(socket: &Path) -> std::io::Result<BufReader<UnixStream>> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    Ok(BufReader::new(stream))
}

fn ask_on(stream: &mut BufReader<UnixStream>, request: &Request) -> std::io::Result<Option<Reply>> {
    let mut text = serde_json::to_string(request)?;
    text.push('\n');
    stream.get_mut().write_all(text.as_bytes())?;
    let mut line = String::new();
    stream.read_line(&mut line)?;
    Ok(serde_json::from_str(&line).ok())
}

fn operator(socket: &Path, request: Request) {
    client::ask(socket, &request, |reply| {
        assert!(!matches!(reply, Reply::Refused { .. }), "{reply:?}");
    })
    .expect("the line answers");
}

/// How late the machine let a tick begin.
fn late_ms_max(line: &Serving) -> f64 {
    match line.status() {
        Reply::Status { tick_late_us_max, .. } => tick_late_us_max as f64 / 1_000.0,
        other => panic!("not a status: {other:?}"),
    }
}

/// By the line's own account: as late as the machine's tick.
fn silences(events: &[Timed]) -> Vec<f64> {
    let silent = |(_, event): &Timed| match event {
        CallEvent::Silenced { revoke_to_silence_ms, .. } => Some(*revoke_to_silence_ms),
        _ => None,
    };
    events.iter().filter_map(silent).collect()
}
