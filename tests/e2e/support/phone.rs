//! A phone made of plain sockets: SIP as text, RTP by hand. It shares no code with the line's
//! signalling, so that it would notice a mistake that both of our ends make.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use media_core::Codec;

use super::rtp::Media;

static CALLS: AtomicU32 = AtomicU32::new(0);
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

pub struct Phone {
    pub media: Media,
    /// The address in the line's SDP.
    pub line_rtp: SocketAddr,
    dialog: Arc<Dialog>,
    responses: Receiver<String>,
    listener: Option<JoinHandle<()>>,
    sequence: AtomicU32,
}

/// An answer that waits for its ACK.
pub struct Answered {
    number: u32,
    response: String,
}

/// What both threads know of the call.
struct Dialog {
    socket: UdpSocket,
    server: SocketAddr,
    local: SocketAddr,
    caller: &'static str,
    /// Header lines of the next requests, each ended by CRLF.
    extra: Mutex<String>,
    id: String,
    /// The `To` with the line's tag, and the line's contact; empty until they are known.
    to: Mutex<String>,
    target: Mutex<String>,
    last_ack: Mutex<Option<(String, String)>>,
    hung_up: AtomicBool,
    /// It answers nothing any more.
    gone: AtomicBool,
    stop: AtomicBool,
}

impl Phone {
    /// Calls, and returns when the call is answered and sound goes both ways.
    pub fn call(server: SocketAddr) -> Self {
        Self::call_as(server, "tester")
    }

    /// The same from another number.
    pub fn call_as(server: SocketAddr, caller: &'static str) -> Self {
        Self::call_in(server, caller, Codec::Pcmu)
    }

    /// The same in `codec`, µ-law or G.722.
    pub fn call_in(server: SocketAddr, caller: &'static str, codec: Codec) -> Self {
        let mut phone = Self::hook_up_as(caller, server, "agent");
        phone.media.speak(codec);
        let mut offer = sdp(phone.media.local, "sendrecv", 1);
        if codec == Codec::G722 {
            offer = offer.replace("AVP 0 ", "AVP 9 ").replace("0 PCMU/8000", "9 G722/8000");
        }
        let answer = phone.invite(&offer);
        phone.line_rtp = media_address(&answer);
        phone.media.send_to(phone.line_rtp);
        phone
    }

    /// The same, where the line may refuse: with which status.
    pub fn try_call_as(server: SocketAddr, caller: &'static str) -> Result<Self, u16> {
        let mut phone = Self::hook_up_as(caller, server, "agent");
        let (number, response) = phone.ask(&sdp(phone.media.local, "sendrecv", 1));
        if let Some(status) = phone.refused(number, &response) {
            return Err(status);
        }
        phone.line_rtp = media_address(&phone.accepted(number, &response));
        phone.media.send_to(phone.line_rtp);
        Ok(phone)
    }

    /// The same with these header lines in the INVITE.
    pub fn call_with(server: SocketAddr, headers: &str) -> Self {
        let mut phone = Self::hook_up(server, "agent");
        *phone.dialog.extra.lock().expect("no panic") = headers.to_owned();
        let answer = phone.invite(&sdp(phone.media.local, "sendrecv", 1));
        phone.dialog.extra.lock().expect("no panic").clear();
        phone.line_rtp = media_address(&answer);
        phone.media.send_to(phone.line_rtp);
        phone
    }

    /// What an INVITE says that is to take this call's place (RFC 3891).
    pub fn taken_over(&self) -> String {
        let to = self.dialog.to.lock().expect("no panic");
        let tag = to.split(";tag=").nth(1).expect("an answered call");
        let id = &self.dialog.id;
        format!("Require: replaces\r\nReplaces: {id};to-tag={tag};from-tag=t-{id}\r\n")
    }

    /// Sends a request in the call; gives the status of its answer.
    pub fn ask_in_call(&self, method: &str, headers: &str) -> u16 {
        let number = self.sequence.fetch_add(1, SeqCst);
        *self.dialog.extra.lock().expect("no panic") = headers.to_owned();
        self.dialog.send(&self.dialog.request(method, number, number, ""));
        self.dialog.extra.lock().expect("no panic").clear();
        let response = self.final_response(&format!("{number} {method}"));
        response.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status")
    }

    /// The same without a packet of sound from us.
    pub fn call_silently(server: SocketAddr) -> Self {
        Self::call_somebody(server, "agent")
    }

    /// Calls somebody else than the agent; without a packet of sound from us.
    pub fn call_somebody(server: SocketAddr, called: &str) -> Self {
        let mut phone = Self::hook_up(server, called);
        let answer = phone.invite(&sdp(phone.media.local, "sendrecv", 1));
        phone.line_rtp = media_address(&answer);
        phone
    }

    /// Calls, is answered, and never says that it heard so.
    pub fn call_without_ack(server: SocketAddr) -> Self {
        let phone = Self::hook_up(server, "agent");
        let response = phone.ask(&sdp(phone.media.local, "sendrecv", 1)).1;
        assert!(response.starts_with("SIP/2.0 200"), "refused: {response}");
        phone
    }

    /// Calls and is answered; the answer is acknowledged by [`Phone::acknowledge`].
    pub fn call_before_its_ack(server: SocketAddr) -> (Self, Answered) {
        let mut phone = Self::hook_up(server, "agent");
        let (number, response) = phone.ask(&sdp(phone.media.local, "sendrecv", 1));
        phone.line_rtp = media_address(&response);
        phone.media.send_to(phone.line_rtp);
        (phone, Answered { number, response })
    }

    /// Says that the answer was heard.
    pub fn acknowledge(&self, answer: &Answered) {
        self.accepted(answer.number, &answer.response);
    }

    /// Calls with an offer that `change` made of the usual one, and is refused; with which status.
    pub fn call_in_vain(server: SocketAddr, change: impl FnOnce(String) -> String) -> u16 {
        let phone = Self::hook_up(server, "agent");
        let (number, response) = phone.ask(&change(sdp(phone.media.local, "sendrecv", 1)));
        phone.refused(number, &response).unwrap_or_else(|| panic!("no refusal: {response}"))
    }

    /// The status of a refusal, which is acknowledged; `None`: it is none.
    fn refused(&self, number: u32, response: &str) -> Option<u16> {
        let status = response.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.filter(|status| *status >= 300)?;
        // In the transaction of its INVITE, hence the same branch.
        *self.dialog.to.lock().expect("no panic") = header(response, "To").to_owned();
        self.dialog.send(&self.dialog.request("ACK", number, number, ""));
        Some(status)
    }

    /// A phone that has not called yet.
    fn hook_up(server: SocketAddr, called: &str) -> Self {
        Self::hook_up_as("tester", server, called)
    }

    fn hook_up_as(caller: &'static str, server: SocketAddr, called: &str) -> Self {
        let media = Media::open(Ipv4Addr::LOCALHOST);
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout");
        let local = socket.local_addr().expect("a bound socket");
        let dialog = Arc::new(Dialog {
            socket,
            server,
            local,
            caller,
            extra: Mutex::default(),
            // The port alone comes again, and the same INVITE twice is a retransmission.
            id: format!("e2e-{}-{}", std::process::id(), CALLS.fetch_add(1, SeqCst)),
            to: Mutex::new(format!("<sip:{called}@{server}>")),
            target: Mutex::new(format!("sip:{called}@{server}")),
            last_ack: Mutex::new(None),
            hung_up: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        });
        let (to_us, responses) = channel();
        let theirs = dialog.clone();
        let listener = Some(std::thread::spawn(move || theirs.listen(&to_us)));
        let sequence = AtomicU32::new(1);
        Self { media, line_rtp: server, dialog, responses, listener, sequence }
    }

    /// INVITE or re-INVITE with this SDP; gives the answer's SDP.
    pub fn invite(&self, offer: &str) -> String {
        let (number, response) = self.ask(offer);
        self.accepted(number, &response)
    }

    /// Acknowledges an answer; gives its SDP.
    fn accepted(&self, number: u32, response: &str) -> String {
        assert!(response.starts_with("SIP/2.0 200"), "refused: {response}");
        *self.dialog.to.lock().expect("no panic") = header(response, "To").to_owned();
        let contact = header(response, "Contact");
        let target = contact.split(['<', '>']).nth(1).unwrap_or(contact);
        *self.dialog.target.lock().expect("no panic") = target.to_owned();
        let ack = self.dialog.request("ACK", number, number + 10_000, "");
        *self.dialog.last_ack.lock().expect("no panic") =
            Some((format!("{number} INVITE"), ack.clone()));
        self.dialog.send(&ack);
        response.split_once("\r\n\r\n").expect("a body").1.to_owned()
    }

    /// Sends an INVITE; gives its number and its final response.
    fn ask(&self, offer: &str) -> (u32, String) {
        let number = self.sequence.fetch_add(1, SeqCst);
        self.dialog.send(&self.dialog.request("INVITE", number, number, offer));
        (number, self.final_response(&format!("{number} INVITE")))
    }

    /// Falls silent from one moment to the next, in signalling and in sound.
    pub fn vanish(&self) {
        self.media.send(false);
        self.dialog.gone.store(true, SeqCst);
    }

    /// Whether one side said goodbye.
    pub fn was_hung_up(&self) -> bool {
        self.dialog.hung_up.load(SeqCst)
    }

    pub fn hang_up(self) {
        self.say_goodbye();
    }

    /// Hangs up, if the line has not, and keeps what was heard.
    pub fn say_goodbye(&self) {
        if !self.was_hung_up() {
            let number = self.sequence.fetch_add(1, SeqCst);
            self.dialog.send(&self.dialog.request("BYE", number, number, ""));
            let response = self.final_response(&format!("{number} BYE"));
            assert!(response.starts_with("SIP/2.0 200"), "{response}");
            self.dialog.hung_up.store(true, SeqCst);
        }
    }

    /// The carrier ends the call, and says that it was not meant to.
    pub fn dropped_by_the_carrier(self) {
        let number = self.sequence.fetch_add(1, SeqCst);
        let bye = self.dialog.request("BYE", number, number, "");
        let reason = "Reason: Q.850;cause=41;text=\"Temporary failure\"\r\nContent-Length";
        self.dialog.send(&bye.replace("Content-Length", reason));
        let response = self.final_response(&format!("{number} BYE"));
        assert!(response.starts_with("SIP/2.0 200"), "{response}");
    }

    fn final_response(&self, sequence: &str) -> String {
        loop {
            let response = self.responses.recv_timeout(ANSWER_WITHIN).expect("an answer in time");
            if header(&response, "CSeq") == sequence && !response.starts_with("SIP/2.0 1") {
                return response;
            }
        }
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.dialog.stop.store(true, SeqCst);
        if let Some(listener) = self.listener.take() {
            // It panicked where an assertion of its test failed already.
            let _ = listener.join();
        }
    }
}

impl Dialog {
    fn send(&self, message: &str) {
        self.socket.send_to(message.as_bytes(), self.server).expect("loopback takes it");
    }

    fn request(&self, method: &str, number: u32, branch: u32, body: &str) -> String {
        let (local, id, caller) = (self.local, &self.id, self.caller);
        let target = self.target.lock().expect("no panic");
        let to = self.to.lock().expect("no panic");
        // An ACK repeats nothing of what its INVITE asked for.
        let extra = self.extra.lock().expect("no panic");
        let extra = if method == "ACK" { "" } else { extra.as_str() };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} {target} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {local};branch=z9hG4bK-{id}-{branch};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{caller}@{local}>;tag=t-{id}\r\nTo: {to}\r\n\
             Call-ID: {id}\r\nCSeq: {number} {method}\r\nContact: <sip:tester@{local}>\r\n\
             {extra}{kind}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    fn listen(&self, to_us: &Sender<String>) {
        let mut buffer = [0; 8_192];
        while !self.stop.load(SeqCst) {
            let Ok((length, _)) = self.socket.recv_from(&mut buffer) else { continue };
            let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if self.gone.load(SeqCst) {
                continue;
            }
            if !message.starts_with("SIP/2.0") {
                self.answer(&message);
            } else if let Some(ack) = self.ack_again(&message) {
                self.send(&ack);
            } else {
                // A test that has what it wanted does not listen any more.
                let _ = to_us.send(message);
            }
        }
    }

    /// A 200 that comes again has missed our ACK.
    fn ack_again(&self, message: &str) -> Option<String> {
        let last = self.last_ack.lock().expect("no panic");
        let (sequence, ack) = last.as_ref()?;
        let again = message.starts_with("SIP/2.0 200") && header(message, "CSeq") == sequence;
        again.then(|| ack.clone())
    }

    fn answer(&self, request: &str) {
        let line = |name: &str| format!("{name}: {}\r\n", header(request, name));
        let headers: String = ["Via", "From", "To", "Call-ID", "CSeq"].map(line).concat();
        self.send(&format!("SIP/2.0 200 OK\r\n{headers}Content-Length: 0\r\n\r\n"));
        if request.starts_with("BYE ") {
            self.hung_up.store(true, SeqCst);
        }
    }
}

/// An offer of µ-law and telephone events.
pub fn sdp(rtp: SocketAddr, direction: &str, version: u32) -> String {
    let (ip, port) = (rtp.ip(), rtp.port());
    format!(
        "v=0\r\no=- 77 {version} IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na={direction}\r\n"
    )
}

/// The direction of an SDP answer; RFC 4566 makes `sendrecv` of none.
pub fn direction(sdp: &str) -> &str {
    let known = ["sendrecv", "sendonly", "recvonly", "inactive"];
    let attribute = |line: &'_ str| {
        let name = line.trim_end().strip_prefix("a=")?;
        known.into_iter().find(|known| *known == name)
    };
    sdp.lines().find_map(attribute).unwrap_or("sendrecv")
}

/// Where an SDP wants its sound.
pub fn media_address(sdp: &str) -> SocketAddr {
    let after = |start: &str| {
        let line = sdp.lines().find_map(|line| line.strip_prefix(start));
        line.unwrap_or_else(|| panic!("no {start} in {sdp}")).trim_end()
    };
    let ip = after("c=IN IP4 ").parse().expect("an address");
    let port = after("m=audio ").split(' ').next().unwrap_or_default();
    SocketAddr::new(ip, port.parse().expect("a port"))
}

pub fn header<'m>(message: &'m str, name: &str) -> &'m str {
    let value = |line: &'m str| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    };
    message.lines().take_while(|line| !line.is_empty()).find_map(value).unwrap_or_default()
}
