//! An independent telephone: baresip registers here with a secret, calls, and is called.
#![allow(clippy::disallowed_methods)]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use sip_bridge::{BridgeEvent, Credentials, DialSpec, DigestAlgorithm, Phones, TrunkPolicy};
use support::{Answering, loopback, registering_baresip};

const STEP: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn baresip_registers_with_its_secret_and_calls_and_is_called() {
    let known = |user: &str| Credentials { user: user.into(), secret: "s3cret".into() };
    let users = vec![known("desk"), known("door")];
    // This baresip gives up on seeing SHA-256.
    let digests = vec![DigestAlgorithm::Md5];
    let phones = Some(Phones { realm: "xenline".into(), digests, users });
    let policy = TrunkPolicy { phones, trust_identity: false, ..TrunkPolicy::default() };
    let policies = BTreeMap::from([("loop".into(), policy)]);
    let line = Answering::start(sip_bridge::BridgeConfig { policies, ..loopback() }).await;
    let folder = tempfile::tempdir().unwrap();
    let at = line.address();

    // One with a wrong secret, beside it all the time.
    let mut thief = registering_baresip(folder.path(), at, ("door", "guess"), 60);

    let folder = tempfile::tempdir().unwrap();
    let mut phone = registering_baresip(folder.path(), at, ("desk", "s3cret"), 60);
    line.wait(STEP, |line| line.bridge.registered() == 1).await;
    // It calls as soon as it has started, and proves who it is with that, too.
    let desk = |event: &BridgeEvent| match event {
        BridgeEvent::Incoming { identity, .. } => {
            identity.expose().asserted.as_deref() == Some("desk")
        }
        _ => false,
    };
    line.wait(STEP, |line| line.count(desk) == 1).await;
    let established = |event: &BridgeEvent| matches!(event, BridgeEvent::Established { .. });
    line.wait(STEP, |line| line.count(established) == 1).await;
    let spec = DialSpec {
        target: "sip:desk@loop".into(),
        from: "line".into(),
        local_rtp: "127.0.0.1:4002".parse().unwrap(),
        codecs: vec![media_core::Codec::Pcmu],
        headers: Vec::new(),
    };
    line.bridge.dial(spec).await.expect("it is found where it registered");
    // It is in a call, and rings.
    let rings = |event: &BridgeEvent| matches!(event, BridgeEvent::Ringing { .. });
    line.wait(STEP, |line| line.count(rings) == 1).await;
    assert_eq!(line.bridge.registered(), 1);
    assert_eq!(line.count(|event| matches!(event, BridgeEvent::Incoming { .. })), 1);
    for telephone in [&mut phone, &mut thief] {
        telephone.kill().expect("it runs");
        telephone.wait().expect("it is over");
    }
}
