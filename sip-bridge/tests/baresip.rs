//! An independent phone: baresip calls the bridge and hangs up.
#![allow(clippy::disallowed_methods)]

mod support;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use sip_bridge::{BridgeEvent, HangupBy};
use support::{Answering, loopback};

/// Writes a configuration that needs no sound device.
fn configure(folder: &Path) {
    let config = "sip_listen 127.0.0.1:0\nnet_interface 127.0.0.1\naudio_source ausine,440\n\
                  audio_player aufile,heard.wav\naudio_alert aufile,alert.wav\n\
                  module_path /usr/lib/baresip/modules\nmodule g711.so\nmodule ausine.so\n\
                  module aufile.so\nmodule_app account.so\nmodule_app menu.so\n";
    std::fs::write(folder.join("config"), config).unwrap();
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
    let Ok(mut phone) = phone else {
        eprintln!("SKIPPED: baresip cannot be run; install Debian's baresip-core");
        return;
    };
    let established = |event: &BridgeEvent| matches!(event, BridgeEvent::Established { .. });
    line.wait(Duration::from_secs(10), |line| line.count(established) == 1).await;
    let hung_up = |event: &BridgeEvent| matches!(event, BridgeEvent::Ended { outcome, .. } if outcome.hangup_by == HangupBy::Peer);
    line.wait(Duration::from_secs(15), |line| line.count(hung_up) == 1).await;
    let _ = tokio::task::spawn_blocking(move || phone.wait()).await;
}
