//! Opus against an encoder and a decoder that are not ours: baresip, with the distribution's libopus.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use media_core::SampleRate;
use media_core::resample::convert_all;
use tempfile::TempDir;

use crate::support::line::Serving;
use crate::support::process::{Guarded, gather, need};
use crate::support::sound::{channel, likeness, recorded};
use crate::support::{alone, figure, wait_until};

const STEP: Duration = Duration::from_secs(30);
const WORDS: &str = "what time is it";
/// Silence before the words, in seconds.
const BEFORE_S: usize = 1;

#[test]
fn baresip_hears_its_own_words_from_an_echo_through_opus() {
    let _machine = alone();
    need("baresip", "baresip-core");
    let line = Serving::echo(|config| {
        for trunk in &mut config.trunk {
            (trunk.codecs, trunk.opus_over_udp) = (Some(vec!["opus".into()]), true);
        }
    });
    let words = recorded(WORDS);
    let dir = set_up(&words);
    let mut baresip = dial(dir.path(), &format!("sip:echo@{}", line.sip));
    let output = gather(baresip.child().stdout.take());
    let long_enough = 8_000 * (BEFORE_S + 2) + words.len();
    let file = wait_until("a recording of the echo", STEP, || heard_file(dir.path(), long_enough));
    baresip.signal(libc::SIGTERM);
    baresip.ended(STEP);
    assert!(line.said().contains("codec=\"opus\""), "{}", line.said());
    let heard = channel(&file, 0);
    let r = likeness(&words, &heard);
    figure(format!("baresip, Opus there and back: r = {r:.3}"));
    assert!(r > 0.8, "r = {r:.3}; baresip said:\n{}", output.lock().expect("no panic"));
    line.stop();
}

/// A directory of baresip's with the words, at 48 kHz, as the microphone.
fn set_up(words: &[i16]) -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let at = |name: &str| dir.path().join(name);
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/baresip/config");
    let config = std::fs::read_to_string(ours).expect("our configuration");
    let config = config
        .replace("@DIR@", &dir.path().display().to_string())
        .replace("@MODULES@", &modules().display().to_string())
        .replace("8000", "48000")
        .replace("module          g711.so", "module          opus.so\nopus_stereo no");
    std::fs::write(at("config"), config).expect("it is written");
    let account = "<sip:tester@127.0.0.1>;regint=0;audio_codecs=opus/48000/2\n";
    std::fs::write(at("accounts"), account).expect("it is written");
    std::fs::write(at("contacts"), "").expect("it is written");
    std::fs::create_dir(at("heard")).expect("a directory");
    let sample_format = hound::SampleFormat::Int;
    let spec =
        hound::WavSpec { channels: 1, sample_rate: 48_000, bits_per_sample: 16, sample_format };
    let mut wav = hound::WavWriter::create(at("microphone.wav"), spec).expect("a WAV file");
    let silence = |seconds: usize| vec![0; seconds * 48_000];
    let words = convert_all(words, SampleRate::Hz8000, SampleRate::Hz48000);
    for part in [silence(BEFORE_S), words, silence(60)] {
        part.iter().for_each(|sample| wav.write_sample(*sample).expect("it is written"));
    }
    wav.finalize().expect("it is closed");
    dir
}

/// Where the distribution keeps baresip's modules.
fn modules() -> PathBuf {
    let known = ["/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules"];
    let multiarch = format!("/usr/lib/{}-linux-gnu/baresip/modules", std::env::consts::ARCH);
    let mut known = known.map(PathBuf::from).into_iter().chain([PathBuf::from(multiarch)]);
    known.find(|dir| dir.join("opus.so").is_file()).expect("baresip's modules; see baresip-core")
}

fn dial(dir: &Path, target: &str) -> Guarded {
    let mut command = Command::new("baresip");
    command.arg("-4").arg("-f").arg(dir).arg("-e").arg(format!("/dial {target}"));
    // It ends by itself in any case.
    command.args(["-t", "60"]).current_dir(dir);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    Guarded::spawn(command)
}

/// What baresip decoded, once that is long enough, in samples at 8 kHz.
fn heard_file(dir: &Path, long_enough: usize) -> Option<PathBuf> {
    let mut files = std::fs::read_dir(dir.join("heard")).ok()?.flatten().map(|file| file.path());
    let file = files.find(|path| path.to_string_lossy().ends_with("-dec.wav"))?;
    let bytes = std::fs::metadata(&file).ok()?.len() as usize;
    // 48 kHz, two bytes, one channel at the least.
    (bytes / 12 > long_enough).then_some(file)
}
