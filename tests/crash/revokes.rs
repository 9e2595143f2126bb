//! Each revoke by what was on the wire: how many packets of the revoked claim's sound left after
//! it. One may, whose sending had begun; how late the machine is changes nothing in that.
//!
//! The line's events and the phone's packets are on two clocks. A claim's `FirstSample` is taken
//! right after its first packet left, so the two are laid over each other by all of those.

use std::collections::{BTreeMap, BTreeSet};

use xenline::report::CallEvent;

use crate::support::line::Timed;
use crate::tones::Heard;

/// How far the record's time of the answer may be off; half of what lies between two runs of a
/// tone is more.
const ANSWER_MS: f64 = 100.0;
/// How far a `FirstSample` may be from its packet, either way, on the clocks laid over each other.
const APART_MS: f64 = 2.0;

/// A packet as the phone got it.
#[derive(Clone, Copy)]
pub struct Arrived {
    /// Of the Unix epoch, by the kernel's clock.
    pub unix_ms: f64,
    pub heard: Heard,
}

/// For each revoke of a claim that was being heard, how many packets of it left after that.
/// `code_of`: a claim's sound, by its text.
pub fn packets_after(
    events: &[Timed],
    wire: &[Arrived],
    code_of: impl Fn(&str) -> Option<usize>,
) -> Vec<usize> {
    let mut sounds = BTreeMap::new();
    for (_, event) in events {
        if let CallEvent::ClaimAccepted { claim, text, .. } = event {
            sounds.insert(claim.as_str(), code_of(text));
        }
    }
    let sound = |claim: &str| sounds.get(claim).copied().flatten();
    let first: Vec<(f64, &str)> = events
        .iter()
        .filter_map(|(t_ms, event)| match event {
            CallEvent::FirstSample { claim } => Some((*t_ms, claim.as_str())),
            _ => None,
        })
        .collect();
    let answered = answered_unix_ms(events, wire, &first, sound);
    // How many packets had arrived at a time of the record.
    let by = |t_ms: f64| wire.partition_point(|packet| packet.unix_ms - answered <= t_ms);
    let after = |silenced_ms: f64, revoked_ms: f64, claim: &str| {
        let sound = sound(claim)?;
        // The first packet of whoever came next may have the same sound, and is not meant.
        let next = first
            .iter()
            .find(|(t_ms, whose)| *t_ms > silenced_ms || *t_ms > revoked_ms && *whose != claim);
        let until = next.map_or(wire.len(), |(t_ms, _)| by(*t_ms + APART_MS).saturating_sub(1));
        let after = wire.get(by(revoked_ms)..until).unwrap_or_default();
        Some(after.iter().filter(|packet| packet.heard.code() == Some(sound)).count())
    };
    let (mut heard, mut counts) = (BTreeSet::new(), Vec::new());
    for (t_ms, event) in events {
        match event {
            CallEvent::FirstSample { claim } => {
                heard.insert(claim);
            }
            CallEvent::Silenced { claim, revoke_to_silence_ms } if heard.remove(claim) => {
                counts.extend(after(*t_ms, *t_ms - *revoke_to_silence_ms, claim));
            }
            _ => {}
        }
    }
    counts
}

/// The record's zero on the phone's clock: from it and `FirstSample`, the middle one of all.
fn answered_unix_ms(
    events: &[Timed],
    wire: &[Arrived],
    first: &[(f64, &str)],
    sound: impl Fn(&str) -> Option<usize>,
) -> f64 {
    let roughly = events.iter().find_map(|(_, event)| match event {
        CallEvent::CallOpened(opened) => Some(opened.answered_unix_ms as f64),
        _ => None,
    });
    let roughly = roughly.expect("the record begins with it");
    let begins = |sound: usize| {
        let is = move |packet: &Arrived| packet.heard.code() == Some(sound);
        let starts = wire.windows(2).filter(move |pair| !is(&pair[0]) && is(&pair[1]));
        starts.map(|pair| pair[1].unix_ms)
    };
    let off = |(t_ms, claim): &(f64, &str)| {
        let offs = begins(sound(claim)?).map(|unix_ms| unix_ms - roughly - t_ms);
        offs.min_by(|a, b| a.abs().total_cmp(&b.abs())).filter(|off| off.abs() < ANSWER_MS)
    };
    let mut offs: Vec<f64> = first.iter().filter_map(off).collect();
    assert!(!offs.is_empty(), "no claim's first packet is on the wire");
    offs.sort_by(f64::total_cmp);
    roughly + offs[offs.len() / 2]
}

#[test]
fn packets_that_leave_after_a_revoke_are_counted_whatever_the_clocks_say() {
    use xenline::report::{CallOpened, ClaimSource};
    let packet =
        |unix_ms: f64, code: usize| Arrived { unix_ms, heard: Heard::Step { code, step: 0 } };
    let accepted = |claim: &str| CallEvent::ClaimAccepted {
        claim: claim.into(),
        source: ClaimSource::External,
        turn: None,
        text: claim.into(),
    };
    let first = |claim: &str| CallEvent::FirstSample { claim: claim.into() };
    let silenced =
        |after_ms: f64| CallEvent::Silenced { claim: "1".into(), revoke_to_silence_ms: after_ms };
    let opened = CallOpened { answered_unix_ms: 5_000, ..CallOpened::default() };
    // Revoked at 150 ms, with tones of 1 until 140, 160 and 180 ms; and 2 begins at 220 ms.
    let count = |last_of_one: f64| {
        let at = |t_ms: f64| 5_003.0 + t_ms;
        let mut wire = vec![Arrived { unix_ms: at(80.0), heard: Heard::Nothing }];
        let mut t_ms = 100.0;
        while t_ms <= last_of_one {
            wire.push(packet(at(t_ms), 1));
            t_ms += 20.0;
        }
        wire.extend([packet(at(220.0), 2), packet(at(240.0), 2)]);
        let events = [
            (0.0, CallEvent::CallOpened(opened.clone())),
            (10.0, accepted("1")),
            (10.0, accepted("2")),
            (100.1, first("1")),
            (200.0, silenced(50.0)),
            (220.1, first("2")),
        ];
        packets_after(&events, &wire, |text| text.parse().ok())
    };
    assert_eq!([count(140.0), count(160.0), count(180.0)], [[0], [1], [2]]);
}
