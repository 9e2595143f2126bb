//! Several legs at one line: everybody hears the voice and the others, nobody themselves.

mod support;

use std::time::Duration;

use media_core::HearingEvent;
use media_core::{Codec, Generation, SampleRate};
use media_engine::{Carrier, Engine, Leg, LegMix, LegSpec, LineEvent, LineMode, OpenError, Speech};
use support::phone::Phone;
use support::signal::{amplitude_at, rms, tone};
use support::{Call, eventually, media, open};

media_engine::install_alloc_check!();

/// A peer with its leg, and what the line says of it.
struct Peer {
    phone: Phone,
    rtp: std::net::SocketAddr,
    leg: Leg,
    events: std::sync::mpsc::Receiver<LineEvent>,
}

fn join(engine: &Engine, call: &Call, codec: Codec, mix: LegMix) -> Peer {
    let phone = Phone::new(codec);
    let port = engine.reserve_port().expect("a free port");
    let (rtp, media) = (port.local_addr(), media(phone.addr(), codec));
    let (sink, events) = std::sync::mpsc::channel();
    let ear = Some(media_core::hearing::EarConfig::default());
    let spec = LegSpec { carrier: Carrier::Rtp { port, media }, ear, mix };
    let leg = engine
        .join(&call.line, spec, Box::new(move |event| drop(sink.send(event))))
        .expect("there is room");
    Peer { phone, rtp, leg, events }
}

/// Has everybody say their own tone for so long; what each heard in the middle of it.
fn converse(phones: &mut [(&mut Phone, std::net::SocketAddr, f64)], seconds: f64) -> Vec<Vec<i16>> {
    phones.iter().for_each(|(phone, ..)| phone.forget());
    std::thread::scope(|scope| {
        for (phone, rtp, hz) in phones.iter_mut() {
            scope.spawn(move || {
                let rate = phone.codec.sample_rate().hz();
                let samples = (seconds * f64::from(rate)) as usize;
                phone.speak(*rtp, &tone(*hz, rate, samples, 6_000.0), 20, |_| false);
            });
        }
    });
    let middle = |phone: &Phone| {
        let heard = phone.listen_back();
        heard[heard.len() / 3..heard.len() * 4 / 5].to_vec()
    };
    phones.iter().map(|(phone, ..)| middle(phone)).collect()
}

fn heard(samples: &[i16], hz: f64, codec: Codec) -> bool {
    amplitude_at(samples, hz, codec.sample_rate().hz()) > 2_000.0
}

#[test]
fn everybody_hears_the_others_and_the_voice_whatever_their_rates_are() {
    let engine = support::engine();
    let mut host = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Agent, media(host.addr(), Codec::Pcmu));
    let mut narrow = join(&engine, &call, Codec::Pcma, LegMix::default());
    let mut wide = join(&engine, &call, Codec::G722, LegMix::default());
    let mut wider = join(&engine, &call, Codec::G722, LegMix::default());
    let voice = tone(1_900.0, 8_000, 8 * 1_600, 6_000.0);
    let speech = Speech::Audio { samples: voice, rate: SampleRate::Hz8000 };
    call.line.grant(Generation(1), speech);
    let peers = [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::G722];
    let tones = [500.0, 900.0, 1_300.0, 5_000.0];
    let ears = converse(
        &mut [
            (&mut host, call.rtp, tones[0]),
            (&mut narrow.phone, narrow.rtp, tones[1]),
            (&mut wide.phone, wide.rtp, tones[2]),
            (&mut wider.phone, wider.rtp, tones[3]),
        ],
        1.2,
    );
    for (me, (samples, codec)) in ears.iter().zip(peers).enumerate() {
        assert!(heard(samples, 1_900.0, codec), "{me} hears the voice");
        for (who, hz) in tones.iter().enumerate() {
            // What a telephone cannot carry nobody hears on one.
            let carried = *hz < f64::from(codec.sample_rate().hz()) / 2.0;
            let expected = who != me && carried;
            assert_eq!(heard(samples, *hz, codec), expected, "{me} hears {who}");
        }
    }
}

#[test]
fn nobody_hears_more_than_a_packet_of_a_voice_that_has_lost_the_floor() {
    let engine = support::engine();
    let host = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Agent, media(host.addr(), Codec::Pcmu));
    let narrow = join(&engine, &call, Codec::Pcma, LegMix::default());
    let wide = join(&engine, &call, Codec::G722, LegMix::default());
    let voice = tone(1_000.0, 8_000, 40_000, 8_000.0);
    let speech = Speech::Audio { samples: voice, rate: SampleRate::Hz8000 };
    call.line.grant(Generation(1), speech);
    call.wait_for("half a second of it", |event| match event {
        LineEvent::Played { samples, .. } if *samples > 4_000 => Some(()),
        _ => None,
    });
    call.line.revoke(Generation(1));
    let silenced = call.wait_for("the end of it", |event| match event {
        LineEvent::Silenced { samples, .. } => Some(*samples as usize),
        _ => None,
    });
    let all = host.count() + 10;
    eventually(|| host.count() > all, || "no packets".to_owned());
    for (phone, codec) in
        [(&host, Codec::Pcmu), (&narrow.phone, Codec::Pcma), (&wide.phone, Codec::G722)]
    {
        let rate = codec.sample_rate().hz();
        let packets = phone.listen_back();
        let loud = packets
            .chunks(rate as usize / 50)
            .filter(|packet| amplitude_at(packet, 1_000.0, rate) > 100.0)
            .count();
        // The samples of the ledger in packets, and the tail of a filter where there is one.
        assert!(loud <= silenced / 160 + 1, "{loud} packets of {silenced} samples on {codec:?}");
        assert!(loud > 20, "it was heard before: {loud} packets on {codec:?}");
    }
}

#[test]
fn a_voice_begins_when_who_was_silenced_for_it_has_faded_out() {
    let engine = support::engine();
    let host = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Agent, media(host.addr(), Codec::Pcmu));
    let (operator, carrier) = support::ends::peer(900.0, SampleRate::Hz8000, SampleRate::Hz8000);
    let spec = LegSpec { carrier, ear: None, mix: LegMix::default() };
    let leg = engine.join(&call.line, spec, Box::new(drop)).expect("there is room");
    operator.speak(true);
    let has = |packet: &[i16], hz: f64| amplitude_at(packet, hz, 8_000) > 500.0;
    for round in 1..=25 {
        let at = host.count();
        eventually(|| host.count() > at + 3, || "the operator is not heard".to_owned());
        leg.set_mix(LegMix { audible: false, ..LegMix::default() });
        let voice = tone(1_900.0, 8_000, 480, 6_000.0);
        let speech = Speech::Audio { samples: voice, rate: SampleRate::Hz8000 };
        call.line.grant(Generation(round), speech);
        call.wait_for("the voice to have spoken", |event| match event {
            LineEvent::Drained { .. } => Some(()),
            _ => None,
        });
        leg.set_mix(LegMix::default());
    }
    let heard = host.listen_back();
    let packets = || heard.chunks_exact(160);
    let both = packets().filter(|it| has(it, 900.0) && has(it, 1_900.0)).count();
    let voice = packets().filter(|it| has(it, 1_900.0)).count();
    assert!(voice >= 60, "the voice is heard: {voice} packets");
    // Its end is not what is looked at: the operator may be let in while its last packet is sent.
    let begins = |pair: &&[&[i16]]| !has(pair[0], 1_900.0) && has(pair[1], 1_900.0);
    let all: Vec<&[i16]> = packets().collect();
    let early = all.windows(2).filter(begins).filter(|pair| has(pair[1], 900.0)).count();
    assert_eq!(early, 0, "beginnings with the operator in them; {both} packets with both in all");
}

#[test]
fn a_line_with_one_leg_sends_what_it_sent_before_there_was_a_table() {
    let engine = support::engine();
    let mut host = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Agent, media(host.addr(), Codec::Pcmu));
    drop(join(&engine, &call, Codec::G722, LegMix::default()));
    eventually(
        || engine.metrics().lines == 1,
        || format!("the guest is gone: {:?}", engine.metrics()),
    );
    let ears = converse(&mut [(&mut host, call.rtp, 500.0)], 0.5);
    assert!(rms(&ears[0]) < 60.0, "comfort noise and nothing else: {}", rms(&ears[0]));
}

#[test]
fn who_whispers_is_heard_by_the_line_and_not_by_the_others() {
    let engine = support::engine();
    let mut host = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Agent, media(host.addr(), Codec::Pcmu));
    let mut operator = join(&engine, &call, Codec::Pcmu, LegMix::whispering());
    let ears = converse(
        &mut [(&mut host, call.rtp, 500.0), (&mut operator.phone, operator.rtp, 900.0)],
        0.8,
    );
    assert!(!heard(&ears[0], 900.0, Codec::Pcmu), "the caller hears nothing of it");
    assert!(heard(&ears[1], 500.0, Codec::Pcmu), "the operator hears the caller");
    assert!(loudest(&operator) > -30, "the line hears the operator");
    operator.leg.set_mix(LegMix::muted());
    let _ = converse(&mut [(&mut operator.phone, operator.rtp, 900.0)], 0.6);
    while operator.events.try_recv().is_ok() {}
    let _ = converse(&mut [(&mut operator.phone, operator.rtp, 900.0)], 0.6);
    assert!(loudest(&operator) < -60, "muted, not even the line does");
}

/// The loudest level that the line reported of a peer since it was last asked.
fn loudest(peer: &Peer) -> i8 {
    let level = |event| match event {
        LineEvent::Level { heard_dbov, .. } => Some(heard_dbov),
        _ => None,
    };
    peer.events.try_iter().filter_map(level).max().unwrap_or(i8::MIN)
}

#[test]
fn each_leg_is_listened_to_by_itself() {
    let engine = support::engine();
    let host = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Agent, media(host.addr(), Codec::Pcmu));
    let mut guest = join(&engine, &call, Codec::Pcmu, LegMix::default());
    let babble = support::signal::noise(8_000, 12_000.0, 7);
    guest.phone.speak(guest.rtp, &babble, 20, |_| false);
    let own = |event: &LineEvent| matches!(event, LineEvent::MediaStarted { .. });
    assert!(guest.events.try_iter().any(|event| own(&event)), "the guest's media has started");
    let mine: Vec<LineEvent> = call.events.try_iter().collect();
    let spoke = |event: &LineEvent| {
        own(event) || matches!(event, LineEvent::Hearing(HearingEvent::Onset { .. }))
    };
    assert!(!mine.iter().any(spoke), "the first leg said nothing: {mine:?}");
}

#[test]
fn nobody_clicks_when_others_come_and_go_in_a_crowd() {
    let engine = support::engine();
    let mut host = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Agent, media(host.addr(), Codec::Pcmu));
    let mut steady = join(&engine, &call, Codec::Pcmu, LegMix::default());
    let rtp = call.rtp;
    host.forget();
    std::thread::scope(|scope| {
        let (phone, to) = (&mut steady.phone, steady.rtp);
        scope.spawn(move || {
            phone.speak(to, &tone(400.0, 8_000, 16_000, 3_000.0), 20, |_| false);
        });
        let host = &mut host;
        scope.spawn(move || {
            host.speak(rtp, &tone(400.0, 8_000, 16_000, 3_000.0), 20, |_| false);
        });
        for _ in 0..20 {
            let guests: Vec<Peer> =
                (0..3).map(|_| join(&engine, &call, Codec::Pcmu, LegMix::default())).collect();
            std::thread::sleep(Duration::from_millis(60));
            drop(guests);
        }
    });
    eventually(|| engine.metrics().lines == 2, || format!("{:?}", engine.metrics()));
    let metrics = engine.metrics();
    assert_eq!((metrics.panics, metrics.commands_lost), (0, 0));
    assert_eq!(metrics.ports_in_use, 2, "everybody's ports are free again");
    let heard = host.listen_back();
    let tone_at = |window: &[i16]| amplitude_at(window, 400.0, 8_000);
    let steady = heard[2_400..14_400].chunks(800).map(tone_at);
    let (low, high) = steady.fold((f64::MAX, 0.0_f64), |(low, high), a| (low.min(a), high.max(a)));
    // A packet that the machine delayed may cost a window some of its level, never all of it.
    assert!(low > 1_000.0 && high < 3_500.0, "{low} to {high}");
}

#[test]
fn a_line_that_closes_takes_its_legs_with_it() {
    let engine = support::engine();
    let host = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Agent, media(host.addr(), Codec::Pcmu));
    let guest = join(&engine, &call, Codec::G722, LegMix::default());
    let _ = call.close();
    let closed = |event: &LineEvent| matches!(event, LineEvent::Closed { .. });
    eventually(|| guest.events.try_iter().any(|event| closed(&event)), || "no end".to_owned());
    eventually(|| engine.metrics().ports_in_use == 0, || format!("{:?}", engine.metrics()));
    drop(guest.leg);
    eventually(|| engine.metrics().lines == 0, || format!("{:?}", engine.metrics()));
}

#[test]
fn an_echo_has_no_room_for_others_and_says_so() {
    let engine = support::engine();
    let host = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Echo, media(host.addr(), Codec::Pcmu));
    let port = engine.reserve_port().expect("a free port");
    let media = media(host.addr(), Codec::Pcmu);
    let carrier = Carrier::Rtp { port, media };
    let spec = LegSpec { carrier, ear: None, mix: LegMix::default() };
    let refused = engine.join(&call.line, spec, Box::new(|_| {})).expect_err("an echo");
    assert!(matches!(refused, OpenError::Echo), "{refused}");
    assert_eq!(engine.metrics().ports_in_use, 1);
}
