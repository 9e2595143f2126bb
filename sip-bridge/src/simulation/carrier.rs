use core::time::Duration;
use std::collections::VecDeque;

use media_core::MonoTime;

use super::{LINE, PEER, SignallingTally};

/// Who refreshes the session.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Session {
    /// Nobody: the line asks whether the call still stands.
    None,
    Line,
    Carrier,
}

/// A request that waits for its final response, and is sent again until it comes.
struct Pending {
    cseq: String,
    text: String,
    again: MonoTime,
    pause: Duration,
}

/// The other side of one call: rings, refreshes, moves its sound, keeps alive, loses datagrams, and in
/// the end drops the call.
pub(super) struct Carrier {
    dice: u64,
    call_id: String,
    session: Session,
    to_tag: String,
    cseq: u32,
    keepalives: u32,
    rtp_port: u16,
    pending: Vec<Pending>,
    outbox: VecDeque<String>,
    next_refresh: Option<MonoTime>,
    next_move: Option<MonoTime>,
    next_keepalive: Option<MonoTime>,
    dropped: bool,
    silent: bool,
}

impl Carrier {
    /// Calls at `now`, for the `nth` time.
    pub fn new(seed: u64, nth: u64, now: MonoTime) -> Self {
        let mut carrier = Self {
            dice: seed,
            call_id: format!("call-{nth}-of-a-month"),
            session: Session::None,
            to_tag: String::new(),
            cseq: 0,
            keepalives: 0,
            rtp_port: 16_384,
            pending: Vec::new(),
            outbox: VecDeque::new(),
            next_refresh: None,
            next_move: None,
            next_keepalive: Some(now + Duration::from_secs(20)),
            dropped: false,
            silent: false,
        };
        carrier.session = match carrier.below(3) {
            0 => Session::None,
            1 => Session::Line,
            _ => Session::Carrier,
        };
        let invite = carrier.invite();
        carrier.ask(now, invite);
        carrier
    }

    /// Where its sound comes from now.
    pub fn rtp_port(&self) -> u16 {
        self.rtp_port
    }

    /// The next time it does something by itself.
    pub fn next(&self) -> Option<MonoTime> {
        let again = self.pending.iter().map(|pending| pending.again);
        let own = [self.next_refresh, self.next_move, self.next_keepalive].into_iter().flatten();
        if self.silent { None } else { again.chain(own).min() }
    }

    /// Every other call ends with a BYE, the rest without a word.
    pub fn drop_the_call(&mut self) {
        (self.next_refresh, self.next_move) = (None, None);
        self.dropped = true;
        self.pending.clear();
        if self.below(2) == 0 && !self.to_tag.is_empty() {
            let reason = "Reason: Q.850;cause=41;text=\"Temporary failure\"\r\n";
            let bye = self.request("BYE", reason, "");
            self.outbox.push_back(bye);
        }
    }

    /// From now on it is not there.
    pub fn fall_silent(&mut self) {
        self.silent = true;
        (self.next_keepalive, self.dropped) = (None, true);
        self.pending.clear();
    }

    /// The next thing that it sends at `now`.
    pub fn due(&mut self, now: MonoTime, tally: &mut SignallingTally) -> Option<String> {
        if self.silent {
            return None;
        }
        self.begin(now, tally);
        for at in 0..self.pending.len() {
            let pending = &mut self.pending[at];
            if pending.again <= now {
                let text = pending.text.clone();
                pending.pause = (pending.pause * 2).min(Duration::from_secs(4));
                pending.again = now + pending.pause;
                self.outbox.push_back(text);
            }
        }
        while let Some(text) = self.outbox.pop_front() {
            if !self.is_lost(tally) {
                return Some(text);
            }
        }
        None
    }

    /// What it does by itself, one thing at a time: it waits for the answer to its last request.
    fn begin(&mut self, now: MonoTime, tally: &mut SignallingTally) {
        let is_due = |at: Option<MonoTime>| at.is_some_and(|at| at <= now);
        if is_due(self.next_keepalive) {
            self.next_keepalive = Some(now + Duration::from_secs(20 + self.below(40)));
            self.keepalives += 1;
            tally.keepalives += 1;
            let options = self.outside();
            self.outbox.push_back(options);
        }
        if !self.pending.is_empty() {
            return;
        }
        if is_due(self.next_move) {
            self.next_move = Some(now + Duration::from_secs(600 + self.below(3_600)));
            self.rtp_port = 16_384 + 2 * u16::try_from(self.below(8_000)).unwrap_or(0);
            tally.moves += 1;
            let (session, sdp) = (self.session_lines(), self.sdp());
            let reinvite = self.request("INVITE", session, &sdp);
            self.ask(now, reinvite);
        } else if is_due(self.next_refresh) {
            self.next_refresh = Some(now + REFRESH);
            tally.refreshes_theirs += 1;
            let session = self.session_lines();
            let refresh = self.request("UPDATE", session, "");
            self.ask(now, refresh);
        }
    }

    /// The line has sent something.
    pub fn receive(&mut self, now: MonoTime, text: &str, tally: &mut SignallingTally) {
        if self.silent || self.is_lost(tally) {
            return;
        }
        let cseq = header(text, "CSeq");
        let method = cseq.split(' ').nth(1).unwrap_or_default();
        match text.strip_prefix("SIP/2.0 ") {
            Some(response) if response.starts_with('1') => {}
            Some(response) => self.answered(now, text, response.starts_with('2'), cseq),
            // Who has dropped the call answers nothing of it.
            None if self.dropped && header(text, "Call-ID") == self.call_id => {}
            None => self.answer(text, method, tally),
        }
    }

    fn answered(&mut self, now: MonoTime, text: &str, well: bool, cseq: &str) {
        let asked = self.pending.iter().position(|pending| pending.cseq == cseq);
        if cseq.ends_with("INVITE") && !self.dropped {
            if self.to_tag.is_empty() {
                self.to_tag = header(text, "To").split(";tag=").nth(1).unwrap_or_default().into();
            }
            let number = cseq.split(' ').next().unwrap_or_default();
            let ack = self.numbered("ACK", number, "", "");
            self.outbox.push_back(ack);
        }
        let Some(asked) = asked else { return };
        self.pending.remove(asked);
        if well && self.next_move.is_none() && !self.dropped {
            self.next_move = Some(now + Duration::from_secs(600 + self.below(3_600)));
            self.next_refresh = (self.session == Session::Carrier).then(|| now + REFRESH);
        }
    }

    fn answer(&mut self, request: &str, method: &str, tally: &mut SignallingTally) {
        let (extra, body) = match method {
            "ACK" | "CANCEL" => return,
            "OPTIONS" => {
                tally.keepalives += 1;
                ("", String::new())
            }
            "INVITE" | "UPDATE" => {
                tally.refreshes_ours += 1;
                let body = if method == "INVITE" { self.sdp() } else { String::new() };
                (AGREED_LINE, body)
            }
            _ => ("", String::new()),
        };
        let copied = ["Via", "From", "To", "Call-ID", "CSeq"];
        let copied: String =
            copied.iter().map(|name| format!("{name}: {}\r\n", header(request, name))).collect();
        let contact = format!("Contact: <sip:carrier@{PEER}>\r\n");
        self.outbox
            .push_back(finished(&format!("SIP/2.0 200 OK\r\n{copied}{contact}{extra}"), &body));
    }

    fn ask(&mut self, now: MonoTime, text: String) {
        let pause = Duration::from_millis(500);
        let cseq = header(&text, "CSeq").to_owned();
        self.pending.push(Pending { cseq, text: text.clone(), again: now + pause, pause });
        self.outbox.push_back(text);
    }

    fn invite(&mut self) -> String {
        let (session, sdp) = (self.session_lines(), self.sdp());
        self.request("INVITE", session, &sdp)
    }

    fn session_lines(&self) -> &'static str {
        match self.session {
            Session::None => "",
            Session::Line => "Supported: timer\r\nSession-Expires: 1800;refresher=uas\r\n",
            Session::Carrier => "Supported: timer\r\nSession-Expires: 1800;refresher=uac\r\n",
        }
    }

    fn request(&mut self, method: &str, extra: &str, body: &str) -> String {
        self.cseq += 1;
        let number = self.cseq.to_string();
        self.numbered(method, &number, extra, body)
    }

    fn numbered(&self, method: &str, number: &str, extra: &str, body: &str) -> String {
        let tag =
            if self.to_tag.is_empty() { String::new() } else { format!(";tag={}", self.to_tag) };
        let call_id = &self.call_id;
        let head = format!(
            "{method} sip:100@{LINE} SIP/2.0\r\nVia: SIP/2.0/UDP {PEER};branch=z9hG4bKm{number}{method}{call_id};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:+15551234567@192.0.2.9>;tag=carrier\r\nTo: <sip:100@{LINE}>{tag}\r\n\
             Call-ID: {call_id}\r\nCSeq: {number} {method}\r\nContact: <sip:carrier@{PEER}>\r\n\
             Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE\r\n{extra}"
        );
        finished(&head, body)
    }

    /// A question outside any call.
    fn outside(&self) -> String {
        let n = format!("{}-{}", self.keepalives, self.call_id);
        finished(
            &format!(
                "OPTIONS sip:{LINE} SIP/2.0\r\nVia: SIP/2.0/UDP {PEER};branch=z9hG4bKk{n};rport\r\n\
                 Max-Forwards: 70\r\nFrom: <sip:ping@192.0.2.9>;tag=k{n}\r\nTo: <sip:{LINE}>\r\n\
                 Call-ID: keep-alive-{n}\r\nCSeq: 1 OPTIONS\r\nContact: <sip:ping@{PEER}>\r\n"
            ),
            "",
        )
    }

    fn sdp(&self) -> String {
        let port = self.rtp_port;
        format!(
            "v=0\r\no=- 1 {port} IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
        )
    }

    /// One datagram in fifty does not arrive.
    fn is_lost(&mut self, tally: &mut SignallingTally) -> bool {
        let lost = self.below(50) == 0;
        tally.datagrams_lost += u64::from(lost);
        lost
    }

    /// Deterministic randomness (splitmix64).
    fn below(&mut self, n: u64) -> u64 {
        self.dice = self.dice.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.dice;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n.max(1)
    }
}

fn finished(head: &str, body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!("{head}{kind}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// The value of the first header `name`.
fn header<'a>(message: &'a str, name: &str) -> &'a str {
    let mut lines = message.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
}

/// Half of the session's 1,800 s (RFC 4028 §7.2).
const REFRESH: Duration = Duration::from_secs(900);
const AGREED_LINE: &str = "Require: timer\r\nSession-Expires: 1800;refresher=uac\r\n";
