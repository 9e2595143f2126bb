//! The short form of `make soak`.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::process::{brain, run};
use crate::support::{alone, figure};

/// `make torture` asks for more.
const SECONDS: &str = "SOAK_SECONDS";
const SECONDS_USUALLY: &str = "30";

#[test]
fn a_short_soak_leaves_memory_files_and_ports_flat_in_its_second_half() {
    let _machine = alone();
    brain();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new("python3");
    let seconds = std::env::var(SECONDS).unwrap_or_else(|_| SECONDS_USUALLY.to_owned());
    // Many calls, each a short one: what a call leaves behind shows in their number.
    command.arg(root.join("scripts/soak.py")).args(["--seconds", &seconds, "--calls", "20"]);
    command.args(["--round", "1", "--binary", env!("CARGO_BIN_EXE_xenline")]);
    let ran = run(command, Duration::from_secs(600));
    figure(format!("soak: {}", ran.out.lines().last().unwrap_or_default()));
    assert_eq!(ran.code, Some(0), "{ran:?}");
}
