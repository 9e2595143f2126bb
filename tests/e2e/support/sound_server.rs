//! A sound server with virtual devices: what is put into the operator's microphone, and what comes
//! out of the operator's loudspeaker. PulseAudio, which programs reach through ALSA as on a desktop.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::process::{Guarded, need, run};
use super::wait_until;

/// Of everything that goes in and comes out, in Hz, with one channel.
pub const RATE: u32 = 48_000;
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Ends with the test.
pub struct SoundServer {
    dir: TempDir,
    server: Guarded,
    ear: Guarded,
}

impl SoundServer {
    /// A loudspeaker called `ear`, and a microphone that hears what is put into `mouth`. Both are
    /// what the system would choose; by name they are `headset` in ALSA.
    pub fn start() -> Self {
        need("pulseaudio", "pulseaudio");
        need("parec", "pulseaudio-utils");
        let dir = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(dir.path().join("alsa.conf"), ALSA).expect("it is written");
        let script = dir.path().join("server.pa");
        let socket = dir.path().join("native");
        std::fs::write(&script, started_with(&socket)).expect("it is written");
        let (server, ear) = serve(dir.path());
        Self { dir, server, ear }
    }

    /// Kills it: who uses its devices is told nothing.
    pub fn dies(&mut self) {
        self.server.signal(libc::SIGKILL);
        assert_eq!(self.server.ended(READY_WITHIN), None, "it was killed");
        std::fs::remove_file(self.dir.path().join("native")).expect("its socket is left");
    }

    /// Starts another in its place, which has heard nothing yet.
    pub fn comes_back(&mut self) {
        (self.server, self.ear) = serve(self.dir.path());
    }

    /// It stands still, and answers nobody, until it is `false` again.
    pub fn hangs(&self, hangs: bool) {
        self.server.signal(if hangs { libc::SIGSTOP } else { libc::SIGCONT });
    }

    /// What a program needs to find it.
    pub fn environment(&self, command: &mut Command) {
        environment(command, self.dir.path());
    }

    /// Speaks into the microphone, at [`RATE`]; ends with what is returned.
    pub fn speak(&self, samples: &[i16]) -> Guarded {
        let path: PathBuf = self.dir.path().join("said.raw");
        let bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
        std::fs::write(&path, bytes).expect("it is written");
        let mut mouth = Command::new("pacat");
        mouth.args(["--playback", "--device=mouth", "--raw", "--latency-msec=20"]).args(format());
        mouth.arg(path);
        spawned(mouth, self.dir.path(), Stdio::null())
    }

    /// From now on the microphone hears the loudspeaker, so many dB weaker and so much later: there
    /// is no headset.
    pub fn no_headset(&self, loss_db: f64, delay_ms: u32) {
        let module = [
            "load-module",
            "module-loopback",
            "source=ear.monitor",
            "sink=mouth",
            "source_dont_move=true",
            "sink_dont_move=true",
        ];
        let delay = format!("latency_msec={delay_ms}");
        let number = self.control(&module.into_iter().chain([&*delay]).collect::<Vec<_>>());
        assert!(number.trim().parse::<u32>().is_ok(), "{number}");
        let inputs = self.control(&["list", "short", "sink-inputs"]);
        let input = inputs.lines().last().and_then(|line| line.split_whitespace().next());
        let input = input.expect("the loopback plays into the mouth");
        self.control(&["set-sink-input-volume", input, &format!("-{loss_db}dB")]);
    }

    /// What came out of the loudspeaker so far, at [`RATE`].
    pub fn heard(&self) -> Vec<i16> {
        let bytes = std::fs::read(self.dir.path().join("heard.raw")).unwrap_or_default();
        bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect()
    }

    fn control(&self, what: &[&str]) -> String {
        let mut command = Command::new("pactl");
        environment(&mut command, self.dir.path());
        command.args(what);
        let ran = run(command, READY_WITHIN);
        assert_eq!(ran.code, Some(0), "{what:?}: {}", ran.err);
        ran.out
    }
}

/// A desktop's file says where its own server is; this one's is as good as a desktop's.
const ALSA: &str = "</usr/share/alsa/alsa.conf>
pcm.headset { type asym
  playback.pcm { type pulse device \"ear\" }
  capture.pcm { type pulse device \"mouth.monitor\" }
  hint { show on description \"The operator's headset\" } }
pcm.!default { type pulse }
ctl.!default { type pulse }
";

fn started_with(socket: &Path) -> String {
    let sink =
        |name| format!("load-module module-null-sink sink_name={name} rate={RATE} channels=1");
    let door = format!(
        "load-module module-native-protocol-unix auth-anonymous=1 socket={}",
        socket.display()
    );
    let (ear, mouth) = (sink("ear"), sink("mouth"));
    format!("{ear}\n{mouth}\nset-default-sink ear\nset-default-source mouth.monitor\n{door}\n")
}

/// The server, and what keeps what comes out of the loudspeaker.
fn serve(dir: &Path) -> (Guarded, Guarded) {
    let mut command = Command::new("pulseaudio");
    command.args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]);
    command.arg("-F").arg(dir.join("server.pa"));
    // The lines of the script are done in their order: who can connect finds the devices.
    let server = spawned(command, dir, Stdio::null());
    let socket = dir.join("native");
    wait_until("the sound server", READY_WITHIN, || socket.exists().then_some(()));
    let file = std::fs::File::create(dir.join("heard.raw")).expect("a file");
    let mut ear = Command::new("parec");
    ear.args(["--device=ear.monitor", "--raw", "--latency-msec=20"]).args(format());
    (server, spawned(ear, dir, file.into()))
}

fn spawned(mut command: Command, dir: &Path, out: Stdio) -> Guarded {
    environment(&mut command, dir);
    command.stdin(Stdio::null()).stdout(out).stderr(Stdio::null());
    Guarded::spawn(command)
}

fn environment(command: &mut Command, dir: &Path) {
    command.env("ALSA_CONFIG_PATH", dir.join("alsa.conf"));
    command.env("PULSE_SERVER", format!("unix:{}", dir.join("native").display()));
    command.env("XDG_RUNTIME_DIR", dir).env("HOME", dir);
}

fn format() -> [String; 3] {
    [format!("--rate={RATE}"), "--channels=1".into(), "--format=s16le".into()]
}
