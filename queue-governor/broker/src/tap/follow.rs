/// Which file a name leads to: device and inode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileId {
    /// The device.
    pub device: u64,
    /// The inode on it.
    pub inode: u64,
}

/// What to do with a followed file next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Nothing is new.
    Wait,
    /// Read so many bytes at this offset of the open file, and say with [`Follow::read`] how far
    /// that got.
    Read {
        /// Where.
        from: u64,
        /// How many at most.
        bytes: u64,
    },
    /// It is far behind: so many bytes are skipped, because news that is minutes old is none. Look
    /// again.
    Skip {
        /// How many bytes.
        bytes: u64,
    },
    /// The file was cut (`copytruncate`): the line in pieces is no longer one. Look again.
    StartOver,
    /// The name leads to another file now, and the old one is read to its end: open the name.
    /// Look again.
    Reopen,
    /// The file is gone and its name leads nowhere yet.
    Gone,
}

/// Decides how a log file is followed, through rotation by rename and by truncation. Told what
/// the name and the open file look like; reads nothing itself.
#[derive(Debug, Default)]
pub struct Follow {
    open: Option<FileId>,
    offset: u64,
    /// The next file is new to us from its first byte; the first one is followed from its end.
    from_start: bool,
}

impl Follow {
    /// What is to be done. `named`: what the name leads to, if anything. `open_size`: the size of
    /// the file that is open, if one is.
    pub fn look(&mut self, named: Option<FileId>, open_size: Option<u64>) -> Step {
        let (Some(open), Some(size)) = (self.open, open_size) else {
            // A file that is not there at first is read from its start when it comes.
            self.from_start |= named.is_none();
            return if named.is_some() { Step::Reopen } else { Step::Gone };
        };
        if size < self.offset {
            self.offset = 0;
            return Step::StartOver;
        }
        let behind = size - self.offset;
        if behind > BEHIND_BYTES_MAX {
            let bytes = behind - BEHIND_BYTES_MAX;
            self.offset += bytes;
            return Step::Skip { bytes };
        }
        if behind > 0 {
            return Step::Read { from: self.offset, bytes: behind.min(READ_BYTES_MAX) };
        }
        match named {
            Some(named) if named != open => Step::Reopen,
            Some(_) => Step::Wait,
            None => Step::Gone,
        }
    }

    /// The name was opened, and is this file of this size.
    pub fn opened(&mut self, file: FileId, size: u64) {
        self.open = Some(file);
        self.offset = if self.from_start { 0 } else { size };
        self.from_start = true;
    }

    /// So many bytes were read. None: it ended before its size said, so there is nothing more now.
    pub fn read(&mut self, bytes: u64) {
        self.offset += bytes;
    }

    /// Where in the open file the next byte is read.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

/// A turn's share of one file, so that a flood in one does not keep the others waiting.
const READ_BYTES_MAX: u64 = 64 * 1024;
/// About ten thousand lines: more than anybody wants to hear of at once.
const BEHIND_BYTES_MAX: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: FileId = FileId { device: 1, inode: 1 };
    const SECOND: FileId = FileId { device: 1, inode: 2 };

    fn opened_at(size: u64) -> Follow {
        let mut follow = Follow::default();
        assert_eq!(follow.look(Some(FIRST), None), Step::Reopen);
        follow.opened(FIRST, size);
        follow
    }

    #[test]
    fn what_stood_there_before_is_no_news_and_what_is_appended_is() {
        let mut follow = opened_at(100);
        assert_eq!(follow.look(Some(FIRST), Some(100)), Step::Wait);
        assert_eq!(follow.look(Some(FIRST), Some(130)), Step::Read { from: 100, bytes: 30 });
        follow.read(30);
        assert_eq!(follow.look(Some(FIRST), Some(130)), Step::Wait);
    }

    #[test]
    fn a_renamed_log_is_read_to_its_end_before_its_successor_from_the_start() {
        let mut follow = opened_at(100);
        assert_eq!(follow.look(Some(SECOND), Some(120)), Step::Read { from: 100, bytes: 20 });
        follow.read(20);
        assert_eq!(follow.look(Some(SECOND), Some(120)), Step::Reopen);
        follow.opened(SECOND, 50);
        assert_eq!(follow.look(Some(SECOND), Some(50)), Step::Read { from: 0, bytes: 50 });
    }

    #[test]
    fn a_truncated_log_is_read_from_the_start() {
        let mut follow = opened_at(100);
        assert_eq!(follow.look(Some(FIRST), Some(10)), Step::StartOver);
        assert_eq!(follow.look(Some(FIRST), Some(10)), Step::Read { from: 0, bytes: 10 });
    }

    #[test]
    fn a_log_that_comes_later_is_read_from_its_first_line() {
        let mut follow = Follow::default();
        assert_eq!(follow.look(None, None), Step::Gone);
        assert_eq!(follow.look(Some(FIRST), None), Step::Reopen);
        follow.opened(FIRST, 40);
        assert_eq!(follow.look(Some(FIRST), Some(40)), Step::Read { from: 0, bytes: 40 });
    }

    #[test]
    fn a_deleted_log_waits_for_its_successor() {
        let mut follow = opened_at(100);
        assert_eq!(follow.look(None, Some(100)), Step::Gone);
        assert_eq!(follow.look(Some(SECOND), Some(100)), Step::Reopen);
    }

    #[test]
    fn a_flood_is_skipped_and_told() {
        let mut follow = opened_at(0);
        let flood = BEHIND_BYTES_MAX + 5;
        assert_eq!(follow.look(Some(FIRST), Some(flood)), Step::Skip { bytes: 5 });
        let next = Step::Read { from: 5, bytes: READ_BYTES_MAX };
        assert_eq!(follow.look(Some(FIRST), Some(flood)), next);
    }

    proptest::proptest! {
        /// Whatever happens to the file, every look ends in waiting after a bounded number of steps,
        /// and no byte is read twice or from behind the end.
        #[test]
        fn following_comes_to_rest(happenings in proptest::collection::vec((0_u8..4, 0_u64..3_000_000), 1..20)) {
            let (mut follow, mut inode, mut size) = (Follow::default(), 1_u64, 0_u64);
            let mut open: Option<(FileId, u64)> = None;
            for (what, bytes) in happenings {
                match what {
                    0 => size += bytes,
                    1 => size = size.min(bytes),
                    2 => { inode += 1; size = bytes.min(100_000); }
                    _ => {}
                }
                let named = FileId { device: 1, inode };
                let mut rested = false;
                for _ in 0..200 {
                    if let Some((file, old)) = &mut open && *file == named { *old = size; }
                    let open_size = open.map(|(_, size)| size);
                    match follow.look(Some(named), open_size) {
                        Step::Wait => { rested = true; break; }
                        Step::Read { from, bytes } => {
                            assert_eq!(from, follow.offset());
                            assert!(bytes > 0 && from + bytes <= open_size.unwrap());
                            follow.read(bytes);
                        }
                        Step::Reopen => { open = Some((named, size)); follow.opened(named, size); }
                        Step::Skip { .. } | Step::StartOver => {}
                        Step::Gone => unreachable!("the name always leads somewhere"),
                    }
                }
                assert!(rested);
                assert_eq!(follow.offset(), size);
            }
        }
    }
}
