//! The demo, as `make call` runs it.

use std::time::Duration;

use serde_json::Value;

use crate::support::process::{brain, run, xenline};
use crate::support::{alone, figure};

#[test]
fn the_demo_is_heard_answered_and_interrupted_and_leaves_its_files() {
    let _machine = alone();
    brain();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let dir = dir.path().join("call");
    let mut command = xenline();
    command.args(["demo", "--dir"]).arg(&dir);
    let ran = run(command, Duration::from_secs(240));
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.out, ran.err);
    for word in ["what time is it", "run the backup", "stop", "goodbye", "interrupted"] {
        assert!(ran.out.contains(word), "the terminal shows {word:?}:\n{}", ran.out);
    }
    let starts = [
        ("call.wav", &b"RIFF"[..]),
        ("caller.wav", b"RIFF"),
        ("call.png", b"\x89PNG"),
        ("call.svg", b"<svg"),
        ("transcript.jsonl", b"{"),
        ("summary.json", b"{"),
        ("events.jsonl", b"{"),
        ("call.xlr", b"\x1f\x8b"),
    ];
    for (file, start) in starts {
        let content = std::fs::read(dir.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        let head = String::from_utf8_lossy(&content[..content.len().min(200)]).into_owned();
        let begins = content.windows(start.len()).take(100).any(|part| part == start);
        assert!(begins, "{file} begins {head:?}");
    }
    let mut command = xenline();
    command.args(["calls", "replay"]).arg(dir.join("call.xlr"));
    let replayed = run(command, Duration::from_secs(60));
    assert_eq!(replayed.code, Some(0), "{}\n{}", replayed.out, replayed.err);
    assert!(replayed.out.contains("identical"), "{}", replayed.out);
    past_calls_are_listed_and_shown(&dir.join("line"));
    let stereo = hound::WavReader::open(dir.join("call.wav")).expect("a WAV file").spec();
    assert_eq!(stereo.channels, 2, "caller left, line right");
    let summary = std::fs::read_to_string(dir.join("summary.json")).expect("a summary");
    let summary: Value = serde_json::from_str(&summary).expect("JSON");
    for key in ["heard", "answered", "interrupted"] {
        assert_eq!(summary[key], true, "{key}");
    }
    let numbers = [
        "reply_ms_p50",
        "reply_ms_p95",
        "revoke_to_silence_ms_max",
        "rtp_sent",
        "rtp_lost",
        "mos_estimated",
    ];
    for key in numbers {
        assert!(summary[key].is_number(), "{key}: {}", summary[key]);
        figure(format!("demo: {key} = {}", summary[key]));
    }
    let turns = summary["turns"].as_array().expect("a list of turns");
    let replied = turns.iter().filter(|turn| turn["reply_ms"].is_number());
    for turn in replied {
        let hops = turn["hops"].as_object().expect("each hop's part");
        let sum: f64 = hops.values().filter_map(Value::as_f64).sum();
        let whole = turn["reply_ms"].as_f64().expect("a number");
        assert!((sum - whole).abs() < 1.0, "the parts of {turn} make {sum}");
    }
}

fn past_calls_are_listed_and_shown(dir: &std::path::Path) {
    let calls = |verb: &[&str]| {
        let mut command = xenline();
        command.arg("calls").args(verb).arg("--json").arg("--dir").arg(dir);
        let ran = run(command, Duration::from_secs(60));
        assert_eq!(ran.code, Some(0), "{verb:?}: {}\n{}", ran.out, ran.err);
        serde_json::from_str::<Value>(&ran.out).expect("JSON")
    };
    let listed = calls(&["ls"]);
    assert_eq!(listed[0]["has_log"], true, "{listed}");
    assert_eq!(listed[0]["barge_ins"], 1, "{listed}");
    let shown = calls(&["show", "last"]);
    assert_eq!(shown["id"], listed[0]["id"]);
    let picture = shown["picture"].as_str().expect("a picture");
    assert!(std::path::Path::new(picture).is_file(), "{picture}");
    let said = shown["conversation"].to_string();
    assert!(said.contains("what time is it"), "{said}");
}
