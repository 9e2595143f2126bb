//! Another configuration for a running line.

use std::time::Duration;

use xenline::control::Reply;

use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::process::{Ran, run, xenline};
use crate::support::{alone, figure, wait_until};

const STEP: Duration = Duration::from_secs(30);

fn reload(line: &Serving) -> Ran {
    let mut command = xenline();
    let socket = line.config.say.socket.as_ref().expect("the tests name one");
    command.args(["reload", "--socket"]).arg(socket);
    run(command, STEP)
}

fn write(line: &Serving, text: &str) {
    std::fs::write(line.file(), text).expect("it is written");
}

fn last_reload(line: &Serving) -> Option<String> {
    match line.status() {
        Reply::Status { process, .. } => process.reload.and_then(|reload| reload.refused),
        other => panic!("not a status: {other:?}"),
    }
}

#[test]
fn a_changed_configuration_holds_for_the_next_call_and_leaves_the_running_one_alone() {
    let _machine = alone();
    let mut line = Serving::echo(|config| config.sip.channels = 2);
    let phone = Phone::call(line.sip);
    let mut changed = line.config.clone();
    changed.sip.channels = 1;
    changed.rtp.port_max -= 100;
    write(&line, &toml::to_string(&changed).expect("TOML"));
    let told = reload(&line);
    figure(format!("xenline reload: {}", told.out.trim().replace('\n', "; ")));
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.out.contains("sip.channels: 2 -> 1 (now)"), "{told:?}");
    assert!(told.out.contains("rtp.port_max") && told.out.contains("needs a restart"), "{told:?}");
    assert_eq!(Phone::call_in_vain(line.sip, |offer| offer), 486, "one channel, and it is in use");

    // What is agreed on is agreed on anew with the next call.
    changed.sip.channels = 2;
    changed.trunk[0].codecs = Some(vec!["PCMA".into()]);
    write(&line, &toml::to_string(&changed).expect("TOML"));
    let told = reload(&line);
    let from_then_on = "trunk.loopback.codecs: (left out) -> [\"PCMA\"] (from the next call on)";
    assert!(told.out.contains(from_then_on), "{told:?}");
    assert_eq!(Phone::call_in_vain(line.sip, |offer| offer), 488, "it offers PCMU alone");
    changed.trunk[0].codecs = None;

    // The trunk's addresses change: its call goes on, and it begins no other.
    changed.trunk[0].allow = vec!["192.0.2.1/32".parse().expect("a network")];
    write(&line, &toml::to_string(&changed).expect("TOML"));
    line.signal(libc::SIGHUP);
    wait_until("SIGHUP to be obeyed", STEP, || {
        line.said().contains("trunk.loopback.allow").then_some(())
    });
    assert!(!phone.was_hung_up());
    phone.hang_up();

    // What cannot be served is refused whole.
    changed.trunk[0].allow = line.config.trunk[0].allow.clone();
    changed.sip.channels = 0;
    write(&line, &toml::to_string(&changed).expect("TOML"));
    let refused = reload(&line);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("sip.channels"), "{refused:?}");
    assert!(last_reload(&line).is_some_and(|why| why.contains("sip.channels")));
    write(&line, "[sip\n");
    line.signal(libc::SIGHUP);
    wait_until("SIGHUP to be refused", STEP, || {
        last_reload(&line).filter(|why| why.contains("line 1"))
    });

    changed.sip.channels = 1;
    write(&line, &toml::to_string(&changed).expect("TOML"));
    assert_eq!(reload(&line).code, Some(0));
    assert_eq!(last_reload(&line), None);
    Phone::call(line.sip).hang_up();
    line.end();
}
