//! SRTP against an implementation that is not ours: baresip calls over TLS, with keys in SDP.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use xenline::config::Srtp;

use crate::support::line::Serving;
use crate::support::process::{Guarded, gather, need};
use crate::support::sound::{channel, likeness, recorded};
use crate::support::{alone, figure, wait_until};

const STEP: Duration = Duration::from_secs(30);
const WORDS: &str = "what time is it";
/// Silence before the words, in seconds.
const BEFORE_S: usize = 1;

#[test]
fn baresip_hears_its_own_words_through_srtp_over_tls_and_is_refused_without() {
    let _machine = alone();
    need("baresip", "baresip-core");
    need("openssl", "openssl");
    let dir = tempfile::tempdir().expect("a temporary directory");
    certificate(dir.path());
    let tls = free_port();
    let line = Serving::echo(|config| {
        config.sip.listen_tls = Some(([127, 0, 0, 1], tls).into());
        config.sip.tls_certificate = Some(dir.path().join("line.pem"));
        config.sip.tls_key = Some(dir.path().join("line.key"));
        config.trunk.iter_mut().for_each(|trunk| trunk.srtp = Srtp::Required);
    });
    let words = recorded(WORDS);
    // It offers AEAD first, which we do not speak.
    let phone = set_up(&words, ";mediaenc=srtp-mand");
    let target = format!("sip:echo@127.0.0.1:{tls};transport=tls");
    let (heard, said) = call(phone.path(), &target, &words);
    let r = likeness(&words, &heard);
    figure(format!("baresip, SRTP over TLS there and back: r = {r:.4}"));
    assert!(r > 0.9, "r = {r:.4}; baresip said:\n{said}\nand the line:\n{}", line.said());
    assert!(said.contains("AES_CM_128_HMAC_SHA1_80"), "{said}");
    let plain = set_up(&words, "");
    let mut baresip = dial(plain.path(), &target);
    let output = gather(baresip.child().stdout.take());
    wait_until("a refusal", STEP, || {
        output.lock().expect("no panic").contains("488").then_some(())
    });
    baresip.signal(libc::SIGTERM);
    baresip.ended(STEP);
    let said = line.said();
    assert!(!said.contains("inline:"), "a key is in the log:\n{said}");
    line.stop();
}

/// One call: what came back of it, at 8 kHz, and what baresip said.
fn call(dir: &Path, target: &str, words: &[i16]) -> (Vec<i16>, String) {
    let mut baresip = dial(dir, target);
    let output = gather(baresip.child().stdout.take());
    let long_enough = 8_000 * (BEFORE_S + 2) + words.len();
    let file = wait_until("a recording of the echo", STEP, || heard_file(dir, long_enough));
    baresip.signal(libc::SIGTERM);
    baresip.ended(STEP);
    (channel(&file, 0), output.lock().expect("no panic").clone())
}

/// A certificate of the line's own, that nobody vouches for.
fn certificate(dir: &Path) {
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]);
    command.args(["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]);
    command.arg("-keyout").arg(dir.join("line.key")).arg("-out").arg(dir.join("line.pem"));
    let done = command.stderr(Stdio::null()).status().expect("openssl");
    assert!(done.success());
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}

/// A directory of baresip's with the words as the microphone. `account`: what its account says of the
/// media.
fn set_up(words: &[i16], account: &str) -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let at = |name: &str| dir.path().join(name);
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/baresip/config");
    let config = std::fs::read_to_string(ours).expect("our configuration");
    let config = config
        .replace("@DIR@", &dir.path().display().to_string())
        .replace("@MODULES@", &modules().display().to_string())
        .replace("module          g711.so", "module          g711.so\nmodule          srtp.so");
    std::fs::write(at("config"), config).expect("it is written");
    let account =
        format!("<sip:tester@127.0.0.1;transport=tls>;regint=0;audio_codecs=PCMU{account}\n");
    std::fs::write(at("accounts"), account).expect("it is written");
    std::fs::write(at("contacts"), "").expect("it is written");
    std::fs::create_dir(at("heard")).expect("a directory");
    let sample_format = hound::SampleFormat::Int;
    let spec =
        hound::WavSpec { channels: 1, sample_rate: 8_000, bits_per_sample: 16, sample_format };
    let mut wav = hound::WavWriter::create(at("microphone.wav"), spec).expect("a WAV file");
    for part in [&vec![0; BEFORE_S * 8_000][..], words, &vec![0; 60 * 8_000]] {
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
    known.find(|dir| dir.join("srtp.so").is_file()).expect("baresip's modules; see baresip-core")
}

fn dial(dir: &Path, target: &str) -> Guarded {
    let mut command = Command::new("baresip");
    command.arg("-4").arg("-f").arg(dir).arg("-e").arg(format!("/dial {target}"));
    // It ends by itself in any case.
    command.args(["-t", "60"]).current_dir(dir);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    Guarded::spawn(command)
}

/// What baresip decoded, once that is long enough, in samples.
fn heard_file(dir: &Path, long_enough: usize) -> Option<PathBuf> {
    let mut files = std::fs::read_dir(dir.join("heard")).ok()?.flatten().map(|file| file.path());
    let file = files.find(|path| path.to_string_lossy().ends_with("-dec.wav"))?;
    let bytes = std::fs::metadata(&file).ok()?.len() as usize;
    (bytes / 2 > long_enough).then_some(file)
}
