//! The tap in the house: its lanes are the house's, and what its rules say is said like anything
//! that another program of this machine hands in.

use std::sync::Arc;

use lane_broker::LaneStore;
use lane_broker::intake::{Who, WishSource};
use lane_broker::tap::{Alert, Tap, TapError};
use tokio::sync::mpsc;

use crate::config::TapSection;
use crate::control::server::Asked;
use crate::control::{Reply, Request, SayRequest};

/// Starts the tap where there is something to watch.
pub(super) fn start(
    section: &TapSection,
    lanes: Arc<dyn LaneStore>,
    asked: mpsc::Sender<Asked>,
) -> Result<Option<Tap>, TapError> {
    let config = section.tap_config();
    if config.is_idle() {
        return Ok(None);
    }
    tracing::info!(
        files = config.files.len(),
        logs = config.logs.len(),
        journal = section.journal,
        processes = config.processes.len(),
        rules = config.rules.len(),
        "the tap watches this machine"
    );
    Tap::start(&config, lanes, Box::new(move |alert| speak(&asked, alert))).map(Some)
}

/// Hands an alert in. Nobody waits for what becomes of it: it is on the record, like every claim.
fn speak(asked: &mpsc::Sender<Asked>, alert: Alert) {
    let (replies, _) = mpsc::channel(1);
    let say = SayRequest {
        text: alert.text,
        source: WishSource::System,
        ttl_s: Some(ALERT_TTL_S),
        ..SayRequest::default()
    };
    if asked.try_send(asked_by_us(say, replies)).is_err() {
        tracing::warn!(rule = %alert.rule, "the line is too busy to take in an alert of the tap");
    }
}

fn asked_by_us(say: SayRequest, replies: mpsc::Sender<Reply>) -> Asked {
    Asked { request: Request::Say(say), who: Who::Owner, claim: None, sound: None, replies }
}

/// Later it is no news.
const ALERT_TTL_S: u64 = 120;
