//! Logs of calls, which people copy and send to each other: as lines, so that what is inside is
//! reached, and as the file.
#![no_main]

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use replay::Log;

// By its files: the whole program, engines and all, is not built for this.
#[allow(dead_code, unused_imports, missing_docs)]
#[path = "../../../src/replay/mod.rs"]
mod replay;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut packed = GzEncoder::new(Vec::new(), Compression::none());
    packed.write_all(bytes).expect("memory takes it");
    let packed = packed.finish().expect("memory takes it");
    for file in [&packed[..], bytes] {
        match Log::parse(file, Path::new("call.xlr")) {
            // What was read can be written, and read again.
            Ok(log) => {
                let again = |value: Result<Vec<u8>, _>| value.expect("it was read from JSON");
                let header = again(serde_json::to_vec(&log.header));
                serde_json::from_slice::<replay::Header>(&header).expect("a header");
                for entry in &log.entries {
                    let written = again(serde_json::to_vec(entry));
                    serde_json::from_slice::<replay::Entry>(&written).expect("an entry");
                }
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});
