//! LiveKit's own SDK for Node.js as the other participant, once.

use std::path::Path;

use serde_json::json;

use crate::server::{KEY, SECRET, Server};
use crate::ticking::{Script, peers};
use crate::us::{Us, expect, sounds};
use crate::{ALONE, OURS, THEIRS};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_with_another_sdk_hears_us_and_is_heard() {
    let _alone = ALONE.lock().await;
    let modules = peers().join("node/node_modules");
    if !modules.exists() {
        println!(
            "SKIPPED: no SDK for Node.js; scripts/setup.sh test installs it where there is npm"
        );
        return;
    }
    let server = Server::start().await;
    let mut us = Us::join(&server.url());
    us.connected(true).await;
    let told = json!({
        "url": server.url(), "key": KEY, "secret": SECRET, "room": "den", "identity": "nora",
        "speaks": THEIRS, "listens": OURS, "to": "xenline", "seconds": 3,
    });
    let mut command = tokio::process::Command::new("node");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rooms/participant.js");
    command.arg(script).arg(told.to_string()).env("NODE_PATH", modules);
    let mut nora = Script::run(command);
    let (_, ears) = us.heard("nora").await;
    sounds(&ears).await;
    let heard = expect(&mut nora, "heard").await["amplitude"].as_f64().expect("a number");
    println!("the SDK for Node.js heard {heard:.0} of us");
    // Of 4,000: a tone for half of the time.
    assert!(heard > 2_000.0);
    nora.tell(&json!({ "leave": true })).await;
    nora.end().await;
    us.leave().await;
}
