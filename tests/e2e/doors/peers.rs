//! The four who are on the line, each with a tone of its own, and what each of them hears: a telephone,
//! somebody in a LiveKit room, a browser, and the operator at a terminal with a headset.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use tempfile::TempDir;

use super::heard::{Heard, tone};
use crate::browser::Browser;
use crate::rooms::peers::Somebody;
use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::process::{Guarded, kill, xenline};
use crate::support::sound::{from_mu_law, write_wav};
use crate::support::sound_server::{RATE, SoundServer};
use crate::support::terminal::Terminal;
use crate::support::wait_until;

/// A browser and an interpreter that start beside other people's compilers take their time.
pub const SOON: Duration = Duration::from_secs(120);
const WIDE: u32 = 48_000;
/// 10 ms at 48 kHz.
const WIDE_FRAME: usize = 480;

pub fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64() * 1_000.0
}

/// What the telephone has heard: packets as they came.
pub fn heard_by_phone(phone: &Phone) -> Heard {
    let mut heard = Heard::default();
    for packet in phone.media.received() {
        heard.push(packet.at_us as f64 / 1_000.0, &from_mu_law(&packet.payload));
    }
    heard
}

/// Somebody in a room, who keeps what the SDK hands out.
pub struct InRoom {
    somebody: Somebody,
    dir: TempDir,
}

impl InRoom {
    pub fn sits_down(mut somebody: Somebody, hz: f64, seconds: usize) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let voice = dir.path().join("voice.wav");
        write_wav(&voice, WIDE, tone(hz, seconds * 1_000, WIDE));
        somebody.tell(&json!({ "record": dir.path().join("heard"), "to": "xenline" }));
        somebody.tell(&json!({ "play": voice }));
        Self { somebody, dir }
    }

    pub fn heard(&self) -> Heard {
        let bytes = std::fs::read(self.dir.path().join("heard")).unwrap_or_default();
        let mut heard = Heard::default();
        for piece in bytes.chunks_exact(8 + 2 * WIDE_FRAME) {
            let (at, sound) = piece.split_at(8);
            let at_s = f64::from_le_bytes(at.try_into().expect("eight bytes"));
            heard.push_wide(at_s * 1_000.0, &samples(sound));
        }
        let made_up = self.dir.path().join("heard.made-up");
        let made_up = std::fs::read_to_string(made_up).unwrap_or_default();
        for (at_s, total) in made_up.lines().filter_map(|line| line.split_once(' ')) {
            if let (Ok(at_s), Ok(total)) = (at_s.parse::<f64>(), total.parse()) {
                heard.count_made_up(at_s * 1_000.0, total);
            }
        }
        heard
    }

    /// Without a goodbye.
    pub fn vanishes(self) {
        drop(self.somebody);
    }
}

/// A browser with the page open and a microphone that plays a tone.
pub struct OnPage {
    pub browser: Browser,
    /// Pieces by the clock of the sound, and how far that is behind ours: as far as it was for the piece
    /// that a busy page came to soonest.
    pieces: Vec<(f64, Vec<i16>)>,
    behind_ms: f64,
    /// When, and how many samples the browser had made up by then.
    made_up: Vec<(f64, f64)>,
    _microphone: TempDir,
}

/// What the page is sent goes on being played, and is kept. The processing that a microphone in a
/// room needs is left out: a steady tone is what it is there to remove.
const KEEPS: &str = "(() => {
  const track = document.querySelector('#talk-audio').srcObject.getAudioTracks()[0];
  const reader = new MediaStreamTrackProcessor({ track, maxBufferSize: 1000 }).readable.getReader();
  const now = () => performance.timeOrigin + performance.now();
  window.kept = [];
  window.madeUp = [];
  setInterval(async () => {
    for (const it of (await window.talking.getStats()).values()) {
      if (it.type !== 'inbound-rtp') continue;
      const { concealedSamples, insertedSamplesForDeceleration, removedSamplesForAcceleration } = it;
      window.madeUp.push([now(), concealedSamples + insertedSamplesForDeceleration + removedSamplesForAcceleration]);
    }
  }, 100);
  (async () => {
    for (;;) {
      const { value: data, done } = await reader.read();
      if (done) return;
      const at = now(), meant = data.timestamp / 1000, step = data.sampleRate / 8000;
      const wide = new Float32Array(data.numberOfFrames), narrow = [];
      data.copyTo(wide, { planeIndex: 0, format: 'f32-planar' });
      data.close();
      for (let n = 0; n + step <= wide.length; n += step) {
        let sum = 0;
        for (let i = 0; i < step; i += 1) sum += wide[n + i];
        narrow.push(Math.round(32767 * sum / step));
      }
      window.kept.push([at, meant, narrow]);
    }
  })();
  return true;
})()";
const PLAIN_MICROPHONE: &str = "(() => {
  const devices = navigator.mediaDevices, ask = devices.getUserMedia.bind(devices);
  const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  devices.getUserMedia = () => ask({ audio });
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...how) { super(...how); window.talking = this; }
  };
})()";

impl OnPage {
    pub fn opens(line: &Serving, hz: f64) -> Self {
        Self::opens_with(line, tone(hz, 1_000, WIDE))
    }

    /// The same with a microphone that plays this, at 48 kHz, over and over.
    pub fn opens_with(line: &Serving, hears: Vec<i16>) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let microphone = dir.path().join("microphone.wav");
        write_wav(&microphone, WIDE, hears);
        let mut browser = Browser::start(&[
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            "--autoplay-policy=no-user-gesture-required",
            &format!("--use-file-for-fake-audio-capture={}", microphone.display()),
        ]);
        let mut asked = xenline();
        asked.args(["page", "--config"]).arg(line.file());
        let url = String::from_utf8(asked.output().expect("it runs").stdout).expect("an address");
        // It draws all the time; a small one costs little.
        browser.look(800, 600, "light");
        browser.open(url.trim());
        browser.wait_for("document.body.dataset.ready === 'true'");
        browser.eval(PLAIN_MICROPHONE);
        let (pieces, made_up) = (Vec::new(), Vec::new());
        Self { browser, pieces, behind_ms: f64::MAX, made_up, _microphone: dir }
    }

    /// Sits down at the call that is on the page.
    pub fn joins(&mut self) {
        self.sits_as("join", "You are on line");
    }

    /// The same in some part, until the page says so.
    pub fn sits_as(&mut self, part: &str, says: &str) {
        self.browser.wait_for_text("#open-list", "line 1");
        self.browser.eval(&format!("document.querySelector('#talk-part').value = '{part}'"));
        // By its key: what stands above the button comes and goes with the call.
        self.browser.press("c");
        self.browser.wait_for_text("#talk-state", says);
        self.browser.wait_for("document.querySelector('#talk-audio').srcObject?.active");
        self.browser.eval(KEEPS);
    }

    /// Takes over what the page has kept; it does not keep it twice.
    pub fn listen(&mut self) {
        let kept = self.browser.eval("window.kept.splice(0)");
        for piece in kept.as_array().into_iter().flatten() {
            let samples = piece[2].as_array().into_iter().flatten();
            let samples: Vec<i16> = samples
                .filter_map(|it| Some(it.as_f64()?.clamp(-32_768.0, 32_767.0) as i16))
                .collect();
            let time = |at: usize| piece[at].as_f64().expect("a time");
            self.behind_ms = self.behind_ms.min(time(0) - time(1));
            self.pieces.push((time(1), samples));
        }
        let counted = self.browser.eval("window.madeUp.splice(0)");
        for count in counted.as_array().into_iter().flatten() {
            if let (Some(at_ms), Some(total)) = (count[0].as_f64(), count[1].as_f64()) {
                self.made_up.push((at_ms, total));
            }
        }
    }

    /// All that was taken over, without a clock.
    pub fn heard(&self) -> Vec<i16> {
        self.pieces.iter().flat_map(|(_, samples)| samples).copied().collect()
    }

    pub fn picture(&mut self) {
        self.browser.picture("doors");
    }

    /// Without a goodbye; what it heard until it was last listened to.
    pub fn vanishes(mut self) -> Heard {
        self.browser.kill();
        let mut heard = Heard::default();
        for (meant_ms, samples) in &self.pieces {
            heard.push(meant_ms + self.behind_ms, samples);
        }
        for (at_ms, total) in &self.made_up {
            heard.count_made_up(*at_ms, *total);
        }
        heard
    }
}

/// `xenline console` in a terminal, a microphone that hears a tone, and what comes out of the headset.
pub struct AtConsole {
    pub terminal: Terminal,
    pid: PathBuf,
    heard: Arc<Mutex<Heard>>,
    _mouth: Guarded,
    _ear: Guarded,
    _sound: SoundServer,
    _dir: TempDir,
}

impl AtConsole {
    pub fn opens(line: &Serving, hz: f64, seconds: usize) -> Self {
        let sound = SoundServer::start();
        let dir = tempfile::tempdir().expect("a directory");
        let pid = dir.path().join("pid");
        let mut program = Command::new("sh");
        program.args(["-c", r#"echo $$ >"$0"; exec "$@""#]).arg(&pid);
        let socket = line.config.say.socket.as_ref().expect("the tests name one");
        program.arg(xenline().get_program()).arg("console").arg("--socket").arg(socket);
        program.args(["--speaker", "headset", "--microphone", "headset"]);
        sound.environment(&mut program);
        let terminal = Terminal::run((100, 30), &program);
        let mouth = sound.speak(&tone(hz, seconds * 1_000, RATE));
        let (ear, heard) = listen(&sound);
        Self { terminal, pid, heard, _mouth: mouth, _ear: ear, _sound: sound, _dir: dir }
    }

    pub fn listens(&self) {
        self.terminal.wait("line 1", SOON);
        self.terminal.press(&["l"]);
        self.terminal.wait("listening on line 1", SOON);
    }

    /// Takes the floor, and opens the microphone.
    pub fn takes_over(&self) {
        self.terminal.press(&["b"]);
        self.terminal.wait("YOU HAVE THE FLOOR of line 1", SOON);
        self.terminal.press(&["Space"]);
        self.terminal.wait("● mic open", SOON);
    }

    pub fn hands_back(&self) {
        self.terminal.press(&["h"]);
        self.terminal.wait("listening on line 1", SOON);
    }

    pub fn heard(&self) -> Heard {
        self.heard.lock().expect("no panic").clone()
    }

    /// Without a goodbye.
    pub fn vanishes(&self) {
        let pid = std::fs::read_to_string(&self.pid).expect("it has begun");
        kill(pid.trim().parse().expect("a pid"), libc::SIGKILL);
    }
}

/// Keeps what comes out of the loudspeaker, and when.
fn listen(sound: &SoundServer) -> (Guarded, Arc<Mutex<Heard>>) {
    let mut ear = Command::new("parec");
    ear.args(["--device=ear.monitor", "--raw", "--latency-msec=10", "--channels=1"]);
    ear.args(["--format=s16le", &format!("--rate={RATE}")]);
    sound.environment(&mut ear);
    ear.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut ear = Guarded::spawn(ear);
    let mut out = ear.child().stdout.take().expect("piped");
    let heard = Arc::new(Mutex::new(Heard::default()));
    let kept = Arc::clone(&heard);
    std::thread::spawn(move || {
        let mut piece = [0; 2 * WIDE_FRAME];
        // It ends with its program.
        while out.read_exact(&mut piece).is_ok() {
            // What has come out began to come out before.
            kept.lock().expect("no panic").push_wide(now_ms() - 10.0, &samples(&piece));
        }
    });
    (ear, heard)
}

fn samples(bytes: &[u8]) -> Vec<i16> {
    bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect()
}

/// Waits until something has been heard at all.
pub fn hears_anything(who: &str, heard: impl Fn() -> Heard) {
    wait_until(&format!("{who} to hear anything"), SOON, || {
        (heard().samples.len() > 8_000).then_some(())
    });
}
