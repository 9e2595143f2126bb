//! Compound RTCP packets.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| media_core::rtp::exercise_rtcp(bytes));
