//! An agent that has nothing to say, and a caller who says nothing either: the carrier must never
//! think that the call is dead.

use std::time::Duration;

use serde_json::Value;
use xenline::config::Config;

use crate::support::line::Serving;
use crate::support::mind::Mind;
use crate::support::phone::Phone;
use crate::support::rtp::{Packet, assert_one_stream};
use crate::support::sound::rms;
use crate::support::{alone, figure};

/// `make torture` asks for two minutes.
const SECONDS: &str = "SILENT_SECONDS";
const SECONDS_USUALLY: u64 = 6;
const A_SECOND_US: i64 = 1_000_000;
/// Packets in a second, of which the last may be late by less than a packet.
const DUE: std::ops::RangeInclusive<usize> = 49..=51;
/// Packets that are sent between the count and the end of the call, on a machine that is late.
const UNDER_WAY: usize = 50;
/// Comfort noise is less.
const NOISE_RMS_MAX: f64 = 100.0;

#[test]
fn a_silent_agent_and_its_caller_send_each_other_50_packets_in_every_second() {
    let _machine = alone();
    let asked = std::env::var(SECONDS).ok().and_then(|text| text.parse().ok());
    let seconds = asked.unwrap_or(SECONDS_USUALLY);
    // It is there, and never wants anything said.
    let mind = Mind::start(|_, _| {});
    let silent = |config: &mut Config| config.brain.command = mind.command();
    let mut line = Serving::agent(silent);
    let phone = Phone::call(line.sip);
    std::thread::sleep(Duration::from_secs(seconds + 1));
    // What is left out after the packets were counted is missed nowhere.
    let (packets, sent) = (phone.media.received(), phone.media.sent());
    let skipped = line.ticks_skipped();
    phone.say_goodbye();
    line.end();
    assert_one_stream(&packets, skipped);
    let per_second = in_each_second(&packets, seconds);
    let (least, most) = (per_second.iter().min(), per_second.iter().max());
    let received = received(&line);
    figure(format!(
        "silent for {seconds} s: {} packets came, {least:?} to {most:?} in a second ({skipped} ticks left out); \
         {received} of {sent} arrived at the line",
        packets.len(),
    ));
    let missing = |count: &usize| DUE.start().saturating_sub(*count);
    let missing: usize = per_second.iter().map(missing).sum();
    assert!(missing <= skipped, "{missing} packets are missing: {per_second:?}");
    assert!(per_second.iter().all(|count| count <= DUE.end()), "{per_second:?}");
    assert_eq!(per_second.len() as u64, seconds);
    assert!(rms(&phone.media.heard()) < NOISE_RMS_MAX, "it is silent");
    // Some are under way as the call ends.
    assert!(received.abs_diff(sent) <= UNDER_WAY, "{received} of {sent} packets");
}

/// How many came in each second since the first.
fn in_each_second(packets: &[Packet], seconds: u64) -> Vec<usize> {
    let first = packets.first().expect("sound").at_us;
    let second = |packet: &Packet| (packet.at_us - first) / A_SECOND_US;
    let count = |n: i64| packets.iter().filter(|packet| second(packet) == n).count();
    (0..seconds.cast_signed()).map(count).collect()
}

/// How many packets arrived at the line, by its record of the call.
fn received(line: &Serving) -> usize {
    let file = line.config.cdr.path.as_ref().expect("the tests name one");
    let text = std::fs::read_to_string(file).expect("a file of records");
    let record: Value = serde_json::from_str(text.trim()).expect("one record");
    record["rtp_received"].as_u64().expect("a count") as usize
}
