//! The command line by itself: help, completions, the configuration shown and validated.

use std::time::Duration;

use xenline::config::Config;

use crate::support::process::{Ran, run, xenline};
use crate::support::wait_until;

const SOON: Duration = Duration::from_secs(20);

fn ran(arguments: &[&str]) -> Ran {
    let mut command = xenline();
    // No ./xenline.toml of a developer's comes in between.
    command.current_dir(std::env::temp_dir()).args(arguments);
    run(command, SOON)
}

#[test]
fn every_verb_explains_itself() {
    let whole = ran(&["--help"]);
    assert_eq!(whole.code, Some(0));
    let verbs = [
        "serve",
        "call",
        "say",
        "queue",
        "operator",
        "type",
        "tap",
        "check",
        "config",
        "models",
        "demo",
        "load",
        "completions",
    ];
    for verb in verbs {
        assert!(whole.out.contains(verb), "{verb} is not in the help:\n{}", whole.out);
        let one = ran(&[verb, "--help"]);
        assert_eq!(one.code, Some(0), "{verb}: {}", one.err);
        assert!(one.out.contains("Usage:"), "{verb}: {}", one.out);
    }
    assert!(whole.out.contains("Exit codes"), "what an exit code means is told");
    assert_eq!(ran(&["--version"]).code, Some(0));
}

#[test]
fn completions_exist_for_each_shell() {
    for (shell, mark) in [("bash", "complete "), ("zsh", "#compdef"), ("fish", "complete -c")] {
        let ran = ran(&["completions", shell]);
        assert_eq!(ran.code, Some(0), "{shell}: {}", ran.err);
        assert!(ran.out.contains(mark) && ran.out.contains("serve"), "{shell}: {}", ran.out);
    }
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    for wrong in [&["fly"][..], &[], &["call"], &["serve", "--loudly"], &["load", "--calls", "0"]] {
        let ran = ran(wrong);
        assert_eq!(ran.code, Some(2), "{wrong:?}: {} {}", ran.out, ran.err);
    }
}

#[test]
fn the_configuration_that_is_shown_can_be_read_again() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join("xenline.toml");
    std::fs::write(&file, "[sip]\nchannels = 7\n").expect("it is written");
    let mut command = xenline();
    command.args(["config", "show", "--config"]).arg(&file).env("XENLINE_RTP__TIMEOUT_S", "9");
    let shown = run(command, SOON);
    assert_eq!(shown.code, Some(0), "{}", shown.err);
    let read: Config = toml::from_str(&shown.out).expect("what is shown is a configuration");
    assert_eq!((read.sip.channels, read.rtp.timeout_s), (7, 9), "file and environment are in it");
    std::fs::write(&file, shown.out).expect("it is written");
    let valid = ran(&["config", "validate", &file.display().to_string()]);
    assert_eq!(valid.code, Some(0), "{} {}", valid.out, valid.err);
}

#[test]
fn validate_names_every_problem_and_is_exit_code_3() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join("xenline.toml");
    let text = "[sip]\nchannels = 0\ncodecs = [\"G729\"]\n[governor]\ndecide_ms = 9000\n";
    std::fs::write(&file, text).expect("it is written");
    let ran = ran(&["config", "validate", &file.display().to_string()]);
    assert_eq!(ran.code, Some(3));
    for key in ["sip.channels", "sip.codecs", "governor.decide_ms"] {
        assert!(ran.out.contains(key), "{key} is not named:\n{}", ran.out);
    }
}

#[test]
fn a_demo_that_nobody_watches_takes_its_line_with_it() {
    let _machine = crate::support::alone();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = xenline();
    command.env("TMPDIR", dir.path()).arg("demo").arg("--dir").arg(dir.path().join("call"));
    let output = command.stdout(writer).output().expect("it runs");
    assert_eq!(output.status.code(), Some(141), "{}", String::from_utf8_lossy(&output.stderr));
    let ours = dir.path().display().to_string();
    wait_until("its line to be gone", SOON, || {
        let processes = std::fs::read_dir("/proc").expect("it is there").flatten();
        let command_line = |process: std::fs::DirEntry| {
            std::fs::read(process.path().join("cmdline")).unwrap_or_default()
        };
        let mut started = processes.map(command_line);
        let left = started.any(|line| String::from_utf8_lossy(&line).contains(&ours));
        (!left).then_some(())
    });
}

#[test]
fn who_reads_no_further_is_not_told_of_a_panic() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = xenline();
    command.current_dir(std::env::temp_dir()).args(["config", "show"]);
    let output = command.stdout(writer).output().expect("it runs");
    assert_eq!(output.status.code(), Some(141));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
