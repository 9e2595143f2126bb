//! `xenline call`: the small softphone against a running line.

use std::path::Path;
use std::time::Duration;

use xenline::engines::assets_dir;
use xenline::report::CallEvent;

use crate::support::line::Serving;
use crate::support::process::{Ran, run, xenline};
use crate::support::sound::{channel, words_in};
use crate::support::{alone, figure};

const A_CALL: Duration = Duration::from_secs(60);

fn call(line: &Serving, record: &Path, more: &[&str]) -> Ran {
    let mut command = xenline();
    command.arg("call").arg(format!("sip:agent@{}", line.sip)).arg("--record").arg(record);
    run(
        {
            command.args(more);
            command
        },
        A_CALL,
    )
}

#[test]
fn a_file_and_digits_arrive_and_what_came_back_is_recorded() {
    let _machine = alone();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let record = dir.path().join("call.wav");
    let hello = assets_dir().join("caller/hello.wav").display().to_string();
    for codec in ["PCMU", "PCMA", "G722"] {
        let line = Serving::agent(|_| {});
        let more = ["--say", &hello, "--digits", "42#", "--codec", codec, "--pause-ms", "4000"];
        let ran = call(&line, &record, &more);
        assert_eq!(ran.code, Some(0), "{codec}: {ran:?}");
        line.turn("hello", 0);
        let events = line.events();
        let digits: String = events
            .iter()
            .filter_map(|(_, event)| match event {
                CallEvent::Dtmf { digit } => Some(*digit),
                _ => None,
            })
            .collect();
        let negotiated = events.iter().find_map(|(_, event)| match event {
            CallEvent::CallOpened(opened) => Some(opened.codec.clone()),
            _ => None,
        });
        assert_eq!(digits, "42#", "{codec}: each digit arrives once");
        assert_eq!(negotiated.as_deref(), Some(codec));
        let said = words_in(&channel(&record, 1));
        assert_eq!(said.first().map(String::as_str), Some("hello"), "{codec}: the right channel");
        assert!(words_in(&channel(&record, 0)).len() >= 2, "{codec}: a greeting and an answer");
        figure(format!("softphone: {codec}, \"hello\" and digits {digits} arrived"));
        line.stop();
    }
}

#[test]
fn text_is_spoken_by_a_callers_voice_and_calls_go_over_tcp() {
    let _machine = alone();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let line = Serving::agent(|config| {
        config.sip.listen_tcp = config.sip.listen_udp;
    });
    let tcp = line.tcp.expect("it listens there");
    let mut command = xenline();
    command.arg("call").arg(format!("sip:agent@{tcp};transport=tcp"));
    command.args(["--mic-text", "can you hear me", "--pause-ms", "4000", "--record"]);
    command.arg(dir.path().join("call.wav"));
    let ran = run(command, A_CALL);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    line.turn("can you hear me", 0);
    line.stop();
}

#[test]
fn a_farewell_ends_the_call_from_the_lines_side() {
    let _machine = alone();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let line = Serving::agent(|_| {});
    let goodbye = assets_dir().join("caller/goodbye.wav").display().to_string();
    let more = ["--say", &goodbye, "--pause-ms", "4000", "--stay-ms", "20000"];
    let ran = call(&line, &dir.path().join("call.wav"), &more);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("the line hung up"), "{}", ran.out);
    line.stop();
}
