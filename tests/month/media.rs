//! The RTP of one established call, both ways, packet by packet: the line's own receiving and
//! sending cores against a carrier with a clock of its own and a network between.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use media_core::codec::{Decoder, Encoder};
use media_core::jitter::JitterConfig;
use media_core::playout::Playout;
use media_core::rtp::srtp::{Protector, SrtpKey, Unprotector};
use media_core::rtp::{Admission, Peer, ReceiverStatistics, RtcpSession, RtpPacket, RtpStream};
use media_core::{Codec, MonoTime, PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

use crate::dice::Dice;
use crate::sealing::{KEY, PROFILE, SEALED_BYTES, is_sealed};

const TICK: Duration = Duration::from_millis(20);
const TICK_US: u64 = 20_000;
const TICK_SAMPLES: usize = 160;
const PCMU: PayloadType = PayloadType(0);
/// The first bytes of a payload are its number, so that whatever is decoded can be named.
const NUMBER_BYTES: usize = 8;
/// Concealed audio in a row that a listener takes for a gap.
const GAP_SAMPLES: usize = 3 * TICK_SAMPLES;

/// What a month of media came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub ticks: u64,
    pub sent: u64,
    pub delivered: u64,
    pub decoded: u64,
    pub lost_by_network: u64,
    /// 300 ms of speech of which more than the network lost was not heard.
    pub words_lost: u64,
    /// Longer than 60 ms without the caller, though the network delivered.
    pub gaps: u64,
    /// Packets of ours with a wrong number or time.
    pub misnumbered: u64,
    pub sequence_wraps: u64,
    pub timestamp_wraps: u64,
    pub address_changes: u64,
    pub foreign_heard: u64,
    /// Packets that were protected on the way, and those of them that could not be read.
    pub sealed: u64,
    pub unreadable: u64,
    pub reports: u64,
    pub round_trips_wrong: u64,
    pub waiting_max: u32,
    pub delay_ms_max: u32,
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        self.ticks += other.ticks;
        self.sent += other.sent;
        self.delivered += other.delivered;
        self.decoded += other.decoded;
        self.lost_by_network += other.lost_by_network;
        self.words_lost += other.words_lost;
        self.gaps += other.gaps;
        self.misnumbered += other.misnumbered;
        self.sequence_wraps += other.sequence_wraps;
        self.timestamp_wraps += other.timestamp_wraps;
        self.address_changes += other.address_changes;
        self.foreign_heard += other.foreign_heard;
        self.sealed += other.sealed;
        self.unreadable += other.unreadable;
        self.reports += other.reports;
        self.round_trips_wrong += other.round_trips_wrong;
        self.waiting_max = self.waiting_max.max(other.waiting_max);
        self.delay_ms_max = self.delay_ms_max.max(other.delay_ms_max);
    }
}

/// A packet on its way, with the number in it.
struct Travelling {
    arrives_us: u64,
    from: SocketAddr,
    bytes: [u8; 172],
    /// The same as SRTP: of packets around each wrap of their numbers, and of one in 64 between.
    sealed: Option<Box<[u8; SEALED_BYTES]>>,
}

/// The carrier's end.
struct Carrier {
    stream: RtpStream,
    protector: Protector,
    rtcp: RtcpSession,
    received: ReceiverStatistics,
    address: SocketAddr,
    /// How much faster than ours its clock runs.
    drift_ppm: i64,
    next: u64,
    payload: [u8; TICK_SAMPLES],
    expects: Option<(SequenceNumber, RtpTimestamp)>,
}

/// The line's end.
struct Line {
    peer: Peer,
    unprotector: Unprotector,
    received: ReceiverStatistics,
    playout: Playout,
    decoder: Decoder,
    stream: RtpStream,
    rtcp: RtcpSession,
}

/// Packets in a word: 300 ms.
const WORD_PACKETS: u64 = 15;
/// How many of them may be missing before it is no longer understood.
const WORD_MISSING_MAX: u64 = 5;

/// Keeps count of what was heard, word by word.
#[derive(Default)]
struct Words {
    word: u64,
    heard: u64,
    /// Packets that the network lost, of this word and the next ones.
    excused: VecDeque<u64>,
    lost: u64,
}

impl Words {
    fn excuse(&mut self, number: u64) {
        self.excused.push_back(number / WORD_PACKETS);
    }

    /// A packet is played that begins with its number.
    fn hear(&mut self, payload: &[u8]) {
        let number = payload.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let word = number / WORD_PACKETS;
        while self.word < word {
            let excused = self.excused.iter().filter(|excused| **excused == self.word).count();
            let missing = WORD_PACKETS.saturating_sub(self.heard + excused as u64);
            self.lost += u64::from(missing > WORD_MISSING_MAX);
            self.word += 1;
            self.heard = 0;
            while self.excused.front().is_some_and(|excused| *excused < self.word) {
                self.excused.pop_front();
            }
        }
        self.heard += 1;
    }
}

/// One call.
pub struct Call {
    carrier: Carrier,
    line: Line,
    dice: Dice,
    start_us: u64,
    now_us: u64,
    on_the_way: VecDeque<Travelling>,
    /// Until then nothing arrives: the network is away.
    outage_until_us: u64,
    unheard: usize,
    words: Words,
    tally: Tally,
}

impl Call {
    /// Answered at `start_us` on the line's clock.
    pub fn new(start_us: u64, seed: u64) -> Self {
        let mut dice = Dice(seed);
        let now = MonoTime::from_micros(start_us);
        let mut stream = || {
            let roll = dice.roll();
            // As the line begins: in the lower half.
            let first = SequenceNumber((roll >> 32) as u16 & 0x7FFF);
            let ssrc = Ssrc(roll as u32);
            (ssrc, RtpStream::new(ssrc, first, RtpTimestamp(dice.roll() as u32)))
        };
        let ((carrier_ssrc, carrier_stream), (line_ssrc, line_stream)) = (stream(), stream());
        let address = SocketAddr::from(([192, 76, 120, 10], 16_384));
        let (mut payload, mut encoder) = ([0xff; TICK_SAMPLES], Encoder::new(Codec::Pcmu));
        let voice: Vec<i16> = (0..TICK_SAMPLES)
            .map(|n| ((n as f64 * 0.17).sin() * 6_000.0 + (n as f64 * 0.39).sin() * 2_500.0) as i16)
            .collect();
        encoder.encode(&voice, &mut payload);
        let config = JitterConfig { pull_ms: 20, ..JitterConfig::default() };
        Self {
            carrier: Carrier {
                stream: carrier_stream,
                protector: Protector::new(PROFILE, &SrtpKey::new(KEY)),
                rtcp: RtcpSession::new(carrier_ssrc, "carrier", 8_000, now),
                received: ReceiverStatistics::new(8_000),
                address,
                drift_ppm: dice.below(201) as i64 - 100,
                next: 0,
                payload,
                expects: None,
            },
            line: Line {
                peer: Peer::new(address),
                unprotector: Unprotector::new(PROFILE, &SrtpKey::new(KEY)),
                received: ReceiverStatistics::new(8_000),
                playout: Playout::new(config, SampleRate::Hz8000, dice.roll()),
                decoder: Decoder::new(Codec::Pcmu),
                stream: line_stream,
                rtcp: RtcpSession::new(line_ssrc, "line", 8_000, now),
            },
            dice,
            start_us,
            now_us: start_us,
            on_the_way: VecDeque::new(),
            outage_until_us: 0,
            unheard: 0,
            words: Words::default(),
            tally: Tally::default(),
        }
    }

    /// Lets the call go on until `end_us`, and gives its account.
    pub fn run(mut self, end_us: u64) -> Tally {
        while self.now_us < end_us {
            self.now_us += TICK_US;
            self.tick();
        }
        self.tally.words_lost = self.words.lost;
        let jitter = self.line.playout.statistics();
        self.tally.delay_ms_max = self.tally.delay_ms_max.max(jitter.delay_max_ms);
        self.tally
    }

    fn tick(&mut self) {
        self.tally.ticks += 1;
        self.carrier_speaks();
        self.line_hears();
        self.line_plays();
        self.line_speaks();
        if self.tally.ticks.is_multiple_of(25) {
            self.reports();
        }
        if self.tally.ticks.is_multiple_of(100) {
            self.something_happens();
        }
    }

    /// Sends what the carrier's clock says is due.
    fn carrier_speaks(&mut self) {
        loop {
            let carrier = &mut self.carrier;
            let nominal = carrier.next * TICK_US;
            let drift = (nominal as i128 * i128::from(carrier.drift_ppm) / 1_000_000) as i64;
            let leaves_us = self.start_us + nominal.saturating_add_signed(-drift);
            if leaves_us > self.now_us {
                return;
            }
            carrier.payload[..NUMBER_BYTES].copy_from_slice(&carrier.next.to_le_bytes());
            let before = carrier.stream.timestamp();
            let packet = carrier.stream.packet(PCMU, carrier.next == 0, &carrier.payload);
            self.tally.sequence_wraps += u64::from(packet.sequence.0 == 0);
            let mut bytes = [0; 172];
            packet.write(&mut bytes).expect("it fits");
            let sealed = is_sealed(packet.sequence).then(|| {
                let mut room = Box::new([0; SEALED_BYTES]);
                room[..bytes.len()].copy_from_slice(&bytes);
                carrier.protector.rtp(&mut room[..], bytes.len()).expect("there is room");
                room
            });
            carrier.rtcp.on_sent(MonoTime::from_micros(leaves_us), before, TICK_SAMPLES);
            carrier.stream.advance(TICK_SAMPLES as u32);
            self.tally.timestamp_wraps += u64::from(carrier.stream.timestamp().0 < before.0);
            carrier.next += 1;
            let (from, roll) = (carrier.address, self.dice.roll());
            let away = leaves_us < self.outage_until_us;
            // One of a thousand is lost; one of five hundred is 30 ms later than the rest.
            if away || roll.is_multiple_of(1_000) {
                self.tally.lost_by_network += 1;
                self.words.excuse(self.carrier.next - 1);
                continue;
            }
            let late = if (roll >> 20).is_multiple_of(500) { 30_000 } else { 0 };
            let arrives_us = leaves_us + 15_000 + (roll >> 40) % 8_000 + late;
            self.tally.delivered += 1;
            let place = self.on_the_way.partition_point(|other| other.arrives_us <= arrives_us);
            self.on_the_way.insert(place, Travelling { arrives_us, from, bytes, sealed });
        }
    }

    fn line_hears(&mut self) {
        while self.on_the_way.front().is_some_and(|next| next.arrives_us <= self.now_us) {
            let Some(next) = self.on_the_way.pop_front() else { return };
            let packet = RtpPacket::parse(&next.bytes).expect("it was written well");
            let arrival = MonoTime::from_micros(next.arrives_us);
            let line = &mut self.line;
            if let Some(mut sealed) = next.sealed {
                self.tally.sealed += 1;
                let read = line.unprotector.rtp(&mut sealed[..]).map(|length| &sealed[..length]);
                self.tally.unreadable += u64::from(read != Ok(&next.bytes[..]));
            }
            match line.peer.admit(arrival, next.from, &packet, false) {
                Admission::Accept => {
                    line.received.on_packet(arrival, &packet);
                    line.playout.insert(arrival, &packet);
                    let stranger = packet.ssrc != self.carrier.stream.ssrc();
                    self.tally.foreign_heard += u64::from(stranger);
                }
                Admission::Learning | Admission::Doubtful | Admission::Foreign => {}
            }
        }
    }

    fn line_plays(&mut self) {
        let mut pcm = [0; TICK_SAMPLES];
        let Line { playout, decoder, .. } = &mut self.line;
        let (decoded, words) = (&mut self.tally.decoded, &mut self.words);
        let pulled = playout.pull(
            MonoTime::from_micros(self.now_us),
            &mut pcm,
            &mut |payload: &[u8], pcm: &mut [i16]| {
                *decoded += 1;
                words.hear(payload);
                decoder.decode(payload, pcm)
            },
        );
        self.tally.waiting_max = self.tally.waiting_max.max(self.on_the_way.len() as u32);
        let away = self.now_us < self.outage_until_us + 500_000;
        let settled = self.now_us > self.start_us + 1_000_000;
        self.unheard =
            if pulled.received > 0 || away || !settled { 0 } else { self.unheard + TICK_SAMPLES };
        self.tally.gaps += u64::from(self.unheard == GAP_SAMPLES + TICK_SAMPLES);
    }

    fn line_speaks(&mut self) {
        let now = MonoTime::from_micros(self.now_us);
        let line = &mut self.line;
        let at = line.stream.timestamp();
        let packet = line.stream.packet(PCMU, false, &[0xff; TICK_SAMPLES]);
        let mut bytes = [0; 172];
        packet.write(&mut bytes).expect("it fits");
        line.rtcp.on_sent(now, at, TICK_SAMPLES);
        line.stream.advance(TICK_SAMPLES as u32);
        self.tally.sent += 1;
        let packet = RtpPacket::parse(&bytes).expect("it was written well");
        self.carrier.received.on_packet(now + TICK, &packet);
        let due = self.carrier.expects.unwrap_or((packet.sequence, packet.timestamp));
        self.tally.misnumbered += u64::from(due != (packet.sequence, packet.timestamp));
        let next = (packet.sequence.next(), packet.timestamp.advance(TICK_SAMPLES as u32));
        self.carrier.expects = Some(next);
    }

    /// RTCP both ways, 20 ms each.
    fn reports(&mut self) {
        let now = MonoTime::from_micros(self.now_us);
        let (line, carrier) = (&mut self.line, &mut self.carrier);
        let mut bytes = [0; 256];
        if line.rtcp.is_due(now)
            && let Ok(length) = line.rtcp.write_report(now, &mut line.received, &mut bytes)
        {
            carrier.rtcp.on_rtcp(now + TICK, &bytes[..length]).expect("ours are well formed");
            self.tally.reports += 1;
        }
        if carrier.rtcp.is_due(now)
            && let Ok(length) = carrier.rtcp.write_report(now, &mut carrier.received, &mut bytes)
        {
            line.rtcp.on_rtcp(now + TICK, &bytes[..length]).expect("ours are well formed");
        }
        for view in [line.rtcp.remote(), carrier.rtcp.remote()] {
            let wrong = view.round_trip.is_some_and(|trip| trip > Duration::from_millis(60));
            self.tally.round_trips_wrong += u64::from(wrong);
        }
    }

    /// Every two seconds, perhaps.
    fn something_happens(&mut self) {
        let roll = self.dice.below(100_000);
        match roll {
            // About twice a day the network is away for up to two seconds.
            0..5 => self.outage_until_us = self.now_us + 20_000 * (1 + self.dice.below(100)),
            // About once a day media moves, by a re-INVITE that names the new address.
            5..7 => {
                self.carrier.address.set_port(16_384 + 2 * self.dice.below(8_000) as u16);
                self.line.peer.renegotiate(self.carrier.address);
                self.tally.address_changes += 1;
            }
            // A stranger sprays, from elsewhere or under the carrier's own address.
            7..50 => {
                let elsewhere = SocketAddr::from(([203, 0, 113, 9], 4_000));
                let away = self.now_us < self.outage_until_us + 500_000;
                let from = if roll < 30 || away { elsewhere } else { self.carrier.address };
                let (arrives_us, bytes) = (self.now_us, [0x80; 172]);
                self.on_the_way.push_front(Travelling { arrives_us, from, bytes, sealed: None });
            }
            _ => {}
        }
    }
}
