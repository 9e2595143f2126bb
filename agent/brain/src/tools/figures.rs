//! Load, memory and disk of the machine.

use std::path::Path;

use crate::speakable;

/// The machine at one moment. What could not be read is `None`.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Figures {
    /// Mean number of runnable processes over the last minute.
    pub load: Option<f64>,
    /// Processors.
    pub processors: Option<u64>,
    /// Memory in bytes.
    pub memory: Option<Share>,
    /// Disk in bytes.
    pub disk: Option<Share>,
}

/// So much of so much.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Share {
    /// What is free.
    pub free: u64,
    /// All of it.
    pub total: u64,
}

impl Figures {
    /// Looks at the machine. Reads files and may block; not for the responder's thread.
    #[must_use]
    pub fn sample(disk: &Path) -> Self {
        Self {
            load: std::fs::read_to_string("/proc/loadavg").ok().and_then(|text| parse_load(&text)),
            processors: std::thread::available_parallelism().ok().map(|it| it.get() as u64),
            memory: std::fs::read_to_string("/proc/meminfo")
                .ok()
                .and_then(|text| parse_memory(&text)),
            disk: rustix::fs::statvfs(disk).ok().map(|it| Share {
                free: it.f_bavail.saturating_mul(it.f_frsize),
                total: it.f_blocks.saturating_mul(it.f_frsize),
            }),
        }
    }

    pub(super) fn load_sentence(&self) -> String {
        let Some(load) = self.load else { return "The load is not known here.".into() };
        let processors = self.processors.unwrap_or(1).max(1);
        let feeling = match load / processors as f64 {
            ..0.5 => "The machine is relaxed",
            0.5..1.0 => "The machine is busy",
            _ => "The machine is overloaded",
        };
        format!(
            "{feeling}. The load is {}, on {}.",
            speakable::decimal(load),
            speakable::counted(processors, "processor")
        )
    }

    pub(super) fn memory_sentence(&self) -> String {
        share_sentence(self.memory, "memory")
    }

    pub(super) fn disk_sentence(&self) -> String {
        share_sentence(self.disk, "disk space")
    }
}

impl Share {
    fn percent_free(self) -> u64 {
        self.free.saturating_mul(100).checked_div(self.total).unwrap_or(0)
    }
}

fn share_sentence(share: Option<Share>, of_what: &str) -> String {
    let Some(share) = share else { return format!("The {of_what} is not known here.") };
    let free = speakable::capitalised(&speakable::bytes(share.free));
    let total = speakable::bytes(share.total);
    let percent = speakable::number(share.percent_free());
    format!("{free} are free. That is {percent} percent of {total} of {of_what}.")
}

fn parse_load(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok()
}

fn parse_memory(text: &str) -> Option<Share> {
    let kilobytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    Some(Share {
        free: kilobytes("MemAvailable:")?.saturating_mul(1024),
        total: kilobytes("MemTotal:")?.saturating_mul(1024),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_files_are_read() {
        assert_eq!(parse_load("0.44 0.50 0.61 2/345 999\n"), Some(0.44));
        let memory = "MemTotal:       2000 kB\nMemFree: 5 kB\nMemAvailable:   500 kB\n";
        assert_eq!(parse_memory(memory), Some(Share { free: 512_000, total: 2_048_000 }));
        assert_eq!(parse_load("nonsense"), None);
        assert_eq!(parse_memory("nonsense"), None);
    }

    #[test]
    fn this_machine_has_figures() {
        let figures = Figures::sample(Path::new("/"));
        assert!(figures.load.is_some() && figures.memory.is_some() && figures.disk.is_some());
    }

    #[test]
    fn figures_are_said_in_words() {
        let figures = Figures {
            load: Some(0.44),
            processors: Some(2),
            memory: Some(Share { free: 3_200_000_000, total: 8_000_000_000 }),
            disk: None,
        };
        assert_eq!(
            figures.load_sentence(),
            "The machine is relaxed. The load is zero point four, on two processors."
        );
        assert_eq!(
            figures.memory_sentence(),
            "Three point two gigabytes are free. That is forty percent of eight gigabytes of memory."
        );
        assert_eq!(figures.disk_sentence(), "The disk space is not known here.");
    }
}
