//! A phone that is called: SIP as text over a plain socket, like [`super::phone`].

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::phone::{header, media_address, sdp};
use super::rtp::Media;
use super::wait_until;

/// It answers every call at once, or is busy.
pub struct Callee {
    pub media: Media,
    pub sip: SocketAddr,
    theirs: Arc<Theirs>,
    listener: Option<JoinHandle<()>>,
}

struct Theirs {
    socket: UdpSocket,
    media: SocketAddr,
    busy: AtomicBool,
    /// It rings, and nobody picks up yet.
    slow: AtomicBool,
    stop: AtomicBool,
    /// Calls that were answered.
    answered: AtomicUsize,
    /// The INVITE of the call that is up, and where its sender's sound is.
    call: Mutex<Option<Call>>,
}

#[derive(Clone)]
struct Call {
    invite: String,
    from: SocketAddr,
}

/// A call that rings, and is not the one that is answered next.
pub struct Ringing(Call);

impl Callee {
    pub fn new() -> Self {
        let media = Media::open(Ipv4Addr::LOCALHOST);
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
        let sip = socket.local_addr().expect("a bound socket");
        let theirs = Arc::new(Theirs {
            socket,
            media: media.local,
            busy: AtomicBool::new(false),
            slow: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            answered: AtomicUsize::new(0),
            call: Mutex::new(None),
        });
        let shared = theirs.clone();
        let listener = Some(std::thread::spawn(move || shared.listen()));
        Self { media, sip, theirs, listener }
    }

    /// From now on it is in another call.
    pub fn be_busy(&self, busy: bool) {
        self.theirs.busy.store(busy, SeqCst);
    }

    /// From now on it rings until [`Callee::pick_up`].
    pub fn be_slow(&self) {
        self.theirs.slow.store(true, SeqCst);
    }

    /// Whether it rings or is in a call.
    pub fn is_called(&self) -> bool {
        self.theirs.call.lock().expect("no panic").is_some()
    }

    /// Answers the call that rings.
    pub fn pick_up(&self) {
        self.theirs.slow.store(false, SeqCst);
        let call = self.theirs.call.lock().expect("no panic").clone().expect("it rings");
        self.theirs.answer(
            &call.invite,
            call.from,
            "200 OK",
            &sdp(self.media.local, "sendrecv", 1),
        );
        self.theirs.answered.fetch_add(1, SeqCst);
    }

    /// Answers whoever calls next; the call that rings now rings on until [`Callee::refuse`].
    pub fn let_it_ring(&self) -> Ringing {
        self.theirs.slow.store(false, SeqCst);
        Ringing(self.theirs.call.lock().expect("no panic").take().expect("it rings"))
    }

    /// Nobody picked up.
    pub fn refuse(&self, Ringing(call): &Ringing, status: &str) {
        self.theirs.answer(&call.invite, call.from, status, "");
    }

    pub fn answered(&self) -> usize {
        self.theirs.answered.load(SeqCst)
    }

    /// Whom the last INVITE wanted, and as whom it came.
    pub fn invite(&self) -> String {
        let call = self.theirs.call.lock().expect("no panic");
        call.as_ref().map(|call| call.invite.clone()).unwrap_or_default()
    }

    /// Waits until it has answered so many calls, and sends its sound to the last one.
    pub fn wait_for_calls(&self, calls: usize, within: Duration) {
        wait_until("the line to call", within, || (self.answered() >= calls).then_some(()));
        let invite = self.invite();
        let body = invite.split_once("\r\n\r\n").expect("an offer").1;
        self.media.send_to(media_address(body));
    }

    /// Ends the call, with what the BYE gives as its reason.
    pub fn hang_up(&self, reason: &str) {
        let call = self.theirs.call.lock().expect("no panic").take().expect("a call is up");
        let (invite, local) = (&call.invite, self.sip);
        let target = header(invite, "Contact").split(['<', '>']).nth(1).expect("a contact");
        let reason =
            if reason.is_empty() { String::new() } else { format!("Reason: {reason}\r\n") };
        let bye = format!(
            "BYE {target} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK-bye-{};rport\r\n\
             Max-Forwards: 70\r\nFrom: {};tag=callee\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 7 BYE\r\n\
             {reason}Content-Length: 0\r\n\r\n",
            self.answered(),
            header(invite, "To"),
            header(invite, "From"),
            header(invite, "Call-ID"),
        );
        self.theirs.socket.send_to(bye.as_bytes(), call.from).expect("loopback takes it");
    }
}

impl Drop for Callee {
    fn drop(&mut self) {
        self.theirs.stop.store(true, SeqCst);
        if let Some(listener) = self.listener.take() {
            // It panicked where an assertion of its test failed already.
            let _ = listener.join();
        }
    }
}

impl Theirs {
    fn listen(&self) {
        let mut buffer = [0; 8_192];
        while !self.stop.load(SeqCst) {
            let Ok((length, from)) = self.socket.recv_from(&mut buffer) else { continue };
            let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
            match message.split(' ').next().unwrap_or_default() {
                "INVITE" => self.rung(&message, from),
                "BYE" => {
                    self.call.lock().expect("no panic").take();
                    self.answer(&message, from, "200 OK", "");
                }
                "OPTIONS" | "CANCEL" => self.answer(&message, from, "200 OK", ""),
                _ => {}
            }
        }
    }

    fn rung(&self, invite: &str, from: SocketAddr) {
        if self.busy.load(SeqCst) {
            return self.answer(invite, from, "486 Busy Here", "");
        }
        self.answer(invite, from, "180 Ringing", "");
        if self.slow.load(SeqCst) {
            let call = Call { invite: invite.to_owned(), from };
            self.call.lock().expect("no panic").get_or_insert(call);
            return;
        }
        self.answer(invite, from, "200 OK", &sdp(self.media, "sendrecv", 1));
        let call = Call { invite: invite.to_owned(), from };
        let before = self.call.lock().expect("no panic").replace(call);
        // The same INVITE again is a retransmission.
        let same = |call: &Call| header(&call.invite, "Call-ID") == header(invite, "Call-ID");
        if !before.as_ref().is_some_and(same) {
            self.answered.fetch_add(1, SeqCst);
        }
    }

    fn answer(&self, request: &str, to: SocketAddr, status: &str, body: &str) {
        let line = |name: &str| match name {
            "To" if !header(request, "To").contains("tag=") => {
                format!("To: {};tag=callee\r\n", header(request, "To"))
            }
            name => format!("{name}: {}\r\n", header(request, name)),
        };
        let headers: String = ["Via", "From", "To", "Call-ID", "CSeq"].map(line).concat();
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let contact = self.socket.local_addr().expect("a bound socket");
        let response = format!(
            "SIP/2.0 {status}\r\n{headers}Contact: <sip:callee@{contact}>\r\n{kind}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.socket.send_to(response.as_bytes(), to).expect("loopback takes it");
    }
}
