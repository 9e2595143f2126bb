//! What the recordings say: who was heard where, one at a time, and how late.

use serde_json::{Value, json};
use xenline::report::{CallEvent, PartKind};

use super::heard::{Heard, Hop, LOUD, PRESENT};
use super::voices::{VOICES, voice_of};
use crate::support::figure;
use crate::support::line::Timed;

/// The tones of the phone, the room, the browser and the operator.
pub const PEERS: [f64; 4] = [1_200.0, 1_600.0, 2_000.0, 2_400.0];
pub const NAMES: [&str; 4] = ["phone", "livekit", "browser", "console"];
const PHONE: usize = 0;
pub const OPERATOR: usize = 3;
/// How loud two have to be in a frame to be heard at once, where the sound came through Opus, which
/// spreads what changes in its frame over all of it: a voice that ends in the middle and one that begins
/// there come to a half each. Two that are sent at once for a packet come to three quarters at least. The
/// phone's packets are as they were sent.
const AT_ONCE: f64 = LOUD * 0.6;
/// 20 dB below what it is sent with: a leg that hears itself hears more of it.
const OWN_MAX: f64 = LOUD / 10.0;
/// Hops of a second.
const SECOND: usize = 100;
/// Before a beginning that the line tells of, and after it.
const EARLY_MS: f64 = 30.0;
const LATE_MS: f64 = 1_500.0;

/// A time in which the operator had the floor.
#[derive(Clone, Copy, Debug)]
pub struct Take {
    /// The line took it from the agent.
    pub took_ms: f64,
    /// The microphone was open.
    pub open_ms: f64,
    /// It was about to be handed back.
    pub back_ms: f64,
}

/// When things happened, in ms since 1970.
pub struct Times {
    pub from_ms: f64,
    pub to_ms: f64,
    pub takes: Vec<Take>,
    /// When the first packet of a claim left, and whose tone it is.
    pub first: Vec<(f64, usize)>,
}

/// The record's zero.
pub fn answered_ms(events: &[Timed]) -> f64 {
    let opened = events.iter().find_map(|(_, event)| match event {
        CallEvent::CallOpened(opened) => Some(opened.answered_unix_ms as f64),
        _ => None,
    });
    opened.expect("the record begins with it")
}

/// When the operator took the floor.
pub fn took_ms(events: &[Timed]) -> Vec<f64> {
    let took = events.iter().filter_map(|(t_ms, event)| match event {
        CallEvent::LegPart { part: PartKind::BargeIn, .. } => Some(answered_ms(events) + t_ms),
        _ => None,
    });
    took.collect()
}

/// See [`Times::first`].
pub fn first_packets(events: &[Timed]) -> Vec<(f64, usize)> {
    let whose = |id: &str| {
        events.iter().find_map(|(_, event)| match event {
            CallEvent::ClaimAccepted { claim, text, .. } if claim == id => voice_of(text),
            _ => None,
        })
    };
    let first = events.iter().filter_map(|(t_ms, event)| match event {
        CallEvent::FirstSample { claim } => Some((answered_ms(events) + t_ms, whose(claim)?)),
        _ => None,
    });
    first.collect()
}

/// All tones: the voices', then the peers'.
pub fn tones() -> Vec<f64> {
    VOICES.iter().map(|(hz, _)| *hz).chain(PEERS).collect()
}

fn tone_of(peer: usize) -> usize {
    VOICES.len() + peer
}

pub fn voices_in(hop: &Hop) -> usize {
    (0..VOICES.len()).filter(|voice| hop.has(*voice)).count()
}

/// What one leg heard.
#[derive(Debug)]
pub struct Leg {
    pub name: &'static str,
    /// Shares of the time in which it heard each peer; the operator's: of the time with the floor.
    pub hears: [f64; 4],
    /// The same of any voice, while the operator did not have the floor.
    pub voice: f64,
    /// Voices that it heard at all.
    pub voices: usize,
    pub two_voices: usize,
    /// The loudest second of its own tone.
    pub own: f64,
    pub delay_ms: f64,
    pub takeover_ms: f64,
    pub frames: usize,
    /// The share that its receiver may have made up.
    pub made_up: f64,
}

impl Leg {
    pub fn judge(peer: usize, heard: &Heard, times: &Times) -> Self {
        let hops = heard.hops(&tones(), times.from_ms, times.to_ms);
        let delay_ms = delay(heard, times);
        let at = |unix_ms: f64| hops.partition_point(|hop| hop.unix_ms < unix_ms + delay_ms);
        let taken: Vec<&[Hop]> = times
            .takes
            .iter()
            .map(|it| &hops[at(it.open_ms).min(at(it.back_ms))..at(it.back_ms)])
            .collect();
        let has = |of: usize| move |hop: &&Hop| hop.has(tone_of(of));
        let all = hops.len().max(1) as f64;
        let taken_all = taken.iter().map(|it| it.len()).sum::<usize>().max(1) as f64;
        let hears = std::array::from_fn(|other| match other {
            OPERATOR => {
                taken.iter().flat_map(|it| it.iter()).filter(has(other)).count() as f64 / taken_all
            }
            _ => hops.iter().filter(has(other)).count() as f64 / all,
        });
        let is_free = |hop: &&Hop| {
            let after = hop.unix_ms - delay_ms;
            !times.takes.iter().any(|it| (it.took_ms..it.back_ms + 1_000.0).contains(&after))
        };
        let free: Vec<&Hop> = hops.iter().filter(is_free).collect();
        let with_voice = free.iter().filter(|it| voices_in(it) > 0).count();
        let two = two_voices(&hops, if peer == PHONE { PRESENT } else { AT_ONCE });
        if let Some(at) = two.first() {
            let seen = around(&hops, *at, times.from_ms);
            figure(format!("doors: {} hears two at once:\n{seen}", NAMES[peer]));
        }
        Self {
            name: NAMES[peer],
            hears,
            voice: with_voice as f64 / free.len().max(1) as f64,
            voices: (0..VOICES.len())
                .filter(|it| hops.iter().filter(|hop| hop.has(*it)).count() > 20)
                .count(),
            two_voices: two.len(),
            own: loudest_second(&hops, tone_of(peer)),
            delay_ms,
            takeover_ms: takeover(&hops, times, delay_ms),
            frames: hops.len() / 2,
            made_up: hops.iter().filter(|hop| hop.is_made_up).count() as f64 / all,
        }
    }

    /// Whether it heard the voices and all others, at least so much of the time, and not itself.
    pub fn is_ok(&self, share_min: f64) -> bool {
        let others = NAMES.iter().zip(self.hears).filter(|(name, _)| **name != self.name);
        let hears = others.map(|(_, share)| share).all(|it| it >= share_min);
        hears && self.voice >= share_min && self.voices == VOICES.len() && !self.hears_itself()
    }

    pub fn hears_itself(&self) -> bool {
        self.own > OWN_MAX
    }

    pub fn figures(&self) -> Value {
        let percent = |share: f64| (share * 100.0).round();
        json!({
            "heard_percent": self.hears.map(percent), "voice_percent": percent(self.voice),
            "own_db": (20.0 * (self.own.max(0.1) / LOUD).log10()).round(),
            "two_voices": self.two_voices, "frames": self.frames, "made_up_percent": percent(self.made_up),
            "takeover_ms": self.takeover_ms.round(), "delay_ms": self.delay_ms.round(),
        })
    }
}

/// Where frames of 20 ms are with two who may not be heard at once: two voices, or a voice and the
/// operator. Both halves have both, or one of them ended where the other began; and both are `loud`
/// there. Where a receiver missed a packet and made sound up, it draws the old voice out over the new
/// one; that is not counted.
fn two_voices(hops: &[Hop], loud: f64) -> Vec<usize> {
    let may_not: Vec<usize> = (0..VOICES.len()).chain([tone_of(OPERATOR)]).collect();
    let is_one = |halves: &[Hop], tone: usize| {
        let mean = (halves[0].loud[tone] + halves[1].loud[tone]) / 2.0;
        halves.iter().all(|half| half.has(tone)) && mean >= loud
    };
    let are_two = |halves: &[Hop]| {
        let made_up = loud > PRESENT && halves.iter().any(is_made_up);
        !made_up && may_not.iter().filter(|tone| is_one(halves, **tone)).count() > 1
    };
    let frames = hops.windows(2).enumerate();
    frames.filter(|(_, halves)| are_two(halves)).map(|(at, _)| at).collect()
}

/// Whether a receiver made this up, by its own count, or because nobody has sent it: a decoder that
/// goes on after a packet that it missed can be far louder than anybody was. (The phone, which gets the
/// same voice, makes nothing up.)
fn is_made_up(hop: &Hop) -> bool {
    hop.is_made_up || hop.loud.iter().any(|loud| *loud > LOUD * 1.4)
}

/// What was heard around a place where two were, for who looks into it.
fn around(hops: &[Hop], at: usize, from_ms: f64) -> String {
    let line = |hop: &Hop| {
        let loud: Vec<String> = hop.loud.iter().map(|it| format!("{it:5.0}")).collect();
        format!("    {:8.0} ms {}", hop.unix_ms - from_ms, loud.join(" "))
    };
    let near = &hops[at.saturating_sub(4)..(at + 6).min(hops.len())];
    near.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn loudest_second(hops: &[Hop], tone: usize) -> f64 {
    let middle = |second: &[Hop]| {
        let mut loud: Vec<f64> = second.iter().map(|hop| hop.loud[tone]).collect();
        loud.sort_by(f64::total_cmp);
        loud[loud.len() / 2]
    };
    hops.chunks_exact(SECOND).map(middle).fold(0.0, f64::max)
}

/// From the first packet of a claim to where it is heard; half of them come sooner.
fn delay(heard: &Heard, times: &Times) -> f64 {
    let late = |(at, voice): &(f64, usize)| {
        let begins = heard.begins(VOICES[*voice].0, at - EARLY_MS, at + LATE_MS)?;
        Some(begins - at)
    };
    let counted = times.first.iter().filter(|(at, _)| (times.from_ms..times.to_ms).contains(at));
    let mut late: Vec<f64> = counted.filter_map(late).collect();
    late.sort_by(f64::total_cmp);
    late.get(late.len() / 2).copied().unwrap_or(f64::NAN)
}

/// How long after the operator took the floor a voice is heard, beside the leg's own delay.
fn takeover(hops: &[Hop], times: &Times, delay_ms: f64) -> f64 {
    let after = |take: &Take| {
        let during = |hop: &&Hop| {
            (take.took_ms..take.back_ms).contains(&(hop.unix_ms - delay_ms)) && voices_in(hop) > 0
        };
        let last = hops.iter().rfind(during);
        last.map_or(0.0, |hop| hop.unix_ms + 10.0 - delay_ms - take.took_ms)
    };
    times.takes.iter().map(after).fold(0.0, f64::max)
}

#[test]
fn two_voices_are_seen_wherever_they_overlap_for_a_packet_and_none_where_one_follows_the_other() {
    use super::heard::tone;
    // One voice, and another that begins so many samples before its end, anywhere in a frame.
    let seen = |offset: usize, overlap: usize| {
        let one = [vec![0; offset], tone(VOICES[0].0, 200, 8_000), vec![0; 1_600]].concat();
        let before = vec![0; offset + 1_600 - overlap];
        let other = [before, tone(VOICES[1].0, 200, 8_000), vec![0; overlap]].concat();
        let both: Vec<i16> = one.iter().zip(&other).map(|(one, other)| one + other).collect();
        let mut heard = Heard::default();
        heard.push(0.0, &both);
        two_voices(&heard.hops(&tones(), 0.0, 400.0), AT_ONCE).len()
    };
    for offset in 0..160 {
        assert!(seen(offset, 160) > 0, "a packet of both, {offset} samples into a frame");
        assert_eq!(seen(offset, 0), 0, "one after the other, {offset} samples into a frame");
    }
}
