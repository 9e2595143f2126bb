//! What the tests share: processes, a line that serves, a phone made of plain sockets, sound.

pub mod baresip;
pub mod callee;
pub mod door;
pub mod line;
pub mod lossy;
pub mod mind;
pub mod phone;
pub mod process;
pub mod rtp;
pub mod sound;
pub mod sound_server;
pub mod terminal;
pub mod tones;

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The machine for one test alone: they measure time, and count what is open.
pub fn alone() -> Alone {
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    while *taken {
        taken = GIVEN_BACK.wait(taken).unwrap_or_else(PoisonError::into_inner);
    }
    *taken = true;
    Alone(())
}

/// See [`alone`]. Tests that share a line hand it on, so it is not tied to a thread.
pub struct Alone(());

impl Drop for Alone {
    fn drop(&mut self) {
        // A test that failed has left nothing that a guard does not clear away.
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) = false;
        GIVEN_BACK.notify_one();
    }
}

static TAKEN: Mutex<bool> = Mutex::new(false);
static GIVEN_BACK: Condvar = Condvar::new();

/// Prints a figure where it is seen even when the test passes.
pub fn figure(text: impl std::fmt::Display) {
    use std::io::Write;
    // Past the capture of the test harness, on purpose. Nobody reading is no failure.
    let _ = writeln!(std::io::stderr(), "    {text}");
}

/// Asks until `what` gives a value; panics with `waiting_for` after `within`.
pub fn wait_until<T>(
    waiting_for: &str,
    within: Duration,
    mut what: impl FnMut() -> Option<T>,
) -> T {
    let latest = Instant::now() + within;
    loop {
        if let Some(value) = what() {
            return value;
        }
        assert!(Instant::now() < latest, "waited {within:?} in vain for {waiting_for}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What an environment variable of the tests says, if it is a number.
pub fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// What random tests begin with where nothing else is said: `make test` is the same for everybody, and
/// `make prove` draws another one each time.
pub const SEED: u64 = 1;

/// A small generator of repeatable randomness (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// Waits for a random time.
    pub fn pause(&mut self, ms: std::ops::Range<u64>) {
        let ms = ms.start + self.below(ms.end - ms.start);
        std::thread::sleep(Duration::from_millis(ms));
    }
}

/// Takes the right to real-time priority from the child, root or not.
pub fn without_realtime(mut command: Command) -> Command {
    const CAP_SYS_NICE: libc::c_ulong = 23;
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    let strip = move || {
        // Refused to a user who has no such capability in the first place.
        // SAFETY: system calls only, as is proper between fork and exec.
        unsafe {
            libc::prctl(libc::PR_CAPBSET_DROP, CAP_SYS_NICE, 0, 0, 0);
            libc::setrlimit(libc::RLIMIT_RTPRIO, &raw const none);
        }
        Ok(())
    };
    // SAFETY: `strip` allocates nothing and takes no lock.
    unsafe { command.pre_exec(strip) };
    command
}
