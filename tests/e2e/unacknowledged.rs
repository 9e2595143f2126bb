//! Between our 200 and its ACK the caller may hear and be heard already (RFC 3264 §6.1, §5.1): a network
//! that takes its time over the ACK must not make dead air of it.

use std::time::Duration;

use xenline::report::{CallEvent, EndingKind};

use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::sound::recorded;
use crate::support::{alone, figure, wait_until};

const STEP: Duration = Duration::from_secs(30);
/// Half a second of packets.
const PACKETS: usize = 25;
const WORDS: &str = "what time is it";

#[test]
fn the_line_sends_and_hears_from_its_answer_on_and_answers_what_was_said_before_the_ack() {
    let _machine = alone();
    let line = Serving::agent(|_| {});
    let (phone, answer) = Phone::call_before_its_ack(line.sip);
    wait_until("packets before the ACK", STEP, || (phone.media.count() > PACKETS).then_some(()));
    phone.media.say(&recorded(WORDS));
    let turn = line.turn(WORDS, 0);
    let before = phone.media.count();
    let mark = line.mark();
    phone.acknowledge(&answer);
    let claim = line.wait("an answer to it", 0, STEP, |_, event| match event {
        CallEvent::ClaimAccepted { claim, turn: Some(of), .. } if *of == turn => {
            Some(claim.clone())
        }
        _ => None,
    });
    line.wait("the answer to be said", mark, STEP, |_, event| match event {
        CallEvent::ClaimEnded { claim: ended, ending: EndingKind::Spoken, .. } => {
            (*ended == claim).then_some(())
        }
        _ => None,
    });
    figure(format!("before the ACK: {before} packets came, and \"{WORDS}\" was heard"));
    phone.hang_up();
    line.stop();
}
