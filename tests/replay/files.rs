//! What is not a whole log says what it is, and what to do next.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use xenline::replay::{Log, LogError, Whole, replay};

use crate::scenarios::{SCENARIOS, played};

fn whole() -> Vec<u8> {
    played(&SCENARIOS[0])
}

fn parsed(bytes: &[u8]) -> Result<Log, LogError> {
    Log::parse(bytes, Path::new("call.xlr"))
}

fn unpacked(bytes: &[u8]) -> String {
    let mut text = String::new();
    std::io::Read::read_to_string(&mut GzDecoder::new(bytes), &mut text).expect("a whole file");
    text
}

fn packed(text: &str) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(text.as_bytes()).expect("memory takes it");
    out.finish().expect("memory takes it")
}

#[test]
fn a_log_cut_anywhere_is_read_as_far_as_it_goes_and_replays_so() {
    let bytes = whole();
    let all = parsed(&bytes).expect("whole").entries.len();
    let mut most = 0;
    for length in (0..bytes.len()).step_by(97).chain([bytes.len() - 9]) {
        match parsed(&bytes[..length]) {
            Ok(log) => {
                assert_eq!(log.whole, Whole::Torn, "{length} bytes");
                assert!(replay(&log).is_identical(), "{length} bytes");
                most = most.max(log.entries.len());
            }
            Err(error) => assert!(matches!(error, LogError::Foreign { .. }), "{error}"),
        }
    }
    assert!(most > all / 2, "{most} of {all}");
}

#[test]
fn a_torn_log_is_an_error_that_names_the_way_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = whole();
    std::fs::write(folder.path().join("call.xlr"), &bytes[..bytes.len() / 2]).expect("a file");
    let error = Log::read(folder.path()).expect_err("torn");
    assert!(matches!(error, LogError::Truncated { .. }), "{error}");
    assert!(error.to_string().contains("--partial"), "{error}");
    assert!(Log::read_partial(folder.path()).is_ok());
}

#[test]
fn what_is_not_a_log_is_said_to_be_none() {
    let empty_object = packed("{}\n");
    let foreign: [&[u8]; 5] =
        [b"", b"RIFF....WAVE", b"{\"t_ms\":0}\n", &[0x1f, 0x8b, 8, 0], &empty_object];
    for bytes in foreign {
        let error = parsed(bytes).expect_err("foreign");
        assert!(matches!(error, LogError::Foreign { .. }), "{error}");
        assert!(error.to_string().contains("xenline calls ls"), "{error}");
    }
    let missing = Log::read(Path::new("/nowhere/call.xlr")).expect_err("missing");
    assert!(matches!(missing, LogError::Unreadable { .. }), "{missing}");
}

#[test]
fn a_log_of_another_format_names_the_build_that_reads_it() {
    let text = unpacked(&whole()).replacen("\"xenline_log\":1", "\"xenline_log\":99", 1);
    let error = parsed(&packed(&text)).expect_err("another format");
    let LogError::Version { found: 99, build, .. } = error else { panic!("{error}") };
    assert_eq!(build, env!("CARGO_PKG_VERSION"));
}

#[test]
fn a_line_that_was_changed_is_named() {
    let text = unpacked(&whole());
    let mut lines: Vec<&str> = text.lines().collect();
    lines[4] = r#"{"governor":{"at":"noon"}}"#;
    let error = parsed(&packed(&(lines.join("\n") + "\n"))).expect_err("damaged");
    assert!(matches!(error, LogError::Damaged { line: 5, .. }), "{error}");
    lines.remove(4);
    let missing = parsed(&packed(&(lines.join("\n") + "\n"))).expect("it can be read");
    assert_eq!(missing.whole, Whole::Torn, "an entry is missing");
}

#[test]
fn a_row_of_sound_that_has_no_meaning_is_an_error_and_not_a_panic() {
    for row in ["[1]", "[1,0,0,320,256]", "[1,0,0,-4]", "[1,0,0,320,256,99999,0,0,0]"] {
        let text = unpacked(&whole());
        let mut lines: Vec<&str> = text.lines().collect();
        let odd = format!(r#"{{"ear":{{"at":1,"steps":[{row}]}}}}"#);
        lines[3] = &odd;
        let error = parsed(&packed(&(lines.join("\n") + "\n"))).expect_err("damaged");
        assert!(matches!(error, LogError::Damaged { line: 4, .. }), "{error}");
    }
}

#[test]
fn a_redacted_log_has_none_of_the_words() {
    let scenario = SCENARIOS.iter().find(|scenario| !scenario.words).expect("a redacted one");
    let text = unpacked(&played(scenario)).to_lowercase();
    for word in ["ten past", "nine", "what time", "moment"] {
        assert!(!text.contains(word), "{word:?} is in the log");
    }
}
