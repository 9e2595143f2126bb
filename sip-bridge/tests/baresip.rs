//! An independent phone: baresip calls the bridge and hangs up.
#![allow(clippy::disallowed_methods)]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use sip_bridge::{BridgeEvent, HangupBy};
use support::{Answering, loopback};

/// Where the distribution keeps baresip's modules.
fn modules() -> PathBuf {
    let multiarch = format!("/usr/lib/{}-linux-gnu/baresip/modules", std::env::consts::ARCH);
    let known = ["/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules", &multiarch];
    let mut known = known.into_iter().map(PathBuf::from);
    known.find(|dir| dir.join("aufile.so").is_file()).expect("install the package baresip-core")
}

/// Writes a configuration that needs no sound device.
fn configure(folder: &Path) {
    let modules = modules().display().to_string();
    let config = "sip_listen 127.0.0.1:0\nnet_interface 127.0.0.1\naudio_source ausine,440\n\
                  audio_player aufile,heard.wav\naudio_alert aufile,alert.wav\n\
                  module_path @MODULES@\nmodule g711.so\nmodule ausine.so\n\
                  module aufile.so\nmodule_app account.so\nmodule_app menu.so\n";
    std::fs::write(folder.join("config"), config.replace("@MODULES@", &modules)).unwrap();
    std::fs::write(folder.join("accounts"), "<sip:me@127.0.0.1>;regint=0\n").unwrap();
    std::fs::write(folder.join("contacts"), "").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn baresip_calls_and_hangs_up() {
    let line = Answering::start(loopback()).await;
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path());
    let mut command = Command::new("baresip");
    command.current_dir(folder.path()).arg("-f").arg(folder.path());
    command.args(["-e", &format!("/dial sip:100@{}", line.address()), "-t", "3"]);
    let phone = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut phone = phone.expect("install the package baresip-core (scripts/setup.sh test)");
    let established = |event: &BridgeEvent| matches!(event, BridgeEvent::Established { .. });
    line.wait(Duration::from_secs(10), |line| line.count(established) == 1).await;
    let hung_up = |event: &BridgeEvent| matches!(event, BridgeEvent::Ended { outcome, .. } if outcome.hangup_by == HangupBy::Peer);
    line.wait(Duration::from_secs(15), |line| line.count(hung_up) == 1).await;
    let _ = tokio::task::spawn_blocking(move || phone.wait()).await;
}
