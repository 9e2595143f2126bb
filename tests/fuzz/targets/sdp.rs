//! An offer: parsed, negotiated, answered; and our answer must be readable by ourselves.
#![no_main]

use std::net::{Ipv4Addr, SocketAddr};

use libfuzzer_sys::fuzz_target;
use media_core::Codec;
use sip_bridge::negotiation::{Accepted, CallTerms, SrtpPolicy};
use sip_bridge::sdp;

fuzz_target!(|bytes: &[u8]| {
    let Ok(offer) = sdp::parse(bytes) else { return };
    let codecs = [Codec::G722, Codec::Opus, Codec::Pcmu, Codec::Pcma];
    let terms = CallTerms {
        srtp: SrtpPolicy::Optional,
        keys_may_travel: true,
        ..CallTerms::plain(&codecs)
    };
    let Ok(accepted) = Accepted::offer(&offer, &terms) else { return };
    let answer = accepted.answer(1, 1, SocketAddr::from((Ipv4Addr::LOCALHOST, 10_000)));
    let answer = sdp::parse(answer.as_bytes()).expect("our own answer can be read");
    assert_eq!(answer.media.len(), offer.media.len(), "each line is answered (RFC 3264 §6)");
});
