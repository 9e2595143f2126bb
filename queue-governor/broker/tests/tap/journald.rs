//! The system journal as it really is: a journald of the test's own, in namespaces of its own, and
//! the journalctl that follows it. Left out, with a word, where the kernel gives no namespaces or
//! there is no systemd.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use lane_broker::tap::{RuleSpec, Severity, TapConfig};

use super::{everything, start};

const JOURNALD: &str = "/lib/systemd/systemd-journald";
const NAMESPACES: [&str; 5] = ["unshare", "-rmp", "--fork", "--kill-child", "sh"];

#[test]
fn the_real_journal_is_followed_and_gone_on_with_where_it_stopped() {
    let mut trial = Command::new(NAMESPACES[0]);
    trial.args(&NAMESPACES[1..]).args(["-c", "mount -t tmpfs none /run"]).stderr(Stdio::null());
    if !Path::new(JOURNALD).is_file() || !trial.status().is_ok_and(|status| status.success()) {
        println!("left out: no systemd, or no namespaces");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("journal")).unwrap();
    let pipe = dir.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tap/journald.sh");
    let mut journal = NAMESPACES.map(String::from).to_vec();
    journal.extend([script, dir.path().into()].map(|path| path.display().to_string()));
    let only_errors = RuleSpec { severity: Some(Severity::Err), ..everything().remove(0) };
    let running = start(TapConfig { journal, rules: vec![only_errors], ..Default::default() });
    // Both ends, so that neither waits for the other.
    let mut write = std::fs::File::options().read(true).write(true).open(&pipe).unwrap();
    let mut write = |line: &str| writeln!(write, "{line}").unwrap();
    // What is written before it follows is no news, and nobody says when it does.
    let mut written = 0;
    super::wait_for(|| {
        written += 1;
        write(&format!("trial {written}"));
        std::thread::sleep(std::time::Duration::from_millis(100));
        (!running.events().is_empty()).then_some(())
    })
    .expect("the journal is followed");
    write("the backup of photos failed");
    write("end");
    write("the disk is full");
    let seen = running.seen(|seen| seen.iter().any(|line| line.contains("disk is full")));
    let told: Vec<_> = seen.iter().filter(|line| !line.contains("trial")).collect();
    let expected = ["the backup of photos failed", "the disk is full"];
    assert_eq!(
        told,
        expected.map(|line| format!("backup.service: {line}")).iter().collect::<Vec<_>>()
    );
    let trials: std::collections::BTreeSet<_> =
        seen.iter().filter(|line| line.contains("trial")).collect();
    assert_eq!(trials.len() + 2, seen.len(), "nothing comes twice: {seen:?}");
}
