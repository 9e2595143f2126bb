//! What goes wrong at an operator's desk: each with a message that says what to do next, the right
//! exit code, and neither a panic nor a hang.

use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use xenline::config::Config;
use xenline::demo::loopback_config;
use xenline::engines::assets_dir;

use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::process::{Ran, brain, run, xenline};
use crate::support::{alone, figure, wait_until, without_realtime};

/// Failing takes no longer than starting.
const SOON: Duration = Duration::from_secs(60);

const FAILED: i32 = 1;
const CONFIGURATION: i32 = 3;
const NO_LINE: i32 = 4;

/// `xenline serve` with a configuration that it must refuse.
struct Refused {
    dir: TempDir,
    config: Config,
    _sockets: TempDir,
}

impl Refused {
    fn with(change: impl FnOnce(&mut Config, &Path)) -> Self {
        brain();
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (mut config, sockets) = loopback_config().expect("a configuration");
        change(&mut config, dir.path());
        Self { dir, config, _sockets: sockets }
    }

    fn serve(&self) -> Ran {
        let file = self.dir.path().join("xenline.toml");
        std::fs::write(&file, toml::to_string(&self.config).expect("TOML")).expect("it is written");
        let mut command = xenline();
        command.args(["serve", "--config"]).arg(&file);
        run(command, SOON)
    }
}

#[track_caller]
fn assert_says(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, Some(code), "{ran:?}");
    for word in words {
        assert!(ran.err.contains(word), "{word:?} is not in the message:\n{}", ran.err);
    }
    let first = ran.err.lines().find(|line| line.starts_with("xenline: ")).unwrap_or_default();
    figure(format!("exit {code}: {first}"));
}

#[test]
fn a_configuration_that_cannot_be_read_is_named_with_the_next_step() {
    let _machine = alone();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let serve = |file: &Path| {
        let mut command = xenline();
        command.args(["serve", "--config"]).arg(file);
        run(command, SOON)
    };
    let written = |text: &[u8]| {
        let file = dir.path().join("broken.toml");
        std::fs::write(&file, text).expect("it is written");
        file
    };
    let missing = dir.path().join("missing.toml");
    let missing_words = ["missing.toml", "--config", "deploy/xenline.example.toml"];
    assert_says(&serve(&missing), CONFIGURATION, &missing_words);
    assert_says(&serve(dir.path()), CONFIGURATION, &["deploy/xenline.example.toml"]);
    let file = written(b"[sip]\nchannels = \"many\"\n");
    assert_says(&serve(&file), CONFIGURATION, &["broken.toml", "line 2"]);
    let file = written(b"[sip\n");
    assert_says(&serve(&file), CONFIGURATION, &["broken.toml", "line 1"]);
    let file = written(b"[sip]\nchanels = 3\n");
    assert_says(&serve(&file), CONFIGURATION, &["chanels", "channels"]);
    let file = written(&[0xff, 0xfe, 0x00, 0x01]);
    assert_says(&serve(&file), CONFIGURATION, &["broken.toml"]);
    let file = written(&vec![b'#'; 300_000]);
    assert_says(&serve(&file), CONFIGURATION, &["right file"]);
    let file = written(b"[sip]\nchannels = 0\n");
    assert_says(&serve(&file), CONFIGURATION, &["sip.channels", "between 1 and"]);
}

#[test]
fn a_recogniser_that_is_missing_or_corrupt_stops_the_line_with_the_next_step() {
    let _machine = alone();
    let missing = Refused::with(|config, dir| config.hearing.model = text(&dir.join("no.bin")));
    assert_says(&missing.serve(), FAILED, &["no.bin", "xenline models list"]);
    let garbage = Refused::with(|config, dir| {
        let file = dir.join("garbage.bin");
        std::fs::write(&file, [7; 10_000]).expect("it is written");
        config.hearing.model = text(&file);
    });
    assert_says(&garbage.serve(), FAILED, &["garbage.bin", "xenline models list"]);
    let cut_short = Refused::with(|config, dir| {
        let whole =
            std::fs::read(assets_dir().join("models/xenline-tiny-en.bin")).expect("a model");
        let file = dir.join("half.bin");
        std::fs::write(&file, &whole[..whole.len() / 2]).expect("it is written");
        config.hearing.model = text(&file);
    });
    assert_says(&cut_short.serve(), FAILED, &["half.bin", "xenline models list"]);
}

#[test]
fn a_voice_that_is_missing_or_corrupt_is_replaced_and_said_so() {
    let _machine = alone();
    for (file, content) in [("no.onnx", None), ("garbage.onnx", Some([7_u8; 10_000]))] {
        let line = Serving::agent(|config| {
            let dir = std::env::temp_dir().join(format!("xenline-e2e-{}", std::process::id()));
            std::fs::create_dir_all(&dir).expect("a directory");
            let path = dir.join(file);
            if let Some(content) = content {
                std::fs::write(&path, content).expect("it is written");
                let settings = assets_dir().join("models/xenline-voice-8k.onnx.json");
                std::fs::copy(settings, dir.join("garbage.onnx.json")).expect("it is copied");
            }
            config.voice.model = text(&path);
        });
        let said = line.said();
        for word in ["voice of last resort", file] {
            assert!(said.contains(word), "{word:?} is not in the log:\n{said}");
        }
        line.stop();
    }
    let dir = std::env::temp_dir().join(format!("xenline-e2e-{}", std::process::id()));
    // A leftover in the system's temporary directory is no failure of the line.
    let _ = std::fs::remove_dir_all(dir);
}

#[test]
fn a_busy_port_is_named_with_the_next_step() {
    let _machine = alone();
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let (udp_at, tcp_at) = (udp.local_addr().expect("bound"), tcp.local_addr().expect("bound"));
    let busy = Refused::with(|config, _| config.sip.listen_udp = Some(udp_at));
    assert_says(&busy.serve(), FAILED, &[&udp_at.to_string(), "xenline check"]);
    let busy = Refused::with(|config, _| config.sip.listen_tcp = Some(tcp_at));
    assert_says(&busy.serve(), FAILED, &[&tcp_at.to_string(), "xenline check"]);
    let elsewhere = Refused::with(|config, _| {
        config.sip.listen_udp = Some("192.0.2.1:5060".parse().expect("an address"));
    });
    assert_says(&elsewhere.serve(), FAILED, &["192.0.2.1:5060"]);
}

#[test]
fn a_second_line_on_the_same_socket_is_refused() {
    let _machine = alone();
    let line = Serving::echo(|_| {});
    let second = Refused::with(|config, _| config.say.socket = line.config.say.socket.clone());
    assert_says(&second.serve(), FAILED, &["another line already listens there", "[say] socket"]);
    line.stop();
}

#[test]
fn a_directory_for_recordings_that_cannot_be_one_is_named_with_the_next_step() {
    let _machine = alone();
    let refused = Refused::with(|config, dir| {
        let file = dir.join("calls");
        std::fs::write(&file, "a file, not a directory").expect("it is written");
        config.recording.dir = Some(file);
    });
    assert_says(&refused.serve(), FAILED, &["cannot record into", "calls", "[recording] dir"]);
}

#[test]
fn a_brain_that_does_not_exist_is_no_reason_to_hang() {
    let _machine = alone();
    let line = Serving::start(xenline(), |config| {
        config.brain.command = vec!["/nonexistent/brain".into()]
    });
    wait_until("a word about the brain", Duration::from_secs(10), || {
        line.said().contains("/nonexistent/brain").then_some(())
    });
    line.stop();
}

#[test]
fn without_permission_for_real_time_priority_the_line_runs_and_says_how_to_grant_it() {
    let _machine = alone();
    let line = Serving::start(without_realtime(xenline()), |config| {
        config.line.mode = xenline::config::LineMode::Echo;
        config.audio.realtime_priority = Some(50);
    });
    for word in ["no real-time priority", "LimitRTPRIO=50", "ulimit -r 50", "CAP_SYS_NICE"] {
        // The audio thread asks for it while the line opens: its word may come a moment later.
        wait_until(word, Duration::from_secs(10), || line.said().contains(word).then_some(()));
    }
    let phone = Phone::call(line.sip);
    wait_until("sound", Duration::from_secs(5), || (phone.media.count() > 50).then_some(()));
    phone.hang_up();
    line.stop();
}

#[test]
fn a_foreign_source_gets_not_one_byte() {
    let _machine = alone();
    let line = Serving::echo(|_| {});
    let foreign = UdpSocket::bind("127.0.0.2:0").expect("another loopback address");
    foreign.set_read_timeout(Some(Duration::from_millis(1_500))).expect("a timeout");
    let at = foreign.local_addr().expect("bound");
    let message = |method: &str| {
        format!(
            "{method} sip:agent@{} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bK-f-{method}\r\n\
             From: <sip:stranger@{at}>;tag=1\r\nTo: <sip:agent@{}>\r\nCall-ID: foreign-{method}\r\n\
             CSeq: 1 {method}\r\nContact: <sip:stranger@{at}>\r\nMax-Forwards: 70\r\n\
             Content-Length: 0\r\n\r\n",
            line.sip, line.sip
        )
    };
    for datagram in [message("OPTIONS"), message("INVITE"), message("REGISTER"), "hello".into()] {
        foreign.send_to(datagram.as_bytes(), line.sip).expect("loopback takes it");
    }
    let mut buffer = [0; 2_048];
    let got = foreign.recv_from(&mut buffer);
    assert!(got.is_err(), "a stranger got {:?}", String::from_utf8_lossy(&buffer));
    assert_eq!(line.open_calls(), 0);
    // The same words from a friend are answered, so it was not the words.
    Phone::call(line.sip).hang_up();
    figure("foreign source: 4 datagrams, 0 bytes back");
    line.stop();
}

#[test]
fn nonsense_from_a_friend_does_not_disturb_the_line() {
    let _machine = alone();
    let line = Serving::echo(|_| {});
    let friend = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let phone = Phone::call(line.sip);
    let long = [b"INVITE sip:a SIP/2.0\r\nVia: ".to_vec(), vec![b'x'; 60_000]].concat();
    let nonsense: [&[u8]; 7] = [
        b"",
        b"\r\n\r\n",
        b"INVITE",
        b"INVITE sip:a@b SIP/2.0\r\n\r\n",
        b"SIP/2.0 200 OK\r\nCSeq: -1 INVITE\r\n\r\n",
        &[0xff; 1_400],
        &long,
    ];
    for datagram in nonsense {
        friend.send_to(datagram, line.sip).expect("loopback takes it");
        // To the call's own sound, from elsewhere.
        friend.send_to(&datagram[..datagram.len().min(1_400)], phone.line_rtp).expect("sent");
    }
    let before = phone.media.count();
    wait_until("the sound to go on", Duration::from_secs(5), || {
        (phone.media.count() > before + 15).then_some(())
    });
    Phone::call(line.sip).hang_up();
    phone.hang_up();
    line.stop();
}

#[test]
fn saying_something_where_nobody_listens_is_told_apart_and_told_why() {
    let _machine = alone();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let say = |socket: &Path| {
        let mut command = xenline();
        command.args(["say", "hello", "--socket"]).arg(socket);
        run(command, SOON)
    };
    let nowhere = say(&dir.path().join("say.sock"));
    assert_says(&nowhere, NO_LINE, &["no line answers", "xenline serve"]);
    let line = Serving::agent(|_| {});
    let socket = line.config.say.socket.clone().expect("the tests name one");
    assert_says(&say(&socket), FAILED, &["no call is open"]);
    line.stop();
    assert_eq!(say(&socket).code, Some(NO_LINE), "a line that ended leaves no socket");
}

#[test]
fn calling_where_nobody_answers_ends_by_itself() {
    let _machine = alone();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let call = |uri: &str, more: &[&str]| {
        let mut command = xenline();
        command.current_dir(dir.path()).args(["call", uri, "--answer-within-s", "2"]).args(more);
        run(command, SOON)
    };
    let nobody = call(&format!("sip:agent@{}", silent.local_addr().expect("bound")), &[]);
    assert_says(&nobody, NO_LINE, &["not answered within", "[[trunk]]"]);
    let no_file = call("sip:agent@127.0.0.1:5060", &["--say", "missing.wav"]);
    assert_says(&no_file, 2, &["missing.wav", "sox"]);
    let no_address = call("telephone", &[]);
    assert_says(&no_address, FAILED, &["cannot call \"telephone\": expected sip:user@host"]);
    assert_eq!(no_address.err.matches("cannot call").count(), 1, "{}", no_address.err);
}

fn text(path: &Path) -> String {
    PathBuf::from(path).display().to_string()
}
