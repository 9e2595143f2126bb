//! The governor's knobs and the operator's words, in a running line.

use std::time::Duration;

use xenline::replay::Log;

use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::{alone, wait_until};

const SOON: Duration = Duration::from_secs(20);

#[test]
fn a_trunks_own_governor_is_the_one_of_its_lines() {
    let _machine = alone();
    let line = Serving::agent(|config| {
        config.governor.stall_ms = 900;
        config.trunk[0].governor =
            toml::from_str("gap_ms = 777\ndecide_ms = 400").expect("keys of ours");
    });
    let phone = Phone::call(line.sip);
    wait_until("sound", SOON, || (phone.media.count() > 5).then_some(()));
    phone.hang_up();
    let log = Log::read_partial(&line.folder().join(xenline::replay::LOG_FILE)).expect("a log");
    let governor = &log.header.governor;
    assert_eq!(governor.gap, Duration::from_millis(777), "what the trunk says");
    assert_eq!(governor.decide, Duration::from_millis(400));
    assert_eq!(log.header.ear.decide_ms, 400, "the ear decides by then too");
    assert_eq!(governor.stall, Duration::from_millis(900), "what it says for all");
    line.stop();
}
