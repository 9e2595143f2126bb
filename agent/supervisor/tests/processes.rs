//! Real child processes that misbehave on purpose.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use brain_protocol::{BrainMessage, LineId, LineMessage};
use brain_supervisor::{
    SendError, StartError, Supervisor, SupervisorConfig, SupervisorEvent, SupervisorHandle,
};
use tokio::sync::mpsc::Receiver;

/// A brain in Python, made of a preamble that says hello and whatever else is wanted. Every test
/// that needs it says so clearly when there is no python3.
const PREAMBLE: &str = r#"
import json, os, socket, sys, time
line = socket.socket(socket.AF_UNIX)
line.connect(os.environ["XENLINE_BRAIN_SOCKET"])
def send(**message):
    line.sendall(json.dumps(message).encode() + b"\n")
def hello():
    send(type="hello", version={"major": 1, "minor": 0}, name="test brain")
def serve():
    for message in map(json.loads, line.makefile()):
        if message["type"] == "ping":
            send(type="pong", seq=message["seq"])
        elif message["type"] == "shutdown":
            sys.exit(0)
        elif message["type"] == "claim_ended":
            send(type="job_started", line=1, job="heard", label=message["ending"])
        else:
            send(type="job_started", line=1, job="echo", label=message["type"])
"#;

#[tokio::test]
async fn a_brain_killed_with_signal_nine_is_back_within_a_second() {
    let Some(mut line) = Line::start("hello(); serve()") else { return };
    let first = line.up().await;
    kill(first, "-KILL");
    let killed = Instant::now();
    let (reason, _) = line.down().await;
    assert_eq!(reason, "was ended by signal 9");
    assert!(!line.handle.is_connected());
    assert_eq!(line.handle.send(&partial("lost")), Err(SendError::NotConnected));
    let second = line.up().await;
    assert_ne!(first, second);
    println!("kill -9 to the next hello: {:?}", killed.elapsed());
    line.handle.send(&partial("still there")).unwrap();
    line.until(|it| matches!(it, BrainMessage::JobStarted { .. })).await;
    line.handle.shutdown().await;
}

#[tokio::test]
async fn a_brain_that_hangs_is_killed_and_replaced() {
    let Some(mut line) = Line::start("hello(); time.sleep(1000)") else { return };
    let first = line.up().await;
    let (reason, _) = line.down().await;
    assert!(reason.starts_with("hangs: a ping was not answered"), "{reason}");
    assert_ne!(line.up().await, first);
    wait_until_gone(first).await;
    line.handle.shutdown().await;
}

#[tokio::test]
async fn what_a_killed_brain_started_is_killed_with_it() {
    let script = "import subprocess\nhello()\n\
                  child = subprocess.Popen(['sleep', '1000'])\n\
                  send(type='job_started', line=1, job='j', label=str(child.pid))\ntime.sleep(1000)";
    let Some(mut line) = Line::start(script) else { return };
    line.up().await;
    let started = line.until(|it| matches!(it, BrainMessage::JobStarted { .. })).await;
    let BrainMessage::JobStarted { label, .. } = started else { unreachable!() };
    line.down().await;
    wait_until_gone(label.parse().unwrap()).await;
    line.handle.shutdown().await;
}

#[tokio::test]
async fn garbage_on_the_socket_is_a_clear_error_and_not_a_message() {
    let other = format!("new speaks protocol 9.0, this line speaks {}", brain_protocol::VERSION);
    for (script, part) in [
        ("hello(); line.sendall(b'Starting up...\\n'); time.sleep(1000)", "is no message"),
        ("hello(); line.sendall(b'\\xff\\xfe\\n'); time.sleep(1000)", "not UTF-8"),
        ("hello(); line.sendall(b'x' * 70000); time.sleep(1000)", "no end within 65536 bytes"),
        ("send(type='pong', seq=1); time.sleep(1000)", "spoke before its hello"),
        ("hello(); hello(); time.sleep(1000)", "said hello twice"),
        ("time.sleep(1000)", "said no hello within"),
        ("sys.exit(3)", "exited with status 3 before its hello"),
        (
            "send(type='hello', version={'major': 9, 'minor': 0}, name='new'); time.sleep(1000)",
            other.as_str(),
        ),
    ] {
        let Some(mut line) = Line::start(script) else { return };
        let (reason, _) = line.down().await;
        assert!(reason.contains(part), "{script}: {reason}");
        line.handle.shutdown().await;
    }
}

#[tokio::test]
async fn messages_of_a_newer_brain_are_skipped_and_counted() {
    let script = "hello(); send(type='sing', line=1); send(type='withdraw', line=1, claim='c', why='x'); serve()";
    let Some(mut line) = Line::start(script) else { return };
    line.up().await;
    line.until(|it| matches!(it, BrainMessage::Withdraw { .. })).await;
    assert_eq!(line.handle.statistics().inbound_skipped, 1);
    line.handle.shutdown().await;
}

#[tokio::test]
async fn a_flood_of_claims_is_bounded_refused_and_answered() {
    let script = r#"
hello()
for n in range(5000):
    send(type='say', line=1, claim=f'c-{n}', source='worker', tag='call', text='x')
refused = 0
for message in map(json.loads, line.makefile()):
    if message["type"] == "ping":
        send(type="pong", seq=message["seq"])
    elif message["type"] == "claim_ended" and message["ending"] == "refused":
        refused += 1
    elif message["type"] == "caller_partial":
        send(type="job_started", line=1, job="told", label=str(refused))
"#;
    let Some(mut line) = Line::start(script) else { return };
    line.up().await;
    // Nobody reads the events. The supervisor goes on: pings are answered, nothing is killed.
    let handle = line.handle.clone();
    let refused = || handle.statistics().inbound_refused;
    wait_for(|| refused() >= 1000).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(line.handle.is_connected());
    let mut waiting = 0;
    while let Ok(event) = line.events.try_recv() {
        let claim = matches!(event, SupervisorEvent::Message(BrainMessage::Say(_)));
        assert!(claim, "{event:?}");
        waiting += 1;
    }
    assert!(waiting <= 264, "the queue is bounded, {waiting} waited");
    line.handle.send(&partial("how many were refused")).unwrap();
    let told = line.until(|it| matches!(it, BrainMessage::JobStarted { .. })).await;
    let BrainMessage::JobStarted { label, .. } = told else { unreachable!() };
    let told: u64 = label.parse().unwrap();
    println!("of 5000 claims {waiting} waited, {} were refused, {told} of them told", refused());
    assert!(told > 0, "the brain learns of refused claims");
    line.handle.shutdown().await;
}

#[tokio::test]
async fn a_brain_that_does_not_read_fills_its_queue_and_send_never_waits() {
    let Some(mut line) = Line::start_with("hello(); time.sleep(1000)", |config| {
        config.outbound_max = 16;
    }) else {
        return;
    };
    line.up().await;
    assert_eq!(line.handle.send(&partial(&"x".repeat(70_000))), Err(SendError::TooLong));
    let began = Instant::now();
    let long = partial(&"word ".repeat(10_000));
    let results: Vec<_> = (0..500).map(|_| line.handle.send(&long)).collect();
    let each = began.elapsed() / 500;
    println!("send to a brain that does not read: {each:?} each");
    assert!(results.contains(&Err(SendError::Full)));
    assert!(line.handle.statistics().outbound_refused > 400);
    line.handle.shutdown().await;
}

#[tokio::test]
async fn a_command_that_cannot_be_started_is_reported_and_tried_again() {
    let directory = tempfile::tempdir().unwrap();
    let config =
        SupervisorConfig::new(vec!["/nowhere/brain".into()], directory.path().join("brain"));
    let (handle, mut events) = Supervisor::start(config).unwrap();
    let mut delays = Vec::new();
    while delays.len() < 3 {
        let Some(SupervisorEvent::Down { reason, retry_in }) = events.recv().await else {
            panic!("only Down is possible");
        };
        assert!(reason.contains("cannot start: /nowhere/brain"), "{reason}");
        delays.push(retry_in.as_millis());
    }
    assert_eq!(delays, [100, 200, 400]);
    handle.shutdown().await;
}

#[tokio::test]
async fn the_socket_is_private_and_gone_after_the_end() {
    let Some(mut line) = Line::start("hello(); serve()") else { return };
    line.up().await;
    let socket = line.handle.socket_path().to_owned();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(mode(socket.parent().unwrap()), 0o700);
    // A second connection is turned away without a byte.
    let mut second = std::os::unix::net::UnixStream::connect(&socket).unwrap();
    let read = tokio::task::spawn_blocking(move || {
        let mut byte = [0];
        std::io::Read::read(&mut second, &mut byte)
    });
    assert_eq!(read.await.unwrap().unwrap(), 0);
    assert_eq!(line.handle.statistics().connections_refused, 1);
    line.handle.shutdown().await;
    assert!(!socket.exists());
}

#[tokio::test]
async fn a_shutdown_asks_the_brain_and_then_kills_it() {
    for (script, within) in [("hello(); serve()", 1500), ("hello(); time.sleep(1000)", 5000)] {
        let Some(mut line) = Line::start_with(script, |config| {
            config.timing.end_within = Duration::from_millis(2000);
            config.timing.silence_limit = Duration::from_secs(60);
        }) else {
            return;
        };
        let pid = line.up().await;
        let began = Instant::now();
        line.handle.shutdown().await;
        assert!(began.elapsed() < Duration::from_millis(within), "{:?}", began.elapsed());
        wait_until_gone(pid).await;
        while let Some(event) = line.events.recv().await {
            let loss = matches!(event, SupervisorEvent::Down { .. });
            assert!(!loss, "an end that was asked for is no loss");
        }
    }
}

#[tokio::test]
async fn the_brain_ends_with_the_last_handle() {
    let Some(mut line) = Line::start("hello(); serve()") else { return };
    let pid = line.up().await;
    drop(line.handle);
    wait_until_gone(pid).await;
}

#[tokio::test]
async fn a_directory_that_others_can_enter_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let open = directory.path().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
    let error = Supervisor::start(SupervisorConfig::new(vec!["true".into()], open)).unwrap_err();
    assert!(matches!(error, StartError::NotPrivate { mode: 0o755, .. }), "{error}");
    assert!(error.to_string().contains("chmod 700"), "{error}");
}

#[tokio::test]
async fn a_socket_in_use_is_not_taken_and_a_leftover_is() {
    let directory = tempfile::tempdir().unwrap();
    let config = SupervisorConfig::new(vec!["true".into()], directory.path().join("brain"));
    let (first, _events) = Supervisor::start(config.clone()).unwrap();
    let error = Supervisor::start(config.clone()).unwrap_err();
    assert!(matches!(error, StartError::InUse { .. }), "{error}");
    first.shutdown().await;

    drop(
        std::os::unix::net::UnixListener::bind(directory.path().join("brain/brain.sock")).unwrap(),
    );
    let (again, _events) = Supervisor::start(config).unwrap();
    again.shutdown().await;
}

#[tokio::test]
async fn an_empty_command_and_a_path_too_long_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let start = |command: &[&str], path| {
        let command = command.iter().map(ToString::to_string).collect();
        Supervisor::start(SupervisorConfig::new(command, path)).unwrap_err()
    };
    assert!(matches!(start(&[], directory.path().into()), StartError::NoCommand));
    let long = directory.path().join("x".repeat(120));
    assert!(matches!(start(&["true"], long), StartError::PathTooLong { .. }));
}

#[tokio::test]
async fn a_flood_on_stderr_is_cut_and_counted_and_harms_nobody() {
    let script = "hello()\nsys.stderr.write('x' * 100000 + '\\n')\nfor n in range(20000):\n  print('noise', n, flush=False)\nsys.stdout.flush()\nserve()";
    let Some(mut line) = Line::start(script) else { return };
    line.up().await;
    wait_for(|| line.handle.statistics().log_lines_dropped > 10_000).await;
    line.handle.send(&partial("are you there")).unwrap();
    line.until(|it| matches!(it, BrainMessage::JobStarted { .. })).await;
    line.handle.shutdown().await;
}

struct Line {
    handle: SupervisorHandle,
    events: Receiver<SupervisorEvent>,
    _directory: tempfile::TempDir,
}

impl Line {
    fn start(script: &str) -> Option<Self> {
        Self::start_with(script, |_| {})
    }

    fn start_with(script: &str, adjust: impl FnOnce(&mut SupervisorConfig)) -> Option<Self> {
        if std::process::Command::new("python3").arg("--version").output().is_err() {
            println!("SKIPPED: python3 is not installed, so there is no brain that misbehaves");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let command = vec!["python3".into(), "-c".into(), format!("{PREAMBLE}\n{script}")];
        let mut config = SupervisorConfig::new(command, directory.path().join("brain"));
        config.timing.ping_every = Duration::from_millis(100);
        config.timing.silence_limit = Duration::from_millis(3000);
        config.timing.hello_within = Duration::from_millis(8000);
        adjust(&mut config);
        let (handle, events) = Supervisor::start(config).unwrap();
        Some(Self { handle, events, _directory: directory })
    }

    async fn up(&mut self) -> u32 {
        loop {
            match self.event().await {
                SupervisorEvent::Up { pid, name, .. } => {
                    assert_eq!(name, "test brain");
                    return pid;
                }
                SupervisorEvent::Message(_) => {}
                SupervisorEvent::Down { reason, .. } => panic!("{reason}"),
            }
        }
    }

    async fn down(&mut self) -> (String, Duration) {
        loop {
            if let SupervisorEvent::Down { reason, retry_in } = self.event().await {
                return (reason, retry_in);
            }
        }
    }

    async fn until(&mut self, wanted: impl Fn(&BrainMessage) -> bool) -> BrainMessage {
        loop {
            match self.event().await {
                SupervisorEvent::Message(message) if wanted(&message) => return message,
                SupervisorEvent::Message(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn event(&mut self) -> SupervisorEvent {
        let event = tokio::time::timeout(Duration::from_secs(60), self.events.recv()).await;
        event.expect("something happens within a minute").expect("the supervisor lives")
    }
}

fn partial(text: &str) -> LineMessage {
    LineMessage::CallerPartial { line: LineId(1), text: text.into(), speaker: None }
}

fn kill(pid: u32, signal: &str) {
    let status =
        std::process::Command::new("kill").args([signal, &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

async fn wait_until_gone(pid: u32) {
    // A zombie that its new parent has not collected yet is gone too.
    let gone = || match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')),
        Err(_) => true,
    };
    wait_for(gone).await;
}

async fn wait_for(condition: impl Fn() -> bool) {
    for _ in 0..3000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it did not happen within a minute");
}
