//! The tick and its rings from inside, for benchmarks: real lines on real sockets, ticked by hand.
//! Not part of the crate's interface.

mod rings;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use media_core::codec::Codecs;
use media_core::hearing::EarConfig;
use media_core::plugin::{AudioSink, AudioSource};
use media_core::{Codec, Direction, LineId, MonoTime, NegotiatedMedia, OpusFormat, Ptime};

use crate::audio::{AudioLine, Silence, Tick};
use crate::carrier::{Carrier, Equipped};
use crate::clock::{Clock, wall_ahead_ns};
use crate::control::Control;
use crate::leg::LegMix;
use crate::line::{Line, LineMode};
use crate::open::{Built, BuiltLeg, Surroundings, ToOpen, build, build_leg};
use crate::ports::PortAllocator;
use crate::pump::PumpLine;
use crate::recorder::RecorderPort;
use crate::sockets::{ArrivalClock, RecvBatch};
use crate::speech::{SpeechPool, SttPool};

pub use rings::{SpeechRing, TapRing};

/// Most legs of a line here.
const LEGS_MAX: usize = 8;

/// Lines without threads.
pub struct TickBench {
    lines: Vec<AudioLine>,
    /// Kept so that rings have their other halves.
    rest: Vec<(Box<PumpLine>, Line)>,
    guests: Vec<PumpLine>,
    ports: Arc<PortAllocator>,
    around: Surroundings,
    stt: SttPool,
    peers: Vec<UdpSocket>,
    batch: RecvBatch,
    deadline: MonoTime,
    packets: u32,
}

impl TickBench {
    /// `lines` lines of one kind, each with a telephone at the other end. Ports from 40000 on.
    ///
    /// # Panics
    /// If the machine has no ports or descriptors left.
    #[must_use]
    pub fn new(lines: usize, mode: LineMode, codec: Codec) -> Self {
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let ports = PortAllocator::new(ip, 40_000..=59_999, crate::ports::PORT_REST, Clock::new())
            .expect("a range");
        let ports = Arc::new(ports);
        let (control, _, _) = Control::new(lines * LEGS_MAX, Arc::new(AtomicUsize::new(0)));
        let control = Arc::new(control);
        let around = Surroundings {
            speech: Arc::new(SpeechPool::new(None, None, lines)),
            recorder: RecorderPort::new().0,
            tick_ms: 20,
            silence: Silence { quiet: Duration::ZERO, timeout: Duration::from_secs(30) },
            codecs: Codecs::default(),
        };
        let mut bench = Self {
            lines: Vec::new(),
            rest: Vec::new(),
            guests: Vec::new(),
            ports,
            around,
            stt: SttPool::new(None),
            peers: Vec::new(),
            batch: RecvBatch::new(),
            deadline: Clock::new().now(),
            packets: 0,
        };
        for n in 0..lines {
            let peer = UdpSocket::bind((ip, 0)).expect("a port");
            peer.set_nonblocking(true).expect("non-blocking");
            let port = bench.ports.reserve().expect("a port pair");
            peer.connect(port.local_addr()).expect("connected");
            let media = media(peer.local_addr().expect("bound"), codec);
            let id = LineId(n as u64);
            let ear = EarConfig::default();
            let carrier = equipped(Carrier::Rtp { port, media });
            let spec = ToOpen { id, carrier, mode, record: None, ear };
            let key = control.acquire().expect("a slot");
            let Built { audio, pump, handle } =
                build(spec, Box::new(|_| {}), key, &control, &bench.around);
            bench.lines.push(*audio);
            bench.rest.push((pump, handle));
            bench.peers.push(peer);
        }
        bench
    }

    /// A further telephone with `codec` joins every line.
    ///
    /// # Panics
    /// If the machine has no ports or descriptors left, or more legs join than were announced.
    pub fn join(&mut self, codec: Codec) {
        for line in 0..self.lines.len() {
            let peer = UdpSocket::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), 0)).expect("a port");
            peer.set_nonblocking(true).expect("non-blocking");
            let port = self.ports.reserve().expect("a port pair");
            peer.connect(port.local_addr()).expect("connected");
            let media = media(peer.local_addr().expect("bound"), codec);
            self.seat(line, Carrier::Rtp { port, media });
            self.peers.push(peer);
        }
    }

    /// Somebody whom others carry joins every line: `ends` makes what carries them.
    ///
    /// # Panics
    /// If more legs join than were announced.
    pub fn join_carried(&mut self, ends: impl Fn() -> (Box<dyn AudioSource>, Box<dyn AudioSink>)) {
        for line in 0..self.lines.len() {
            let (source, sink) = ends();
            self.seat(line, Carrier::Ends { source, sink });
        }
    }

    fn seat(&mut self, line: usize, carrier: Carrier) {
        let (line, (_, handle)) = (&mut self.lines[line], &self.rest[line]);
        let key = handle.control.acquire().expect("a slot");
        let spec = (equipped(carrier), Some(EarConfig::default()));
        let BuiltLeg { seat, pump, .. } =
            build_leg(spec, Box::new(|_| {}), key, handle, &self.around);
        let reseat = |table| {
            line.reseat(table);
            true
        };
        handle.company.join(seat, LegMix::default(), reseat).expect("there is room");
        self.guests.push(*pump);
    }

    /// Every telephone sends a packet, and takes what it got.
    pub fn feed(&mut self) {
        let mut packet = [0x55; 172];
        packet[..2].copy_from_slice(&[0x80, 0]);
        packet[2..4].copy_from_slice(&(self.packets as u16).to_be_bytes());
        packet[4..8].copy_from_slice(&(self.packets * 160).to_be_bytes());
        self.packets += 1;
        let mut bytes = [0; 1_500];
        for peer in &self.peers {
            let _ = peer.send(&packet);
            while peer.recv(&mut bytes).is_ok() {}
        }
    }

    /// What the pump does after a tick: events, hearing without a recogniser, levels.
    pub fn pump(&mut self) {
        for (line, _) in &mut self.rest {
            line.service(self.deadline, &self.stt);
        }
        for leg in &mut self.guests {
            leg.service(self.deadline, &self.stt);
        }
    }

    /// Milliseconds that concealment had to invent, over all lines: a sound measurement has few.
    #[must_use]
    pub fn concealed_ms(&self) -> u64 {
        self.rest.iter().map(|(_, line)| line.statistics().concealed_ms).sum()
    }

    /// One tick of all lines, as the audio thread does it. Time passes by 20 ms whatever the
    /// clock says.
    pub fn tick(&mut self) {
        self.deadline = self.deadline + Duration::from_millis(20);
        let ahead_ns = self.deadline.since(Clock::new().now()).as_nanos() as i64;
        let wall_ahead_ns = wall_ahead_ns() - ahead_ns;
        let clock = ArrivalClock { now: self.deadline, wall_ahead_ns };
        let tick = Tick { deadline: self.deadline, clock, skipped: 0 };
        for line in &mut self.lines {
            line.tick(&tick, &mut self.batch);
        }
    }
}

fn equipped(carrier: Carrier) -> Equipped {
    carrier.equip(&Codecs::default()).expect("a codec that needs no plugin")
}

fn media(remote_rtp: SocketAddr, codec: Codec) -> NegotiatedMedia {
    NegotiatedMedia {
        remote_rtp,
        remote_rtcp: SocketAddr::new(remote_rtp.ip(), 9),
        codec,
        send_payload_type: codec.usual_payload_type(),
        receive_payload_type: media_core::PayloadType(0),
        send_telephone_event: None,
        receive_telephone_event: None,
        telephone_event_hz: 8_000,
        opus: OpusFormat::default(),
        ptime: Ptime::MS20,
        direction: Direction::SendRecv,
        voip_metrics: false,
        srtp: None,
    }
}
