//! A tap that hangs, beside a call on a line that serves: the store of the lanes does not answer
//! (Redis is stopped; another process holds the SQLite file), and what the tap watches floods it.
//! The phone cannot tell: rounds with and without are taken in turns in one call, because the machine
//! is shared. How far the rounds without differ among each other is the noise; a tap that held the
//! tick up would put every round beside it above that.

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
/// By chance alone all of those beside the tap are later than all without once in a thousand runs, and
/// more seldom by more than the noise.
const ROUNDS: usize = 6;
/// What a flood of lines may cost; to wait for a store that hangs would cost a tick far more.
const NOISE_MS_MIN: f64 = 1.0;
const ROUND: Duration = Duration::from_millis(500);
/// What waits for the tap's writer; beyond that it drops.
const QUEUE_MAX: usize = 8;

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
        without.push(round(&phone, || {}));
        let before = counts(&line);
        hang(true);
        beside.push(round(&phone, || flood(&log)));
        wait_until("what a tap that hangs cannot keep", SOON, || {
            (counts(&line).lost - before.lost > 100).then_some(())
        });
        hang(false);
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
    for (what, share) in [("median", 0.5), ("latest", 1.0)] {
        let by_round =
            |rounds: &[Vec<f64>]| Spread::of(rounds.iter().map(|it| at(it, share) - begin));
        let (without, beside) = (by_round(&without), by_round(&beside));
        figure(format!("{how}: {what} packet of a round late by {beside}; without: {without}"));
        assert!(!beside.is_above(&without), "{what} packet: {beside} beside it, without {without}");
    }
    phone.hang_up();
    line.end_in_mid_call();
}

/// The lateness that `share` of a round's packets kept to, in ms.
fn at(round: &[f64], share: f64) -> f64 {
    let mut late = round.to_vec();
    late.sort_by(f64::total_cmp);
    late[((late.len() - 1) as f64 * share) as usize]
}

/// Of several rounds the best and the worst, in ms.
struct Spread {
    least: f64,
    most: f64,
}

impl Spread {
    fn of(rounds: impl Iterator<Item = f64>) -> Self {
        let none = Self { least: f64::MAX, most: f64::MIN };
        rounds.fold(none, |it, ms| Self { least: it.least.min(ms), most: it.most.max(ms) })
    }

    /// Whether even the best of these is worse than the worst of `others`, by more than those differ.
    /// On a machine with nothing else to do they differ by less than a flood of lines costs.
    fn is_above(&self, others: &Spread) -> bool {
        self.least > others.most + (others.most - others.least).max(NOISE_MS_MIN)
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} to {:.2} ms", self.least, self.most)
    }
}

#[test]
fn what_holds_every_round_up_is_told_from_noise() {
    let of = |rounds: [f64; 3]| Spread::of(rounds.into_iter());
    let without = of([0.2, 3.0, 0.4]);
    assert!(!of([0.3, 9.0, 2.0]).is_above(&without), "one round of noise");
    assert!(!of([4.0, 5.0, 5.5]).is_above(&without), "no more than the noise is");
    assert!(of([6.0, 7.0, 500.0]).is_above(&without));
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
