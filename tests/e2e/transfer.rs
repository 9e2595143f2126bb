//! Another telephone takes the caller's place, the caller puts the line through, or is put through: by
//! whom we did not write, and through the gate of every call out.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use brain_protocol::{LineMessage, TransferOutcome};
use serde_json::{Value, json};
use tempfile::TempDir;
use xenline::config::AllowSection;
use xenline::report::{CallEvent, EndingKind};

use crate::outbound::{NUMBER, account, calls_out};
use crate::sipp::sipp;
use crate::support::baresip::{Baresip, dial};
use crate::support::callee::Callee;
use crate::support::door::free_port;
use crate::support::line::Serving;
use crate::support::mind::Mind;
use crate::support::phone::Phone;
use crate::support::process::{Guarded, gather, need, xenline};
use crate::support::sound::{power_at, recorded, rms};
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

/// Has baresip do something, through its control port.
fn tell_baresip(control: SocketAddr, command: &str, about: &str) {
    let asked = json!({ "command": command, "params": about, "token": "test" }).to_string();
    let connect = || TcpStream::connect(control).ok();
    let mut stream = wait_until("baresip's control port", STEP, connect);
    // A netstring.
    write!(stream, "{}:{asked},", asked.len()).expect("it listens");
}

/// baresip calls, is greeted, and puts the line through to `to`.
fn baresip_transfers(line: &Serving, to: &str) -> (Guarded, TempDir) {
    let control = free_port();
    let modules =
        format!("module          g711.so\nmodule_app      ctrl_tcp.so\nctrl_tcp_listen {control}");
    let dir = Baresip {
        account: ">;regint=0;audio_codecs=PCMU",
        modules: &modules,
        rate: 8_000,
        microphone: &[vec![0; 60 * 8_000]],
    }
    .set_up();
    let mark = line.mark();
    let mut baresip = dial(dir.path(), &format!("sip:agent@{}", line.sip));
    gather(baresip.child().stdout.take());
    line.wait("the greeting", mark, STEP, |_, event| spoken(event));
    tell_baresip(control, "transfer", &format!("sip:{to}@127.0.0.1"));
    (baresip, dir)
}

#[test]
fn baresip_puts_the_line_through_to_whom_it_may_call_and_the_conversation_goes_on_there() {
    let _machine = alone();
    need("baresip", "baresip-core");
    let callee = Callee::new();
    let line = Serving::agent(|config| {
        calls_out(config, &callee);
        config.trunk[0].transfers = true;
    });
    let (mut baresip, _dir) = baresip_transfers(&line, "+19005551234");
    wait_until("a refusal", STEP, || {
        line.said().contains("a transfer that the other side asked for is refused").then_some(())
    });
    assert_eq!((callee.answered(), account(&line).minutes_used), (0, 0), "nobody was called");
    baresip.signal(libc::SIGTERM);
    baresip.ended(STEP);
    wait_until("it to be gone", STEP, || (line.open_calls() == 0).then_some(()));

    let mark = line.mark();
    let (mut baresip, _dir) = baresip_transfers(&line, NUMBER);
    callee.wait_for_calls(1, STEP);
    let promised = account(&line);
    assert_eq!((promised.calls, promised.minutes_used), (1, 60));
    callee.media.say(&recorded("what time is it"));
    line.turn("what time is it", mark);
    callee.hang_up("");
    wait_until("the account to be settled", STEP, || {
        (account(&line).minutes_used == 1).then_some(())
    });
    figure("baresip put the line through; the account: 60 minutes promised, 1 used");
    baresip.signal(libc::SIGTERM);
    baresip.ended(STEP);
    line.stop();
}

#[test]
fn sipp_puts_the_line_through_to_somebody_in_a_call_and_that_call_is_replaced() {
    let _machine = alone();
    let callee = Callee::new();
    let line = Serving::agent(|config| {
        calls_out(config, &callee);
        let extension = |prefix: &str| AllowSection { prefix: prefix.into(), per_minute: 0.0 };
        config.outbound.allow.push(extension("4711"));
        config.trunk[0].transfers = true;
    });
    let (there, here) = (free_port().port().to_string(), free_port().port().to_string());
    std::thread::scope(|scope| {
        let called = scope.spawn(|| sipp("attended_to.xml", &line, &["-m", "1", "-p", &there]));
        // The INVITE that comes before it listens is repeated.
        let arguments = ["-m", "1", "-p", &here, "-key", "called_port", &there];
        sipp("attended_from.xml", &line, &arguments);
        // It hangs up by itself.
        called.join().expect("its call was replaced, and ended");
    });
    wait_until("the account to be settled", STEP, || {
        let account = account(&line);
        (account.calls == 0 && account.minutes_used == 1).then_some(())
    });
    let records = records(&line);
    let reasons: Vec<_> = records.iter().map(|record| &record["reason"]).collect();
    figure(format!("sipp's attended transfer: {reasons:?}"));
    line.stop();
}

#[test]
fn a_caller_whom_the_brain_puts_through_costs_the_longest_call_and_the_day_ends_there() {
    let _machine = alone();
    let mind = Mind::start(|mind, message| match message {
        LineMessage::LineOpened { line, .. } => {
            mind.say(&json!({ "type": "transfer", "line": line, "to": NUMBER }));
        }
        LineMessage::CallerTurn { line, turn, position, .. } => {
            mind.say(&json!({
                "type": "turn_done", "line": line, "turn": turn, "position": position,
            }));
        }
        _ => {}
    });
    let callee = Callee::new();
    let line = Serving::start(xenline(), |config| {
        calls_out(config, &callee);
        config.brain.command = mind.command();
        // As long as one call may last.
        config.outbound.minutes_per_day = 60;
    });
    let told = || {
        let outcome = |message: &LineMessage| match message {
            LineMessage::TransferEnded { outcome, reason, .. } => Some((*outcome, reason.clone())),
            _ => None,
        };
        mind.told().iter().filter_map(outcome).collect::<Vec<_>>()
    };
    sipp("put_through.xml", &line, &["-m", "1"]);
    let done = wait_until("the brain to hear of it", STEP, || told().pop());
    assert_eq!(done, (TransferOutcome::Done, None));
    let after = account(&line);
    assert_eq!((after.calls, after.minutes_used), (0, 60), "how long they talk is not ours to see");

    let phone = Phone::call(line.sip);
    let (outcome, reason) = wait_until("a second one", STEP, || told().into_iter().nth(1));
    let reason = reason.unwrap_or_default();
    figure(format!("a transfer beyond the day's minutes: {reason}"));
    assert_eq!(outcome, TransferOutcome::Refused);
    assert!(reason.contains("minutes_per_day"), "{reason}");
    phone.hang_up();
    line.stop();
}

#[test]
fn whoever_puts_the_line_through_hears_it_ring_and_whoever_answers_does_not() {
    let _machine = alone();
    let callee = Callee::new();
    callee.be_slow();
    let line = Serving::agent(|config| {
        calls_out(config, &callee);
        config.trunk[0].transfers = true;
    });
    let phone = Phone::call(line.sip);
    line.wait("the greeting", 0, STEP, |_, event| spoken(event));
    let so_far = phone.media.count();
    let refer = format!("Refer-To: <sip:{NUMBER}@127.0.0.1>\r\n");
    assert_eq!(phone.ask_in_call("REFER", &refer), 202);
    wait_until("it to ring", STEP, || callee.is_called().then_some(()));
    wait_until("that to be heard", STEP, || {
        (ringing_ms(&phone.media.heard_since(so_far)) > 300).then_some(())
    });
    callee.pick_up();
    callee.wait_for_calls(1, STEP);
    wait_until("a goodbye to the first", STEP, || phone.was_hung_up().then_some(()));
    wait_until("sound at the second", STEP, || (callee.media.count() > 100).then_some(()));
    let (first, second) =
        (ringing_ms(&phone.media.heard_since(so_far)), ringing_ms(&callee.media.heard()));
    figure(format!("ringback: {first} ms at whoever puts through, {second} ms at whoever answers"));
    // What was under way when the answer came.
    assert!(second <= 60, "{second} ms");
    callee.hang_up("");
    line.stop();
}

/// For how long both tones of a ringing telephone, and nothing else, are in this.
fn ringing_ms(sound: &[i16]) -> usize {
    let rings = |frame: &&[i16]| {
        let power = rms(frame).powi(2);
        let tones = power_at(frame, 440.0) + power_at(frame, 480.0);
        power > 100_000.0 && tones > 0.8 * power
    };
    // 40 Hz apart: 50 ms tell them from each other.
    sound.chunks_exact(400).filter(rings).count() * 50
}
