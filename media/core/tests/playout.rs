//! The receiving path on a network in virtual time.

mod emulation;

use emulation::{Call, Network, RAMP, Sender, ramp, tone, voice};
use media_core::rtp::RtpPacket;
use media_core::{MonoTime, PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

#[test]
fn a_stream_without_loss_passes_bit_for_bit_first_packet_included() {
    for ptime_ms in [10, 20, 30, 40, 50, 60] {
        for phase_us in (0..20_000).step_by(3_300) {
            let sender = Sender { ptime_ms, start_us: 1_000_000 + phase_us, ..Sender::default() };
            let mut call = Call::new(sender, Network { jitter_us: 4_000, ..Network::default() });
            call.run_ms(15_000);
            let heard = call.heard.since_first_sound();
            assert!(heard.len() > 13 * 8_000, "{ptime_ms} ms: {} samples", heard.len());
            let sent: Vec<i16> = (0..heard.len() as u64).map(voice).collect();
            assert!(heard == sent, "ptime {ptime_ms} ms, phase {phase_us} µs: not the same");
            let delay = call.playout.statistics().delay_ms;
            assert!(delay <= 60, "ptime {ptime_ms} ms: delayed by {delay} ms");
        }
    }
}

#[test]
fn a_machine_that_is_late_now_and_then_does_not_disturb_a_clean_stream() {
    for seed in 0..20 {
        let sender = Sender { start_us: 1_000_000 + seed * 1_000, ..Sender::default() };
        let network = Network {
            seed,
            jitter_us: 3_000,
            reorder_percent: 1.0,
            reorder_us: 25_000,
            ..Network::default()
        };
        let mut call = Call::new(sender, network);
        call.run_ms(30_000);
        let heard = call.heard.since_first_sound();
        let sent: Vec<i16> = (0..heard.len() as u64).map(voice).collect();
        assert!(heard == sent, "seed {seed}: {:?}", call.playout.statistics());
    }
}

#[test]
fn loss_jitter_reordering_and_duplicates_leave_all_that_came_in_order_and_once() {
    let network = Network {
        loss_percent: 5.0,
        duplicate_percent: 3.0,
        jitter_us: 30_000,
        ..Network::default()
    };
    let (mut reordered, mut delay_max_ms) = (0, 0);
    for seed in 0..50 {
        let mut call = Call::new(Sender::default(), Network { seed, ..network });
        call.run_ms(60_000).drain();
        let (heard, statistics) = (&call.heard, call.playout.statistics());
        assert_eq!(heard.dropped(), [0; 0], "seed {seed}: {statistics:?}");
        assert!(heard.decoded.is_sorted_by(|a, b| a < b), "seed {seed}: out of order, or twice");
        assert!(statistics.delay_max_ms < 80, "seed {seed}: {statistics:?}");
        let lost = heard.delivered.last().unwrap_or(&0) + 1 - heard.delivered.len() as u64;
        // What is concealed is what was lost, the 200 ms at the end of the stream, and at most a
        // few waits for a packet that came late.
        let concealed = heard.concealed() as u64 / 160;
        assert!(concealed <= lost + 10 + 5, "seed {seed}: {lost} lost, {concealed} concealed");
        reordered += heard.arrived.windows(2).filter(|w| w[0] > w[1]).count();
        delay_max_ms = delay_max_ms.max(statistics.delay_max_ms);
    }
    assert!(reordered > 50 * 20, "the network reordered {reordered} packets");
    println!("5 % loss, 30 ms jitter, {reordered} packets reordered: delay <= {delay_max_ms} ms");
}

#[test]
fn stragglers_rarer_than_one_in_two_hundred_cost_at_most_themselves() {
    for seed in 0..20 {
        let network = Network {
            seed,
            jitter_us: 10_000,
            reorder_percent: 0.4,
            reorder_us: 60_000,
            ..Network::default()
        };
        let mut call = Call::new(Sender::default(), network);
        call.run_ms(60_000).drain();
        let (dropped, statistics) = (call.heard.dropped(), call.playout.statistics());
        assert!(dropped.len() <= 15, "seed {seed}: {} dropped, {statistics:?}", dropped.len());
        assert!(call.heard.decoded.is_sorted_by(|a, b| a < b));
        assert!(statistics.delay_max_ms < 120, "seed {seed}: {statistics:?}");
    }
}

#[test]
fn a_worse_network_is_learnt_within_seconds() {
    for seed in 0..10 {
        let network = Network { seed, jitter_us: 90_000, ..Network::default() };
        let mut call = Call::new(Sender::default(), network);
        call.run_ms(40_000).drain();
        let late_at_last = call.heard.late.iter().filter(|&&n| n > 250).count();
        assert!(late_at_last <= 6, "seed {seed}: {:?} late", call.heard.late);
        let statistics = call.playout.statistics();
        assert!(statistics.delay_ms < 140, "seed {seed}: {statistics:?}");
    }
}

#[test]
fn delay_comes_down_again_after_the_network_has_calmed() {
    let stormy = Network { seed: 3, jitter_us: 90_000, ..Network::default() };
    let mut call = Call::new(Sender::default(), stormy);
    call.run_ms(10_000);
    assert!(call.playout.statistics().target_ms > 80);
    call.calm();
    call.run_ms(90_000).drain();
    let statistics = call.playout.statistics();
    assert!(statistics.delay_ms <= 60, "{statistics:?}");
    assert!(call.heard.decoded.is_sorted_by(|a, b| a < b));
}

#[test]
fn sequence_and_timestamp_wraps_are_not_heard() {
    let sender = Sender {
        first_sequence: 65_500,
        first_timestamp: (1u64 << 32).wrapping_sub(8_000) as u32,
        ..Sender::default()
    };
    let mut call = Call::new(sender, Network::default());
    call.run_ms(30_000);
    let heard = call.heard.since_first_sound();
    let sent: Vec<i16> = (0..heard.len() as u64).map(voice).collect();
    assert!(heard == sent, "a wrap was heard");
    assert_eq!(call.playout.statistics().restarts, 0, "a wrap is no new beginning");
}

#[test]
fn a_month_of_sequence_wraps_is_not_heard() {
    // Ten wraps stand for 2,010: the numbers are the same every time.
    let mut call = Call::new(Sender::default(), Network::default()).forgetful();
    call.run_ms(10 * 65_536 * 20);
    let statistics = call.playout.statistics();
    assert_eq!(statistics.lost + statistics.late + statistics.restarts, 0, "{statistics:?}");
    assert!(statistics.delay_max_ms <= 60, "{statistics:?}");
}

#[test]
fn a_new_ssrc_continues_the_call_without_losing_a_packet() {
    for (sequence, timestamp) in [(7, 9), (1_210, 3_000_000_000), (40_000, 1)] {
        let mut call = Call::new(Sender::default(), Network::default());
        call.run_ms(5_000);
        call.change_source(0xBEEF, sequence, timestamp);
        call.run_ms(5_000).drain();
        let heard = call.heard.since_first_sound();
        let sent: Vec<i16> = (0..9 * 8_000).map(voice).collect();
        assert!(heard[..sent.len()] == sent, "a change of SSRC was heard");
        assert_eq!(call.playout.statistics().restarts, 1);
    }
}

#[test]
fn a_sender_that_renumbers_under_the_same_ssrc_is_followed() {
    let mut call = Call::new(Sender::default(), Network::default());
    call.run_ms(5_000);
    call.change_source(Sender::default().ssrc, 33_333, 123_456_789);
    call.run_ms(5_000).drain();
    assert_eq!(call.heard.dropped(), [0; 0]);
    assert_eq!(call.heard.concealed() / 160, 10, "only the end of the stream is concealed");
}

#[test]
fn a_stray_packet_of_another_ssrc_changes_nothing() {
    let mut call = Call::new(Sender::default(), Network::default());
    for n in 0..500u16 {
        call.tick(true);
        let stray = RtpPacket {
            marker: false,
            payload_type: PayloadType(0),
            sequence: SequenceNumber(n.wrapping_mul(911)),
            timestamp: RtpTimestamp(u32::from(n).wrapping_mul(77_777)),
            ssrc: Ssrc(0xBAD),
            payload: &[0; 160],
        };
        call.inject(&stray);
    }
    let heard = call.heard.since_first_sound();
    let sent: Vec<i16> = (0..heard.len() as u64).map(voice).collect();
    assert!(heard == sent, "a stray packet was heard");
}

#[test]
fn drift_of_500_ppm_over_four_hours_stays_within_20_ms_without_gap_or_growth() {
    for signal in [voice, tone] {
        for drift_ppm in [-500, -100, 100, 500] {
            let sender = Sender { drift_ppm, signal, ..Sender::default() };
            let mut call = Call::new(sender, Network::default()).forgetful();
            call.run_ms(2_000);
            let (mut least, mut most) = (u32::MAX, 0);
            for _ in 0..4 * 3_600 * 50 {
                call.tick(true);
                let delay = call.playout.statistics().delay_ms;
                (least, most) = (least.min(delay), most.max(delay));
            }
            let statistics = call.playout.statistics();
            assert!(least >= 20 && most <= 60, "{drift_ppm} ppm: {least} to {most} ms");
            assert_eq!(call.heard.concealed(), 0, "{drift_ppm} ppm: a gap. {statistics:?}");
            assert_eq!(statistics.underruns + statistics.lost + statistics.skipped, 0);
            println!("{drift_ppm:+} ppm for 4 h: delay {least} to {most} ms, target 40 ms");
        }
    }
}

#[test]
fn true_delay_under_drift_stays_within_20_ms_as_an_observer_measures_it() {
    for drift_ppm in [-500, 500] {
        let sender = Sender { drift_ppm, signal: ramp, ..Sender::default() };
        let mut call = Call::new(sender, Network::default()).forgetful();
        call.run_ms(2_000);
        for _ in 0..3_600 * 50 {
            let out = call.tick(true);
            if out.is_sorted() {
                let delay_ms = observed_delay_ms(&call, i64::from(out[0]) - 1, drift_ppm);
                assert!((20.0..=60.0).contains(&delay_ms), "{drift_ppm} ppm: {delay_ms} ms");
            }
        }
    }
}

/// How long ago the sample with this place in the ramp was sent.
fn observed_delay_ms(call: &Call, place: i64, drift_ppm: i64) -> f64 {
    let elapsed_us = (call.now_us() - Sender::default().start_us) as f64;
    let sent = elapsed_us * (1.0 + drift_ppm as f64 / 1e6) / 125.0;
    let behind = (sent - place as f64).rem_euclid(RAMP as f64);
    behind / 8.0
}

#[test]
fn drift_with_jitter_and_loss_neither_grows_nor_drops() {
    for drift_ppm in [-500, 500] {
        let network =
            Network { seed: 9, loss_percent: 1.0, jitter_us: 25_000, ..Network::default() };
        let mut call = Call::new(Sender { drift_ppm, ..Sender::default() }, network).forgetful();
        call.run_ms(3_600_000);
        let statistics = call.playout.statistics();
        assert!(statistics.delay_max_ms < 100, "{drift_ppm} ppm: {statistics:?}");
        assert_eq!(statistics.skipped + statistics.overflowed, 0, "{statistics:?}");
        assert!(statistics.late < 20, "{drift_ppm} ppm: {statistics:?}");
    }
}

#[test]
fn senders_of_10_and_60_ms_packets_survive_loss_and_jitter() {
    for ptime_ms in [10, 60] {
        let network =
            Network { seed: 5, loss_percent: 5.0, jitter_us: 30_000, ..Network::default() };
        let mut call = Call::new(Sender { ptime_ms, ..Sender::default() }, network);
        call.run_ms(60_000).drain();
        let dropped = call.heard.dropped();
        assert!(dropped.len() < 3, "ptime {ptime_ms} ms: {dropped:?} dropped");
        assert!(
            dropped.iter().all(|n| n * ptime_ms < 2_000),
            "{dropped:?} dropped, after learning"
        );
        assert!(call.heard.decoded.is_sorted_by(|a, b| a < b));
        let statistics = call.playout.statistics();
        assert!(statistics.delay_max_ms < 120, "ptime {ptime_ms} ms: {statistics:?}");
    }
}

#[test]
fn a_stall_of_the_network_is_played_late_and_then_caught_up() {
    let stall = Some((250, 257));
    let mut call = Call::new(Sender::default(), Network { stall, ..Network::default() });
    call.run_ms(60_000).drain();
    assert_eq!(call.heard.dropped(), [0; 0], "nothing that came was dropped");
    let statistics = call.playout.statistics();
    assert!(statistics.delay_max_ms <= 240, "{statistics:?}");
    assert!(statistics.delay_ms <= 60, "caught up in the end: {statistics:?}");
}

#[test]
fn an_outage_of_two_seconds_ends_with_bounded_delay() {
    let stall = Some((250, 350));
    let mut call = Call::new(Sender::default(), Network { stall, ..Network::default() });
    call.run_ms(30_000).drain();
    let statistics = call.playout.statistics();
    assert!(statistics.delay_ms <= 60, "{statistics:?}");
    assert!(call.heard.decoded.is_sorted_by(|a, b| a < b));
    let after = call.heard.decoded.iter().filter(|&&n| n >= 350).count();
    assert_eq!(after, call.heard.delivered.iter().filter(|&&n| n >= 350).count());
}

#[test]
fn a_sender_that_pauses_is_heard_from_its_first_packet_again() {
    let mut call = Call::new(Sender::default(), Network::default());
    call.run_ms(3_000);
    for _ in 0..500 {
        call.tick(false);
    }
    let before = call.heard.decoded.len();
    call.run_ms(3_000);
    // The pause was of the sender's clock too: what was due in it comes at once, and is old.
    assert!(call.heard.decoded.len() > before + 140, "the sender was taken up again");
    assert!(call.playout.statistics().delay_ms <= 240);
}

#[test]
fn key_presses_do_not_look_like_loss() {
    let mut call = Call::new(Sender::default(), Network::default());
    call.run_ms(2_000);
    let now = MonoTime::from_micros(call.now_us());
    let lost = call.playout.statistics().lost;
    // The sender sent packets 50 to 59 as telephone events instead of voice.
    call.skip_packets(10, |playout, sequence, timestamp| {
        let event = RtpPacket {
            marker: false,
            payload_type: PayloadType(101),
            sequence,
            timestamp,
            ssrc: Ssrc(Sender::default().ssrc),
            payload: &[5, 10, 0, 160],
        };
        playout.pass_over(now, &event);
    });
    call.run_ms(2_000);
    assert_eq!(call.playout.statistics().lost, lost);
}

#[test]
fn comfort_noise_packets_are_heard_as_noise_and_not_concealed() {
    let mut call = Call::new(Sender::default(), Network::default());
    call.run_ms(2_000);
    let now = MonoTime::from_micros(call.now_us());
    call.skip_packets(1, |playout, sequence, timestamp| {
        let noise = RtpPacket {
            marker: false,
            payload_type: PayloadType(13),
            sequence,
            timestamp,
            ssrc: Ssrc(Sender::default().ssrc),
            payload: &[40],
        };
        playout.insert(now, &noise);
    });
    let before = call.heard.samples.len();
    for _ in 0..50 {
        call.tick(false);
    }
    let noise = &call.heard.samples[before + 1_600..];
    let power = noise.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / noise.len() as f64;
    let level_dbov = 20.0 * (power.sqrt() / 32_767.0).log10();
    assert!((-41.0..-39.0).contains(&level_dbov), "{level_dbov} dBov");
    assert_eq!(call.heard.concealed(), 0);
}
