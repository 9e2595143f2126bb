use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::intake::Intake;
use super::unix_ms;
use crate::tap::{Change, Observation, Origin, Process, Processes};

/// Watched processes. Their end comes by pid descriptors at once, and by looking at `/proc` where
/// the kernel has none to give.
pub(super) struct ProcessWatch {
    processes: Processes,
    descriptors: BTreeMap<u32, OwnedFd>,
    idle: bool,
}

impl ProcessWatch {
    pub(super) fn new(wanted: &[String]) -> ProcessWatch {
        let idle = wanted.is_empty();
        ProcessWatch { processes: Processes::new(wanted), descriptors: BTreeMap::new(), idle }
    }

    /// Who has come, and who has gone unseen.
    pub(super) fn look(&mut self, intake: &mut Intake) {
        if self.idle {
            return;
        }
        let seen = wanted_processes(&self.processes);
        for change in self.processes.snapshot(seen) {
            match change {
                Change::Appeared(process) => {
                    if let Some(descriptor) = descriptor(&process) {
                        self.descriptors.insert(process.pid, descriptor);
                    }
                }
                Change::Ended(process) => {
                    self.descriptors.remove(&process.pid);
                    tell(&process, intake);
                }
            }
        }
    }

    /// What to wait for: each is readable when its process has ended.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = (u32, &OwnedFd)> {
        self.descriptors.iter().map(|(pid, descriptor)| (*pid, descriptor))
    }

    /// The descriptor of this process is readable.
    pub(super) fn ended(&mut self, pid: u32, intake: &mut Intake) {
        self.descriptors.remove(&pid);
        if let Some(process) = self.processes.ended(pid) {
            tell(&process, intake);
        }
    }
}

fn tell(process: &Process, intake: &mut Intake) {
    if intake.admit() {
        let text = format!("process {} ended", process.pid);
        intake.take(Observation::new(Origin::Process, &process.name, &text, unix_ms()));
    }
}

fn wanted_processes(processes: &Processes) -> Vec<Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let wanted = pids.filter_map(|pid: u32| {
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        let name = name.trim_end_matches('\n').to_owned();
        let wanted = processes.wants(pid, &name);
        wanted.then(|| Some(Process { pid, started: started(pid)?, name }))?
    });
    wanted.collect()
}

/// When the process was started, if it lives: field 22 of `/proc/<pid>/stat` (proc(5)). One that
/// only waits for its parent to hear of its end does not.
fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before may hold anything, brackets and spaces included.
    let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    fields.nth(STARTED_AFTER_STATE)?.parse().ok()
}

/// A descriptor of just this process, and of none that got its number meanwhile.
fn descriptor(process: &Process) -> Option<OwnedFd> {
    let pid = Pid::from_raw(i32::try_from(process.pid).ok()?)?;
    let descriptor = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    (started(process.pid) == Some(process.started)).then_some(descriptor)
}

/// `state` is field 3; this many lie between it and field 22.
const STARTED_AFTER_STATE: usize = 18;
