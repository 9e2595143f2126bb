//! SRTP against an implementation that is not ours: baresip calls over TLS, with keys in SDP.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use xenline::config::Srtp;
use xenline::engines::assets_dir;

use crate::support::baresip::{Baresip, dial, heard_file, heard_more_than, waiting};
use crate::support::door::free_port;
use crate::support::line::Serving;
use crate::support::process::{Guarded, gather, need, run, xenline};
use crate::support::sound::{channel, likeness, recorded};
use crate::support::{alone, figure, wait_until};

const STEP: Duration = Duration::from_secs(30);
const WORDS: &str = "what time is it";
const SRTP_MODULES: &str = "module          g711.so\nmodule          srtp.so";
/// Silence before the words, in seconds.
const BEFORE_S: usize = 1;

#[test]
fn baresip_hears_its_own_words_through_srtp_over_tls_and_is_refused_without() {
    let _machine = alone();
    need("baresip", "baresip-core");
    need("openssl", "openssl");
    let dir = tempfile::tempdir().expect("a temporary directory");
    certificate(dir.path());
    let tls = free_port().port();
    let line = Serving::echo(|config| {
        config.sip.listen_tls = Some(([127, 0, 0, 1], tls).into());
        config.sip.tls_certificate = Some(dir.path().join("line.pem"));
        config.sip.tls_key = Some(dir.path().join("line.key"));
        config.trunk.iter_mut().for_each(|trunk| trunk.srtp = Srtp::Required);
    });
    let words = recorded(WORDS);
    // It offers the suite that everybody speaks.
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
    our_own_softphone(dir.path(), &target);
    let said = line.said();
    assert!(!said.contains("inline:"), "a key is in the log:\n{said}");
    line.stop();
}

/// `xenline call --srtp`, which believes the line's certificate, says something and hears it again.
fn our_own_softphone(dir: &Path, target: &str) {
    let record = dir.join("call.wav");
    let words = assets_dir().join("caller/what-time-is-it.wav");
    let call = |target: &str| {
        let mut command = xenline();
        command.args(["call", target, "--srtp", "--codec", "PCMU", "--pause-ms", "500"]);
        command.args(["--stay-ms", "1500", "--tls-ca"]).arg(dir.join("line.pem"));
        command.arg("--say").arg(&words).arg("--record").arg(&record);
        run(command, STEP)
    };
    let ran = call(target);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("protected with AEAD_AES_128_GCM"), "{ran:?}");
    let r = likeness(&channel(&record, 1), &channel(&record, 0));
    figure(format!("xenline call --srtp, there and back: r = {r:.4}"));
    assert!(r > 0.9, "r = {r:.4}: {ran:?}");
    let readable = call(&target.replace("tls", "udp"));
    assert_eq!(readable.code, Some(1), "{readable:?}");
    assert!(readable.err.contains("keys go over TLS only"), "{readable:?}");
}

#[test]
fn baresip_and_our_softphone_hear_each_other_through_aead() {
    let _machine = alone();
    need("baresip", "baresip-core");
    need("openssl", "openssl");
    let words = recorded(WORDS);
    let account = ";transport=tls>;regint=0;audio_codecs=PCMU;mediaenc=srtp-mand;answermode=auto";
    let phone = Baresip {
        account,
        modules: SRTP_MODULES,
        rate: 8_000,
        microphone: &[vec![0; BEFORE_S * 8_000], words.clone(), vec![0; 60 * 8_000]],
    }
    .set_up();
    certificate(phone.path());
    let (sip, both) = (free_port().port(), phone.path().join("both.pem"));
    let part = |name: &str| std::fs::read_to_string(phone.path().join(name)).expect("it is there");
    std::fs::write(&both, part("line.key") + &part("line.pem")).expect("it is written");
    // It listens for TLS on the next port.
    let config = part("config").replace("127.0.0.1:0", &format!("127.0.0.1:{sip}"));
    let config = format!("{config}sip_certificate {}\n", both.display());
    std::fs::write(phone.path().join("config"), config).expect("it is written");
    let mut baresip = Guarded::spawn(waiting(phone.path()));
    let output = gather(baresip.child().stdout.take());
    let target = format!("sip:tester@127.0.0.1:{};transport=tls", sip + 1);
    let (record, clip) = (phone.path().join("call.wav"), assets_dir().join("caller/help.wav"));
    let ran = wait_until("baresip to listen", STEP, || {
        let mut command = xenline();
        command.args(["call", &target, "--srtp", "--codec", "PCMU", "--stay-ms", "3000"]);
        command.arg("--tls-ca").arg(phone.path().join("line.pem"));
        command.arg("--say").arg(&clip).arg("--record").arg(&record);
        let ran = run(command, STEP);
        (ran.code == Some(0)).then_some(ran)
    });
    baresip.signal(libc::SIGTERM);
    baresip.ended(STEP);
    let said = output.lock().expect("no panic").clone();
    assert!(ran.out.contains("protected with AEAD_AES_128_GCM"), "{ran:?}");
    assert!(said.contains("AEAD_AES_128_GCM"), "{said}");
    let ours = likeness(&words, &channel(&record, 0));
    let heard = heard_file(phone.path()).expect("what it heard");
    let theirs = likeness(&channel(&record, 1), &channel(&heard, 0));
    figure(format!(
        "AEAD with baresip: we heard it at r = {ours:.4}, it heard us at r = {theirs:.4}"
    ));
    assert!(ours > 0.9 && theirs > 0.9, "{ours:.4}, {theirs:.4}: {ran:?}\n{said}");
}

/// One call: what came back of it, at 8 kHz, and what baresip said.
fn call(dir: &Path, target: &str, words: &[i16]) -> (Vec<i16>, String) {
    let mut baresip = dial(dir, target);
    let output = gather(baresip.child().stdout.take());
    let long_enough = 8_000 * (BEFORE_S + 2) + words.len();
    let file =
        wait_until("a recording of the echo", STEP, || heard_more_than(dir, long_enough * 2));
    baresip.signal(libc::SIGTERM);
    baresip.ended(STEP);
    (channel(&file, 0), output.lock().expect("no panic").clone())
}

/// A certificate of the line's own, that nobody vouches for.
fn certificate(dir: &Path) {
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]);
    command.args(["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]);
    command.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    command.arg("-keyout").arg(dir.join("line.key")).arg("-out").arg(dir.join("line.pem"));
    let done = command.stderr(Stdio::null()).status().expect("openssl");
    assert!(done.success());
}

/// A directory of baresip's with the words as the microphone. `media`: what its account says of the
/// media.
fn set_up(words: &[i16], media: &str) -> TempDir {
    let silence = |seconds: usize| vec![0; seconds * 8_000];
    Baresip {
        account: &format!(";transport=tls>;regint=0;audio_codecs=PCMU{media}"),
        modules: SRTP_MODULES,
        rate: 8_000,
        microphone: &[silence(BEFORE_S), words.to_vec(), silence(60)],
    }
    .set_up()
}
