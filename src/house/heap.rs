//! What calls used goes back to the system: a line that stays for a month holds what its open calls
//! need, and not what its busiest hour did.

use std::time::{Duration, Instant};

/// Has large blocks of a call's recogniser and voice return to the system as they are freed, and small
/// ones come from few heaps.
///
/// glibc raises its threshold for blocks of their own with every large block that is freed; from
/// then on a call's megabytes come out of heaps that are never cut back. After a few hundred calls,
/// eight at a time, the idle line held 486 MB; with the threshold fixed at its initial value, 65 MB.
///
/// It also has a heap for nearly every thread, and each grows to what that thread's busiest moment
/// needed: with twenty calls at a time and hardly a pause, 7 MB more with every round, 279 MB after 24
/// rounds and no end of it. With two heaps it stays at 133 MB from the twelfth round on.
pub(super) fn prepare() {
    #[cfg(target_env = "gnu")]
    {
        const BYTES: libc::c_int = 128 * 1024;
        const HEAPS: libc::c_int = 2;
        // SAFETY: sets parameters of the allocator; called before the line's threads are started.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, BYTES);
            libc::mallopt(libc::M_ARENA_MAX, HEAPS);
        }
    }
}

/// Gives back the pages between what is in use, which the allocator keeps otherwise: twenty calls at a
/// time left 370 KB each, 145 MB after four hundred of them, of which 0.2 MB were anybody's.
#[derive(Debug, Default)]
pub(super) struct Heap {
    /// When the last call ended whose pages are still here.
    used: Option<Instant>,
    given_back: Option<Instant>,
}

impl Heap {
    /// A call is over.
    pub fn call_ended(&mut self) {
        self.used = Some(Instant::now());
    }

    /// Looks whether there is something to give back: as soon as a call has let go of all that it had, and
    /// seldom while others go on (`busy`). Cheap; the work is a blocking thread's.
    pub fn tend(&mut self, busy: bool) {
        let is_over = self.used.is_some_and(|at| at.elapsed() >= LETS_GO_WITHIN);
        let lately = self.given_back.is_some_and(|at| at.elapsed() < BUSY_EVERY);
        if is_over && !(busy && lately) {
            self.used = None;
            self.given_back = Some(Instant::now());
            // Whoever asks for memory meanwhile waits for milliseconds; audio threads ask for none.
            tokio::task::spawn_blocking(give_back);
        }
    }
}

fn give_back() {
    #[cfg(target_env = "gnu")]
    {
        let began = Instant::now();
        // SAFETY: it takes the allocator's own locks, and touches nothing that is in use.
        unsafe { libc::malloc_trim(0) };
        tracing::debug!(took = ?began.elapsed(), "memory of calls that are over given back");
    }
}

/// A line that has ended is taken apart by several threads.
const LETS_GO_WITHIN: Duration = Duration::from_secs(1);
/// While calls are open, what others left is given back so often.
const BUSY_EVERY: Duration = Duration::from_secs(30);
