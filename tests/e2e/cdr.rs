//! The record of every call: one line each, however the call ended, and true.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use xenline::report::{CallEvent, EndingKind};

use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::sound::recorded;
use crate::support::{alone, figure, wait_until};

const STEP: Duration = Duration::from_secs(30);

fn records(line: &Serving) -> Vec<Value> {
    let file = line.config.cdr.path.as_ref().expect("the tests name one");
    let text = std::fs::read_to_string(file).expect("a file of records");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn answered_refused_and_cut_off_every_call_has_one_record_and_it_is_true() {
    let _machine = alone();
    let mut line = Serving::agent(|config| {
        config.sip.channels = 1;
        config.sip.drain_s = 0;
    });
    let phone = Phone::call(line.sip);
    let g729 = |offer: String| offer.replace(" 0 101", " 18").replace("0 PCMU", "18 G729");
    let busy = Phone::call_in_vain(line.sip, |offer| offer);
    let greeted = line.wait("the greeting", 0, STEP, |_, event| spoken(event));
    std::thread::sleep(Duration::from_millis(300));
    phone.media.say(&recorded("what time is it"));
    let turn = line.turn("what time is it", 0);
    line.wait("its answer", 0, STEP, |_, event| spoken(event).filter(|claim| *claim != greeted));
    phone.hang_up();
    let folder = line.folder();
    let unusable = Phone::call_in_vain(line.sip, g729);
    // The line leaves before the caller has acknowledged its answer.
    let unheard = Phone::call_without_ack(line.sip);
    line.end_in_mid_call();
    wait_until("a word to whoever still waits", STEP, || unheard.was_hung_up().then_some(()));

    let records = records(&line);
    let column = |key: &str| records.iter().map(|record| record[key].clone()).collect::<Vec<_>>();
    figure(format!("call data records: {:?} {:?}", column("sip_status"), column("reason")));
    assert_eq!((busy, unusable), (486, 488));
    assert_eq!(column("sip_status"), [486, 200, 488, 200]);
    assert_eq!(column("hangup_by"), ["bridge", "peer", "bridge", "line"]);
    assert_eq!(column("q850")[0], 17, "busy");
    assert_eq!(column("q850")[3], 27, "out of order");
    let mut calls: Vec<_> = column("sip_call_id").iter().map(Value::to_string).collect();
    calls.sort();
    calls.dedup();
    assert_eq!(calls.len(), 4, "one record each");
    assert!(records.iter().all(|record| record["from"] == "****er"), "numbers are masked");
    assert!(records.iter().all(|record| record["started_unix_ms"].as_u64() > Some(0)));
    is_true(&records[1], &line, turn, &folder);
}

/// The record of the one call that was a conversation.
fn is_true(record: &Value, line: &Serving, turn: u64, folder: &Path) {
    let number = |key: &str| record[key].as_u64().unwrap_or_else(|| panic!("{key} in {record}"));
    assert_eq!((number("turns"), number("barge_ins")), (1, 0));
    assert!(number("rtp_sent") > 50 && number("rtp_received") > 50, "{record}");
    assert!(number("answer_ms") <= number("end_ms"));
    let waited = first_sample_of(line, turn) - end_of(line, turn);
    let dead_air = number("dead_air_ms");
    figure(format!("dead air on record: {dead_air} ms; the caller waited {waited:.0} ms"));
    assert!((dead_air as f64 - waited).abs() <= 20.0, "{dead_air} ms, waited {waited} ms");
    assert!(number("turn_latency_ms_p50").abs_diff(dead_air) <= 20, "{record}");
    for (key, file) in [("recording", "call.wav"), ("transcript", "transcript.jsonl")] {
        assert_eq!(record[key], folder.join(file).display().to_string());
        assert!(folder.join(file).is_file(), "{file} is there");
    }
    let said = std::fs::read_to_string(folder.join("transcript.jsonl")).expect("a transcript");
    assert!(said.contains("what time is it") || said.contains("What time is it"), "{said}");
}

#[test]
fn records_are_kept_where_nothing_is_recorded_and_numbers_where_they_are_asked_for() {
    let _machine = alone();
    let mut line = Serving::echo(|config| {
        config.recording.dir = None;
        config.cdr.numbers = true;
    });
    Phone::call(line.sip).hang_up();
    let cut_off = Phone::call(line.sip);
    line.end_in_mid_call();
    drop(cut_off);
    let records = records(&line);
    assert_eq!(records.len(), 2, "{records:?}");
    for record in &records {
        assert_eq!((&record["from"], &record["to"]), (&"tester".into(), &"agent".into()));
        assert_eq!((&record["recording"], &record["transcript"]), (&Value::Null, &Value::Null));
        assert!(record["rtp_sent"].as_u64().is_some(), "{record}");
    }
}

fn spoken(event: &CallEvent) -> Option<String> {
    match event {
        CallEvent::ClaimEnded { claim, ending: EndingKind::Spoken, .. } => Some(claim.clone()),
        _ => None,
    }
}

fn end_of(line: &Serving, turn: u64) -> f64 {
    line.wait("the turn", 0, STEP, |_, event| match event {
        CallEvent::CallerTurn { turn: of, times, .. } if *of == turn => Some(times.speech_end_ms),
        _ => None,
    })
}

fn first_sample_of(line: &Serving, turn: u64) -> f64 {
    let claim = line.wait("its claim", 0, STEP, |_, event| match event {
        CallEvent::ClaimAccepted { claim, turn: Some(of), .. } if *of == turn => {
            Some(claim.clone())
        }
        _ => None,
    });
    line.wait("its first sample", 0, STEP, |t_ms, event| match event {
        CallEvent::FirstSample { claim: of } if *of == claim => Some(t_ms),
        _ => None,
    })
}
