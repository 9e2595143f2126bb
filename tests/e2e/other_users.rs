//! Programs of other users: who may speak is decided by the socket's mode, by whom the kernel says is
//! at the other end, and in the spool by whose file it is. Only root can be somebody else, so for
//! others these tests are left out.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use xenline::config::Mode;
use xenline::report::{CallEvent, EndingKind};

use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::process::{Ran, need, run};
use crate::support::{alone, figure, wait_until};

const SOON: Duration = Duration::from_secs(30);
const SAID_WITHIN: Duration = Duration::from_secs(60);
const NAMED: u32 = 65_531;
const STRANGER: u32 = 65_532;

#[test]
fn another_users_program_is_heard_where_its_user_is_named_and_else_told_why_not() {
    let _machine = alone();
    // SAFETY: `geteuid` has no preconditions and cannot fail.
    if unsafe { libc::geteuid() } != 0 {
        return figure("left out: only root can be another user");
    }
    need("python3", "python3");
    let dir = tempfile::tempdir().expect("a temporary directory");
    let socket = dir.path().join("say.sock");
    set_mode(dir.path(), 0o755);
    let line = Serving::agent(|config| {
        config.say.socket = Some(socket.clone());
        config.say.mode = Mode(0o666);
        config.say.allow_uids = vec![NAMED];
    });
    let mode = socket.metadata().expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o666, "as it is configured");
    let phone = Phone::call(line.sip);
    line.wait("the greeting", 0, SOON, spoken("Hello"));
    let refused = ask_as(STRANGER, &socket, "I am a stranger.");
    assert!(refused.out.contains("user 65532 may not speak on this line"), "{refused:?}");
    assert!(refused.out.contains("[say] allow_uids"), "{refused:?}");
    let accepted = ask_as(NAMED, &socket, "The kettle boils.");
    assert!(accepted.out.contains("accepted"), "{accepted:?}");
    line.wait("the named user's words", 0, SAID_WITHIN, spoken("The kettle boils."));
    let whole_line = ask_as(NAMED, &socket, "{\"ask\":\"queue_pause\"}");
    assert!(whole_line.out.contains("refused"), "only the line's own user may: {whole_line:?}");

    let dropped = |name: &str| dir.path().join("spool").join(name);
    for (uid, text) in [(STRANGER, "I am a stranger's file."), (NAMED, "The tea is ready.")] {
        let file = dropped(&format!("tmp/{uid}"));
        std::fs::write(&file, text).expect("it is written");
        chown(&file, Some(uid), Some(uid)).expect("we are root");
        std::fs::rename(&file, dropped(&format!("new/{uid}"))).expect("it is dropped");
    }
    let result = |uid: u32, has: &str| {
        wait_until("a result beside the drop", SAID_WITHIN, || {
            let told = std::fs::read_to_string(dropped(&format!("done/{uid}.json"))).ok()?;
            told.contains(has).then_some(())
        });
    };
    result(STRANGER, "may not speak on this line");
    result(NAMED, "spoken");

    set_mode(&socket, 0o600);
    let kept_out = ask_as(NAMED, &socket, "I am kept out.");
    assert!(kept_out.err.contains("PermissionError"), "by the file's mode: {kept_out:?}");
    let strangers = |(_, event): &(f64, CallEvent)| match event {
        CallEvent::ClaimAccepted { text, .. } => text.starts_with("I am "),
        _ => false,
    };
    assert!(!line.events().iter().any(strangers), "nobody else reached a governor");
    phone.hang_up();
    line.stop();
}

fn spoken(words: &'static str) -> impl Fn(f64, &CallEvent) -> Option<()> {
    move |_, event| match event {
        CallEvent::ClaimEnded { ending: EndingKind::Spoken, heard_text, .. } => {
            heard_text.starts_with(words).then_some(())
        }
        _ => None,
    }
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
}

/// Sends a line as this user, and gives what is answered.
fn ask_as(uid: u32, socket: &Path, line: &str) -> Ran {
    let mut command = Command::new("python3");
    command.args(["-c", SCRIPT]).arg(socket).arg(line);
    command.uid(uid).gid(uid).current_dir("/");
    run(command, SOON)
}

const SCRIPT: &str = "import socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect(sys.argv[1])
line.sendall(sys.argv[2].encode() + b'\\n')
line.shutdown(socket.SHUT_WR)
print(line.makefile().read())
";
