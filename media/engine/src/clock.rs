//! The process's clock, and sleeping until a point on it.

use std::time::Duration;

use media_core::MonoTime;

/// Reads `CLOCK_MONOTONIC`. Its origin is the machine's start, so that two processes on one
/// machine (a line and the softphone that calls it) share a time line. Steps of the wall clock
/// do not show in it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    _private: (),
}

impl Clock {
    /// The clock. All values read the same one.
    #[must_use]
    pub const fn new() -> Self {
        Self { _private: () }
    }

    /// Now. One vDSO call, real-time safe.
    #[must_use]
    pub fn now(&self) -> MonoTime {
        MonoTime::from_micros(read_ns(libc::CLOCK_MONOTONIC).cast_unsigned() / 1_000)
    }
}

/// Nanoseconds by which the wall clock is ahead of the monotonic one right now. Kernel arrival
/// stamps are wall-clock times; subtracting this maps them. Read anew in each tick, so a step of
/// the wall clock disturbs at most the packets of one tick.
///
/// A thread that is set aside between the two clocks compares different moments: of a few looks the
/// quickest counts.
pub(crate) fn wall_ahead_ns() -> i64 {
    let look = || {
        let before = read_ns(libc::CLOCK_MONOTONIC);
        let wall = read_ns(libc::CLOCK_REALTIME);
        (read_ns(libc::CLOCK_MONOTONIC) - before, wall - before)
    };
    let mut best = look();
    for _ in 1..LOOKS_MAX {
        if best.0 < QUICK_NS {
            break;
        }
        best = best.min(look());
    }
    best.1
}

/// Undisturbed, a look takes a tenth of a microsecond.
const QUICK_NS: i64 = 20_000;
const LOOKS_MAX: usize = 5;

/// Sleeps until `deadline`, or not at all if it has passed. Absolute, so that the time the
/// caller spent working does not add up to drift.
pub(crate) fn sleep_until(deadline: MonoTime) {
    let micros = deadline.as_micros();
    let until = libc::timespec {
        tv_sec: i64::try_from(micros / 1_000_000).unwrap_or(i64::MAX),
        tv_nsec: (micros % 1_000_000).cast_signed() * 1_000,
    };
    // SAFETY: `until` is a valid timespec for the duration of the call; the null pointer says
    // that the remaining time is not wanted (it is not used with an absolute deadline).
    while unsafe {
        libc::clock_nanosleep(
            libc::CLOCK_MONOTONIC,
            libc::TIMER_ABSTIME,
            &raw const until,
            std::ptr::null_mut(),
        )
    } == libc::EINTR
    {}
}

/// Asks the kernel not to round this thread's sleeps up. The default slack is 50 µs.
pub(crate) fn minimise_timer_slack() {
    // SAFETY: PR_SET_TIMERSLACK takes one integer and touches only the calling thread. A refusal
    // costs punctuality and nothing else, so the result is not needed.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1_u64, 0, 0, 0) };
}

/// `duration` in whole microseconds.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn read_ns(clock: libc::clockid_t) -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is writable for the duration of the call, and both clocks used here exist
    // on every Linux, so the call cannot fail.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}
