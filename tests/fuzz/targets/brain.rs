//! What a brain may send, and a line to a brain.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| brain_protocol::exercise_decoder(bytes));
