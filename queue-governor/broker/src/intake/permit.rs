/// Who is at the other end, as the kernel says (`SO_PEERCRED`, or the owner of a file).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Peer {
    /// Effective user.
    pub uid: u32,
    /// Effective and supplementary groups.
    pub gids: Vec<u32>,
}

/// Whom a peer is to us.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Who {
    /// The line's own user, or root: may ask for everything.
    Owner,
    /// Another user who may hand in wishes; the value is the uid.
    Guest(u32),
}

/// Who may come in. The file's mode is the first door; this is the second.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Permit {
    /// The line's own user.
    pub owner: u32,
    /// Other users.
    pub uids: Vec<u32>,
    /// Groups; a member of one of them may come in.
    pub gids: Vec<u32>,
}

impl Permit {
    /// Whom `peer` is to us; `None`: a stranger.
    #[must_use]
    pub fn judge(&self, peer: &Peer) -> Option<Who> {
        const ROOT: u32 = 0;
        if peer.uid == self.owner || peer.uid == ROOT {
            return Some(Who::Owner);
        }
        let listed = self.uids.contains(&peer.uid);
        let member = peer.gids.iter().any(|gid| self.gids.contains(gid));
        (listed || member).then_some(Who::Guest(peer.uid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(uid: u32, gids: &[u32]) -> Peer {
        Peer { uid, gids: gids.to_vec() }
    }

    #[test]
    fn only_the_own_user_root_and_who_is_listed_come_in() {
        let permit = Permit { owner: 1_000, uids: vec![1_001], gids: vec![50] };
        assert_eq!(permit.judge(&peer(1_000, &[])), Some(Who::Owner));
        assert_eq!(permit.judge(&peer(0, &[])), Some(Who::Owner));
        assert_eq!(permit.judge(&peer(1_001, &[9])), Some(Who::Guest(1_001)));
        assert_eq!(permit.judge(&peer(1_002, &[9, 50])), Some(Who::Guest(1_002)));
        assert_eq!(permit.judge(&peer(1_002, &[9])), None);
    }

    #[test]
    fn by_default_nobody_but_the_own_user_comes_in() {
        let permit = Permit { owner: 1_000, ..Permit::default() };
        assert_eq!(permit.judge(&peer(1_001, &[1_000, 0])), None);
    }
}
