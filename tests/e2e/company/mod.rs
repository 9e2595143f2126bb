//! A phone, a second caller and the operator on one line at once: one voice, each hears what it
//! should and not itself. The house runs in this process, so that the test can open doors of its own.

mod peer;

use std::f64::consts::TAU;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use brain_protocol::LineMessage;
use media_engine::Carrier;
use xenline::config::Config;
use xenline::control::{Reply, Request, SayRequest, client};
use xenline::demo::loopback_config;
use xenline::house::doors::{
    Destination, DoorKind, Doors, Entry, NotEntered, OperatorPart, Part, SeatEvent, Seated,
};
use xenline::house::{ServeOptions, serve_with};

use self::peer::{Peer, peer};
use crate::support::mind::Mind;
use crate::support::phone::Phone;
use crate::support::sound::write_wav;
use crate::support::{alone, figure, wait_until};

/// Models are loaded first; a busy machine takes its time.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// Everything here takes a moment.
const SOON: Duration = Duration::from_secs(30);

const PHONE_HZ: f64 = 500.0;
const ANNA_HZ: f64 = 900.0;
const OPERATOR_HZ: f64 = 1_300.0;
const AGENT_HZ: f64 = 1_900.0;
const WIDE: f64 = 48_000.0;
const NARROW: f64 = 8_000.0;

/// The house in this process, with a brain that says nothing of its own accord.
struct House {
    config: Config,
    sip: SocketAddr,
    doors: Doors,
    mind: Mind,
    runtime: tokio::runtime::Runtime,
    thread: Option<JoinHandle<()>>,
    dir: tempfile::TempDir,
    _sockets: tempfile::TempDir,
}

impl House {
    fn open() -> Self {
        let mind = Mind::start(|_, _| {});
        let dir = tempfile::tempdir().expect("a directory");
        let (mut config, sockets) = loopback_config().expect("a configuration");
        // Nobody else binds it between this and the line.
        let free = UdpSocket::bind(("127.0.0.1", 0)).expect("a port");
        let sip = free.local_addr().expect("bound");
        drop(free);
        config.sip.listen_udp = Some(sip);
        config.recording.dir = Some(dir.path().join("calls"));
        config.brain.command = mind.command();
        let (opened, doors) = mpsc::channel();
        let served = config.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            let open = move |doors| drop(opened.send(doors));
            runtime.block_on(serve_with(served, ServeOptions::default(), open)).expect("it serves");
        });
        let doors = doors.recv_timeout(READY_WITHIN).expect("the house opens");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let house = Self {
            config,
            sip,
            doors,
            mind,
            runtime,
            thread: Some(thread),
            dir,
            _sockets: sockets,
        };
        wait_until("the brain", READY_WITHIN, || {
            matches!(house.ask(&Request::Status), Reply::Status { brain_up: true, .. })
                .then_some(())
        });
        house
    }

    fn enter(&self, label: &str, part: Part, to: Destination, carrier: Carrier) -> Seated {
        self.try_enter(label, part, to, carrier).expect("there is room")
    }

    fn try_enter(
        &self,
        label: &str,
        part: Part,
        to: Destination,
        carrier: Carrier,
    ) -> Result<Seated, NotEntered> {
        let door = if part == Part::Caller { DoorKind::Browser } else { DoorKind::Console };
        let entry = Entry { door, label: label.into(), to, part, carrier };
        self.runtime.block_on(self.doors.enter(entry))
    }

    fn ask(&self, request: &Request) -> Reply {
        let socket = self.config.say.socket.as_ref().expect("the tests name one");
        let mut last = None;
        client::ask(socket, request, |reply| last = Some(reply)).expect("the line answers");
        last.expect("an answer")
    }

    /// Has the agent sound for so long; returns when the line has taken it in.
    fn agent_sounds(&self, ms: usize) {
        let wav = sound(self.dir.path(), ms);
        let wish = SayRequest { text: format!("{ms} ms"), wav: Some(wav), ..SayRequest::default() };
        let reply = self.ask(&Request::Say(wish));
        assert!(matches!(reply, Reply::Accepted { .. }), "{reply:?}");
    }

    fn open_calls(&self) -> usize {
        match self.ask(&Request::Status) {
            Reply::Status { calls, .. } => calls.len(),
            other => panic!("{other:?}"),
        }
    }

    fn told(&self, what: impl Fn(&LineMessage) -> bool) -> usize {
        self.mind.told().iter().filter(|message| what(message)).count()
    }

    /// The records of the calls so far.
    fn records(&self) -> Vec<serde_json::Value> {
        let path = self.config.cdr.path.as_ref().expect("the tests name one");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn close(mut self) {
        // SAFETY: the house has handlers for it; without calls it closes at once.
        unsafe { libc::raise(libc::SIGTERM) };
        self.thread.take().expect("it runs").join().expect("it closed well");
    }
}

/// A file with the agent's tone.
fn sound(dir: &Path, ms: usize) -> PathBuf {
    let path = dir.join(format!("agent-{ms}.wav"));
    write_wav(&path, 8_000, tone(AGENT_HZ, ms));
    path
}

fn tone(hz: f64, ms: usize) -> Vec<i16> {
    (0..ms * 8).map(|n| ((n as f64 * hz * TAU / NARROW).sin() * 6_000.0) as i16).collect()
}

/// Amplitude of one frequency.
fn amplitude(samples: &[i16], hz: f64, rate: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let angle = n as f64 * hz * TAU / rate;
        re += f64::from(*sample) * angle.cos();
        im += f64::from(*sample) * angle.sin();
    }
    2.0 * re.hypot(im) / samples.len().max(1) as f64
}

/// How many packets of 20 ms have this tone in them, clearly.
fn packets_with(samples: &[i16], hz: f64, rate: f64) -> usize {
    let frame = (rate / 50.0) as usize;
    samples.chunks_exact(frame).filter(|frame| amplitude(frame, hz, rate) > 1_500.0).count()
}

fn packets_with_both(samples: &[i16], one: f64, other: f64, rate: f64) -> usize {
    let frame = (rate / 50.0) as usize;
    let both = |frame: &&[i16]| [one, other].iter().all(|hz| amplitude(frame, *hz, rate) > 1_500.0);
    samples.chunks_exact(frame).filter(both).count()
}

/// The phone, anna, the operator: what each has heard since it was last asked.
struct Room<'a> {
    phone: &'a Phone,
    from: usize,
    anna: &'a Peer,
    operator: &'a Peer,
}

impl Room<'_> {
    /// Waits until every one of `hear` has heard ten packets of `hz`; then asserts that `deaf` heard
    /// none of it.
    fn hears(&mut self, hz: f64, [phone, anna, operator]: [bool; 3]) {
        let (mut by_anna, mut by_operator) = (Vec::new(), Vec::new());
        wait_until(&format!("{hz} Hz where it belongs"), SOON, || {
            by_anna.extend(self.anna.take_heard());
            by_operator.extend(self.operator.take_heard());
            let enough = |count: usize, hears: bool| !hears || count >= 10;
            let all = enough(self.by_phone(hz), phone)
                && enough(packets_with(&by_anna, hz, WIDE), anna)
                && enough(packets_with(&by_operator, hz, WIDE), operator);
            all.then_some(())
        });
        let none = |who: &str, count: usize, hears: bool| {
            assert!(hears || count == 0, "{who} hears {hz} Hz in {count} packets");
        };
        none("the phone", self.by_phone(hz), phone);
        none("anna", packets_with(&by_anna, hz, WIDE), anna);
        none("the operator", packets_with(&by_operator, hz, WIDE), operator);
    }

    fn by_phone(&self, hz: f64) -> usize {
        packets_with(self.phone.media.heard().get(self.from..).unwrap_or_default(), hz, NARROW)
    }

    /// From now on only what comes is looked at.
    fn forget(&mut self) {
        self.from = self.phone.media.heard().len().next_multiple_of(160);
        let _ = (self.anna.take_heard(), self.operator.take_heard());
    }
}

#[test]
fn a_phone_a_second_caller_and_the_operator_share_one_line_and_one_voice() {
    let _machine = alone();
    let house = House::open();
    let (_, nobody) = peer(700.0);
    let alone = house.try_enter("anna", Part::Caller, Destination::TheOneOpen, nobody);
    assert!(matches!(alone, Err(NotEntered::NoneOpen)), "{alone:?}");
    let phone = Phone::call(house.sip);
    wait_until("the brain to hear of the call", SOON, || {
        (house.told(|it| matches!(it, LineMessage::LineOpened { .. })) == 1).then_some(())
    });
    let (anna, carrier) = peer(ANNA_HZ);
    let annas_seat = house.enter("anna", Part::Caller, Destination::TheOneOpen, carrier);
    let (operator, carrier) = peer(OPERATOR_HZ);
    let listen = Part::Operator(OperatorPart::Listen);
    let line = annas_seat.line;
    let mut operators_seat = house.enter("operator", listen, Destination::Line(line), carrier);
    let mut room = Room { phone: &phone, from: 0, anna: &anna, operator: &operator };

    house.agent_sounds(1_000);
    room.hears(AGENT_HZ, [true, true, true]);
    room.forget();
    phone.media.say(&tone(PHONE_HZ, 600));
    room.hears(PHONE_HZ, [false, true, true]);
    room.forget();
    anna.speak(true);
    room.hears(ANNA_HZ, [true, false, true]);
    anna.speak(false);
    operator.speak(true);
    let before = operator.ticks();
    wait_until("the operator to have listened", SOON, || {
        (operator.ticks() > before + 25).then_some(())
    });
    room.hears(OPERATOR_HZ, [false, false, false]);

    // Not a packet in which both are heard; the tail of a filter is no packet.
    room.forget();
    house.agent_sounds(20_000);
    room.hears(AGENT_HZ, [true, true, true]);
    operators_seat.set_part(OperatorPart::BargeIn);
    room.hears(OPERATOR_HZ, [true, true, false]);
    let heard = phone.media.heard();
    let both = packets_with_both(&heard[room.from..], AGENT_HZ, OPERATOR_HZ, NARROW);
    figure(format!("company: {both} packets in which the agent and the operator were heard"));
    assert!(both <= 1, "{both} packets with both");
    let told = || house.told(|it| matches!(it, LineMessage::OperatorTook { .. }));
    wait_until("the brain to hear who has the floor", SOON, || (told() > 0).then_some(()));
    assert_eq!(told(), 1);
    room.forget();
    operators_seat.set_part(OperatorPart::Whisper);
    wait_until("the brain to hear that the floor is the agent's", SOON, || {
        (house.told(|it| matches!(it, LineMessage::OperatorReleased { .. })) == 1).then_some(())
    });
    drop(operators_seat.events.try_recv());

    // Nobody says goodbye, and nothing is left of them.
    drop(operators_seat);
    wait_until("the operator's ends", SOON, || operator.is_released().then_some(()));
    phone.hang_up();
    let before = anna.ticks();
    wait_until("the line to go on", SOON, || (anna.ticks() > before + 50).then_some(()));
    assert_eq!(house.open_calls(), 1, "anna is still there");
    drop(annas_seat);
    wait_until("anna's ends", SOON, || anna.is_released().then_some(()));
    wait_until("the line to close", SOON, || (house.open_calls() == 0).then_some(()));
    wait_until("the call's record", SOON, || (house.records().len() == 1).then_some(()));
    let closed = || house.told(|it| matches!(it, LineMessage::LineClosed { .. }));
    wait_until("the brain to hear that it is over", SOON, || (closed() > 0).then_some(()));
    assert_eq!(closed(), 1, "the brain is told once");
    house.close();
}

#[test]
fn a_line_that_is_opened_by_a_door_is_a_call_like_any_other() {
    let _machine = alone();
    let house = House::open();
    let (anna, carrier) = peer(ANNA_HZ);
    let new = |caller: &str| Destination::New {
        caller: caller.into(),
        called: "agent".into(),
        trunk: "browser".into(),
    };
    let (_, nobody) = peer(700.0);
    let operator = Part::Operator(OperatorPart::Listen);
    let refused = house.try_enter("operator", operator, new("nobody"), nobody);
    assert!(matches!(refused, Err(NotEntered::OperatorAlone)), "{refused:?}");
    let mut seat = house.enter("anna", Part::Caller, new("anna"), carrier);
    wait_until("the brain to hear of the call", SOON, || {
        let opened = |it: &LineMessage| matches!(it, LineMessage::LineOpened { caller, .. } if caller == "anna");
        (house.told(opened) == 1).then_some(())
    });
    assert_eq!(house.open_calls(), 1);
    house.agent_sounds(600);
    let mut heard = Vec::new();
    wait_until("the agent", SOON, || {
        heard.extend(anna.take_heard());
        (packets_with(&heard, AGENT_HZ, WIDE) >= 10).then_some(())
    });
    // The brain hangs up, as it would on a phone.
    let line = seat.line.0;
    assert!(house.mind.say(&serde_json::json!({"type": "hang_up", "line": line})));
    let reason = wait_until("the line to close", SOON, || match seat.events.try_recv() {
        Ok(SeatEvent::LineClosed { reason }) => Some(reason),
        _ => None,
    });
    figure(format!("company: the line closed: {reason}"));
    wait_until("its ends", SOON, || anna.is_released().then_some(()));
    wait_until("the call's record", SOON, || (house.records().len() == 1).then_some(()));
    let record = &house.records()[0];
    assert_eq!((&record["trunk"], &record["direction"]), (&"browser".into(), &"inbound".into()));
    assert_eq!(house.open_calls(), 0);
    house.close();
}
