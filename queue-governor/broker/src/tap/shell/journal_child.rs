use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_setfl};

use super::intake::Intake;
use crate::tap::{Lines, journal};

/// The child process that follows the journal, started again when it ends.
pub(super) struct JournalChild {
    command: Vec<String>,
    running: Option<(Child, ChildStdout)>,
    lines: Lines,
    /// Where the journal was read to.
    cursor: Option<String>,
    start_at: Instant,
    pause: Duration,
}

impl JournalChild {
    /// Follows with this command; `None` if there is none.
    pub(super) fn new(command: &[String]) -> Option<JournalChild> {
        (!command.is_empty()).then(|| JournalChild {
            command: command.to_vec(),
            running: None,
            lines: Lines::default(),
            cursor: None,
            start_at: Instant::now(),
            pause: PAUSE_MIN,
        })
    }

    /// Starts the child where it is due.
    pub(super) fn look(&mut self, now: Instant) {
        if self.running.is_some() || now < self.start_at {
            return;
        }
        match self.start() {
            Ok(running) => self.running = Some(running),
            Err(error) => self.ended(&error.to_string()),
        }
    }

    /// What to wait for.
    pub(super) fn output(&self) -> Option<BorrowedFd<'_>> {
        self.running.as_ref().map(|(_, output)| output.as_fd())
    }

    /// Reads new entries; of a flood a share.
    pub(super) fn read(&mut self, intake: &mut Intake) {
        let mut piece = [0; READ_BYTES];
        for _ in 0..READS_MAX {
            let Some((_, output)) = &mut self.running else { return };
            match output.read(&mut piece) {
                Ok(0) => return self.ended("it ended"),
                Ok(read) => {
                    let JournalChild { lines, cursor, .. } = self;
                    lines.push(&piece[..read], |line| see(line, cursor, intake));
                    self.pause = PAUSE_MIN;
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return self.ended(&error.to_string()),
            }
        }
    }

    fn start(&self) -> std::io::Result<(Child, ChildStdout)> {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).stdin(Stdio::null()).stderr(Stdio::null());
        if let Some(cursor) = &self.cursor {
            command.args(journal::resume_at(cursor));
        }
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
        fcntl_setfl(&output, OFlags::NONBLOCK)?;
        Ok((child, output))
    }

    fn ended(&mut self, why: &str) {
        tracing::warn!(command = %self.command[0], %why, again_in = ?self.pause,
            "the journal is not followed for now; without one, leave [tap] journal out");
        self.stop();
        if self.pause > PAUSE_MIN {
            // It gave nothing since the last time: the place to go on from may be gone.
            self.cursor = None;
        }
        self.lines = Lines::default();
        self.start_at = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }

    fn stop(&mut self) {
        if let Some((mut child, _)) = self.running.take() {
            // It may have ended by itself; killed it ends at once, and leaves no zombie.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for JournalChild {
    fn drop(&mut self) {
        self.stop();
    }
}

fn see(line: &str, cursor: &mut Option<String>, intake: &mut Intake) {
    if !intake.admit() {
        return;
    }
    match journal::parse(line) {
        // What we write about what we read would be read again.
        Ok(entry) if entry.pid != Some(std::process::id()) => {
            cursor.clone_from(&entry.seen.key);
            intake.take(entry.seen);
        }
        _ => intake.ignore(),
    }
}

const READ_BYTES: usize = 16 * 1024;
/// A turn's share: 256 KiB, some hundred entries.
const READS_MAX: usize = 16;
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);
