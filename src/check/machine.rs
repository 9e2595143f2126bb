use std::path::Path;

use super::Finding;
use crate::config::{Config, runtime_dir};

/// Files a process needs besides its calls: standard streams, epoll, logs, models, sockets.
const FILES_BASE: u64 = 64;
/// RTP and RTCP socket and the recording of a call, and one to spare.
const FILES_PER_CALL: u64 = 4;
const DISK_LOW_BYTES: u64 = 1 << 30;

pub(super) fn look(config: &Config, tell: &mut dyn FnMut(Finding)) {
    tell(brain(config));
    tell(realtime(config));
    tell(open_files(config));
    tell(writable(
        "runtime directory",
        &runtime_dir(),
        "set XDG_RUNTIME_DIR, or [say] socket and [brain] socket_dir",
    ));
    tell(alias(config));
    if let Some(dir) = config.cdr.keep.then(|| config.cdr.file()).as_deref().and_then(Path::parent)
    {
        tell(writable(
            "call data records",
            dir,
            "make it writable for this user, or change [cdr] path",
        ));
    }
    if let Some(dir) = &config.recording.dir {
        tell(writable("recordings", dir, "create it for this user, or change [recording] dir"));
        tell(disk(dir));
    }
}

/// Others may have made it first, where everybody may.
fn alias(config: &Config) -> Finding {
    use std::os::unix::fs::MetadataExt;
    const WHAT: &str = "say-queue";
    let socket = crate::house::say_socket(config);
    let Some(alias) = &config.say.alias else {
        return Finding::good(WHAT, format!("{}, and a spool beside it", socket.display()));
    };
    // SAFETY: `geteuid` has no preconditions and cannot fail.
    let own = unsafe { libc::geteuid() };
    match std::fs::symlink_metadata(alias) {
        Ok(meta) if meta.is_symlink() => Finding::failure(
            WHAT,
            format!("{} is a link, which is not followed", alias.display()),
            "name the file or directory itself in [say] alias",
        ),
        Ok(meta) if meta.uid() != own && meta.uid() != 0 => Finding::warning(
            WHAT,
            format!(
                "{} belongs to user {}, who decides who may speak",
                alias.display(),
                meta.uid()
            ),
            "remove it and make it as this user, with the mode that you want",
        ),
        _ => Finding::good(WHAT, format!("{} and {}", socket.display(), alias.display())),
    }
}

fn brain(config: &Config) -> Finding {
    const WHAT: &str = "brain";
    let command = crate::engines::brain_command(config);
    let Some(program) = command.first() else {
        return Finding::failure(
            WHAT,
            "no xenline-brain beside this binary and none configured",
            "build it with `cargo build --release -p xenline-brain`, or set [brain] command",
        );
    };
    match find_program(program) {
        Some(path) => Finding::good(WHAT, path.display().to_string()),
        None => Finding::failure(
            WHAT,
            format!("{program} is not an executable file"),
            "set [brain] command to a program and its arguments",
        ),
    }
}

pub(super) fn find_program(program: &str) -> Option<std::path::PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let executable = |path: &Path| {
        path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    let named = Path::new(program);
    if program.contains('/') {
        return executable(named).then(|| named.to_path_buf());
    }
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|dir| dir.join(program))
        .find(|path| executable(path))
}

fn realtime(config: &Config) -> Finding {
    const WHAT: &str = "real-time priority";
    let Some(priority) = config.audio.realtime_priority else {
        return Finding::good(WHAT, "not asked for ([audio] realtime_priority)");
    };
    // Tried on a thread of its own, so that this one stays as it is.
    let tried = std::thread::spawn(move || {
        let param = libc::sched_param { sched_priority: i32::from(priority) };
        // SAFETY: pid 0 is the calling thread, and `param` outlives the call.
        match unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const param) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    });
    match tried.join() {
        Ok(Ok(())) => Finding::good(WHAT, format!("SCHED_FIFO {priority} is granted")),
        Ok(Err(error)) => Finding::warning(
            WHAT,
            format!("SCHED_FIFO {priority} is refused: {error}; the line runs without it"),
            "`setcap cap_sys_nice=ep xenline`, AmbientCapabilities=CAP_SYS_NICE in its unit, or an rtprio line in limits.conf",
        ),
        Err(_) => Finding::warning(
            WHAT,
            "could not be tried",
            "look at the process's limits (`ulimit -a`)",
        ),
    }
}

fn open_files(config: &Config) -> Finding {
    const WHAT: &str = "open files";
    let needed = FILES_BASE + FILES_PER_CALL * config.sip.channels as u64;
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid place for the answer.
    let answered = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } == 0;
    if answered && limit.rlim_cur >= needed {
        return Finding::good(WHAT, format!("{} allowed, {needed} needed", limit.rlim_cur));
    }
    Finding::failure(
        WHAT,
        format!("{} allowed, {needed} needed for {} channels", limit.rlim_cur, config.sip.channels),
        format!("`ulimit -n {needed}`, or LimitNOFILE={needed} in its unit"),
    )
}

fn writable(what: &str, dir: &Path, fix: &str) -> Finding {
    let probe = dir.join(format!(".xenline-check-{}", std::process::id()));
    let tried = std::fs::create_dir_all(dir)
        .and_then(|()| std::fs::write(&probe, b""))
        .and_then(|()| std::fs::remove_file(&probe));
    match tried {
        Ok(()) => Finding::good(what, dir.display().to_string()),
        Err(error) => {
            Finding::failure(what, format!("cannot write in {}: {error}", dir.display()), fix)
        }
    }
}

fn disk(dir: &Path) -> Finding {
    use std::os::unix::ffi::OsStrExt;
    const WHAT: &str = "disk";
    let Ok(path) = std::ffi::CString::new(dir.as_os_str().as_bytes()) else {
        return Finding::warning(WHAT, "the path holds a zero byte", "change [recording] dir");
    };
    // SAFETY: all-zero is a valid `statvfs`.
    let mut stat: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: `path` is a C string and `stat` a valid place for the answer.
    if unsafe { libc::statvfs(path.as_ptr(), &raw mut stat) } != 0 {
        let error = std::io::Error::last_os_error();
        return Finding::warning(WHAT, format!("free space unknown: {error}"), "look with `df`");
    }
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    // Two channels of 16 bits at 8 kHz.
    let hours = free / (2 * 2 * 8_000 * 3_600);
    if free < DISK_LOW_BYTES {
        return Finding::warning(
            WHAT,
            format!("{hours} hours of recordings fit"),
            "free some space, or set [recording] audio = false",
        );
    }
    Finding::good(WHAT, format!("{hours} hours of recordings fit"))
}
