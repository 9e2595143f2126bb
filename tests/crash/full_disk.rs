//! A disk that is really full: the lanes lie on a small one of their own, which is filled from
//! beside the line.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use xenline::control::{Reply, Request, SayRequest, client};

use crate::gateway::Gateway;
use crate::house::House;
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
    let Some(house) = House::on_a_small_disk(DISK_KB, &Gateway::start().url) else {
        figure("full disk: SKIPPED, this kernel gives no user and mount namespace (unshare -rm)");
        return;
    };
    let line = house.start();
    let phone = Phone::call(line.sip);
    assert_eq!(say(&house, "before"), Ok(()));

    let filler = Path::new("/proc").join(line.pid().to_string()).join("root");
    let filler = filler.join(house.disk().strip_prefix("/").expect("absolute")).join("filler");
    fill(&filler);
    let refused = (0..CLAIMS_MAX).find_map(|n| say(&house, &format!("full {n}")).err());
    let reason = refused.expect("a full disk keeps nothing");
    assert!(reason.contains("no room"), "{reason}");
    let heard = phone.media.heard().len();
    wait_until("the call to go on", WITHIN, || (phone.media.heard().len() > heard).then_some(()));
    assert!(!line.keeps(), "and the status says so");

    std::fs::remove_file(&filler).expect("it is there");
    let mut tries = 0;
    wait_until("the line to take claims again", WITHIN, || {
        tries += 1;
        say(&house, &format!("after {tries}")).ok()
    });
    phone.hang_up();
    line.stop();
    figure(format!("full disk: refused with {reason:?}, taken again after {tries} tries"));
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
