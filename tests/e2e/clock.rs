//! What happens to a machine in a month: its clock is set, and the line is told to stop. Calls go on.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::process::{need, run, xenline};
use crate::support::{alone, figure, wait_until};

const STEP: Duration = Duration::from_secs(30);
const HOUR_S: i64 = 3_600;
/// As long as the clock stays as it was set.
const STAYS: Duration = Duration::from_secs(3);

/// The wall clock of one process, to be set.
struct WallClock {
    file: File,
    path: PathBuf,
    library: PathBuf,
    _dir: tempfile::TempDir,
}

impl WallClock {
    fn new() -> Self {
        need("cc", "build-essential");
        let dir = tempfile::tempdir().expect("a directory");
        let (path, library) = (dir.path().join("ahead"), dir.path().join("clock.so"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/clock.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O2", "-o"]).arg(&library).arg(source);
        let ran = run(compiler, STEP);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let file = File::create(&path).expect("a file");
        let clock = Self { file, path, library, _dir: dir };
        clock.set(0);
        clock
    }

    /// So many seconds before the kernel's. In place: the line has the file mapped.
    fn set(&self, ahead_s: i64) {
        self.file.write_all_at(&ahead_s.to_ne_bytes(), 0).expect("it is written");
    }

    fn of_a_line(&self) -> Command {
        let mut command = xenline();
        command.env("LD_PRELOAD", &self.library).env("CLOCK_AHEAD_FILE", &self.path);
        command
    }
}

#[test]
fn a_wall_clock_that_is_set_by_an_hour_and_a_line_that_is_told_to_stop_leave_a_call_alone() {
    let _machine = alone();
    let clock = WallClock::new();
    let mut line = Serving::start(clock.of_a_line(), |config| {
        config.line.mode = xenline::config::LineMode::Echo;
        config.sip.codecs = vec!["PCMU".into()];
        config.sip.drain_s = 60;
    });
    let phone = Phone::call(line.sip);
    for (name, ahead_s) in [("right", 0), ("an hour back", -HOUR_S), ("an hour ahead", HOUR_S)] {
        clock.set(ahead_s);
        let (before, began) = (phone.media.count(), std::time::Instant::now());
        std::thread::sleep(STAYS);
        let packets = phone.media.count() - before;
        let due = began.elapsed().as_millis() as usize / 20;
        figure(format!("the clock is {name}: {packets} of {due} packets came"));
        assert!(packets * 10 >= due * 9, "{packets} of {due} packets with the clock {name}");
        assert!(packets * 10 <= due * 11, "{packets} of {due} packets with the clock {name}");
        assert!(!phone.was_hung_up(), "the clock {name}");
    }

    line.signal(libc::SIGTERM);
    wait_until("new calls to be sent elsewhere", STEP, || {
        line.said().contains("no new calls").then_some(())
    });
    assert_eq!(Phone::call_in_vain(line.sip, |offer| offer), 503);
    let before = phone.media.count();
    wait_until("the call to go on", STEP, || (phone.media.count() > before + 50).then_some(()));
    assert!(!phone.was_hung_up(), "a line that stops waits for its calls");
    phone.hang_up();
    line.has_ended();

    let file = line.config.cdr.path.as_ref().expect("the tests name one");
    let records = std::fs::read_to_string(file).expect("records");
    let call: serde_json::Value =
        serde_json::from_str(records.lines().last().expect("a record")).expect("JSON");
    let number = |key: &str| call[key].as_f64().unwrap_or_else(|| panic!("{key} in {call}"));
    figure(format!(
        "the call's record: {} ms, {} % lost, MOS {:.2}",
        number("end_ms"),
        number("loss_percent"),
        number("mos_estimated")
    ));
    assert!(number("end_ms") < 120_000.0, "a call lasts as long as it lasts: {call}");
    assert!(number("loss_percent") < 1.0 && number("mos_estimated") > 3.9, "{call}");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as f64;
    let ahead_ms = number("started_unix_ms") - now;
    assert!((ahead_ms - HOUR_S as f64 * 1_000.0).abs() < 120_000.0, "the line saw it: {call}");
}
