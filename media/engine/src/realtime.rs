//! Punctuality: real-time priority where the system grants it, and a short time slice anywhere.

use std::time::Duration;

/// What the audio thread asks for per turn. It computes for microseconds per line; with a slice
/// much shorter than the default of some milliseconds the scheduler lets it interrupt others as
/// soon as it wakes (Linux 6.12 and later; before that the request changes nothing).
const SLICE: Duration = Duration::from_micros(100);

/// Makes the calling thread an audio thread: `SCHED_FIFO` if a priority is asked for and granted,
/// else a short slice. A refused priority is a warning with its remedy.
pub(crate) fn request(priority: Option<u8>) {
    if !priority.is_some_and(request_fifo) {
        request_short_slice();
    }
}

fn request_short_slice() {
    // SAFETY: all-zero bytes are a valid sched_attr.
    let mut attributes: libc::sched_attr = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::sched_attr>();
    attributes.size = size as u32;
    // SAFETY: 0 means the calling thread; the attributes have the size that is said and live
    // until the calls return; no flags. What was set before, such as a nice value, is read first
    // and kept. Any user may shorten a slice, and a kernel that does not know how is as good as
    // before, so the result is not needed.
    unsafe {
        if libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, size, 0) == 0
            && attributes.sched_policy == libc::SCHED_OTHER as u32
        {
            attributes.sched_runtime = SLICE.as_nanos() as u64;
            libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0);
        }
    }
}

/// Whether it was granted.
fn request_fifo(priority: u8) -> bool {
    let parameters = libc::sched_param { sched_priority: i32::from(priority) };
    // SAFETY: 0 means the calling thread; `parameters` is valid for the duration of the call.
    let refused = unsafe {
        libc::sched_setscheduler(
            0,
            libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK,
            &raw const parameters,
        ) != 0
    };
    if refused {
        let error = std::io::Error::last_os_error();
        tracing::warn!(
            priority,
            %error,
            "no real-time priority for the audio thread; it runs without. To grant it: \
             LimitRTPRIO={priority} in the systemd unit, or `ulimit -r {priority}`, or CAP_SYS_NICE"
        );
    }
    !refused
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_thread_goes_on_whether_or_not_its_priority_is_granted() {
        for priority in [None, Some(1), Some(99)] {
            let thread = std::thread::spawn(move || super::request(priority));
            thread.join().expect("a refusal is no panic");
        }
    }
}
