//! An independent phone: baresip calls the bridge and hangs up.
#![allow(clippy::disallowed_methods)]

mod support;

use std::time::Duration;

use sip_bridge::{BridgeEvent, HangupBy};
use support::baresip;
use support::{Answering, loopback};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn baresip_calls_and_hangs_up() {
    let line = Answering::start(loopback()).await;
    let folder = tempfile::tempdir().unwrap();
    let mut phone = baresip(folder.path(), &format!("sip:100@{}", line.address()));
    let established = |event: &BridgeEvent| matches!(event, BridgeEvent::Established { .. });
    line.wait(Duration::from_secs(10), |line| line.count(established) == 1).await;
    let hung_up = |event: &BridgeEvent| matches!(event, BridgeEvent::Ended { outcome, .. } if outcome.hangup_by == HangupBy::Peer);
    line.wait(Duration::from_secs(15), |line| line.count(hung_up) == 1).await;
    let _ = tokio::task::spawn_blocking(move || phone.wait()).await;
}
