use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::files::Files;
use super::intake::Intake;
use super::journal_child::JournalChild;
use super::logs::Log;
use super::process_watch::ProcessWatch;
use crate::tap::TapConfig;

/// The watching side: waits for the kernel, and for nobody else.
pub(super) struct Watcher {
    intake: Intake,
    files: Files,
    logs: Vec<Log>,
    journal: Option<JournalChild>,
    processes: ProcessWatch,
    stop: Arc<OwnedFd>,
}

/// What the kernel has news of.
#[derive(Default)]
struct News {
    stop: bool,
    files: bool,
    journal: bool,
    ended: Vec<u32>,
}

impl Watcher {
    pub(super) fn new(
        config: &TapConfig,
        intake: Intake,
        stop: Arc<OwnedFd>,
    ) -> std::io::Result<Watcher> {
        let mut watcher = Watcher {
            intake,
            files: Files::new(&config.files)?,
            logs: config.logs.iter().map(|path| Log::new(path)).collect(),
            journal: JournalChild::new(&config.journal),
            processes: ProcessWatch::new(&config.processes),
            stop,
        };
        // Whatever happens after `Tap::start` has returned is seen.
        watcher.look();
        watcher.look_at_logs();
        Ok(watcher)
    }

    pub(super) fn run(mut self) {
        let (mut look_at, mut logs_at) = (Instant::now(), Instant::now());
        loop {
            let now = Instant::now();
            if now >= look_at {
                self.look();
                look_at = now + LOOK_EVERY;
            }
            if now >= logs_at {
                self.look_at_logs();
                logs_at = now + LOOK_AT_LOGS_EVERY;
            }
            self.intake.report();
            let wake = if self.logs.is_empty() { look_at } else { logs_at.min(look_at) };
            match self.wait(wake.saturating_duration_since(Instant::now())) {
                Ok(News { stop: true, .. }) => return,
                Ok(news) => self.read(&news),
                Err(error) => {
                    tracing::error!(%error, "the tap has ended; the line goes on without it");
                    return;
                }
            }
        }
    }

    fn look(&mut self) {
        self.files.look(&mut self.intake);
        self.processes.look(&mut self.intake);
        if let Some(journal) = &mut self.journal {
            journal.look(Instant::now());
        }
    }

    fn look_at_logs(&mut self) {
        for log in &mut self.logs {
            log.look(&mut self.intake);
        }
    }

    fn read(&mut self, news: &News) {
        if news.files {
            self.files.read(&mut self.intake);
        }
        if let Some(journal) = self.journal.as_mut().filter(|_| news.journal) {
            journal.read(&mut self.intake);
        }
        for pid in &news.ended {
            self.processes.ended(*pid, &mut self.intake);
        }
    }

    fn wait(&self, at_most: Duration) -> std::io::Result<News> {
        let mut waiting =
            vec![PollFd::new(&*self.stop, PollFlags::IN), PollFd::new(&self.files, PollFlags::IN)];
        let journal = self.journal.as_ref().and_then(JournalChild::output);
        waiting.extend(journal.map(|output| PollFd::from_borrowed_fd(output, PollFlags::IN)));
        let first_process = waiting.len();
        let pids: Vec<u32> = self.processes.descriptors().map(|(pid, _)| pid).collect();
        let descriptors = self.processes.descriptors();
        waiting.extend(descriptors.map(|(_, descriptor)| PollFd::new(descriptor, PollFlags::IN)));
        // A millisecond more, or the last one is spent in turns that find it is too early.
        let at_most = at_most + Duration::from_millis(1);
        let timeout = Timespec::try_from(at_most).map_err(std::io::Error::other)?;
        match poll(&mut waiting, Some(&timeout)) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(News::default()),
            Err(error) => return Err(error.into()),
        }
        let ready = |at: usize| !waiting[at].revents().is_empty();
        let ended = pids.into_iter().zip(first_process..).filter(|(_, at)| ready(*at));
        Ok(News {
            stop: ready(0),
            files: ready(1),
            journal: journal.is_some() && ready(2),
            ended: ended.map(|(pid, _)| pid).collect(),
        })
    }
}

/// For what has come: files, processes, a journal to start again.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A few system calls for each log.
const LOOK_AT_LOGS_EVERY: Duration = Duration::from_millis(250);
