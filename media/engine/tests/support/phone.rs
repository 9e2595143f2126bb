//! A telephone: sends RTP as it is told, and writes down all that comes, with the kernel's times.

use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use media_core::codec::{Decoder, Encoder};
use media_core::rtp::RtpPacket;
use media_core::{Codec, PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

use super::PATIENCE;

/// One received packet.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Wall-clock nanoseconds at which the kernel received it: on loopback, when it was sent.
    pub at_ns: u128,
    pub from: SocketAddr,
    pub sequence: SequenceNumber,
    pub timestamp: RtpTimestamp,
    pub marker: bool,
    pub payload_type: PayloadType,
    pub payload: Vec<u8>,
}

/// Two ports in a row (RFC 3550 §11).
fn pair_of_ports() -> (UdpSocket, UdpSocket) {
    let next_of = |socket: &UdpSocket| {
        let addr = socket.local_addr().expect("bound");
        UdpSocket::bind((addr.ip(), addr.port().checked_add(1)?)).ok()
    };
    loop {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        if let Some(next) = next_of(&socket) {
            return (socket, next);
        }
    }
}

pub struct Phone {
    socket: Arc<UdpSocket>,
    pub codec: Codec,
    encoder: Encoder,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    heard: Arc<Mutex<Vec<Heard>>>,
    /// Marks sent to ourselves, and the last of them that the listener came across.
    marked: AtomicU64,
    passed: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
    /// The next port, where reports go: another phone there would take them for sound.
    _reports: UdpSocket,
}

impl Phone {
    pub fn new(codec: Codec) -> Self {
        let (socket, reports) = pair_of_ports();
        let socket = Arc::new(socket);
        socket.set_read_timeout(Some(Duration::from_millis(20))).expect("a timeout");
        enable_stamps(&socket);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (stop, passed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let listener = std::thread::spawn({
            let (socket, heard) = (Arc::clone(&socket), Arc::clone(&heard));
            let (stop, passed) = (Arc::clone(&stop), Arc::clone(&passed));
            move || listen(&socket, &heard, &passed, &stop)
        });
        Self {
            socket,
            codec,
            encoder: Encoder::new(codec),
            sequence: 4_711,
            timestamp: 81_920,
            ssrc: 0xC0FF_EE00,
            heard,
            marked: AtomicU64::new(0),
            passed,
            stop,
            listener: Some(listener),
            _reports: reports,
        }
    }

    pub fn addr(&self) -> SocketAddr {
        self.socket.local_addr().expect("bound")
    }

    /// Sends a packet with this payload, and counts on.
    pub fn send_payload(&mut self, to: SocketAddr, kind: PayloadType, payload: &[u8], ticks: u32) {
        self.send_at(to, kind, self.sequence, self.timestamp, payload);
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(ticks);
    }

    /// Sends a packet with any numbers.
    pub fn send_at(
        &self,
        to: SocketAddr,
        kind: PayloadType,
        sequence: u16,
        timestamp: u32,
        payload: &[u8],
    ) {
        let packet = RtpPacket {
            marker: false,
            payload_type: kind,
            sequence: SequenceNumber(sequence),
            timestamp: RtpTimestamp(timestamp),
            ssrc: Ssrc(self.ssrc),
            payload,
        };
        let mut bytes = [0; 1_500];
        let length = packet.write(&mut bytes).expect("it fits");
        self.send_raw(to, &bytes[..length]);
    }

    pub fn send_raw(&self, to: SocketAddr, bytes: &[u8]) {
        self.socket.send_to(bytes, to).expect("sent");
    }

    /// Speaks: one packet every `ms` milliseconds, on time, all of `pcm`. `drop`: packets that
    /// are lost on the way, by their place. Returns how late the latest packet was.
    pub fn speak(
        &mut self,
        to: SocketAddr,
        pcm: &[i16],
        ms: u32,
        drop: impl Fn(usize) -> bool,
    ) -> Duration {
        let mut latest = Duration::ZERO;
        let samples = self.codec.sample_rate().samples_in_ms(ms);
        let start = Instant::now();
        for (n, frame) in pcm.chunks_exact(samples).enumerate() {
            let due = start + Duration::from_millis(u64::from(ms)) * n as u32;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            latest = latest.max(due.elapsed());
            let mut payload = [0; 480];
            let length = self.encoder.encode(frame, &mut payload);
            if drop(n) {
                self.sequence = self.sequence.wrapping_add(1);
                self.timestamp = self.timestamp.wrapping_add(8 * ms);
            } else {
                let kind = self.codec.usual_payload_type();
                self.send_payload(to, kind, &payload[..length], 8 * ms);
            }
        }
        latest
    }

    /// What came so far: all of it, however far behind the listener is.
    pub fn heard(&self) -> Vec<Heard> {
        self.caught_up().clone()
    }

    pub fn count(&self) -> usize {
        self.caught_up().len()
    }

    pub fn forget(&self) {
        self.caught_up().clear();
    }

    /// When the latest packet came.
    pub fn last_at_ns(&self) -> u128 {
        self.caught_up().last().expect("something came").at_ns
    }

    /// What came before this call. The socket keeps the order: what came before a mark that we send
    /// ourselves is written down when the listener comes across that mark.
    fn caught_up(&self) -> MutexGuard<'_, Vec<Heard>> {
        let mark = self.marked.fetch_add(1, Ordering::Relaxed) + 1;
        let until = Instant::now() + PATIENCE;
        while self.passed.load(Ordering::Acquire) < mark {
            assert!(Instant::now() < until, "the listener stands still");
            // Again and again: a full socket drops it.
            self.send_raw(self.addr(), &mark.to_be_bytes());
            std::thread::sleep(Duration::from_millis(1));
        }
        self.heard.lock().expect("no panic")
    }

    /// All voice that came, decoded, in order of arrival.
    pub fn listen_back(&self) -> Vec<i16> {
        decode_all(&self.heard(), self.codec)
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

pub fn decode_all(heard: &[Heard], codec: Codec) -> Vec<i16> {
    let mut decoder = Decoder::new(codec);
    let mut all = Vec::new();
    for packet in heard.iter().filter(|p| p.payload_type == codec.usual_payload_type()) {
        let mut pcm = [0; 960];
        let length = decoder.decode(&packet.payload, &mut pcm);
        all.extend_from_slice(&pcm[..length]);
    }
    all
}

pub fn now_ns() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos()
}

fn listen(socket: &UdpSocket, heard: &Mutex<Vec<Heard>>, passed: &AtomicU64, stop: &AtomicBool) {
    let own = socket.local_addr().expect("bound");
    while !stop.load(Ordering::Relaxed) {
        let mut bytes = [0; 2_048];
        let Some((length, from, at_ns)) = receive(socket, &mut bytes) else { continue };
        if from == own {
            let mark = bytes[..length].try_into().map_or(0, u64::from_be_bytes);
            passed.fetch_max(mark, Ordering::Release);
            continue;
        }
        let Ok(packet) = RtpPacket::parse(&bytes[..length]) else { continue };
        heard.lock().expect("no panic").push(Heard {
            at_ns,
            from,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            marker: packet.marker,
            payload_type: packet.payload_type,
            payload: packet.payload.to_vec(),
        });
    }
}

fn enable_stamps(socket: &UdpSocket) {
    let on: libc::c_int = 1;
    // SAFETY: the descriptor is open and the option's value is an int.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_TIMESTAMPNS,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    assert_eq!(done, 0, "arrival times are to be had");
}

fn receive(socket: &UdpSocket, bytes: &mut [u8]) -> Option<(usize, SocketAddr, u128)> {
    #[repr(C, align(8))]
    struct Control([u8; 64]);
    let mut control = Control([0; 64]);
    // SAFETY: plain C structs, for which zeroes are a valid value.
    let (mut from, mut header): (libc::sockaddr_in, libc::msghdr) =
        unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
    let mut slice = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    header.msg_name = (&raw mut from).cast();
    header.msg_namelen = size_of_val(&from) as libc::socklen_t;
    header.msg_iov = &raw mut slice;
    header.msg_iovlen = 1;
    header.msg_control = control.0.as_mut_ptr().cast();
    header.msg_controllen = control.0.len();
    // SAFETY: the header points to a name, a slice and a control buffer with their lengths, all
    // alive during the call.
    let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, 0) };
    let length = usize::try_from(length).ok()?;
    let ip = std::net::Ipv4Addr::from(u32::from_be(from.sin_addr.s_addr));
    let from = SocketAddr::from((ip, u16::from_be(from.sin_port)));
    // cmsghdr: length (8), level (4), type (4); then the timespec.
    let long = |at: usize| i64::from_ne_bytes(control.0[at..at + 8].try_into().expect("8 bytes"));
    Some((length, from, long(16) as u128 * 1_000_000_000 + long(24) as u128))
}
