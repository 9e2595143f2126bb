use std::collections::BTreeMap;

/// A process as `/proc` shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Process {
    /// Its id, which another process gets one day.
    pub pid: u32,
    /// When it was started, in the kernel's ticks since boot: tells it from that other one.
    pub started: u64,
    /// Its name in `/proc/<pid>/comm`.
    pub name: String,
}

/// What happened to a process that is watched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// It is there, and watched from now on.
    Appeared(Process),
    /// It has ended.
    Ended(Process),
}

/// Knows which processes are wanted and which of them live. Told what `/proc` shows, and which
/// ended in between; each end is told once.
#[derive(Debug)]
pub struct Processes {
    names: Vec<String>,
    pids: Vec<u32>,
    alive: BTreeMap<u32, Process>,
}

impl Processes {
    /// Watches the processes of these names, and those with these numbers.
    #[must_use]
    pub fn new(wanted: &[String]) -> Self {
        let (pids, names): (Vec<&String>, Vec<&String>) =
            wanted.iter().partition(|wanted| wanted.parse::<u32>().is_ok());
        // The kernel cuts names; a longer one could never match.
        let cut = |name: &String| name[..name.floor_char_boundary(COMM_BYTES_MAX)].to_owned();
        Self {
            names: names.into_iter().map(cut).collect(),
            pids: pids.into_iter().filter_map(|pid| pid.parse().ok()).collect(),
            alive: BTreeMap::new(),
        }
    }

    /// Whether a process with this number and name is wanted.
    #[must_use]
    pub fn wants(&self, pid: u32, name: &str) -> bool {
        self.pids.contains(&pid) || self.names.iter().any(|wanted| wanted == name)
    }

    /// `/proc` shows these now, wanted or not.
    pub fn snapshot(&mut self, seen: impl IntoIterator<Item = Process>) -> Vec<Change> {
        let seen: BTreeMap<u32, Process> = seen.into_iter().map(|p| (p.pid, p)).collect();
        let same =
            |alive: &Process| seen.get(&alive.pid).is_some_and(|now| now.started == alive.started);
        let gone: Vec<u32> =
            self.alive.values().filter(|alive| !same(alive)).map(|alive| alive.pid).collect();
        let mut changes: Vec<Change> =
            gone.into_iter().filter_map(|pid| self.alive.remove(&pid)).map(Change::Ended).collect();
        for process in seen.into_values() {
            let new = !self.alive.contains_key(&process.pid);
            let room = self.alive.len() < WATCHED_MAX;
            if new && room && self.wants(process.pid, &process.name) {
                self.alive.insert(process.pid, process.clone());
                changes.push(Change::Appeared(process));
            }
        }
        changes
    }

    /// The kernel says that the watched process has ended.
    pub fn ended(&mut self, pid: u32) -> Option<Process> {
        self.alive.remove(&pid)
    }
}

/// TASK_COMM_LEN is 16, with its NUL.
const COMM_BYTES_MAX: usize = 15;
/// Each holds a file descriptor.
const WATCHED_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, started: u64, name: &str) -> Process {
        Process { pid, started, name: name.into() }
    }

    fn watching(wanted: &[&str]) -> Processes {
        Processes::new(&wanted.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_end_of_a_watched_process_is_told_once() {
        let mut processes = watching(&["nginx", "77"]);
        let (web, other) = (process(10, 1, "nginx"), process(77, 1, "sleep"));
        let appeared = [Change::Appeared(web.clone()), Change::Appeared(other.clone())];
        let all = [web.clone(), other.clone(), process(11, 1, "bash")];
        assert_eq!(processes.snapshot(all), appeared);
        assert_eq!(processes.ended(10), Some(web));
        assert_eq!(processes.ended(10), None);
        assert_eq!(processes.snapshot([]), [Change::Ended(other)]);
        assert_eq!(processes.snapshot([]), []);
    }

    #[test]
    fn a_process_that_got_the_number_of_a_dead_one_is_another() {
        let mut processes = watching(&["nginx"]);
        processes.snapshot([process(10, 1, "nginx")]);
        let changes = processes.snapshot([process(10, 9, "nginx")]);
        let expected =
            [Change::Ended(process(10, 1, "nginx")), Change::Appeared(process(10, 9, "nginx"))];
        assert_eq!(changes, expected);
    }

    #[test]
    fn a_long_name_is_what_the_kernel_makes_of_it() {
        let processes = watching(&["systemd-journald"]);
        assert!(processes.wants(1, "systemd-journal"));
    }

    #[test]
    fn the_number_of_watched_processes_is_bounded() {
        let mut processes = watching(&["w"]);
        let many = (1..1_000).map(|pid| process(pid, 1, "w"));
        assert_eq!(processes.snapshot(many).len(), WATCHED_MAX);
    }
}
