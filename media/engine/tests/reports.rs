//! What RTCP tells and is told over sockets: VoIP metrics both ways (RFC 3611).

mod support;

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use media_core::rtp::{Compound, CompoundWriter, RtcpPacket, VoipMetrics};
use media_core::{Codec, NegotiatedMedia, PayloadType, Ssrc};
use media_engine::LineMode;
use support::phone::Phone;
use support::{engine, eventually, media, open};

media_engine::install_alloc_check!();

#[test]
fn a_peer_that_takes_voip_metrics_gets_them_and_its_own_are_shown() {
    let engine = engine();
    let mut phone = Phone::new(Codec::Pcmu);
    let reports = UdpSocket::bind("127.0.0.1:0").expect("a port");
    reports.set_nonblocking(true).expect("non-blocking");
    let remote_rtcp = reports.local_addr().expect("bound");
    let agreed = media(phone.addr(), Codec::Pcmu);
    let call = open(
        &engine,
        LineMode::Echo,
        NegotiatedMedia { remote_rtcp, voip_metrics: true, ..agreed },
    );
    // A tenth is lost, in pairs.
    let speak = |phone: &mut Phone| {
        for n in 0..25 {
            match n % 20 {
                10 | 11 => phone.sequence = phone.sequence.wrapping_add(1),
                _ => phone.send_payload(call.rtp, PayloadType(0), &[0x55; 160], 0),
            }
            phone.timestamp = phone.timestamp.wrapping_add(160);
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let until = Instant::now() + support::PATIENCE;
    let mut told = None;
    while told.is_none() && Instant::now() < until {
        speak(&mut phone);
        told = report(&reports);
    }
    let (line, metrics) = told.expect("an extended report within ten seconds");
    assert!((10..50).contains(&metrics.loss_rate), "about a tenth: {metrics:?}");
    assert!((20..=94).contains(&metrics.r_factor), "{metrics:?}");
    assert!(metrics.mos_conversation <= metrics.mos_listening, "{metrics:?}");
    assert_eq!(metrics.jitter_buffer_limit_ms, 240);

    let mut out = [0; 64];
    let mut writer = CompoundWriter::new(&mut out);
    writer.receiver_report(Ssrc(phone.ssrc), &[]).expect("room");
    let ours = VoipMetrics { mos_conversation: 39, ..metrics };
    writer.voip_metrics(Ssrc(phone.ssrc), line, &ours).expect("room");
    let length = writer.len();
    let to = (call.rtp.ip(), call.rtp.port() + 1);
    reports.send_to(&out[..length], to).expect("sent");
    let shown = || call.line.statistics().peer_mos.is_some_and(|mos| (mos - 3.9).abs() < 0.01);
    eventually(shown, || format!("{:?}", call.line.statistics()));
    call.close();
}

/// Who sends, and how our phone sounds there.
fn report(reports: &UdpSocket) -> Option<(Ssrc, VoipMetrics)> {
    let mut bytes = [0; 1_500];
    while let Ok((length, _)) = reports.recv_from(&mut bytes) {
        let compound = Compound::parse(&bytes[..length]).expect("a compound packet");
        for packet in compound.iter() {
            if let RtcpPacket::ExtendedReport { ssrc, blocks } = packet {
                return blocks.voip_metrics().next().map(|(_, metrics)| (ssrc, metrics));
            }
        }
    }
    None
}
