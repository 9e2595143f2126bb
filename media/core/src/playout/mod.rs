//! What an audio thread pulls: packets in as they come, exactly one tick of audio out, always.
//!
//! [`Playout`] joins the [jitter buffer](crate::jitter) with a decoder, [concealment](crate::concealment),
//! [comfort noise](crate::comfort_noise) and drift correction. The sender's ptime (10 to 60 ms)
//! need not be ours. Drift is corrected by taking out or adding a few milliseconds in silence; only
//! if there is none for half a second, by one pitch period of voice. A stream without loss and
//! without drift comes out as it was decoded, sample for sample, first packet included.

mod bursts;
mod stretch;

use core::time::Duration;

use self::bursts::Bursts;
use crate::comfort_noise::{ComfortNoise, NoiseDescription};
use crate::concealment::Concealment;
use crate::jitter::{
    COMFORT_NOISE, Inserted, JitterBuffer, JitterConfig, JitterStatistics, Popped, Wish,
};
use crate::rtp::RtpPacket;
use crate::{MonoTime, SampleRate};

/// Where the samples of a pull came from. They add up to the length asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pulled {
    /// From packets.
    pub received: usize,
    /// Invented for what was lost or late.
    pub concealed: usize,
    /// Silence or comfort noise: the sender was silent, or there is no stream.
    pub silent: usize,
}

/// How losses were spread over a stream (RFC 3611 §4.7.2). Densities in 1/256.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LossPattern {
    /// Loss within bursts.
    pub burst_density: u8,
    /// Loss between them.
    pub gap_density: u8,
    /// Mean length of a burst.
    pub burst_packets: u64,
    /// Mean length of a gap.
    pub gap_packets: u64,
}

/// What turns packets into audio. A closure over a codec that has no more to offer is one.
pub trait Decode {
    /// Fills `out` with one payload's audio and answers how many samples that is; a payload that
    /// cannot be decoded is 0 samples, and concealed.
    fn decode(&mut self, payload: &[u8], out: &mut [i16]) -> usize;

    /// Fills `out` with the lost packet right before `next`, as far as `next` repeats it. 0: it does
    /// not.
    fn recover(&mut self, _next: &[u8], _out: &mut [i16]) -> usize {
        0
    }

    /// Fills `out` with what may have been lost, by the codec's own means. 0: it has none, and
    /// [`Concealment`] sees to it.
    fn conceal(&mut self, _out: &mut [i16]) -> usize {
        0
    }
}

impl<F: FnMut(&[u8], &mut [i16]) -> usize> Decode for F {
    fn decode(&mut self, payload: &[u8], out: &mut [i16]) -> usize {
        self(payload, out)
    }
}

/// The receiving half of one leg. Real-time safe after `new`.
#[derive(Debug)]
pub struct Playout {
    buffer: JitterBuffer,
    concealment: Concealment,
    noise: ComfortNoise,
    /// How the sender's silence sounds, once it has said so.
    description: Option<NoiseDescription>,
    rate: SampleRate,
    samples_per_tick: usize,
    /// Audio ready to be played: `ready[from..to]`.
    ready: Box<[i16]>,
    from: usize,
    to: usize,
    source: Source,
    loudest: u32,
    bursts: Bursts,
}

impl Playout {
    /// Takes the memory for a stream decoded to `rate`. Allocates; call it at admission.
    #[must_use]
    pub fn new(config: JitterConfig, rate: SampleRate, noise_seed: u64) -> Self {
        let samples_per_tick = (rate.hz() / config.clock_rate_hz.clamp(8_000, 48_000)).max(1);
        let samples_per_tick = samples_per_tick as usize;
        let bytes = config.payload_bytes_max.clamp(1, 1_500);
        let longest = config.packet_length.ticks_max(bytes) * samples_per_tick;
        let pull = rate.samples_in_ms(config.pull_ms);
        let room = longest.max(pull) + rate.samples_in_ms(stretch::ADDED_MS_MAX);
        Self {
            buffer: JitterBuffer::new(config),
            concealment: Concealment::new(rate),
            noise: ComfortNoise::new(rate, noise_seed),
            description: None,
            rate,
            samples_per_tick,
            ready: vec![0; room].into_boxed_slice(),
            from: 0,
            to: 0,
            source: Source::Received,
            loudest: 0,
            bursts: Bursts::default(),
        }
    }

    /// Takes a voice packet, or one of comfort noise. See [`JitterBuffer::insert`].
    pub fn insert(&mut self, arrival: MonoTime, packet: &RtpPacket<'_>) -> Inserted {
        self.buffer.insert(arrival, packet)
    }

    /// Takes note of a packet that holds no voice. See [`JitterBuffer::pass_over`].
    pub fn pass_over(&mut self, arrival: MonoTime, packet: &RtpPacket<'_>) -> Inserted {
        self.buffer.pass_over(arrival, packet)
    }

    /// Fills all of `out` with what is to be heard from `deadline` on. Real-time safe; the cost is
    /// that of decoding what is played.
    ///
    /// `deadline`: the tick's, not the moment the thread woke.
    pub fn pull(
        &mut self,
        deadline: MonoTime,
        out: &mut [i16],
        decoder: &mut impl Decode,
    ) -> Pulled {
        let mut pulled = Pulled::default();
        let mut at = 0;
        for _ in 0..PIECES_MAX {
            at += self.drain(&mut out[at..], &mut pulled);
            if at == out.len() {
                return pulled;
            }
            at += self.piece(deadline, at, out, decoder, &mut pulled);
        }
        self.be_silent(&mut out[at..]);
        pulled.silent += out.len() - at;
        pulled
    }

    /// Counters and figures of the jitter buffer.
    #[must_use]
    pub fn statistics(&self) -> JitterStatistics {
        self.buffer.statistics()
    }

    /// How the losses were spread, for RTCP's VoIP metrics: density within bursts and between them, and
    /// how many packets a burst and a gap have on the average.
    #[must_use]
    pub fn loss_pattern(&self) -> LossPattern {
        let (burst, gap) = self.bursts.tallies();
        LossPattern {
            burst_density: burst.density(),
            gap_density: gap.density(),
            burst_packets: burst.mean_packets(),
            gap_packets: gap.mean_packets(),
        }
    }

    /// Forgets the stream, as after a change of codec to one of the same rate. Counters and memory
    /// stay.
    pub fn reset(&mut self) {
        self.buffer.reset();
        self.description = None;
        (self.from, self.to) = (0, 0);
        self.concealment.discontinuity();
    }

    /// The next piece of media, to be heard after `out[..at]`: straight into the rest of `out` if it
    /// fits, else made ready. Answers how much went into `out`.
    fn piece(
        &mut self,
        deadline: MonoTime,
        at: usize,
        out: &mut [i16],
        decoder: &mut impl Decode,
        pulled: &mut Pulled,
    ) -> usize {
        let play_at = deadline + self.duration(at);
        let out = &mut out[at..];
        match self.buffer.pop(deadline, play_at) {
            Popped::Frame(frame) if frame.payload_type == COMFORT_NOISE => {
                self.description = NoiseDescription::parse(frame.payload);
                0
            }
            Popped::Frame(frame) => {
                self.bursts.on_played();
                self.description = None;
                if frame.after_cut {
                    self.concealment.discontinuity();
                }
                let ticks = frame.ticks as usize;
                let direct = frame.wish == Wish::None && ticks * self.samples_per_tick <= out.len();
                let wish = frame.wish;
                let into = if direct { &mut *out } else { &mut self.ready[..] };
                let decoded = decoder.decode(frame.payload, into).min(into.len());
                if decoded == 0 {
                    self.make(ticks * self.samples_per_tick, Source::Concealed, decoder);
                    return 0;
                }
                self.concealment.good(&mut into[..decoded]);
                if direct {
                    pulled.received += decoded;
                    return decoded;
                }
                self.source = Source::Received;
                (self.from, self.to) = (0, decoded);
                self.stretch(wish);
                0
            }
            Popped::Lost { ticks } => {
                self.bursts.on_lost();
                let samples = ticks as usize * self.samples_per_tick;
                if !self.recover(samples, decoder) {
                    self.invent(samples, decoder);
                }
                0
            }
            Popped::Underrun { ticks } => {
                self.invent(ticks as usize * self.samples_per_tick, decoder);
                0
            }
            Popped::Silence { ticks } => {
                self.make(ticks as usize * self.samples_per_tick, Source::Silent, decoder);
                0
            }
            Popped::Waiting => {
                self.be_silent(out);
                pulled.silent += out.len();
                out.len()
            }
        }
    }

    /// Makes ready what the packet after a lost one repeats of it, if that is here and does so.
    fn recover(&mut self, samples: usize, decoder: &mut impl Decode) -> bool {
        let Some(next) = self.buffer.peek() else { return false };
        let samples = samples.min(self.ready.len());
        let piece = &mut self.ready[..samples];
        let recovered = decoder.recover(next, piece).min(piece.len());
        if recovered == 0 {
            return false;
        }
        self.concealment.good(&mut self.ready[..recovered]);
        self.source = Source::Received;
        (self.from, self.to) = (0, recovered);
        true
    }

    /// Makes `samples` ready in place of what did not come.
    fn invent(&mut self, samples: usize, decoder: &mut impl Decode) {
        // Within the sender's silence, nothing coming is what is expected.
        let silent = self.description.is_some();
        let source = if silent { Source::Silent } else { Source::Concealed };
        self.make(samples, source, decoder);
    }

    /// Makes `samples` ready that no packet holds.
    fn make(&mut self, samples: usize, source: Source, decoder: &mut impl Decode) {
        let samples = samples.min(self.ready.len());
        (self.from, self.to) = (0, samples);
        self.source = source;
        let piece = &mut self.ready[..samples];
        match &self.description {
            Some(noise) if source == Source::Silent => {
                self.noise.fill_as(piece, noise);
                self.concealment.good(piece);
            }
            // A codec with means of its own knows its silences, too.
            _ if decoder.conceal(piece) == samples => self.concealment.good(piece),
            _ => self.concealment.conceal(piece),
        }
    }

    fn be_silent(&mut self, out: &mut [i16]) {
        match &self.description {
            Some(noise) => self.noise.fill_as(out, noise),
            None => out.fill(0),
        }
    }

    /// Makes what is ready shorter or longer, if that is wished and cannot be heard.
    fn stretch(&mut self, wish: Wish) {
        let (ticks, firm, shorter) = match wish {
            Wish::None => return,
            Wish::Shorten { ticks, firm } => (ticks, firm, true),
            Wish::Lengthen { ticks, firm } => (ticks, firm, false),
        };
        let level = stretch::mean_level(&self.ready[..self.to]);
        self.loudest = (self.loudest - self.loudest / LOUDEST_FADES).max(level);
        let quiet = level < QUIET_LEVEL || level < self.loudest / QUIET_BELOW_LOUDEST;
        let wanted = ticks as usize * self.samples_per_tick;
        let lag = if quiet {
            Some(wanted.min(self.to / 2))
        } else if firm {
            stretch::pitch_lag(&self.ready[..self.to], self.rate)
        } else {
            None
        };
        let Some(lag) = lag.filter(|&lag| lag > 0) else { return };
        let before = self.to;
        self.to = if shorter {
            stretch::shorten(&mut self.ready[..before], lag)
        } else {
            stretch::lengthen(&mut self.ready, before, lag)
        };
        let difference = self.to as i64 - before as i64;
        self.buffer.stretched(difference / self.samples_per_tick as i64);
    }

    fn drain(&mut self, out: &mut [i16], pulled: &mut Pulled) -> usize {
        let length = (self.to - self.from).min(out.len());
        out[..length].copy_from_slice(&self.ready[self.from..self.from + length]);
        self.from += length;
        match self.source {
            Source::Received => pulled.received += length,
            Source::Concealed => pulled.concealed += length,
            Source::Silent => pulled.silent += length,
        }
        length
    }

    fn duration(&self, samples: usize) -> Duration {
        Duration::from_micros(samples as u64 * 1_000_000 / u64::from(self.rate.hz()))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Source {
    Received,
    Concealed,
    Silent,
}

// The longest pull, 60 ms, holds six packets of 10 ms; the rest is for packets without media.
const PIECES_MAX: usize = 64;

// Mean of magnitudes, about -54 dBov: the pauses of a quiet room.
const QUIET_LEVEL: u32 = 64;

// A noisy line's pauses are 24 dB below its speech.
const QUIET_BELOW_LOUDEST: u32 = 16;
const LOUDEST_FADES: u32 = 256;
