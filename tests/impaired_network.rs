//! A bad network in virtual time: what the caller said is still understood, and not late.

use std::collections::BTreeMap;
use std::time::Duration;

use media_core::codec::{Decoder, Encoder};
use media_core::jitter::JitterConfig;
use media_core::playout::Playout;
use media_core::plugin::SpeechToText;
use media_core::quality::estimate_mos;
use media_core::resample::convert_all;
use media_core::rtp::{RtpPacket, RtpStream};
use media_core::{Codec, MonoTime, PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};
use plugin_whisper::Whisper;
use xenline::clip::Clip;
use xenline::engines::assets_dir;

const TICK: Duration = Duration::from_millis(20);
const TICK_SAMPLES: usize = 160;
const TRANSIT_MS: u64 = 20;
const JITTER_MS: u64 = 30;
const LOSS_PERCENT: u64 = 5;
const DUPLICATES_PERCENT: u64 = 3;
/// Phrases of two words and more: a word that is lost whole with its packets is nobody's fault.
const PHRASES: [&str; 5] =
    ["what time is it", "run the backup", "no thank you", "what is the status", "what did you say"];

#[test]
fn five_percent_loss_and_thirty_ms_jitter_leave_the_words_right_and_the_delay_bounded() {
    let whisper = Whisper::builtin(&assets_dir()).expect("the built-in model loads");
    let mut stream = whisper.open().expect("a recogniser state");
    let (mut right, mut all, mut delay_ms_max) = (0, 0, 0.0f32);
    let mut wrong = Vec::new();
    for seed in 1..=8 {
        for phrase in PHRASES {
            let path = assets_dir().join("caller").join(phrase.replace(' ', "-") + ".wav");
            let clip = Clip::read(&path).expect("the caller's recording");
            let over = over_the_network(&clip.samples, seed, LOSS_PERCENT);
            let (heard, delay_ms) = (over.heard, over.delay_ms_max);
            let wide = convert_all(&heard, SampleRate::Hz8000, SampleRate::Hz16000);
            let text = stream.decode(&wide).expect("it decodes").text;
            all += 1;
            if text.trim() == phrase {
                right += 1;
            } else {
                wrong.push((phrase, text));
            }
            delay_ms_max = delay_ms_max.max(delay_ms);
        }
    }
    println!("{right} of {all} phrases right, playout delay at most {delay_ms_max:.0} ms");
    assert!(wrong.is_empty(), "said and heard: {wrong:?}");
    // 30 ms of jitter, the packet in hand, and one to spare.
    assert!(delay_ms_max <= 80.0, "{delay_ms_max} ms");
}

#[test]
fn three_percent_loss_and_thirty_ms_jitter_are_rated_3_9_and_add_less_than_120_ms() {
    let minute: Vec<i16> = (0..60 * 8_000).map(|n| ((n % 400) * 20 - 4_000) as i16).collect();
    for seed in 1..=8 {
        let over = over_the_network(&minute, seed, 3);
        let missing = 100.0 * over.missing as f32 / (minute.len() / TICK_SAMPLES) as f32;
        // A packet is on its way for at most the jitter longer than the transit, and waits for its end.
        let added_ms = over.delay_ms_max + TICK.as_millis() as f32;
        let rated = estimate_mos(TRANSIT_MS as f32 + added_ms, missing);
        println!(
            "{missing:.1} % missing, {added_ms:.0} ms added: MOS {:.2} (estimated)",
            rated.mos
        );
        assert!(missing >= 2.0, "the network loses: {missing} %");
        assert!(added_ms < 120.0, "{added_ms} ms added");
        assert!(rated.mos >= 3.9, "MOS {:.2} at {missing:.1} % and {added_ms:.0} ms", rated.mos);
    }
}

/// What came of it.
struct Over {
    /// What was played out.
    heard: Vec<i16>,
    /// The longest playout delay.
    delay_ms_max: f32,
    /// Packets that were lost, or came too late to be heard.
    missing: u64,
}

/// Sends `said` as RTP over the emulated network.
fn over_the_network(said: &[i16], seed: u64, loss_percent: u64) -> Over {
    let mut arrivals = arrivals(said, seed, loss_percent);
    let mut played = 0;
    let config = JitterConfig::default();
    let mut playout = Playout::new(config, SampleRate::Hz8000, seed);
    let mut decoder = Decoder::new(Codec::Pcmu);
    let ticks = said.len() / TICK_SAMPLES + 15;
    let (mut heard, mut delay_ms_max) = (Vec::new(), 0.0f32);
    let mut now = MonoTime::from_millis(1_000);
    for _ in 0..ticks {
        now = now + TICK;
        let later = arrivals.split_off(&(now.as_micros() + 1, 0));
        for ((arrival, _), bytes) in std::mem::replace(&mut arrivals, later) {
            let packet = RtpPacket::parse(&bytes).expect("our own packet");
            playout.insert(MonoTime::from_micros(arrival), &packet);
        }
        let mut tick = [0; TICK_SAMPLES];
        playout.pull(now, &mut tick, &mut |payload: &[u8], pcm: &mut [i16]| {
            played += 1;
            decoder.decode(payload, pcm)
        });
        heard.extend_from_slice(&tick);
        delay_ms_max = delay_ms_max.max(playout.statistics().delay_ms as f32);
    }
    let missing = (said.len() / TICK_SAMPLES) as u64 - played;
    Over { heard, delay_ms_max, missing }
}

/// The packets by arrival in microseconds, and in what order they were sent.
fn arrivals(said: &[i16], seed: u64, loss_percent: u64) -> BTreeMap<(u64, usize), Vec<u8>> {
    let mut encoder = Encoder::new(Codec::Pcmu);
    let mut rtp = RtpStream::new(Ssrc(7), SequenceNumber(65_500), RtpTimestamp(u32::MAX - 8_000));
    let mut random = Random(seed);
    let mut arrivals = BTreeMap::new();
    for (index, samples) in said.chunks_exact(TICK_SAMPLES).enumerate() {
        let mut payload = [0; TICK_SAMPLES];
        let length = encoder.encode(samples, &mut payload);
        let mut bytes = vec![0; 200];
        let packet = rtp.packet(PayloadType(0), index == 0, &payload[..length]);
        let length = packet.write(&mut bytes).expect("it fits");
        rtp.advance(TICK_SAMPLES as u32);
        bytes.truncate(length);
        let sent = 1_000_000 + index as u64 * 20_000;
        let at =
            |random: &mut Random| sent + (TRANSIT_MS * 1_000) + random.below(JITTER_MS * 1_000);
        if random.below(100) >= loss_percent {
            arrivals.insert((at(&mut random), 2 * index), bytes.clone());
        }
        if random.below(100) < DUPLICATES_PERCENT {
            arrivals.insert((at(&mut random), 2 * index + 1), bytes);
        }
    }
    arrivals
}

/// SplitMix64: seeded, so that a failure comes again.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}
