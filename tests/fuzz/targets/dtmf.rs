//! Telephone events in any order, at any time.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| media_core::rtp::exercise_dtmf(bytes));
