//! UDP as the tick needs it: one system call drains a socket, with the kernel's arrival times.

mod filter;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;

use media_core::MonoTime;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// Packets that one system call takes. A well-behaved call has one per tick; eight cover a late
/// tick of 160 ms.
pub(crate) const BATCH_PACKETS: usize = 8;

/// Longest datagram taken whole: one Ethernet frame. Longer ones are not RTP and are dropped.
pub(crate) const DATAGRAM_BYTES_MAX: usize = 1_500;

/// What the kernel may hold for one socket. 50 packets a second at about 0.8 KB of kernel memory
/// each: three seconds of a stalled audio thread, and a bound on what a flood can pin.
const RECEIVE_BUFFER_BYTES: usize = 128 * 1_024;

/// Differentiated services code point EF, "expedited forwarding", in its place in the TOS byte
/// (RFC 3246, RFC 4594 §4.1).
const TOS_EXPEDITED: u32 = 46 << 2;

/// Space for one control message that carries a timespec, with room for alignment.
const CONTROL_BYTES: usize = 64;

/// Binds a socket for RTP or RTCP: non-blocking, with arrival times, marked for expedited
/// forwarding.
pub(crate) fn bind(addr: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::from(addr))?;
    // What follows makes the line better, and none of it is worth refusing a call for.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES);
    if addr.is_ipv4() {
        let _ = socket.set_tos_v4(TOS_EXPEDITED);
    }
    enable_arrival_times(&socket);
    Ok(socket)
}

fn enable_arrival_times(socket: &Socket) {
    let on: libc::c_int = 1;
    let length = size_of_val(&on) as libc::socklen_t;
    // SAFETY: the descriptor is open, and the option's value points to an int of `length` bytes.
    // Without the option arrivals are stamped when they are read, which is only less exact.
    unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_TIMESTAMPNS,
            (&raw const on).cast(),
            length,
        )
    };
}

/// Has the kernel drop packets from anybody but `sources` before they take up room in the
/// socket's buffer, and count them ([`drops`]). Unlike with a connected socket, the strangers get
/// no ICMP answer. Up to two sources of the socket's own family; another family passes nothing.
///
/// Real-time safe: one system call.
pub(crate) fn admit_only(socket: &Socket, sources: [SocketAddr; 2]) {
    let mut program = filter::Program::new();
    for source in sources {
        program.admit(source);
    }
    program.attach(socket);
}

/// Lifts [`admit_only`].
pub(crate) fn admit_all(socket: &Socket) {
    filter::detach(socket);
}

/// Packets that the kernel dropped at this socket, because of [`admit_only`] or because its
/// buffer was full. Wraps.
pub(crate) fn drops(socket: &Socket) -> u32 {
    // SK_MEMINFO_DROPS of linux/sock_diag.h; the array has nine entries.
    const ENTRIES: usize = 9;
    const DROPS: usize = 8;
    let mut figures = [0_u32; ENTRIES];
    let mut length = size_of_val(&figures) as libc::socklen_t;
    // SAFETY: the descriptor is open; the kernel writes at most `length` bytes to `figures`. On
    // failure the figures stay zero.
    unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            figures.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    figures[DROPS]
}

/// Room for the packets of one system call, shared by all sockets of an audio thread.
pub(crate) struct RecvBatch {
    buffers: Box<[[u8; DATAGRAM_BYTES_MAX]; BATCH_PACKETS]>,
    addresses: Box<[libc::sockaddr_storage; BATCH_PACKETS]>,
    controls: Box<[Control; BATCH_PACKETS]>,
    slices: Box<[libc::iovec; BATCH_PACKETS]>,
    headers: Box<[libc::mmsghdr; BATCH_PACKETS]>,
}

#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Control([u8; CONTROL_BYTES]);

/// One received packet.
pub(crate) struct Datagram<'a> {
    pub bytes: &'a [u8],
    pub from: SocketAddr,
    pub arrival: MonoTime,
}

/// What maps kernel arrival times to the monotonic clock, read once per tick.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ArrivalClock {
    pub now: MonoTime,
    pub wall_ahead_ns: i64,
}

impl ArrivalClock {
    /// Arrivals older than this were not left lying in a socket buffer; the wall clock was
    /// stepped between arrival and tick.
    const OLDEST_US: u64 = 5_000_000;

    /// The monotonic time of a wall-clock stamp. Never in the future, never absurdly old.
    fn map(self, wall_ns: i64) -> MonoTime {
        let micros = (wall_ns.saturating_sub(self.wall_ahead_ns) / 1_000).max(0).cast_unsigned();
        let now = self.now.as_micros();
        if micros > now || now - micros > Self::OLDEST_US {
            return self.now;
        }
        MonoTime::from_micros(micros)
    }
}

impl RecvBatch {
    pub fn new() -> Self {
        // SAFETY: all three are plain C structs for which all-zero bytes are a valid value.
        let (addresses, slices, headers) = unsafe {
            (
                Box::new(std::mem::zeroed()),
                Box::new(std::mem::zeroed()),
                Box::new(std::mem::zeroed()),
            )
        };
        Self {
            buffers: Box::new([[0; DATAGRAM_BYTES_MAX]; BATCH_PACKETS]),
            addresses,
            controls: Box::new([Control([0; CONTROL_BYTES]); BATCH_PACKETS]),
            slices,
            headers,
        }
    }

    /// Takes what waits in the socket, at most [`BATCH_PACKETS`]. One system call, never blocks,
    /// real-time safe. Returns how many packets there are; zero also on errors, which on UDP
    /// sockets are echoes of earlier sends.
    pub fn receive(&mut self, socket: &Socket) -> usize {
        self.point();
        // SAFETY: `point` has just aimed every header at a name, a slice and a control buffer
        // that this value owns and keeps alive, with their lengths; the null timeout is allowed.
        // `&mut self` excludes readers while the kernel writes.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                BATCH_PACKETS as libc::c_uint,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        usize::try_from(count).unwrap_or(0).min(BATCH_PACKETS)
    }

    /// Aims the headers at the buffers. The kernel overwrites the lengths in each call.
    fn point(&mut self) {
        for i in 0..BATCH_PACKETS {
            let slice = &mut self.slices[i];
            slice.iov_base = self.buffers[i].as_mut_ptr().cast();
            slice.iov_len = DATAGRAM_BYTES_MAX;
            let header = &mut self.headers[i].msg_hdr;
            header.msg_name = (&raw mut self.addresses[i]).cast();
            header.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            header.msg_iov = slice;
            header.msg_iovlen = 1;
            header.msg_control = self.controls[i].0.as_mut_ptr().cast();
            header.msg_controllen = CONTROL_BYTES;
            header.msg_flags = 0;
        }
    }

    /// Packet `index` of the last call. None if it was cut off, or came from no IP address.
    pub fn packet(&self, index: usize, clock: ArrivalClock) -> Option<Datagram<'_>> {
        let header = self.headers.get(index)?;
        let length = header.msg_len as usize;
        if header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0 || length > DATAGRAM_BYTES_MAX {
            return None;
        }
        let from = read_address(&self.addresses[index])?;
        let controls = &self.controls[index].0[..header.msg_hdr.msg_controllen.min(CONTROL_BYTES)];
        let arrival = read_stamp(controls).map_or(clock.now, |stamp| clock.map(stamp));
        Some(Datagram { bytes: &self.buffers[index][..length], from, arrival })
    }
}

fn read_address(storage: &libc::sockaddr_storage) -> Option<SocketAddr> {
    let start = std::ptr::from_ref(storage);
    match i32::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that the kernel wrote a sockaddr_in, and a
            // sockaddr_storage is large enough and aligned for it.
            let v4 = unsafe { start.cast::<libc::sockaddr_in>().read() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Some(SocketAddr::new(IpAddr::V4(ip), u16::from_be(v4.sin_port)))
        }
        libc::AF_INET6 => {
            // SAFETY: as above, for sockaddr_in6.
            let v6 = unsafe { start.cast::<libc::sockaddr_in6>().read() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            Some(SocketAddr::new(IpAddr::V6(ip), u16::from_be(v6.sin6_port)))
        }
        _ => None,
    }
}

/// The SCM_TIMESTAMPNS stamp among the control messages, in wall-clock nanoseconds. Read by
/// offsets (`cmsghdr` is a length, a level and a type; the data follow, aligned): only the one
/// option that we asked for can be there, and it comes first.
fn read_stamp(controls: &[u8]) -> Option<i64> {
    const LENGTH: usize = size_of::<usize>();
    let word = |at: usize| Some(i32::from_ne_bytes(controls.get(at..at + 4)?.try_into().ok()?));
    let long = |at: usize| Some(i64::from_ne_bytes(controls.get(at..at + 8)?.try_into().ok()?));
    if word(LENGTH)? != libc::SOL_SOCKET || word(LENGTH + 4)? != libc::SCM_TIMESTAMPNS {
        return None;
    }
    let seconds = long(LENGTH + 8)?;
    seconds.checked_mul(1_000_000_000)?.checked_add(long(LENGTH + 16)?)
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;
    use crate::clock::{Clock, wall_ahead_ns};

    #[test]
    fn one_call_drains_a_socket_with_sources_and_arrival_times() {
        let socket = bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
        let to = socket.local_addr().expect("bound").as_socket().expect("IP");
        let sender = UdpSocket::bind("127.0.0.1:0").expect("a port");
        wait_for_stamps(&socket, &sender);
        let before = Clock::new().now();
        for n in 0..3_u8 {
            sender.send_to(&[n; 40], to).expect("sent");
        }
        sender.send_to(&[9; 1_600], to).expect("too long, but sent");
        std::thread::sleep(std::time::Duration::from_millis(30));
        let mut batch = RecvBatch::new();
        let now = Clock::new().now();
        let clock = ArrivalClock { now, wall_ahead_ns: wall_ahead_ns() };
        assert_eq!(batch.receive(&socket), 4);
        for n in 0..3_u8 {
            let packet = batch.packet(usize::from(n), clock).expect("whole");
            assert_eq!(packet.bytes, [n; 40]);
            assert_eq!(packet.from, sender.local_addr().expect("bound"));
            let waited = now.since(packet.arrival).as_millis();
            assert!(waited >= 20, "stamped on arrival, not on reading: {waited} ms");
            // Two clocks are never read at the same moment.
            assert!(packet.arrival + std::time::Duration::from_millis(1) >= before);
        }
        assert!(batch.packet(3, clock).is_none(), "a cut-off packet is no packet");
        assert_eq!(batch.receive(&socket), 0);
    }

    /// The kernel begins to stamp in its own time after the first socket of the machine asks for it; what
    /// arrives before that is stamped when it is read.
    fn wait_for_stamps(socket: &Socket, sender: &UdpSocket) {
        let to = socket.local_addr().expect("bound").as_socket().expect("IP");
        let mut batch = RecvBatch::new();
        for _ in 0..1_000 {
            sender.send_to(b"stamped?", to).expect("sent");
            std::thread::sleep(std::time::Duration::from_millis(10));
            let now = Clock::new().now();
            let clock = ArrivalClock { now, wall_ahead_ns: wall_ahead_ns() };
            assert_eq!(batch.receive(socket), 1);
            let arrival = batch.packet(0, clock).expect("whole").arrival;
            if now.since(arrival).as_millis() >= 5 {
                return;
            }
        }
        panic!("nothing is stamped on arrival");
    }

    #[test]
    fn strangers_are_dropped_and_counted_by_the_kernel() {
        for any in ["127.0.0.1:0", "[::1]:0"] {
            let any: SocketAddr = any.parse().expect("an address");
            let Ok(socket) = bind(any) else { continue };
            let to = socket.local_addr().expect("bound").as_socket().expect("IP");
            let [friend, other, stranger] = [0; 3].map(|_| UdpSocket::bind(any).expect("a port"));
            let addr = |socket: &UdpSocket| socket.local_addr().expect("bound");
            admit_only(&socket, [addr(&friend), addr(&other)]);
            for sender in [&stranger, &friend, &stranger, &other] {
                sender.send_to(b"hello", to).expect("sent");
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
            let clock = ArrivalClock { now: Clock::new().now(), wall_ahead_ns: wall_ahead_ns() };
            let mut batch = RecvBatch::new();
            assert_eq!(batch.receive(&socket), 2);
            assert_eq!(batch.packet(0, clock).expect("whole").from, addr(&friend));
            assert_eq!(batch.packet(1, clock).expect("whole").from, addr(&other));
            assert_eq!(drops(&socket), 2);
            admit_all(&socket);
            stranger.send_to(b"hello", to).expect("sent");
            std::thread::sleep(std::time::Duration::from_millis(10));
            assert_eq!(batch.receive(&socket), 1);
        }
    }

    #[test]
    fn a_wall_clock_step_between_arrival_and_reading_does_not_move_the_arrival_far() {
        let now = MonoTime::from_millis(100_000);
        let hour_ns = 3_600_000_000_000;
        let clock = ArrivalClock { now, wall_ahead_ns: 0 };
        assert_eq!(clock.map(99_990_000_000), MonoTime::from_millis(99_990));
        assert_eq!(clock.map(99_990_000_000 + hour_ns), now);
        assert_eq!(clock.map(99_990_000_000 - hour_ns), now);
    }
}
