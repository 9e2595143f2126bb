//! An audio thread of our own, and peers that are not. Shared with the tests of doors made of this
//! one.

use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use assert_no_alloc::assert_no_alloc;
use media_core::MonoTime;
use media_core::plugin::{AudioSink, AudioSource};
use plugin_opus::Opus;
use plugin_webrtc::{Clock, PeerConfig};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};

pub const RATE: f64 = 48_000.0;
const FRAME: usize = 960;
const TICK: Duration = Duration::from_millis(20);

/// On loopback, and quick to see that somebody has gone.
pub fn config() -> PeerConfig {
    let clock: Clock = Arc::new(now);
    PeerConfig {
        interrupted_after: Duration::from_secs(2),
        lost_after: Duration::from_secs(3),
        ..PeerConfig::loopback(Arc::new(Opus), clock)
    }
}

/// The clock that other processes have, too.
pub fn now() -> MonoTime {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is writable for the duration of the call, and Linux has this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    MonoTime::from_micros((time.tv_sec * 1_000_000 + time.tv_nsec / 1_000).cast_unsigned())
}

/// What is said at each sample.
pub type Wave = fn(u64) -> i16;

/// A thread that ticks: pushes a wave, pulls from everybody and keeps what it hears. It may not
/// allocate meanwhile.
pub struct Ticker {
    stop: Arc<AtomicBool>,
    sources: Sender<Heard>,
    /// When the wave began.
    #[allow(dead_code, reason = "not every test measures delay")]
    pub began: MonoTime,
    thread: JoinHandle<()>,
}

/// A source, and what is heard of it.
type Heard = (Box<dyn AudioSource>, Arc<Mutex<Record>>);

/// What was heard of one source.
#[derive(Default)]
pub struct Record {
    /// When its first sample was.
    pub began: MonoTime,
    samples: Vec<i16>,
    /// What the jitter buffer added.
    pub delay_ms: u32,
}

impl Record {
    /// What was heard, from the first sound on.
    pub fn sound(&self) -> &[i16] {
        let start = self.samples.iter().position(|sample| sample.abs() > 500).unwrap_or(0);
        &self.samples[start..]
    }

    /// In which part of the ticks something was heard, over whole seconds.
    #[allow(dead_code, reason = "not every test listens on a bad network")]
    pub fn loud(&self) -> f64 {
        let whole = self.samples.len() / RATE as usize * RATE as usize;
        let power = |frame: &[i16]| frame.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>();
        let is_loud = |frame: &&[i16]| (power(frame) / FRAME as f64).sqrt() > 1_000.0;
        let frames = self.samples[..whole].chunks_exact(FRAME);
        frames.clone().filter(is_loud).count() as f64 / frames.len().max(1) as f64
    }

    /// Forgets what was heard before `now`.
    #[allow(dead_code, reason = "not every test listens twice")]
    pub fn forget(&mut self) {
        let heard = Duration::from_micros(self.samples.len() as u64 * 1_000 / 48);
        self.began = self.began + heard;
        self.samples.clear();
    }

    /// When silence gave way to sound.
    #[allow(dead_code, reason = "not every test measures delay")]
    pub fn onsets(&self) -> Vec<MonoTime> {
        let mut quiet = usize::MAX / 2;
        let mut onsets = Vec::new();
        for (index, sample) in self.samples.iter().enumerate() {
            if sample.abs() < 500 {
                quiet += 1;
                continue;
            }
            // Longer than any piece of a wave, and than a packet that was lost.
            if quiet > 9_600 {
                onsets.push(self.began + Duration::from_micros(index as u64 * 1_000 / 48));
            }
            quiet = 0;
        }
        onsets
    }
}

impl Ticker {
    pub fn start(mut sink: impl AudioSink + 'static, wave: Wave) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let (sources, new_sources) = channel::<Heard>();
        let began = now();
        let thread = std::thread::spawn(move || {
            let mut heard = Vec::new();
            let mut frame = [0; FRAME];
            let (mut deadline, mut said) = (began, 0);
            while !stopped.load(Ordering::Relaxed) {
                if let Ok((source, record)) = new_sources.try_recv() {
                    let mut kept = record.lock().expect("nobody panics");
                    kept.samples.reserve(RATE as usize * 120);
                    kept.began = deadline;
                    drop(kept);
                    heard.push((source, record));
                }
                for sample in &mut frame {
                    *sample = wave(said);
                    said += 1;
                }
                assert_no_alloc(|| sink.push(&frame));
                for (source, record) in &mut heard {
                    assert_no_alloc(|| source.pull(deadline, &mut frame));
                    let mut record = record.lock().expect("nobody panics");
                    record.delay_ms = source.delay_ms();
                    record.samples.extend_from_slice(&frame);
                }
                deadline = deadline + TICK;
                std::thread::sleep(deadline.since(now()));
            }
        });
        Self { stop, sources, began, thread }
    }

    /// Hears one more.
    pub fn hear(&self, source: impl AudioSource + 'static) -> Arc<Mutex<Record>> {
        let record = Arc::new(Mutex::new(Record::default()));
        let sent = self.sources.send((Box::new(source), Arc::clone(&record)));
        sent.expect("the tick goes on");
        record
    }

    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the tick neither panics nor allocates");
    }
}

/// Amplitude of the sine of `hz`, the mean over whole seconds.
pub fn amplitude_at(samples: &[i16], hz: f64) -> f64 {
    let seconds = samples.chunks_exact(RATE as usize);
    let count = seconds.len().max(1) as f64;
    let amplitude = |second: &[i16]| {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, &sample) in second.iter().enumerate() {
            let phase = n as f64 * hz * std::f64::consts::TAU / RATE;
            re += f64::from(sample) * phase.cos();
            im += f64::from(sample) * phase.sin();
        }
        2.0 * re.hypot(im) / second.len() as f64
    };
    seconds.map(amplitude).sum::<f64>() / count
}

/// A peer in Python: a process that speaks lines of JSON.
pub struct Script {
    child: Child,
    input: ChildStdin,
    output: tokio::io::Lines<BufReader<ChildStdout>>,
}

impl Script {
    /// Starts `script`, told `told`.
    pub fn start(script: &Path, told: &serde_json::Value) -> Self {
        let mut command = tokio::process::Command::new(peers().join("venv/bin/python"));
        command.arg(script).arg(told.to_string());
        Self::run(command)
    }

    /// The same of another program.
    pub fn run(mut command: tokio::process::Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("it starts");
        let input = child.stdin.take().expect("piped");
        let output = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, input, output }
    }

    /// Its next line.
    pub async fn hear(&mut self) -> serde_json::Value {
        let line = tokio::time::timeout(PATIENCE, self.output.next_line()).await;
        let line = line.expect("the script is in time").expect("readable");
        serde_json::from_str(&line.expect("the script did not end early")).expect("JSON")
    }

    pub async fn tell(&mut self, value: &serde_json::Value) {
        self.input.write_all(format!("{value}\n").as_bytes()).await.expect("the script listens");
    }

    pub async fn end(mut self) {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("the script ends").expect("and is waited for");
    }
}

/// Where the peers are that we did not write.
pub fn peers() -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../target/peers");
    assert!(folder.exists(), "no peers to call; run scripts/setup.sh test");
    folder
}

/// On a busy machine Python alone takes several seconds to begin.
pub const PATIENCE: Duration = Duration::from_secs(60);
