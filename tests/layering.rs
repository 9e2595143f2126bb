//! Who may import whom. The rooms of the house stay apart because this fails when an arrow is
//! added that the plan does not have, and says which one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What each of our crates may import of ours. The root, `xenline`, may import everything.
const ARROWS: [(&str, &[&str]); 14] = [
    // The pure cores: the words of the audio path, the arbiter, the messages of the brain.
    ("media-core", &[]),
    ("queue-governor", &["media-core"]),
    ("brain-protocol", &[]),
    // The shells around them.
    ("media-engine", &["media-core"]),
    ("lane-broker", &["queue-governor"]),
    ("brain-supervisor", &["brain-protocol"]),
    // Signalling knows negotiated media as data, and no audio.
    ("sip-bridge", &["media-core"]),
    // Engines stand behind the traits of the core and know nothing else of the house.
    ("plugin-whisper", &["media-core"]),
    ("plugin-piper", &["media-core"]),
    ("plugin-opus", &["media-core"]),
    ("plugin-console", &["media-core"]),
    // Doors: a room is made of the same connections as a browser.
    ("plugin-webrtc", &["media-core"]),
    ("plugin-livekit", &["media-core", "plugin-webrtc"]),
    // The brain is a process of its own: messages and lanes, never media.
    ("xenline-brain", &["brain-protocol", "lane-broker"]),
];

/// What only tests import beyond that, to drive a crate the way that the line does.
const TEST_ARROWS: [(&str, &str); 4] = [
    ("xenline-brain", "brain-supervisor"),
    ("plugin-webrtc", "plugin-opus"),
    ("plugin-livekit", "plugin-opus"),
    ("plugin-livekit", "plugin-whisper"),
];

const ROOT: &str = "xenline";

/// Told the time, given their randomness, and without a runtime, a log or a foreign call.
const CORES: [&str; 3] = ["media-core", "queue-governor", "brain-protocol"];
const NOT_IN_A_CORE: [&str; 8] =
    ["tokio", "tracing", "log", "libc", "socket2", "async-std", "futures", "rand"];

/// A file that needs more lines than this has more than one concern.
const FILE_LINES_MAX: usize = 400;

#[test]
fn every_import_is_an_arrow_of_the_plan() {
    let crates = workspace();
    let ours: BTreeSet<&str> = crates.keys().map(String::as_str).collect();
    let plan: BTreeMap<&str, &[&str]> = ARROWS.into_iter().collect();
    let mut wrong = Vec::new();
    for (name, member) in &crates {
        if name == ROOT {
            continue;
        }
        let Some(allowed) = plan.get(name.as_str()) else {
            wrong.push(format!("{name} is a new crate: give it its place in tests/layering.rs"));
            continue;
        };
        let imports = member.imports.iter().filter(|import| ours.contains(import.as_str()));
        let extra = imports.filter(|import| !allowed.contains(&import.as_str()));
        let test_imports =
            member.test_imports.iter().filter(|import| ours.contains(import.as_str()));
        let extra = extra.chain(test_imports.filter(|import| {
            !allowed.contains(&import.as_str())
                && !TEST_ARROWS.contains(&(name.as_str(), import.as_str()))
        }));
        wrong.extend(extra.map(|import| format!("{name} must not import {import}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_plan_names_only_crates_that_exist() {
    let crates = workspace();
    for (name, allowed) in ARROWS {
        for name in allowed.iter().chain([&name]) {
            assert!(crates.contains_key(*name), "{name} is in the plan and not in the workspace");
        }
    }
}

#[test]
fn the_cores_have_no_runtime_no_log_and_no_clock() {
    let crates = workspace();
    for core in CORES {
        let member = &crates[core];
        for unwanted in NOT_IN_A_CORE {
            assert!(!member.imports.contains(unwanted), "{core} is a core and imports {unwanted}");
        }
        let rules = member.folder.join("clippy.toml");
        let rules = std::fs::read_to_string(&rules).unwrap_or_default();
        assert!(rules.contains("Instant::now"), "{core} has a clippy.toml that bans the clock");
    }
}

#[test]
fn the_cores_forbid_unsafe_code() {
    let crates = workspace();
    for core in CORES {
        let front = std::fs::read_to_string(crates[core].folder.join("src/lib.rs")).unwrap();
        assert!(front.contains("#![forbid(unsafe_code)]"), "{core} must forbid unsafe code");
    }
}

#[test]
fn the_sip_stack_is_named_in_one_place() {
    let allowed = root().join("sip-bridge/src/stack");
    for file in sources(&root()) {
        let in_the_stack = file.to_string_lossy().starts_with(&*allowed.to_string_lossy());
        let itself = file.ends_with("tests/layering.rs");
        let named = code_of(&file).any(|line| line.contains("rsipstack"));
        assert!(!named || in_the_stack || itself, "{} names the SIP stack", file.display());
    }
}

#[test]
fn no_file_has_grown_too_large() {
    let too_large = sources(&root()).into_iter().filter_map(|file| {
        let lines = std::fs::read_to_string(&file).unwrap_or_default().lines().count();
        (lines > FILE_LINES_MAX).then(|| format!("{}: {lines} lines", file.display()))
    });
    let too_large: Vec<String> = too_large.collect();
    assert!(too_large.is_empty(), "more than {FILE_LINES_MAX} lines:\n{}", too_large.join("\n"));
}

/// A crate of ours.
struct Member {
    folder: PathBuf,
    /// What it imports for itself and for its build.
    imports: BTreeSet<String>,
    /// What only its tests import.
    test_imports: BTreeSet<String>,
}

fn workspace() -> BTreeMap<String, Member> {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--manifest-path"])
        .arg(root().join("Cargo.toml"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages.iter().map(member).collect()
}

fn member(package: &serde_json::Value) -> (String, Member) {
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let imports = package["dependencies"].as_array().expect("dependencies");
    let (test, own): (Vec<_>, Vec<_>) = imports.iter().partition(|import| import["kind"] == "dev");
    let names = |imports: Vec<&serde_json::Value>| {
        imports.into_iter().map(|import| text(&import["name"])).collect()
    };
    let folder = PathBuf::from(text(&package["manifest_path"]));
    let member = Member {
        folder: folder.parent().expect("a manifest lies in a folder").to_owned(),
        imports: names(own),
        test_imports: names(test),
    };
    (text(&package["name"]), member)
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file of ours below `folder`.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a readable folder").flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            // Builds, and what hides, are not ours.
            if path.is_dir() && !name.starts_with('.') && !name.starts_with("target") {
                folders.push(path);
            } else if name.ends_with(".rs") {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "there is code");
    found
}

/// The lines of a file without its comments.
fn code_of(file: &Path) -> impl Iterator<Item = String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.into_iter().filter(|line| !line.trim_start().starts_with("//"))
}
