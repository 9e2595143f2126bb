//! A disk that is really full: the lanes lie on a small one of their own, which is filled from
//! beside the line. What programs hand in is refused then; what the brain says is heard, and the brain
//! is told that it is not kept.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use brain_protocol::{ClaimEnding, LineMessage};
use serde_json::json;
use xenline::control::{Reply, Request, SayRequest, client};

use crate::gateway::Gateway;
use crate::house::House;
use crate::support::mind::Mind;
use crate::support::phone::Phone;
use crate::support::{alone, figure, wait_until};

/// Room for the store and a few sounds.
const DISK_KB: usize = 4 * 1_024;
const WITHIN: Duration = Duration::from_secs(60);
/// What is handed in until the store needs more of the disk than it has.
const CLAIMS_MAX: usize = 400;

#[test]
fn a_line_whose_disk_is_full_stays_up_and_refuses_with_the_reason_until_there_is_room() {
    let _machine = alone();
    let mind = Mind::start(|_, _| {});
    let brain = mind.command();
    let gateway = Gateway::start().url;
    let house = House::on_a_small_disk(DISK_KB, &gateway, |config| config.brain.command = brain);
    let Some(house) = house else {
        figure("full disk: SKIPPED, this kernel gives no user and mount namespace (unshare -rm)");
        return;
    };
    let line = house.start();
    let phone = Phone::call(line.sip);
    assert_eq!(say(&house, "before"), Ok(()));
    assert_eq!(hear_out(&mind, "r-1", "All is well."), [TAKEN_IN, "spoken: All is well."]);

    let filler = Path::new("/proc").join(line.pid().to_string()).join("root");
    let filler = filler.join(house.disk().strip_prefix("/").expect("absolute")).join("filler");
    fill(&filler);
    let refused = (0..CLAIMS_MAX).find_map(|n| say(&house, &format!("full {n}")).err());
    let reason = refused.expect("a full disk keeps nothing");
    assert!(reason.contains("no room"), "{reason}");
    let heard = phone.media.heard().len();
    wait_until("the call to go on", WITHIN, || (phone.media.heard().len() > heard).then_some(()));
    assert!(!line.keeps(), "and the status says so");
    let full = hear_out(&mind, "r-2", "The disk is full.");
    assert_eq!(full, [NOT_KEPT, "spoken: The disk is full."], "the agent is not mute");

    std::fs::remove_file(&filler).expect("it is there");
    let mut tries = 0;
    wait_until("the line to take claims again", WITHIN, || {
        tries += 1;
        say(&house, &format!("after {tries}")).ok()
    });
    assert_eq!(hear_out(&mind, "r-3", "There is room."), [TAKEN_IN, "spoken: There is room."]);
    phone.hang_up();
    line.stop();
    figure(format!("full disk: refused with {reason:?}, taken again after {tries} tries"));
}

const TAKEN_IN: &str = "accepted";
const NOT_KEPT: &str = "accepted, not kept";

/// Has the brain say it, and gives what it is told of that, but for the beginning.
fn hear_out(mind: &Mind, claim: &str, text: &str) -> Vec<String> {
    let opened = |it: &LineMessage| matches!(it, LineMessage::LineOpened { .. });
    wait_until("the brain to come to the call", WITHIN, || {
        mind.told().iter().any(opened).then_some(())
    });
    mind.say(&json!({
        "type": "say", "line": 1, "claim": claim, "source": "responder", "tag": "call", "text": text,
    }));
    wait_until("the brain to be heard", WITHIN, || {
        let told: Vec<_> = mind.told().iter().filter_map(|it| told_of(claim, it)).collect();
        told.last().is_some_and(|last| last.contains(": ")).then_some(told)
    })
}

fn told_of(named: &str, message: &LineMessage) -> Option<String> {
    match message {
        LineMessage::ClaimAccepted { claim, kept, .. } if claim.as_str() == named => {
            Some(if *kept { TAKEN_IN } else { NOT_KEPT }.to_owned())
        }
        LineMessage::ClaimEnded { claim, ending, heard_text, .. } if claim.as_str() == named => {
            let ending = if *ending == ClaimEnding::Spoken { "spoken" } else { "not spoken" };
            Some(format!("{ending}: {heard_text}"))
        }
        _ => None,
    }
}

/// Takes all there is.
fn fill(file: &Path) {
    let mut file = std::fs::File::create(file).expect("the line's disk is seen");
    for block in [&[0_u8; 4_096][..], &[0]] {
        while file.write_all(block).is_ok() {}
    }
}

fn say(house: &House, text: &str) -> Result<(), String> {
    let wish = SayRequest { text: text.into(), must_deliver: true, ..SayRequest::default() };
    let mut said = Err("no answer".to_owned());
    client::ask(&house.socket, &Request::Say(wish), |reply| match reply {
        Reply::Accepted { .. } => said = Ok(()),
        Reply::Refused { message, .. } => said = Err(message),
        _ => {}
    })
    .expect("the line is up");
    said
}
