//! What the line's own log says of people: nothing, however much it is asked to tell.

use std::time::Duration;

use xenline::config::{AllowSection, LineMode};

use crate::support::callee::Callee;
use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::process::xenline;
use crate::support::{alone, wait_until};

const STEP: Duration = Duration::from_secs(30);
const CALLER: &str = "4930551177001";
const TARGET: &str = "4930551177002";

#[test]
fn at_its_most_talkative_the_log_names_nobody() {
    let _machine = alone();
    let callee = Callee::new();
    let mut command = xenline();
    command.env("RUST_LOG", "trace");
    let line = Serving::start(command, |config| {
        config.line.mode = LineMode::Echo;
        config.sip.codecs = vec!["PCMU".into()];
        config.sip.channels = 1;
        config.trunk[0].transfers = true;
        config.trunk[0].probe = vec![format!("sip:{}", callee.sip)];
        config.outbound.trunk = Some(config.trunk[0].name.clone());
        config.outbound.from = "+4930551177003".into();
        config.outbound.allow = vec![AllowSection { prefix: "+49".into(), per_minute: 0.02 }];
    });
    let phone = Phone::call_as(line.sip, CALLER);
    assert_eq!(Phone::call_in_vain(line.sip, |offer| offer), 486, "the only channel is taken");
    // Somebody elsewhere, whom the number of the transfer may be and the address may not.
    let elsewhere = "198.51.100.9?Replaces=x%3Bto-tag%3Da%3Bfrom-tag%3Db";
    let refer = format!("Refer-To: <sip:+{TARGET}@{elsewhere}>\r\n");
    assert_eq!(phone.ask_in_call("REFER", &refer), 603);
    let sound = phone.media.local.to_string();
    phone.hang_up();
    wait_until("the end in the log", STEP, || line.said().contains("call ended").then_some(()));
    let said = line.said();
    line.stop();
    for told in ["call comes in", "INVITE refused", "cannot call"] {
        assert!(said.contains(told), "the log does not tell {told:?}:\n{said}");
    }
    for private in [CALLER, TARGET, "4930551177003", "tester", "198.51.100.9", &sound] {
        let line = said.lines().find(|line| line.contains(private));
        assert_eq!(line, None, "the log names {private:?}");
    }
}
