//! Conversations with the user agent: what the line does, how long it waits, and what a carrier or a
//! telephone sends. No panic, and nothing left when all is over.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sip_bridge::fuzzing::conversation(bytes));
