//! Who is at the other end of a socket, as the kernel says.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use lane_broker::intake::{Peer, Permit};
use rustix::event::{PollFd, PollFlags, Timespec};

use crate::config::SaySection;

/// Groups of one user that are looked at; Linux allows 65,536, nobody has so many.
const GROUPS_MAX: usize = 256;

/// Who may come in, by the configuration: this user, and whom it names.
#[must_use]
pub fn permit(say: &SaySection) -> Permit {
    // SAFETY: `geteuid` has no preconditions and cannot fail.
    let owner = unsafe { libc::geteuid() };
    Permit { owner, uids: say.allow_uids.clone(), gids: say.allow_gids.clone() }
}

/// The peer of a connected Unix socket: `SO_PEERCRED`, and `SO_PEERGROUPS` (Linux 4.13) for its
/// supplementary groups.
///
/// # Errors
/// What the system says.
pub fn of(socket: BorrowedFd<'_>) -> io::Result<Peer> {
    let mut cred = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: `cred` and `length` are valid places for an answer of that size.
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut cred).cast(),
            &raw mut length,
        )
    };
    if done != 0 {
        return Err(io::Error::last_os_error());
    }
    let mut gids = groups(socket);
    gids.push(cred.gid);
    Ok(Peer { uid: cred.uid, gids })
}

/// Whether the other end is closed altogether: nobody reads there any more.
///
/// # Errors
/// What the system says.
pub fn is_gone(socket: BorrowedFd<'_>) -> io::Result<bool> {
    let mut fds = [PollFd::new(&socket, PollFlags::empty())];
    rustix::event::poll(&mut fds, Some(&Timespec::default()))?;
    Ok(fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR))
}

/// None where the kernel does not tell; then the effective group has to do.
fn groups(socket: BorrowedFd<'_>) -> Vec<u32> {
    let mut gids = vec![0_u32; GROUPS_MAX];
    let mut length = size_of_val(gids.as_slice()) as libc::socklen_t;
    // SAFETY: `gids` has room for `length` bytes, and `length` is a valid place for the answer.
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERGROUPS,
            gids.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    let told = if done == 0 { length as usize / size_of::<u32>() } else { 0 };
    gids.truncate(told);
    gids
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn the_peer_of_our_own_socket_is_ourselves() {
        let (ours, _theirs) = UnixStream::pair().expect("a pair of sockets");
        let peer = of(ours.as_fd()).expect("the kernel knows");
        // SAFETY: neither has preconditions, and neither can fail.
        let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
        assert_eq!(peer.uid, uid);
        assert!(peer.gids.contains(&gid), "{peer:?}");
    }
}
