//! Another codec in the middle of a call, with sound before, between and after: from G.711 to Opus and
//! back again, by re-INVITE.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use media_core::codec::CodecPlugin;
use media_core::resample::convert_all;
use media_core::{OpusFormat, SampleRate};
use plugin_opus::Opus;

use crate::support::line::Serving;
use crate::support::phone::{Phone, media_address, sdp};
use crate::support::sound::{likeness, recorded};
use crate::support::{alone, figure};

const OPUS: u8 = 111;
const PTIME: Duration = Duration::from_millis(20);
/// Of a packet at 48 kHz.
const FRAME: usize = 960;
/// Until the last of the echo is back.
const AFTER: usize = 50;
const WORDS: &str = "what time is it";

#[test]
fn a_call_goes_from_g711_to_opus_and_back_and_is_heard_all_the_time() {
    let _machine = alone();
    let line = Serving::echo(|config| {
        let codecs = ["opus", "PCMU"].map(String::from).to_vec();
        for trunk in &mut config.trunk {
            (trunk.codecs, trunk.opus_over_udp) = (Some(codecs.clone()), true);
        }
    });
    let words = recorded(WORDS);
    let phone = Phone::call(line.sip);
    let before = heard_again(&phone, &words);

    let opus = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let local = opus.local_addr().expect("a bound socket");
    let offer = sdp(local, "sendrecv", 2)
        .replace("RTP/AVP 0 101", "RTP/AVP 111 101")
        .replace("a=rtpmap:0 PCMU/8000", "a=rtpmap:111 opus/48000/2");
    let answer = phone.invite(&offer);
    assert!(answer.contains("opus/48000/2"), "{answer}");
    assert_eq!(media_address(&answer), phone.line_rtp, "the line stays where it is");
    phone.media.send(false);
    let between = likeness(&words, &through_opus(&opus, phone.line_rtp, &words));

    let answer = phone.invite(&sdp(phone.media.local, "sendrecv", 3));
    assert!(answer.contains("PCMU/8000"), "{answer}");
    phone.media.send(true);
    let after = heard_again(&phone, &words);
    figure(format!(
        "G.711, Opus, G.711 in one call, there and back: r = {before:.4}, {between:.3}, {after:.4}"
    ));
    phone.hang_up();
    assert!(before > 0.95 && after > 0.95, "r = {before:.4} and {after:.4}");
    assert!(between > 0.8, "r = {between:.3}");
    line.stop();
}

/// Says the words in G.711; how like them is what comes back.
fn heard_again(phone: &Phone, words: &[i16]) -> f64 {
    let so_far = phone.media.count();
    phone.media.say(words);
    std::thread::sleep(PTIME * AFTER as u32);
    let heard = phone.media.heard_since(so_far);
    likeness(words, &heard)
}

/// Says the words in Opus; what comes back, at 8 kHz.
fn through_opus(socket: &UdpSocket, to: SocketAddr, words: &[i16]) -> Vec<i16> {
    socket.set_nonblocking(true).expect("a socket");
    let mut said = convert_all(words, SampleRate::Hz8000, SampleRate::Hz48000);
    said.resize(said.len().next_multiple_of(FRAME) + AFTER * FRAME, 0);
    let mut encoder = Opus.encoder(OpusFormat::default()).expect("an encoder");
    let mut decoder = Opus.decoder().expect("a decoder");
    let (mut heard, mut bytes) = (Vec::new(), [0; 1_500]);
    let mut due = Instant::now();
    for (n, frame) in said.chunks_exact(FRAME).enumerate() {
        let mut packet = vec![0x80, OPUS];
        packet.extend((700 + n as u16).to_be_bytes());
        packet.extend((n as u32 * FRAME as u32).to_be_bytes());
        packet.extend(0x0b05_u32.to_be_bytes());
        let length = encoder.encode(frame, &mut bytes);
        packet.extend(&bytes[..length]);
        socket.send_to(&packet, to).expect("loopback takes it");
        due += PTIME;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        while let Ok((length, _)) = socket.recv_from(&mut bytes) {
            // The last of what was agreed on before may still be on its way.
            if length > 12 && bytes[1] & 0x7f == OPUS {
                let mut pcm = [0; 6 * FRAME];
                let samples = decoder.decode(&bytes[12..length], &mut pcm);
                heard.extend_from_slice(&pcm[..samples]);
            }
        }
    }
    convert_all(&heard, SampleRate::Hz48000, SampleRate::Hz8000)
}
