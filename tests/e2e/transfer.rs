//! Another telephone takes the caller's place: the line, its sound and its conversation stay.

use std::time::Duration;

use serde_json::Value;
use xenline::report::{CallEvent, EndingKind};

use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::sound::recorded;
use crate::support::{alone, figure, wait_until};

const STEP: Duration = Duration::from_secs(30);
const ATTESTED: &str =
    "P-Asserted-Identity: \"Ann\" <sip:+15550100@carrier>;verstat=TN-Validation-Passed-A\r\n";

#[test]
fn a_dialog_that_is_replaced_keeps_its_line_and_its_conversation() {
    let _machine = alone();
    let line = Serving::agent(|config| config.sip.channels = 1);
    let first = Phone::call_with(line.sip, ATTESTED);
    let greeted = line.wait("the greeting", 0, STEP, |_, event| spoken(event));
    // Nobody puts the line through to anybody unless its operator says so.
    let refer = "Refer-To: <sip:+15550199@127.0.0.1>\r\n";
    assert_eq!(first.ask_in_call("REFER", refer), 603);

    let second = Phone::call_with(line.sip, &first.taken_over());
    assert_eq!(second.line_rtp, first.line_rtp, "the line's socket stays");
    wait_until("a goodbye to the first", STEP, || first.was_hung_up().then_some(()));
    second.media.say(&recorded("what time is it"));
    line.turn("what time is it", 0);
    line.wait("its answer", 0, STEP, |_, event| spoken(event).filter(|claim| *claim != greeted));
    second.hang_up();
    let records = wait_until("one record for each dialog", STEP, || {
        let records = records(&line);
        (records.len() == 2).then_some(records)
    });
    line.stop();

    figure(format!("transfer: {records:?}"));
    assert_eq!(records[0]["caller"]["attestation"], "full");
    assert_eq!(records[0]["from"], "+******00", "the asserted number, masked");
    assert_eq!(records[0]["caller"]["name"], "***", "and so is the name");
    assert_eq!(records[0]["reason"], "The call went on elsewhere");
    assert_eq!(records[1]["caller"]["attestation"], "unverified");
    assert_eq!(records[1]["turns"], 1, "the conversation is the second's");
}

fn records(line: &Serving) -> Vec<Value> {
    let file = line.config.cdr.path.as_ref().expect("the tests name one");
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn spoken(event: &CallEvent) -> Option<String> {
    match event {
        CallEvent::ClaimEnded { claim, ending: EndingKind::Spoken, .. } => Some(claim.clone()),
        _ => None,
    }
}
