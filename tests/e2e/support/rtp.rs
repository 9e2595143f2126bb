//! RTP by hand: a socket that is sent µ-law every 20 ms, and keeps all that comes with the
//! kernel's own time of arrival, so that a late thread of the test is no gap of the line.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use media_core::Codec;

use super::sound::{FRAME, encoded, from_mu_law, rms, to_mu_law};

const PTIME: Duration = Duration::from_millis(20);
const PCMU: u8 = 0;
const G722: u8 = 9;
const HEADER_BYTES: usize = 12;
/// 12 dB: a loud handset.
const ECHO_LOSS: i16 = 4;
const ECHO_HEARD_RMS: f64 = 100.0;
const MU_LAW_SILENCE: u8 = 0xff;
/// Nothing in either band, from the smallest step that the codec has.
const G722_SILENCE: u8 = 0xfa;

/// A packet as it came.
#[derive(Clone, Debug)]
pub struct Packet {
    /// Arrival by the kernel's clock, in µs.
    pub at_us: i64,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub payload_type: u8,
    pub payload: Vec<u8>,
}

/// One RTP endpoint.
pub struct Media {
    pub local: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    /// The next port, which the line sends its RTCP to: were it another phone's, that phone would
    /// take reports for sound.
    _reports: UdpSocket,
}

struct Shared {
    socket: UdpSocket,
    to: Mutex<Option<SocketAddr>>,
    sending: AtomicBool,
    stop: AtomicBool,
    /// Speaks G.722 instead of µ-law.
    wide: AtomicBool,
    queue: Mutex<VecDeque<u8>>,
    /// What comes back to the line of its own sound, while we say nothing; `None`: nothing does.
    echo: Mutex<Option<VecDeque<u8>>>,
    echoed: AtomicUsize,
    sent: AtomicUsize,
    received: Mutex<Vec<Packet>>,
}

impl Media {
    /// Binds a port on `ip`. Nothing is sent before [`Media::send_to`].
    pub fn open(ip: Ipv4Addr) -> Self {
        let (socket, reports) = pair_of_ports(ip);
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout");
        stamp_arrivals(&socket);
        let local = socket.local_addr().expect("a bound socket");
        let shared = Arc::new(Shared {
            socket,
            to: Mutex::new(None),
            sending: AtomicBool::new(true),
            stop: AtomicBool::new(false),
            wide: AtomicBool::new(false),
            queue: Mutex::new(VecDeque::new()),
            echo: Mutex::new(None),
            echoed: AtomicUsize::new(0),
            sent: AtomicUsize::new(0),
            received: Mutex::new(Vec::new()),
        });
        let (sender, receiver) = (shared.clone(), shared.clone());
        let threads = vec![
            std::thread::spawn(move || sender.send_forever()),
            std::thread::spawn(move || receiver.receive_forever()),
        ];
        Self { local, shared, threads, _reports: reports }
    }

    /// Sends to `to` from now on: what [`Media::say`] queued, else silence.
    pub fn send_to(&self, to: SocketAddr) {
        *self.shared.to.lock().expect("no panic") = Some(to);
    }

    /// Speaks `codec` from now on: µ-law, as at first, or G.722.
    pub fn speak(&self, codec: Codec) {
        self.shared.wide.store(codec == Codec::G722, SeqCst);
    }

    /// Stops or resumes sending.
    pub fn send(&self, sending: bool) {
        self.shared.sending.store(sending, SeqCst);
    }

    /// Queues speech at 8 kHz, and returns when the last of it was sent.
    pub fn say(&self, samples: &[i16]) {
        self.begin_to_say(samples);
        while !self.shared.queue.lock().expect("no panic").is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The same without waiting.
    pub fn begin_to_say(&self, samples: &[i16]) {
        let mut samples = samples.to_vec();
        samples.resize(samples.len().next_multiple_of(FRAME), 0);
        let codec = if self.shared.wide.load(SeqCst) { Codec::G722 } else { Codec::Pcmu };
        let bytes = encoded(&samples, codec);
        self.shared.queue.lock().expect("no panic").extend(bytes);
    }

    /// From now on the line hears itself: what it sends comes back after `delay`, `ECHO_LOSS` times
    /// weaker, as from a telephone on a table.
    pub fn echo(&self, delay: Duration) {
        let packets = delay.as_millis() / PTIME.as_millis();
        let silence = vec![MU_LAW_SILENCE; packets as usize * FRAME];
        *self.shared.echo.lock().expect("no panic") = Some(silence.into());
    }

    /// How many packets that could be heard have come back so.
    pub fn echoed(&self) -> usize {
        self.shared.echoed.load(SeqCst)
    }

    /// How many packets were sent so far.
    pub fn sent(&self) -> usize {
        self.shared.sent.load(SeqCst)
    }

    /// Everything that came so far.
    pub fn received(&self) -> Vec<Packet> {
        self.shared.received.lock().expect("no panic").clone()
    }

    /// How many packets came so far.
    pub fn count(&self) -> usize {
        self.shared.received.lock().expect("no panic").len()
    }

    /// The sound of everything that came so far, by its timestamps.
    pub fn heard(&self) -> Vec<i16> {
        self.heard_since(0)
    }

    /// The same without the first so many packets.
    pub fn heard_since(&self, first: usize) -> Vec<i16> {
        let mut packets = self.received().split_off(first);
        packets.retain(|packet| packet.payload_type == PCMU);
        let Some(first) = packets.first().map(|packet| packet.timestamp) else { return Vec::new() };
        let mut sound = Vec::new();
        for packet in packets {
            let at = packet.timestamp.wrapping_sub(first) as usize;
            let samples = from_mu_law(&packet.payload);
            if sound.len() < at + samples.len() {
                sound.resize(at + samples.len(), 0);
            }
            sound[at..at + samples.len()].copy_from_slice(&samples);
        }
        sound
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        self.shared.stop.store(true, SeqCst);
        for thread in self.threads.drain(..) {
            // It panicked where an assertion of its test failed already.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn send_forever(&self) {
        let (mut sequence, mut timestamp) = (1_000_u16, 5_000_u32);
        let mut due = Instant::now();
        while !self.stop.load(SeqCst) {
            due += PTIME;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let to = *self.to.lock().expect("no panic");
            let (Some(to), true) = (to, self.sending.load(SeqCst)) else {
                timestamp = timestamp.wrapping_add(FRAME as u32);
                continue;
            };
            let packet = self.next_packet(sequence, timestamp);
            sequence = sequence.wrapping_add(1);
            timestamp = timestamp.wrapping_add(FRAME as u32);
            // A line that closed its port while we speak has hung up.
            let sent = self.socket.send_to(&packet, to).is_ok();
            self.sent.fetch_add(usize::from(sent), SeqCst);
        }
    }

    fn next_packet(&self, sequence: u16, timestamp: u32) -> Vec<u8> {
        let wide = self.wide.load(SeqCst);
        let mut packet = vec![0x80, if wide { G722 } else { PCMU }];
        packet.extend(sequence.to_be_bytes());
        packet.extend(timestamp.to_be_bytes());
        packet.extend(0x1234_5678_u32.to_be_bytes());
        let mut echo = self.echo.lock().expect("no panic");
        let echoed = echo.as_mut().filter(|echo| echo.len() >= FRAME);
        let echoed: Option<Vec<u8>> = echoed.map(|echo| echo.drain(..FRAME).collect());
        let mut queue = self.queue.lock().expect("no panic");
        if let (true, Some(echoed)) = (queue.is_empty(), echoed) {
            let heard = rms(&from_mu_law(&echoed)) > ECHO_HEARD_RMS;
            self.echoed.fetch_add(usize::from(heard), SeqCst);
            packet.extend(echoed);
        } else if queue.is_empty() {
            let silence = if wide { G722_SILENCE } else { MU_LAW_SILENCE };
            packet.resize(HEADER_BYTES + FRAME, silence);
        } else {
            let length = FRAME.min(queue.len());
            packet.extend(queue.drain(..length));
        }
        packet
    }

    fn receive_forever(&self) {
        let mut buffer = [0; 2_048];
        while !self.stop.load(SeqCst) {
            let Some((length, at_us)) = receive(&self.socket, &mut buffer) else { continue };
            if let Some(packet) = parse(&buffer[..length], at_us) {
                if let Some(echo) = self.echo.lock().expect("no panic").as_mut() {
                    let weaker: Vec<i16> =
                        from_mu_law(&packet.payload).iter().map(|s| s / ECHO_LOSS).collect();
                    echo.extend(to_mu_law(&weaker));
                }
                self.received.lock().expect("no panic").push(packet);
            }
        }
    }
}

/// Two ports in a row (RFC 3550 §11).
fn pair_of_ports(ip: Ipv4Addr) -> (UdpSocket, UdpSocket) {
    loop {
        let socket = UdpSocket::bind((ip, 0)).expect("a free port");
        let port = socket.local_addr().expect("a bound socket").port();
        let next = port.checked_add(1).map(|next| UdpSocket::bind((ip, next)));
        if let Some(Ok(next)) = next {
            return (socket, next);
        }
    }
}

fn parse(bytes: &[u8], at_us: i64) -> Option<Packet> {
    let header = bytes.get(..HEADER_BYTES)?;
    assert_eq!(header[0], 0x80, "the line sends plain headers");
    Some(Packet {
        at_us,
        payload_type: header[1] & 0x7f,
        sequence: u16::from_be_bytes([header[2], header[3]]),
        timestamp: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
        ssrc: u32::from_be_bytes([header[8], header[9], header[10], header[11]]),
        payload: bytes[HEADER_BYTES..].to_vec(),
    })
}

fn stamp_arrivals(socket: &UdpSocket) {
    let on: libc::c_int = 1;
    // SAFETY: `on` outlives the call and has the size that is given.
    let set = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_TIMESTAMPNS,
            (&raw const on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    assert_eq!(set, 0, "the kernel stamps arrivals");
}

/// A datagram's length and arrival in µs; `None` when nothing came for a while.
fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> Option<(usize, i64)> {
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // Aligned as a control message must be.
    let mut control = [0_u64; 16];
    // SAFETY: all-zero is a valid `msghdr`.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control);
    // SAFETY: `message` points to `part` and `control`, which live through the call.
    let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, 0) };
    let length = usize::try_from(length).ok()?;
    // SAFETY: the kernel filled `message`; a control message is at least a header, which is
    // looked at before its content.
    let time = unsafe {
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        let stamped = !header.is_null() && (*header).cmsg_type == libc::SCM_TIMESTAMPNS;
        assert!(stamped, "the arrival is stamped");
        libc::CMSG_DATA(header).cast::<libc::timespec>().read_unaligned()
    };
    Some((length, time.tv_sec * 1_000_000 + time.tv_nsec / 1_000))
}

/// The longest time between two packets in ms, and where it began.
pub fn longest_gap(packets: &[Packet]) -> (f64, usize) {
    let gaps = packets.windows(2).map(|pair| pair[1].at_us - pair[0].at_us).enumerate();
    let (at, gap) = gaps.max_by_key(|(_, gap)| *gap).unwrap_or((0, 0));
    (gap as f64 / 1_000.0, at)
}

/// Fails unless all packets are one stream: one source, sequence numbers in a row, timestamps a
/// packet apart but for the ticks that the line had to leave out (`skipped`, by its own count).
pub fn assert_one_stream(packets: &[Packet], skipped: usize) {
    let mut left_out = 0;
    for pair in packets.windows(2) {
        let (one, next) = (&pair[0], &pair[1]);
        assert_eq!(next.ssrc, one.ssrc, "a second source");
        assert_eq!(next.sequence, one.sequence.wrapping_add(1), "a packet is missing or doubled");
        let step = next.timestamp.wrapping_sub(one.timestamp) as usize;
        let length = one.payload.len();
        assert!(step > 0 && step.is_multiple_of(length), "a step of {step} in the timestamps");
        left_out += step / length - 1;
    }
    assert!(left_out <= skipped, "{left_out} packets left out, {skipped} ticks skipped");
}
