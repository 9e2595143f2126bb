//! A seeded network in virtual time: a sender with a clock of its own, a network that loses,
//! delays, reorders and repeats, and a receiver that pulls every 20 ms.
#![allow(dead_code, reason = "every test file uses its own part")]

use core::f64::consts::PI;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use media_core::jitter::{Inserted, JitterConfig};
use media_core::playout::{Playout, Pulled};
use media_core::rtp::RtpPacket;
use media_core::{MonoTime, PayloadType, Ptime, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

pub const PULL_US: u64 = 20_000;
pub const PULL_SAMPLES: usize = 160;

/// Deterministic randomness (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 { 0 } else { self.roll() % n }
    }

    pub fn percent(&mut self, p: f64) -> bool {
        (self.below(1_000_000) as f64) < p * 10_000.0
    }
}

/// Who sends, and how.
#[derive(Clone, Copy)]
pub struct Sender {
    pub first_sequence: u16,
    pub first_timestamp: u32,
    pub ssrc: u32,
    pub ptime_ms: u64,
    /// How much faster its clock runs than ours.
    pub drift_ppm: i64,
    /// When it starts, on our clock.
    pub start_us: u64,
    /// Sample `n` of what it sends.
    pub signal: fn(u64) -> i16,
}

impl Default for Sender {
    fn default() -> Self {
        Self {
            first_sequence: 1_000,
            first_timestamp: 50_000,
            ssrc: 0xCAFE,
            ptime_ms: 20,
            drift_ppm: 0,
            start_us: 1_000_000,
            signal: voice,
        }
    }
}

/// What the network does to packets.
#[derive(Clone, Copy, Default)]
pub struct Network {
    pub seed: u64,
    pub loss_percent: f64,
    pub duplicate_percent: f64,
    /// Every packet is delayed by up to this much, evenly.
    pub jitter_us: u64,
    /// Some packets are delayed by this much more.
    pub reorder_percent: f64,
    pub reorder_us: u64,
    /// Nothing arrives from .0 to .1 (packet numbers); it all comes when it is over.
    pub stall: Option<(u64, u64)>,
}

/// What came out.
#[derive(Default)]
pub struct Heard {
    pub samples: Vec<i16>,
    /// Packet numbers in the order in which they were decoded.
    pub decoded: Vec<u64>,
    /// Packet numbers that the network delivered.
    pub delivered: Vec<u64>,
    /// Packet numbers in the order in which they arrived.
    pub arrived: Vec<u64>,
    pub pulls: Vec<Pulled>,
    /// Packet numbers that came too late, and the time of their insertion.
    pub late: Vec<u64>,
    pub delay_ms: Vec<u32>,
    pub target_ms: Vec<u32>,
}

impl Heard {
    pub fn concealed(&self) -> usize {
        self.pulls.iter().map(|p| p.concealed).sum()
    }

    /// Packet numbers that came and were not decoded.
    pub fn dropped(&self) -> Vec<u64> {
        let decoded: BTreeSet<u64> = self.decoded.iter().copied().collect();
        self.delivered.iter().copied().filter(|n| !decoded.contains(n)).collect()
    }

    /// What was heard, from the first sample that is not silence.
    pub fn since_first_sound(&self) -> &[i16] {
        let first = self.samples.iter().position(|&s| s != 0).unwrap_or(self.samples.len());
        &self.samples[first..]
    }
}

/// A call in virtual time.
pub struct Call {
    pub playout: Playout,
    sender: Sender,
    network: Network,
    dice: Dice,
    sent: u64,
    now_us: u64,
    on_the_way: BTreeMap<(u64, u64), u64>,
    pub heard: Heard,
    keep_samples: bool,
}

impl Call {
    pub fn new(sender: Sender, network: Network) -> Self {
        let config = JitterConfig { ptime: Ptime::MS20, ..JitterConfig::default() };
        Self {
            playout: Playout::new(config, SampleRate::Hz8000, 1),
            sender,
            network,
            dice: Dice(network.seed),
            sent: 0,
            now_us: 0,
            on_the_way: BTreeMap::new(),
            heard: Heard::default(),
            keep_samples: true,
        }
    }

    /// For long calls: remembers neither samples nor packets.
    pub fn forgetful(mut self) -> Self {
        self.keep_samples = false;
        self
    }

    /// Lets the sender send `ms` milliseconds of media, and pulls as long.
    pub fn run_ms(&mut self, ms: u64) -> &mut Self {
        let until = self.now_us + ms * 1_000;
        while self.now_us < until {
            self.tick(true);
        }
        self
    }

    /// Pulls without sending, until everything on the way has been played.
    pub fn drain(&mut self) -> &mut Self {
        for _ in 0..30 {
            self.tick(false);
        }
        self
    }

    /// One tick: what arrives before the deadline is inserted, then 20 ms are pulled.
    pub fn tick(&mut self, sending: bool) -> [i16; PULL_SAMPLES] {
        self.now_us += PULL_US;
        while sending && self.send_time(self.sent) <= self.now_us {
            self.send();
        }
        while let Some((&(at, order), &number)) = self.on_the_way.first_key_value() {
            if at > self.now_us {
                break;
            }
            self.on_the_way.remove(&(at, order));
            self.arrive(at, number);
        }
        self.pull()
    }

    /// The next packets come from elsewhere: another SSRC, other numbers.
    pub fn change_source(&mut self, ssrc: u32, sequence: u16, timestamp: u32) {
        let ticks = self.sent * self.sender.ptime_ms * 8;
        self.sender.ssrc = ssrc;
        self.sender.first_sequence = sequence.wrapping_sub(self.sent as u16);
        self.sender.first_timestamp = timestamp.wrapping_sub(ticks as u32);
    }

    /// From now on the network delays nothing.
    pub fn calm(&mut self) {
        self.network = Network { seed: self.network.seed, ..Network::default() };
    }

    /// The next `count` packets hold no voice; `deliver` hands over what comes instead.
    pub fn skip_packets(
        &mut self,
        count: u64,
        deliver: impl Fn(&mut Playout, SequenceNumber, RtpTimestamp),
    ) {
        let first = self.timestamp(self.sent);
        for number in self.sent..self.sent + count {
            let sequence = self.sequence(number);
            deliver(&mut self.playout, sequence, first);
        }
        self.sent += count;
    }

    fn sequence(&self, number: u64) -> SequenceNumber {
        SequenceNumber(self.sender.first_sequence.wrapping_add(number as u16))
    }

    fn timestamp(&self, number: u64) -> RtpTimestamp {
        let ticks = number * self.sender.ptime_ms * 8;
        RtpTimestamp(self.sender.first_timestamp.wrapping_add(ticks as u32))
    }

    /// A packet that the sender did not send arrives now.
    pub fn inject(&mut self, packet: &RtpPacket<'_>) -> Inserted {
        self.playout.insert(MonoTime::from_micros(self.now_us), packet)
    }

    pub fn now_us(&self) -> u64 {
        self.now_us
    }

    fn send_time(&self, number: u64) -> u64 {
        let nominal = i128::from(number * self.sender.ptime_ms * 1_000);
        let scaled = nominal * 1_000_000 / i128::from(1_000_000 + self.sender.drift_ppm);
        self.sender.start_us + scaled as u64
    }

    fn send(&mut self) {
        let number = self.sent;
        self.sent += 1;
        if self.dice.percent(self.network.loss_percent) {
            return;
        }
        let copies = 1 + u64::from(self.dice.percent(self.network.duplicate_percent));
        if self.keep_samples {
            self.heard.delivered.push(number);
        }
        for _ in 0..copies {
            let mut at = self.send_time(number) + self.dice.below(self.network.jitter_us + 1);
            if self.dice.percent(self.network.reorder_percent) {
                at += self.network.reorder_us;
            }
            if let Some((from, to)) = self.network.stall
                && (from..to).contains(&number)
            {
                at = self.send_time(to);
            }
            let order = self.dice.roll();
            self.on_the_way.insert((at, order), number);
        }
    }

    fn arrive(&mut self, at: u64, number: u64) {
        let mut payload = [0; 480];
        payload[..8].copy_from_slice(&number.to_be_bytes());
        let ticks = self.sender.ptime_ms * 8;
        let packet = RtpPacket {
            marker: number == 0,
            payload_type: PayloadType(0),
            sequence: self.sequence(number),
            timestamp: self.timestamp(number),
            ssrc: Ssrc(self.sender.ssrc),
            payload: &payload[..ticks as usize],
        };
        if self.keep_samples {
            self.heard.arrived.push(number);
        }
        if self.playout.insert(MonoTime::from_micros(at), &packet) == Inserted::Late {
            self.heard.late.push(number);
        }
    }

    fn pull(&mut self) -> [i16; PULL_SAMPLES] {
        let mut out = [0x55; PULL_SAMPLES];
        let signal = self.sender.signal;
        let keep = self.keep_samples;
        let decoded = &mut self.heard.decoded;
        let now = MonoTime::from_micros(self.now_us);
        let pulled =
            self.playout.pull(now, &mut out, &mut |payload: &[u8], samples: &mut [i16]| {
                let number = u64::from_be_bytes(*payload.first_chunk().expect("eight bytes"));
                if keep {
                    decoded.push(number);
                }
                let first = number * payload.len() as u64;
                for (n, sample) in samples[..payload.len()].iter_mut().enumerate() {
                    *sample = signal(first + n as u64);
                }
                payload.len()
            });
        assert_eq!(pulled.received + pulled.concealed + pulled.silent, PULL_SAMPLES);
        if keep {
            let statistics = self.playout.statistics();
            self.heard.samples.extend_from_slice(&out);
            self.heard.pulls.push(pulled);
            self.heard.delay_ms.push(statistics.delay_ms);
            self.heard.target_ms.push(statistics.target_ms);
        } else if pulled.concealed > 0 {
            self.heard.pulls.push(pulled);
        }
        out
    }
}

/// Something like speech: 140 Hz with harmonics, syllables, and a pause every second. Never 0
/// while it sounds, so that its beginning can be found.
pub fn voice(n: u64) -> i16 {
    static SECOND: OnceLock<Vec<i16>> = OnceLock::new();
    SECOND.get_or_init(|| (0..8_000).map(voice_in_second).collect())[(n % 8_000) as usize]
}

fn voice_in_second(n: u64) -> i16 {
    if n > 6_400 {
        return ((n * 7) % 5) as i16 - 2; // a quiet room
    }
    let turn = 2.0 * PI * n as f64 / 8_000.0;
    let syllable = 0.6 + 0.4 * (turn * 4.0).cos();
    let harmonic = |h: i32| (turn * 140.0 * f64::from(h)).sin() / f64::from(h);
    let value = (6_000.0 * syllable * (1..6).map(harmonic).sum::<f64>()) as i16;
    if value == 0 { 1 } else { value }
}

/// A tone without any pause.
pub fn tone(n: u64) -> i16 {
    static PERIOD: OnceLock<Vec<i16>> = OnceLock::new();
    let sample = |n: u64| (8_000.0 * (n as f64 * 2.0 * PI / 40.0).sin()) as i16;
    let value = PERIOD.get_or_init(|| (0..40).map(sample).collect())[(n % 40) as usize];
    if value == 0 { 1 } else { value }
}

/// A ramp: the sample tells its place.
pub fn ramp(n: u64) -> i16 {
    (n % RAMP) as i16 + 1
}

pub const RAMP: u64 = 32_000;
