//! Real-time priority, where the system grants it.

/// Asks for `SCHED_FIFO` for the calling thread. A refusal is a warning with its remedy.
pub(crate) fn request(priority: Option<u8>) {
    let Some(priority) = priority else { return };
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
}
