//! The least that carrying a packet takes: one `recvmmsg` and one `sendto`, and nothing done with
//! what they carry.

use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

/// Packets that one call may take, as many as the engine's.
const BATCH: usize = 8;
const BYTES: usize = 1_500;
const PACKET: [u8; 172] = [0x55; 172];

/// Sockets, each with a telephone.
pub struct Bare {
    pairs: Vec<Pair>,
    buffers: Box<[[u8; BYTES]; BATCH]>,
}

/// As with the engine, only the telephone's side is connected.
struct Pair {
    line: UdpSocket,
    phone: UdpSocket,
    phone_addr: SocketAddr,
}

impl Bare {
    pub fn new(lines: usize) -> Self {
        let pair = || {
            let [line, phone] = [0; 2].map(|_| UdpSocket::bind("127.0.0.1:0").expect("a port"));
            phone.connect(line.local_addr().expect("bound")).expect("connected");
            for socket in [&line, &phone] {
                socket.set_nonblocking(true).expect("non-blocking");
            }
            let phone_addr = phone.local_addr().expect("bound");
            Pair { line, phone, phone_addr }
        };
        let pairs = (0..lines).map(|_| pair()).collect();
        Self { pairs, buffers: Box::new([[0; BYTES]; BATCH]) }
    }

    /// Every telephone sends a packet, and takes what it got.
    pub fn feed(&mut self) {
        for Pair { phone, .. } in &self.pairs {
            phone.send(&PACKET).expect("sent");
            while phone.recv(&mut self.buffers[0]).is_ok() {}
        }
    }

    /// Receives and sends, once for each line.
    pub fn tick(&mut self) {
        for Pair { line, phone_addr, .. } in &self.pairs {
            receive(line, &mut self.buffers);
            line.send_to(&PACKET, phone_addr).expect("sent");
        }
    }
}

fn receive(socket: &UdpSocket, buffers: &mut [[u8; BYTES]; BATCH]) {
    let mut slices = buffers
        .each_mut()
        .map(|buffer| libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: BYTES });
    // SAFETY: all-zero bytes are a valid mmsghdr: no name, no control data.
    let mut headers: [libc::mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
    for (header, slice) in headers.iter_mut().zip(&mut slices) {
        header.msg_hdr.msg_iov = slice;
        header.msg_hdr.msg_iovlen = 1;
    }
    // SAFETY: every header points to one slice, and every slice to a buffer of its length; all
    // of them outlive the call. A null timeout is allowed.
    let count = unsafe {
        libc::recvmmsg(
            socket.as_raw_fd(),
            headers.as_mut_ptr(),
            BATCH as libc::c_uint,
            libc::MSG_DONTWAIT,
            std::ptr::null_mut(),
        )
    };
    assert_eq!(count, 1, "loopback delivers at once");
}
