//! Each side has its own packet length and its own numbers for the codec.

mod support;

use std::time::{Duration, Instant};

use media_core::{Codec, NegotiatedMedia, PayloadType, Ptime};
use media_engine::LineMode;
use support::phone::Phone;
use support::signal::{amplitude_at, tone};
use support::{ensure, eventually, media, open, with_time_kept};

media_engine::install_alloc_check!();

#[test]
fn packets_of_any_length_are_heard_and_ours_have_a_length_of_their_own() {
    for (theirs, ours) in [(10, 60), (60, 10), (30, 50), (50, 20), (40, 30)] {
        with_time_kept(|engine| {
            let mut phone = Phone::new(Codec::Pcmu);
            let ptime = Ptime::from_ms(ours).expect("a packet length");
            let agreed = NegotiatedMedia { ptime, ..media(phone.addr(), Codec::Pcmu) };
            let call = open(engine, LineMode::Echo, agreed);
            let spoken = tone(400.0, 8_000, 7_200, 9_000.0);
            let late = phone.speak(call.rtp, &spoken, theirs, |_| false);
            std::thread::sleep(Duration::from_millis(100));
            let heard = phone.heard();
            assert!(heard.iter().all(|packet| packet.payload.len() == 8 * usize::from(ours)));
            let got = phone.listen_back();
            let level = amplitude_at(got.get(4_000..5_600).unwrap_or_default(), 400.0, 8_000);
            call.close();
            let good = heard.len() > 5 && (7_500.0..10_500.0).contains(&level);
            let told = || format!("{theirs} and {ours} ms: {level}, {} packets", heard.len());
            (late, ensure(good, told))
        });
    }
}

#[test]
fn each_side_has_its_own_number_for_the_codec() {
    with_time_kept(|engine| {
        let mut phone = Phone::new(Codec::Pcmu);
        let (theirs, ours) = (PayloadType(96), PayloadType(97));
        let agreed = NegotiatedMedia {
            send_payload_type: theirs,
            receive_payload_type: ours,
            ..media(phone.addr(), Codec::Pcmu)
        };
        let call = open(engine, LineMode::Echo, agreed);
        let (start, mut late) = (Instant::now(), Duration::ZERO);
        for n in 0..40 {
            let kind = if n < 35 { ours } else { theirs };
            phone.send_payload(call.rtp, kind, &[0x2A; 160], 160);
            let next = Duration::from_millis(20) * (n + 1);
            std::thread::sleep(next.saturating_sub(start.elapsed()));
            late = late.max(start.elapsed().saturating_sub(next));
        }
        let heard = phone.heard();
        assert!(heard.iter().all(|packet| packet.payload_type == theirs));
        let back = heard.iter().filter(|packet| packet.payload == [0x2A; 160]).count();
        let malformed = || call.line.statistics().malformed;
        eventually(|| malformed() >= 5, || format!("{} of 5", malformed()));
        assert_eq!(malformed(), 5, "what was not agreed on is not heard");
        call.close();
        (late, ensure(back > 28, || format!("{back} of 35 came back")))
    });
}
