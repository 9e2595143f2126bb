//! A classic BPF program that tells the peer's packets from strangers'.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

use arrayvec::ArrayVec;
use socket2::Socket;

/// Per source: at most four address words and a port, two instructions each, and two returns.
const INSTRUCTIONS_MAX: usize = 2 * (5 * 2 + 2) + 1;

/// Where the network header begins, for absolute loads (`SKF_NET_OFF`).
const NETWORK_HEADER: i32 = -0x10_0000;
/// The source address in an IPv4 and in an IPv6 header.
const SOURCE_V4: i32 = 12;
const SOURCE_V6: i32 = 8;

const LOAD_WORD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const LOAD_HALF: u16 = (libc::BPF_LD | libc::BPF_H | libc::BPF_ABS) as u16;
const JUMP_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
const WHOLE_PACKET: u32 = u32::MAX;

/// A filter in the making. Packets that match no source are dropped.
pub(super) struct Program(ArrayVec<libc::sock_filter, INSTRUCTIONS_MAX>);

impl Program {
    pub fn new() -> Self {
        Self(ArrayVec::new())
    }

    /// Lets packets from `source` pass.
    pub fn admit(&mut self, source: SocketAddr) {
        let mut words = ArrayVec::<(i32, u32), 4>::new();
        match source.ip() {
            IpAddr::V4(v4) => words.push((SOURCE_V4, v4.to_bits())),
            IpAddr::V6(v6) => {
                for (n, part) in v6.octets().chunks_exact(4).enumerate() {
                    let word = u32::from_be_bytes([part[0], part[1], part[2], part[3]]);
                    words.push((SOURCE_V6 + 4 * n as i32, word));
                }
            }
        }
        // Instructions from here to behind this source's return, where a mismatch jumps to.
        let mut left = 2 * (words.len() as u8 + 1) + 1;
        for (offset, word) in words {
            left -= 2;
            self.compare(LOAD_WORD, NETWORK_HEADER + offset, word, left);
        }
        left -= 2;
        // The data of a UDP socket's filter begin with the UDP header: the source port.
        self.compare(LOAD_HALF, 0, u32::from(source.port()), left);
        self.push(RETURN, 0, WHOLE_PACKET);
    }

    /// Attaches the filter in place of any other. A refusal only means that strangers are
    /// dropped one by one in the tick instead.
    pub fn attach(mut self, socket: &Socket) {
        self.push(RETURN, 0, 0);
        let program = libc::sock_fprog { len: self.0.len() as u16, filter: self.0.as_mut_ptr() };
        // SAFETY: the descriptor is open; `program` points to `len` instructions that live until
        // the call returns, by when the kernel has copied them.
        unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_ATTACH_FILTER,
                (&raw const program).cast(),
                size_of_val(&program) as libc::socklen_t,
            )
        };
    }

    /// Goes on if the loaded value is `value`, else `skip` instructions further.
    fn compare(&mut self, load: u16, offset: i32, value: u32, skip: u8) {
        self.push(load, 0, offset.cast_unsigned());
        self.push(JUMP_EQUAL, skip, value);
    }

    fn push(&mut self, code: u16, jf: u8, k: u32) {
        self.0.push(libc::sock_filter { code, jt: 0, jf, k });
    }
}

/// Takes any filter off.
pub(super) fn detach(socket: &Socket) {
    let unused: libc::c_int = 0;
    // SAFETY: the descriptor is open; the option ignores its value. Failing means that there was
    // no filter.
    unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_DETACH_FILTER,
            (&raw const unused).cast(),
            size_of_val(&unused) as libc::socklen_t,
        )
    };
}
