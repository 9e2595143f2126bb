//! True devices: a sound server of our own with virtual ones, opened through ALSA as on a desktop.
//!
//! What names the server stands in the environment, which a test must not change under others; so
//! this runs itself again, in a process with an environment of its own.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use media_core::plugin::{AudioSink, AudioSource};
use media_core::{MonoTime, level};
use plugin_console::{Direction, Microphone, Speaker, devices};

const INSIDE: &str = "XENLINE_TEST_SOUND_SERVER";
const RATE: f64 = 48_000.0;
const TICK: Duration = Duration::from_millis(20);
/// Of a tone that is to be heard; a busy machine has it with gaps.
const HEARD_TICKS: u32 = 50;
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_tone_goes_out_of_a_loudspeaker_and_comes_in_at_a_microphone() {
    if std::env::var_os(INSIDE).is_none() {
        let dir = tempfile::tempdir().expect("a folder");
        let _server = SoundServer::start(dir.path());
        return again("a_tone_goes_out_of_a_loudspeaker_and_comes_in_at_a_microphone", dir.path());
    }
    let listed = devices(Direction::In);
    assert_eq!(listed.first().map(|it| it.id.as_str()), Some("default"), "{listed:?}");
    assert!(listed.iter().any(|it| it.name.contains("The operator's ear")), "{listed:?}");
    let unknown = Microphone::open(Some("gramophone"), None).err().expect("there is none");
    assert!(unknown.to_string().contains("gramophone"), "{unknown}");

    let (speaker, mut sink, played) = Speaker::open(Some("operator's ear")).expect("it opens");
    let (microphone, mut source) =
        Microphone::open(Some("operator's ear"), Some(played)).expect("it opens");
    microphone.switch().press(true);
    let (began, mut deadline, mut heard_ticks, mut first) =
        (Instant::now(), Instant::now(), 0, None);
    let (mut frame, mut n, mut loudest) = ([0i16; 960], 0u64, i8::MIN);
    while heard_ticks < HEARD_TICKS {
        assert!(began.elapsed() < PATIENCE, "{:?} {:?}", speaker.figures(), microphone.figures());
        for sample in &mut frame {
            *sample = ((n as f64 * 1_000.0 / RATE * std::f64::consts::TAU).sin() * 8_000.0) as i16;
            n += 1;
        }
        sink.push(&frame);
        source.pull(MonoTime::default(), &mut frame);
        if share_of_tone(&frame, 1_000.0) > 0.9 {
            heard_ticks += 1;
            loudest = loudest.max(level::dbov_i8(&frame));
            first.get_or_insert_with(|| began.elapsed());
        }
        deadline += TICK;
        std::thread::sleep(deadline.saturating_duration_since(Instant::now()));
    }
    println!("heard after {first:?}");
    println!("loudspeaker {:?}", speaker.figures());
    println!("microphone  {:?}", microphone.figures());
    assert!((-17..=-13).contains(&loudest), "{loudest} dBov, and it was played at -15");
    assert!(!speaker.figures().gone && !microphone.figures().gone);
}

#[test]
fn where_there_is_no_device_it_is_said_in_words() {
    if std::env::var_os(INSIDE).is_none() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("alsa.conf"), "").expect("it is written");
        return again("where_there_is_no_device_it_is_said_in_words", dir.path());
    }
    let refused = Microphone::open(None, None).err().expect("there is none").to_string();
    assert!(refused.contains("microphone") && refused.contains("--no-audio"), "{refused}");
    let refused = Speaker::open(None).err().expect("there is none").to_string();
    assert!(refused.contains("loudspeaker") && refused.contains("--no-audio"), "{refused}");
}

/// Share of the power that is at `hz`, 0 to 1.
fn share_of_tone(frame: &[i16], hz: f64) -> f64 {
    let power: f64 = frame.iter().map(|&s| f64::from(s).powi(2)).sum();
    let (mut re, mut im) = (0.0, 0.0);
    for (n, &sample) in frame.iter().enumerate() {
        let turn = n as f64 * hz / RATE * std::f64::consts::TAU;
        re += f64::from(sample) * turn.cos();
        im += f64::from(sample) * turn.sin();
    }
    2.0 * (re * re + im * im) / frame.len() as f64 / power.max(1.0)
}

/// This test once more, with the sound of `dir`.
fn again(name: &str, dir: &Path) {
    let done = Command::new(std::env::current_exe().expect("a test is a program"))
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .env("ALSA_CONFIG_PATH", dir.join("alsa.conf"))
        .env("PULSE_SERVER", format!("unix:{}", dir.join("native").display()))
        .env("XDG_RUNTIME_DIR", dir)
        .env("HOME", dir)
        .stderr(Stdio::inherit())
        .output()
        .expect("it runs");
    println!("{}", String::from_utf8_lossy(&done.stdout));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}

/// A sound server that ends with the test, with one virtual loudspeaker whose monitor is a
/// microphone.
struct SoundServer(Child);

impl SoundServer {
    fn start(dir: &Path) -> Self {
        let alsa = "</usr/share/alsa/alsa.conf>\n\
            pcm.ear { type pulse hint { show on description \"The operator's ear\" } }\n\
            pcm.!default { type pulse }\nctl.!default { type pulse }\n";
        std::fs::write(dir.join("alsa.conf"), alsa).expect("it is written");
        let socket = dir.join("native");
        let server = Command::new("pulseaudio")
            .args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"])
            .arg("--load=module-null-sink sink_name=out rate=48000")
            .arg(format!(
                "--load=module-native-protocol-unix auth-anonymous=1 socket={}",
                socket.display()
            ))
            .env("XDG_RUNTIME_DIR", dir)
            .env("HOME", dir)
            .stderr(Stdio::null())
            .spawn()
            .expect("pulseaudio, see scripts/setup.sh");
        let server = Self(server);
        let began = Instant::now();
        while !socket.exists() {
            assert!(began.elapsed() < PATIENCE, "the sound server does not start");
            std::thread::sleep(TICK);
        }
        server
    }
}

impl Drop for SoundServer {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
