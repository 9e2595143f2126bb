//! Protected packets, which a stranger can only guess at, and their way there and back.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| media_core::rtp::srtp::exercise_srtp(bytes));
