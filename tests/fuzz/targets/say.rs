//! What other programs hand in to be said: lines of text and JSON claims.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lane_broker::intake::exercise(bytes));
