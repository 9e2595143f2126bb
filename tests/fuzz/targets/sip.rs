//! A datagram, and the same bytes as a stream in two pieces: guard, framer and grammar.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip_bridge::guard::{self, Frame, StreamFramer};
use sip_bridge::stack;

/// A stream is read in pieces; so many frames are more than the bytes can hold.
const FRAMES_MAX: usize = 1 << 16;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = guard::check_datagram(bytes) {
        assert!(message.len() <= bytes.len());
        let _ = stack::parse(message);
    }
    // The grammar must hold on its own, too.
    let _ = stack::parse(bytes);
    let mut framer = StreamFramer::new();
    let (first, second) = bytes.split_at(bytes.len() / 2);
    for piece in [first, second] {
        framer.push(&piece[..piece.len().min(framer.room())]);
        for _ in 0..FRAMES_MAX {
            match framer.next_frame() {
                Ok(Some(Frame::Message(message))) => _ = stack::parse(&message),
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break,
            }
        }
    }
});
