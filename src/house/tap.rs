//! The tap in the house: its lanes are the house's, what its rules say is said like anything that
//! another program of this machine hands in, and what they have for the brain reaches it like
//! anything that is written, in the lane `os:main`.

use std::sync::Arc;

use lane_broker::intake::{Who, WishSource};
use lane_broker::tap::{Alert, Audience, Tap, TapError};
use lane_broker::{Lane, LaneStore, Tag};
use tokio::sync::mpsc;

use crate::config::TapSection;
use crate::control::server::Asked;
use crate::control::{Reply, Request, SayRequest};
use crate::text::{MAIN, NAME_BYTES_MAX, TextHandle, Written};

/// Starts the tap where there is something to watch.
pub(super) fn start(
    section: &TapSection,
    lanes: Arc<dyn LaneStore>,
    asked: mpsc::Sender<Asked>,
    text: TextHandle,
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
    let keep = section.keep;
    let heard = move |alert: Alert| match alert.to {
        Audience::Caller => speak(&asked, alert),
        Audience::Brain => brief(&text, keep, alert),
    };
    Tap::start(&config, lanes, Box::new(heard)).map(Some)
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
    Asked { request: Request::Say(say), who: Who::Owner, claim: None, replies }
}

/// Writes it for the brain, unless `keep` events wait already that no brain has dealt with: then it
/// is lost, and the log says so.
fn brief(text: &TextHandle, keep: usize, alert: Alert) {
    let Ok(lane) = Lane::new(Tag::os(), MAIN) else { return };
    let store = text.store();
    // What a brain has dealt with makes room; a store that refuses this refuses the event too.
    let _ = text.last_of(&lane).and_then(|last| store.trim(&lane, last));
    let lanes = store.lanes().unwrap_or_default();
    let waiting = lanes.iter().find(|it| it.lane == lane).map_or(0, |it| it.entries);
    if waiting >= keep {
        tracing::warn!(rule = %alert.rule, waiting, "an event is lost: the brain has not dealt with those before");
        return;
    }
    let written = Written { from: name_of(&alert), text: alert.text };
    if let Err(error) = text.post(OS, None, &written) {
        tracing::warn!(rule = %alert.rule, %error, "the brain is not told of an event");
    }
}

/// Its subject, as far as it is a name.
fn name_of(alert: &Alert) -> String {
    let plain: String = alert.subject.chars().filter(|c| !c.is_control()).collect();
    match plain.trim() {
        "" => alert.rule.chars().filter(|c| !c.is_control()).take(NAME_BYTES_MAX / 4).collect(),
        name => name[..name.floor_char_boundary(NAME_BYTES_MAX)].to_owned(),
    }
}

/// The tag of what the machine does.
pub(super) const OS: &str = "os";
/// Later it is no news.
const ALERT_TTL_S: u64 = 120;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};

    use brain_protocol::{BrainMessage, LineMessage, VERSION};
    use brain_supervisor::SendError;
    use lane_broker::{Limits, MemoryStore};

    use super::*;
    use crate::text::{self, TextParts};

    fn alert(subject: &str, text: &str) -> Alert {
        let (rule, subject, text) = ("disk".into(), subject.into(), text.into());
        Alert { to: Audience::Brain, rule, subject, text }
    }

    #[test]
    fn an_event_reaches_the_brain_and_for_one_that_is_away_only_so_many_wait() {
        let store: Arc<dyn LaneStore> = Arc::new(MemoryStore::new(Limits::default()));
        let (tell, told) = std::sync::mpsc::channel();
        let up = Arc::new(AtomicBool::new(false));
        let is_up = up.clone();
        let to_brain = move |message: &LineMessage| {
            if !is_up.load(Ordering::Acquire) {
                return Err(SendError::NotConnected);
            }
            let _ = tell.send(message.clone());
            Ok(())
        };
        let text = text::start(TextParts {
            store,
            registered: Vec::new(),
            answered: vec![OS.into()],
            to_brain: Arc::new(to_brain),
            sms: None,
        })
        .expect("a thread");
        for n in 0..9 {
            brief(&text, 3, alert("backup.service", &format!("event {n}")));
        }
        up.store(true, Ordering::Release);
        text.brain_up(VERSION);
        let mut texts = BTreeSet::new();
        let latest = Instant::now() + Duration::from_secs(20);
        // Room comes with what is acknowledged.
        while !texts.contains("event 9") {
            assert!(Instant::now() < latest, "in vain: {texts:?}");
            let Ok(message) = told.recv_timeout(Duration::from_millis(50)) else {
                brief(&text, 3, alert("backup.service", "event 9"));
                continue;
            };
            let LineMessage::TextMessage { lane, tag, position, from, text: event, .. } = message
            else {
                panic!("not a message: {message:?}")
            };
            assert_eq!((tag.as_str(), from.as_str()), ("os", "backup.service"));
            texts.insert(event);
            text.brain(BrainMessage::TextDone { lane, position });
        }
        let told: Vec<_> = texts.iter().map(String::as_str).collect();
        assert_eq!(told, ["event 0", "event 1", "event 2", "event 9"]);
    }

    #[test]
    fn a_subject_that_is_no_name_becomes_one() {
        assert_eq!(name_of(&alert("a\nb", "")), "ab");
        assert_eq!(name_of(&alert(" \t", "")), "disk");
        assert!(name_of(&alert(&"ä".repeat(200), "")).len() <= NAME_BYTES_MAX);
    }
}
