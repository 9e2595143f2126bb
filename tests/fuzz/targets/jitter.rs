//! Sequences of arrivals and pulls at the jitter buffer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| media_core::jitter::exercise(bytes));
