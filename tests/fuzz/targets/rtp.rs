//! RTP packets and the digits in them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| media_core::rtp::exercise_rtp(bytes));
