//! Hold and move: re-INVITEs that a PBX sends in the middle of a call.

use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::line::Serving;
use crate::support::phone::{Phone, direction, media_address, sdp};
use crate::support::rtp::{Media, assert_one_stream, longest_gap};
use crate::support::{alone, figure, wait_until};

const A_WHILE: Duration = Duration::from_millis(1_500);

/// Packets that are due in a while: 75, give or take what the test's own clock is off.
const DUE: std::ops::RangeInclusive<usize> = 60..=85;

fn unix_us() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    now.as_micros() as i64
}

/// Packets that come in a while, without those that were under way.
fn packets_in_a_while(media: &Media) -> usize {
    std::thread::sleep(Duration::from_millis(200));
    let (before, began_us) = (media.count(), unix_us());
    std::thread::sleep(A_WHILE);
    // By the kernel's clock: a test that sleeps too long hears no more.
    let until_us = began_us + A_WHILE.as_micros() as i64;
    media.received().iter().skip(before).filter(|packet| packet.at_us < until_us).count()
}

/// Whether so many packets came as are due, less the ticks that the machine made the line skip.
fn is_due(came: usize, line: &Serving) -> bool {
    came <= *DUE.end() && came + line.ticks_skipped() >= *DUE.start()
}

#[test]
fn a_hold_is_answered_with_its_counterpart_and_sound_goes_only_where_it_is_due() {
    let _machine = alone();
    // Shorter than the holds below: a caller on hold owes us no sound.
    let line = Serving::echo(|config| config.rtp.timeout_s = 1);
    let phone = Phone::call(line.sip);
    let due = |offered: &str| matches!(offered, "sendrecv" | "recvonly");
    let script = [
        ("sendonly", "recvonly"),
        ("sendrecv", "sendrecv"),
        ("inactive", "inactive"),
        ("sendrecv", "sendrecv"),
        ("recvonly", "sendonly"),
        ("sendrecv", "sendrecv"),
    ];
    for (version, (offered, answered)) in (2..).zip(script) {
        // As a PBX does: silent itself where it says so.
        phone.media.send(matches!(offered, "sendrecv" | "sendonly"));
        let answer = phone.invite(&sdp(phone.media.local, offered, version));
        assert_eq!(direction(&answer), answered, "the answer to {offered}: {answer}");
        assert_eq!(media_address(&answer), phone.line_rtp, "the line stays where it is");
        let came = packets_in_a_while(&phone.media);
        figure(format!("hold: {offered} answered {answered}, {came} packets in {A_WHILE:?}"));
        if due(offered) {
            assert!(is_due(came, &line), "{came} packets while {offered}");
        } else {
            assert_eq!(came, 0, "sound to a caller who wants none ({offered})");
        }
        assert!(!phone.was_hung_up(), "a call on hold stays ({offered})");
    }
    phone.hang_up();
    line.stop();
}

#[test]
fn a_call_that_is_left_on_hold_is_hung_up_and_one_that_is_not_stays() {
    let _machine = alone();
    let line = Serving::echo(|config| config.rtp.hold_max_s = 1);
    let (held, talking) = (Phone::call(line.sip), Phone::call_as(line.sip, "another"));
    // Music goes on: nothing but the hold itself tells.
    held.invite(&sdp(held.media.local, "sendonly", 2));
    wait_until("the call on hold to be hung up", Duration::from_secs(30), || {
        held.was_hung_up().then_some(())
    });
    assert!(!talking.was_hung_up());
    talking.hang_up();
    line.stop();
}

#[test]
fn sound_follows_the_caller_to_another_port() {
    let _machine = alone();
    let line = Serving::echo(|_| {});
    let phone = Phone::call(line.sip);
    wait_until("sound", Duration::from_secs(5), || (phone.media.count() > 25).then_some(()));
    let moved = Media::open(Ipv4Addr::LOCALHOST);
    let answer = phone.invite(&sdp(moved.local, "sendrecv", 2));
    phone.media.send(false);
    moved.send_to(media_address(&answer));
    let (old, new) = (packets_in_a_while(&phone.media), packets_in_a_while(&moved));
    let mut all = phone.media.received();
    all.extend(moved.received());
    let (gap_ms, _) = longest_gap(&all);
    figure(format!(
        "moved: {old} packets to the old port, {new} to the new, longest gap {gap_ms:.0} ms"
    ));
    assert_eq!(old, 0, "nobody is at the old port any more");
    assert!(is_due(new, &line), "{new} packets at the new port");
    let skipped = line.ticks_skipped();
    assert_one_stream(&all, skipped);
    assert!(gap_ms <= 200.0 + 20.0 * skipped as f64, "the move cost {gap_ms} ms");
    phone.hang_up();
    line.stop();
}
