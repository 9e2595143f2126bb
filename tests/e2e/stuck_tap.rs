//! A tap that hangs, beside a call on a line that serves: the store of the lanes does not answer
//! (Redis is stopped; another process holds the SQLite file), and what the tap watches floods it.
//! The phone cannot tell: rounds with and without are taken in turns in one call, because the
//! machine is shared, and when packets came is compared.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use lane_broker::tap::RuleSpec;
use xenline::config::{Config, LaneStoreKind};
use xenline::control::{Reply, TapStatus};

use crate::redis::Redis;
use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::process::{Guarded, need, xenline};
use crate::support::rtp::{Packet, assert_one_stream};
use crate::support::{alone, figure, wait_until};

const SOON: Duration = Duration::from_secs(30);
const ROUNDS: usize = 2;
const ROUND: Duration = Duration::from_millis(1_200);
/// What waits for the tap's writer; beyond that it drops.
const QUEUE_MAX: usize = 8;
/// What a packet may be later beside a tap that hangs, on top of twice the lateness without: a
/// moment in which this machine's compilers had both cores. Whoever waited for the tap would be
/// later by a round.
const NOISE_P99_MS: f64 = 20.0;
const NOISE_MAX_MS: f64 = 200.0;

#[test]
fn a_tap_whose_redis_hangs_makes_no_packet_late() {
    let _machine = alone();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let redis = Redis::start(dir.path());
    let line = serving(dir.path(), LaneStoreKind::Redis, Some(&redis));
    compare("Redis is stopped", line, dir.path(), |hang| match hang {
        true => redis.stop(),
        false => redis.go_on(),
    });
}

#[test]
fn a_tap_whose_sqlite_file_is_held_by_another_process_makes_no_packet_late() {
    let _machine = alone();
    need("python3", "python3");
    let dir = tempfile::tempdir().expect("a temporary directory");
    let line = serving(dir.path(), LaneStoreKind::Sqlite, None);
    let mut other = Other::open(&line.config.lanes.file());
    compare("another process holds the SQLite file", line, dir.path(), |hang| match hang {
        true => other.does("BEGIN IMMEDIATE"),
        false => other.does("ROLLBACK"),
    });
}

/// A line that watches `dir/log`.
fn serving(dir: &Path, store: LaneStoreKind, redis: Option<&Redis>) -> Serving {
    std::fs::write(dir.join("log"), "").expect("it is written");
    let mut command = xenline();
    if let Some(redis) = redis {
        command.env(Config::default().lanes.redis_url_env, redis.url());
    }
    Serving::agent_in(command, |config| {
        config.lanes.store = store;
        config.tap.logs = vec![dir.join("log")];
        config.tap.queue_max = QUEUE_MAX;
        config.tap.rule = vec![RuleSpec { name: "all".into(), brain: true, ..RuleSpec::default() }];
    })
}

fn compare(how: &str, mut line: Serving, dir: &Path, mut hang: impl FnMut(bool)) {
    let log = std::fs::File::options().append(true).open(dir.join("log")).expect("a log");
    let phone = Phone::call(line.sip);
    wait_until("sound", SOON, || (phone.media.count() > 50).then_some(()));
    let (mut without, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        without.extend(round(&phone, || {}));
        let before = counts(&line);
        hang(true);
        beside.extend(round(&phone, || flood(&log)));
        let lost = counts(&line).lost - before.lost;
        hang(false);
        assert!(lost > 100, "it hangs, and drops: {lost} lost");
        // What it held is written, and it is as quiet as before.
        let written = || counts(&line);
        let mut last = written();
        wait_until("the tap to have written what it held", SOON, || {
            std::thread::sleep(Duration::from_millis(200));
            std::mem::replace(&mut last, written()).eq(&last).then_some(())
        });
    }
    assert_one_stream(&phone.media.received(), line.ticks_skipped());
    let begin = lateness(&phone.media.received(), 0).into_iter().fold(f64::MAX, f64::min);
    let [without, beside] = [without, beside].map(|mut late| {
        late.iter_mut().for_each(|ms| *ms -= begin);
        late.sort_by(f64::total_cmp);
        [0.5, 0.99, 1.0].map(|share| late[((late.len() - 1) as f64 * share) as usize])
    });
    let told = |[p50, p99, max]: [f64; 3]| format!("p50 {p50:.2}, p99 {p99:.2}, max {max:.2} ms");
    figure(format!("{how}: packets late by {}; without: {}", told(beside), told(without)));
    assert!(beside[0] <= 2.0 * without[0] + 5.0, "{beside:?}, without {without:?}");
    assert!(beside[1] <= 2.0 * without[1] + NOISE_P99_MS, "{beside:?}, without {without:?}");
    assert!(beside[2] <= 2.0 * without[2] + NOISE_MAX_MS, "{beside:?}, without {without:?}");
    phone.hang_up();
    line.end_in_mid_call();
}

/// How late each packet of a round came.
fn round(phone: &Phone, mut meanwhile: impl FnMut()) -> Vec<f64> {
    let (first, until) = (phone.media.count(), Instant::now() + ROUND);
    while Instant::now() < until {
        meanwhile();
        std::thread::sleep(Duration::from_millis(10));
    }
    lateness(&phone.media.received(), first)
}

/// When the packets from `from` on came, after when they would have by the first one's time, in ms.
fn lateness(packets: &[Packet], from: usize) -> Vec<f64> {
    let due_us =
        |packet: &Packet| i64::from(packet.timestamp.wrapping_sub(packets[0].timestamp)) * 125;
    let late = |packet: &Packet| (packet.at_us - packets[0].at_us - due_us(packet)) as f64 / 1e3;
    packets[from..].iter().map(late).collect()
}

/// Two thousand lines a second.
fn flood(mut log: &std::fs::File) {
    let lines = "something has happened that nobody has time to write down\n".repeat(20);
    log.write_all(lines.as_bytes()).expect("it is written");
}

fn counts(line: &Serving) -> TapStatus {
    match line.status() {
        Reply::Status { tap: Some(tap), .. } => tap,
        other => panic!("no tap in {other:?}"),
    }
}

/// Another process, which has the file open too.
struct Other {
    _process: Guarded,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Other {
    fn open(file: &Path) -> Self {
        let mut command = Command::new("python3");
        command.args(["-c", SCRIPT]).arg(file).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Guarded::spawn(command);
        let asks = process.child().stdin.take().expect("a pipe");
        let answers = BufReader::new(process.child().stdout.take().expect("a pipe"));
        Self { _process: process, asks, answers }
    }

    fn does(&mut self, sql: &str) {
        writeln!(self.asks, "{sql}").expect("it reads");
        let mut done = String::new();
        self.answers.read_line(&mut done).expect("it answers");
        assert_eq!(done, "done\n");
    }
}

const SCRIPT: &str = "import sqlite3, sys
file = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
for line in iter(sys.stdin.readline, ''):
    file.execute(line)
    print('done', flush=True)
";
