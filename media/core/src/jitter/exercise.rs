use super::{JitterBuffer, JitterConfig, Popped};
use crate::rtp::RtpPacket;
use crate::{MonoTime, PayloadType, RtpTimestamp, SequenceNumber, Ssrc};
use core::time::Duration;

/// Drives a jitter buffer with the operations that `bytes` spell, four bytes each: for fuzzing.
///
/// # Panics
/// If the buffer breaks its contract: media out of order, a piece of no length or of more than a
/// slot, more packets waiting than there are slots. That is our bug.
pub fn exercise(bytes: &[u8]) {
    let config = JitterConfig { capacity_packets: 16, ..JitterConfig::default() };
    let mut run = Run {
        buffer: JitterBuffer::new(config),
        now: MonoTime::from_millis(1_000),
        packet: RtpPacket {
            marker: false,
            payload_type: PayloadType(0),
            sequence: SequenceNumber(65_500),
            timestamp: RtpTimestamp(u32::MAX - 8_000),
            ssrc: Ssrc(1),
            payload: &PAYLOAD[..160],
        },
        last: 0,
        config,
    };
    for operation in bytes.as_chunks::<4>().0 {
        run.operation(*operation);
    }
}

struct Run<'a> {
    buffer: JitterBuffer,
    now: MonoTime,
    packet: RtpPacket<'a>,
    last: u64,
    config: JitterConfig,
}

impl Run<'_> {
    fn operation(&mut self, [what, a, b, c]: [u8; 4]) {
        let signed = i16::from_be_bytes([a, b]);
        match what % 8 {
            0 | 1 => {
                self.packet.sequence = self.packet.sequence.next();
                self.packet.timestamp = self.packet.timestamp.advance(160);
                self.buffer.insert(self.now, &self.packet);
            }
            2 => {
                let sequence = self.packet.sequence.0.wrapping_add_signed(signed);
                let distance = i32::from(signed).wrapping_mul(160) + i32::from(c as i8);
                let timestamp = self.packet.timestamp.0.wrapping_add_signed(distance);
                let elsewhere = RtpPacket {
                    sequence: SequenceNumber(sequence),
                    timestamp: RtpTimestamp(timestamp),
                    ..self.packet
                };
                self.buffer.insert(self.now, &elsewhere);
            }
            3 => {
                self.packet.ssrc = Ssrc(u32::from(a % 4));
                self.packet.payload_type = PayloadType(b & 0x0F);
                self.packet.payload = &PAYLOAD[..usize::from(c) * 2];
            }
            4 => self.now = self.now + Duration::from_micros(signed.unsigned_abs().into()),
            5 => self.now = self.now + Duration::from_millis(u64::from(a) << (b % 32)),
            6 => {
                self.packet.sequence = self.packet.sequence.next();
                self.buffer.pass_over(self.now, &self.packet);
            }
            _ => self.pop(signed),
        }
        let waiting = self.buffer.statistics().waiting as usize;
        assert!(waiting <= self.config.capacity_packets, "more packets wait than there are slots");
    }

    fn pop(&mut self, stretch: i16) {
        let pull = u64::from(self.config.pull_ms);
        self.now = self.now + Duration::from_millis(pull);
        let piece_max = self.config.payload_bytes_max as u32;
        match self.buffer.pop(self.now, self.now) {
            Popped::Frame(frame) => {
                assert!(frame.sequence.0 > self.last, "media comes out of order");
                assert!(frame.payload.len() <= self.config.payload_bytes_max);
                self.last = frame.sequence.0;
                self.buffer.stretched(i64::from(stretch % 160));
            }
            Popped::Lost { ticks } | Popped::Silence { ticks } | Popped::Underrun { ticks } => {
                assert!((1..=piece_max).contains(&ticks), "a piece of {ticks} ticks");
            }
            Popped::Waiting => {}
        }
    }
}

static PAYLOAD: [u8; 512] = [0xFF; 512];
