use std::ffi::OsStr;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use std::os::unix::process::ExitStatusExt;
use tokio::process::{Child, Command};

use crate::SupervisorConfig;
use crate::handle::Shared;
use crate::log::log_lines;

/// The brain's process and what it started in its group. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Brain {
    child: Child,
    pid: u32,
}

impl Brain {
    pub(crate) fn start(
        config: &SupervisorConfig,
        socket_path: &std::path::Path,
        shared: &Arc<Shared>,
    ) -> io::Result<Self> {
        let (program, arguments) =
            config.command.split_first().ok_or_else(|| io::Error::other("no program"))?;
        let mut command = Command::new(program);
        for name in std::env::vars_os().map(|(name, _)| name).filter(|it| is_the_lines(it)) {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .envs(config.environment.iter().map(|(name, value)| (name, value)))
            .env(brain_protocol::SOCKET_VARIABLE, socket_path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(directory) = &config.working_dir {
            command.current_dir(directory);
        }
        let mut child = command.spawn().map_err(|error| named(program, &error))?;
        shared.counters.starts.fetch_add(1, Ordering::Relaxed);
        let pid = child.id().ok_or_else(|| io::Error::other("it ended at once"))?;
        let hides = !config.log_shows_pii;
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(log_lines("stdout", pid, stdout, hides, Arc::clone(shared)));
        }
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(log_lines("stderr", pid, stderr, hides, Arc::clone(shared)));
        }
        Ok(Self { child, pid })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// How it ended, for people. Cancel safe.
    pub(crate) async fn exited(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => describe(status),
            Err(error) => format!("ended, and its status is lost: {error}"),
        }
    }

    /// Kills the whole process group; an error means that it is gone already.
    pub(crate) fn kill(pid: u32) {
        let group = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// Whether a variable is the line's own: its configuration, its token, its secrets. A brain gets
/// none of them, whatever it starts in turn; what is meant for it is named `XENLINE_BRAIN_…`.
fn is_the_lines(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b"XENLINE_") && !name.starts_with(b"XENLINE_BRAIN_")
}

impl Drop for Brain {
    fn drop(&mut self) {
        // Reaped already means that the group was killed already, and the id may be another's.
        if self.child.id().is_some() {
            Self::kill(self.pid);
        }
    }
}

fn named(program: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{program}: {error}"))
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brain_gets_no_secret_of_the_line() {
        for name in ["XENLINE_HTTP_TOKEN", "XENLINE_SECRET_PBX", "XENLINE_SIP__CHANNELS"] {
            assert!(is_the_lines(OsStr::new(name)), "{name}");
        }
        for name in ["PATH", "XENLINE_BRAIN_CONFIG", brain_protocol::SOCKET_VARIABLE] {
            assert!(!is_the_lines(OsStr::new(name)), "{name}");
        }
    }
}
