//! RTP port pairs: even for RTP, the odd one above it for RTCP (RFC 3550 §11).

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use media_core::MonoTime;
use socket2::Socket;

use crate::clock::Clock;
use crate::sockets;

/// How long a port that carried a call stays unused afterwards. A peer that has not understood
/// that the call ended still sends for a while, and the next call on the port is not to hear it.
pub(crate) const PORT_REST: Duration = Duration::from_secs(3);

/// A bound pair of ports, waiting for a line. Dropping it frees them.
#[derive(Debug)]
pub struct RtpPort {
    pub(crate) rtp: Socket,
    pub(crate) rtcp: Socket,
    pub(crate) lease: PortLease,
    local: SocketAddr,
}

impl RtpPort {
    /// Where RTP is received: the address for SDP.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Where RTCP is received: the next higher port.
    #[must_use]
    pub fn local_rtcp_addr(&self) -> SocketAddr {
        SocketAddr::new(self.local.ip(), self.local.port() + 1)
    }
}

/// Why no port was to be had.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// The range holds no even port with an odd one above it.
    #[error(
        "RTP port range {first}-{last} holds no even/odd pair; give it at least two ports that start even"
    )]
    EmptyRange {
        /// First port of the range.
        first: u16,
        /// Last port of the range.
        last: u16,
    },
    /// Every pair is taken.
    #[error(
        "no free RTP port pair in {first}-{last}: {in_use} in use, {quarantined} resting after a call, {foreign} held by other programs; widen the range or lower the channel limit"
    )]
    Exhausted {
        /// First port of the range.
        first: u16,
        /// Last port of the range.
        last: u16,
        /// Pairs that our lines hold.
        in_use: usize,
        /// Pairs that rest after a call.
        quarantined: usize,
        /// Pairs that something else on this machine has bound.
        foreign: usize,
    },
    /// The address is not one of this machine's.
    #[error(
        "cannot bind RTP to {ip}: this machine has no such address; see media_ip in the configuration"
    )]
    NoSuchAddress {
        /// The address.
        ip: IpAddr,
    },
    /// The process may not open more files.
    #[error("out of file descriptors: a line needs two; raise the limit (ulimit -n, LimitNOFILE=)")]
    NoDescriptors,
    /// Something else.
    #[error("cannot bind RTP port {port} on {ip}: {source}")]
    Bind {
        /// The address.
        ip: IpAddr,
        /// The port.
        port: u16,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Hands out port pairs round-robin.
#[derive(Debug)]
pub(crate) struct PortAllocator {
    ip: IpAddr,
    first: u16,
    last: u16,
    rest: Duration,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Offset, in pairs, at which the next search starts. Going round keeps a port unused for
    /// as long as the range allows, beyond the quarantine.
    cursor: usize,
    in_use: BTreeSet<u16>,
    /// Oldest first; at most as long as the range.
    resting: VecDeque<(u16, MonoTime)>,
}

/// A pair's place in the allocator; given back on drop.
#[derive(Debug)]
pub(crate) struct PortLease {
    allocator: Arc<PortAllocator>,
    port: u16,
}

impl PortAllocator {
    /// Pairs out of `range`; one that was used rests for `rest`.
    pub fn new(
        ip: IpAddr,
        range: RangeInclusive<u16>,
        rest: Duration,
        clock: Clock,
    ) -> Result<Self, PortError> {
        let (first, last) = range.into_inner();
        let even = first.checked_add(first % 2);
        match even {
            Some(even) if even > 0 && even < last => {
                Ok(Self { ip, first: even, last, rest, clock, state: Mutex::default() })
            }
            _ => Err(PortError::EmptyRange { first, last }),
        }
    }

    /// Finds and binds a free pair.
    pub fn reserve(self: &Arc<Self>) -> Result<RtpPort, PortError> {
        let pairs = self.pairs();
        let mut foreign = 0;
        let start = self.settle();
        for step in 0..pairs {
            let index = (start + step) % pairs;
            let port = self.first + 2 * u16::try_from(index).unwrap_or(0);
            let Some(lease) = self.take(port, index) else { continue };
            match self.bind(port) {
                Ok((rtp, rtcp)) => {
                    let local = SocketAddr::new(self.ip, port);
                    return Ok(RtpPort { rtp, rtcp, lease, local });
                }
                Err(error) => {
                    lease.forget_unused();
                    self.judge(port, error)?;
                    foreign += 1;
                }
            }
        }
        let (in_use, quarantined) = self.occupancy();
        let (first, last) = (self.first, self.last);
        Err(PortError::Exhausted { first, last, in_use, quarantined, foreign })
    }

    /// Pairs in use, and pairs resting.
    pub fn occupancy(&self) -> (usize, usize) {
        self.settle();
        let state = self.lock();
        (state.in_use.len(), state.resting.len())
    }

    fn pairs(&self) -> usize {
        usize::from((self.last - self.first).div_ceil(2))
    }

    /// Releases what has rested enough; returns where to search.
    fn settle(&self) -> usize {
        let now = self.clock.now();
        let mut state = self.lock();
        while state.resting.front().is_some_and(|(_, until)| *until <= now) {
            state.resting.pop_front();
        }
        state.cursor
    }

    fn take(self: &Arc<Self>, port: u16, index: usize) -> Option<PortLease> {
        let mut state = self.lock();
        if state.in_use.contains(&port) || state.resting.iter().any(|(p, _)| *p == port) {
            return None;
        }
        state.in_use.insert(port);
        state.cursor = (index + 1) % self.pairs();
        Some(PortLease { allocator: Arc::clone(self), port })
    }

    fn bind(&self, port: u16) -> io::Result<(Socket, Socket)> {
        let rtp = sockets::bind(SocketAddr::new(self.ip, port))?;
        let rtcp = sockets::bind(SocketAddr::new(self.ip, port + 1))?;
        Ok((rtp, rtcp))
    }

    /// Whether the search may go on past this port.
    fn judge(&self, port: u16, error: io::Error) -> Result<(), PortError> {
        match error.raw_os_error() {
            Some(libc::EADDRINUSE | libc::EACCES) => Ok(()),
            Some(libc::EADDRNOTAVAIL) => Err(PortError::NoSuchAddress { ip: self.ip }),
            Some(libc::EMFILE | libc::ENFILE) => Err(PortError::NoDescriptors),
            _ => Err(PortError::Bind { ip: self.ip, port, source: error }),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PortLease {
    /// Gives back a port that carried nothing: no need to let it rest.
    fn forget_unused(self) {
        self.allocator.lock().in_use.remove(&self.port);
    }
}

impl Drop for PortLease {
    fn drop(&mut self) {
        let until = self.allocator.clock.now() + self.allocator.rest;
        let mut state = self.allocator.lock();
        if state.in_use.remove(&self.port) {
            state.resting.push_back((self.port, until));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket};

    use super::*;

    fn allocator(range: RangeInclusive<u16>) -> Arc<PortAllocator> {
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Arc::new(
            PortAllocator::new(ip, range, PORT_REST, Clock::new()).expect("a range with pairs"),
        )
    }

    #[test]
    fn pairs_are_even_and_odd_and_a_full_range_says_why() {
        let ports = allocator(31_001..=31_006);
        let first = ports.reserve().expect("31002/31003");
        let second = ports.reserve().expect("31004/31005");
        assert_eq!(first.local_addr().port() % 2, 0);
        assert_eq!(first.local_rtcp_addr().port(), first.local_addr().port() + 1);
        assert_ne!(first.local_addr(), second.local_addr());
        let refused = ports.reserve().expect_err("the range is used up");
        assert!(matches!(refused, PortError::Exhausted { in_use: 2, .. }), "{refused}");
    }

    #[test]
    fn a_used_port_rests_before_it_is_used_again() {
        let ports = allocator(31_010..=31_011);
        drop(ports.reserve().expect("the only pair"));
        let refused = ports.reserve().expect_err("it rests");
        assert!(
            matches!(refused, PortError::Exhausted { in_use: 0, quarantined: 1, .. }),
            "{refused}"
        );
    }

    #[test]
    fn a_port_that_rested_long_enough_is_used_again() {
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let short = Duration::from_millis(20);
        let ports = PortAllocator::new(ip, 31_050..=31_051, short, Clock::new()).expect("a pair");
        let ports = Arc::new(ports);
        drop(ports.reserve().expect("the only pair"));
        std::thread::sleep(2 * short);
        assert_eq!(ports.reserve().expect("the same").local_addr().port(), 31_050);
    }

    #[test]
    fn a_port_that_another_program_holds_is_stepped_over() {
        let taken = UdpSocket::bind("127.0.0.1:31021").expect("an RTCP port taken by somebody");
        let ports = allocator(31_020..=31_023);
        let port = ports.reserve().expect("the other pair");
        assert_eq!(port.local_addr().port(), 31_022);
        drop(taken);
    }

    #[test]
    fn a_foreign_address_and_an_empty_range_are_named() {
        let ip = "203.0.113.9".parse().expect("an address");
        let ports = Arc::new(
            PortAllocator::new(ip, 31_030..=31_033, PORT_REST, Clock::new()).expect("pairs"),
        );
        assert!(matches!(ports.reserve(), Err(PortError::NoSuchAddress { .. })));
        for range in [31_041..=31_042, 31_040..=31_040, 65_535..=65_535, 0..=0] {
            let made = PortAllocator::new(ip, range, PORT_REST, Clock::new());
            assert!(matches!(made, Err(PortError::EmptyRange { .. })));
        }
    }
}
