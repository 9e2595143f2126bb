//! A call as somebody else reads it: tshark takes its packets off the loopback and knows by itself,
//! from SIP and SDP alone, what each of them is. It finds nothing to object to in what the line sent.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::process::{Guarded, gather, need, run};
use crate::support::{alone, figure, wait_until};

const SOON: Duration = Duration::from_secs(40);
/// Of 20 ms each: reports are sent in between, and at the end.
const PACKETS: usize = 300;
/// `PI_WARN` of tshark's expert: what a receiver may stumble over, and all that is worse.
const WARNING: u32 = 0x60_0000;

/// Packets on the loopback, being kept.
struct Tap {
    tshark: Guarded,
    file: PathBuf,
}

impl Tap {
    /// `None` where nobody may take packets off the loopback.
    fn open(dir: &Path) -> Option<Self> {
        let file = dir.join("call.pcapng");
        let mut command = Command::new("tshark");
        command.args(["-n", "-q", "-i", "lo", "-f", "udp", "-w"]).arg(&file);
        let mut tshark = Guarded::spawn({
            command.stdout(Stdio::null()).stderr(Stdio::piped());
            command
        });
        let said = gather(tshark.child().stderr.take());
        let is_open = wait_until("tshark to listen, or to say why not", SOON, || {
            let said = said.lock().expect("no panic").to_lowercase();
            let refused = said.contains("permission") || said.contains("not permitted");
            if refused { Some(false) } else { said.contains("capturing on").then_some(true) }
        });
        // It says so before its other process listens: that one has the file then.
        is_open.then(|| {
            wait_until("the file of packets", SOON, || file.is_file().then_some(()));
            Self { tshark, file }
        })
    }

    /// Ends it; gives what was kept.
    fn close(mut self, sip: SocketAddr) -> Trace {
        self.tshark.signal(libc::SIGINT);
        self.tshark.ended(SOON);
        Trace { file: self.file, sip }
    }
}

/// A call's packets.
struct Trace {
    file: PathBuf,
    sip: SocketAddr,
}

impl Trace {
    fn tshark(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("tshark");
        command.args(["-n", "-d", &format!("udp.port=={},sip", self.sip.port()), "-r"]);
        command.arg(&self.file).args(arguments);
        run(command, SOON).out
    }

    /// One line for each packet that the filter lets through: its fields.
    fn fields(&self, filter: &str, fields: &[&str]) -> Vec<String> {
        let mut arguments = vec!["-Y", filter, "-T", "fields"];
        arguments.extend(fields.iter().flat_map(|field| ["-e", field]));
        self.tshark(&arguments).lines().map(str::to_owned).collect()
    }

    /// What tshark says of the RTP that left this port: packets, and "lost (percent)".
    fn stream_from(&self, port: u16) -> String {
        let table = self.tshark(&["-q", "-z", "rtp,streams"]);
        let port = port.to_string();
        let is_it = |row: &&str| row.split_whitespace().nth(3) == Some(port.as_str());
        table
            .lines()
            .find(is_it)
            .unwrap_or_else(|| panic!("no stream from {port}: {table}"))
            .to_owned()
    }
}

#[test]
fn tshark_reads_a_call_and_has_nothing_to_object_to() {
    need("tshark", "tshark");
    let _machine = alone();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let line = Serving::echo(|_| {});
    let Some(tap) = Tap::open(dir.path()) else {
        return figure("SKIPPED: nobody may take packets off the loopback here");
    };
    let phone = Phone::call(line.sip);
    let (sip, rtp) = (line.sip, phone.line_rtp.port());
    let enough = || (phone.media.count() >= PACKETS).then_some(());
    wait_until("enough packets", SOON, enough);
    phone.hang_up();
    line.stop();
    let trace = tap.close(sip);

    let from = |port: u16| format!("udp.srcport=={port}");
    let of_the_line = format!("({} || {} || {})", from(sip.port()), from(rtp), from(rtp + 1));
    let objections = format!("(_ws.malformed || _ws.expert.severity >= {WARNING})");
    let wrong = trace.fields(
        &format!("{of_the_line} && {objections}"),
        &["frame.number", "_ws.col.Protocol", "_ws.expert.message"],
    );
    let statuses = trace.fields(&format!("sip && {}", from(sip.port())), &["sip.Status-Code"]);
    let sound = trace.fields(&format!("rtp && {}", from(rtp)), &["rtp.p_type"]);
    let reports = trace.fields(&format!("rtcp && {}", from(rtp + 1)), &["rtcp.pt"]);
    let stream = trace.stream_from(rtp);
    figure(format!(
        "tshark: {} RTP, {} RTCP ({}), SIP {}",
        sound.len(),
        reports.len(),
        reports.last().map_or("", String::as_str),
        statuses.join(" ")
    ));
    assert_eq!(wrong, Vec::<String>::new());
    assert!(statuses.iter().filter(|it| *it == "200").count() >= 2, "INVITE and BYE: {statuses:?}");
    assert!(sound.len() >= PACKETS && sound.iter().all(|it| it == "0"), "{sound:?}");
    assert!(stream.contains("(0.0%)"), "{stream}");
    assert!(reports[0].starts_with("200,202"), "SR and SDES: {reports:?}");
    assert!(reports.last().is_some_and(|last| last.contains("203")), "BYE: {reports:?}");
}
