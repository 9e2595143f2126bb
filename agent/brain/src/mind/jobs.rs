use brain_protocol::{BrainMessage, JobId, JobOutcome};
use jiff::{Timestamp, Zoned};

use super::template::{self, Values};
use super::{Mind, Output, Place};
use crate::config::Command;
use crate::genes::Slots;
use crate::memory::{JobEnd, JobNote};
use crate::speakable;
use crate::worker::{Order, Report};

/// The jobs that run.
#[derive(Debug, Default)]
pub struct JobTable {
    running: Vec<RunningJob>,
}

/// A job that runs.
#[derive(Clone, Debug)]
pub struct RunningJob {
    /// Its name.
    pub id: JobId,
    /// The command of the configuration.
    pub command: String,
    /// How it is spoken of.
    pub label: String,
    /// When it began.
    pub began: Timestamp,
    /// Where it was asked for; nowhere if it was due.
    pub place: Option<Place>,
}

impl JobTable {
    /// The job started last.
    #[must_use]
    pub fn latest(&self) -> Option<&RunningJob> {
        self.running.last()
    }

    /// How the jobs are spoken of.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        self.running.iter().map(|job| job.label.clone()).collect()
    }
}

impl Mind {
    /// Starts a command; returns what is said about it at once.
    pub(super) fn start_command(
        &mut self,
        now: &Zoned,
        place: Option<Place>,
        command: &Command,
        slots: &Slots,
    ) -> String {
        let label = command.label();
        if self.jobs.running.iter().any(|job| job.command == command.name) {
            return format!("{} is already running.", speakable::capitalised(&label));
        }
        if self.jobs.running.len() >= self.config.jobs_max {
            return "Not now. Too many jobs are running.".into();
        }
        let Ok(id) = JobId::new(self.next_name('j')) else { return "Not now.".into() };
        let directory = &self.config.directory;
        self.outputs.push_back(Output::Start(Order {
            job: id.clone(),
            run: command
                .run
                .iter()
                .map(|part| template::argument(part, slots, &self.config))
                .collect(),
            environment: command.environment.clone(),
            directory: (!directory.as_os_str().is_empty()).then(|| directory.clone()),
            timeout: command.timeout(),
        }));
        let began = now.timestamp();
        if let Some(line) = place.and_then(Place::line) {
            self.send(BrainMessage::JobStarted {
                line,
                job: id.clone(),
                label: command.name.clone(),
            });
        }
        self.memory.log_job(JobNote { command: command.name.clone(), began, ended: None });
        self.jobs.running.push(RunningJob {
            id,
            command: command.name.clone(),
            label: label.clone(),
            began,
            place,
        });
        command.acknowledge.clone().unwrap_or_else(|| format!("Okay, I am starting {label}."))
    }

    pub(super) fn run_due_command(&mut self, now: &Zoned, name: &str) {
        let config = self.config.clone();
        match config.command(name) {
            Some(command) => {
                let line = self.any_line();
                let said = self.start_command(now, line, command, &Slots::default());
                if line.is_some() {
                    self.tell(line, said);
                }
            }
            None => {
                self.tell_somebody(format!("I cannot run the {name}. It is not set up any more."))
            }
        }
    }

    pub(super) fn cancel_all_jobs(&mut self) {
        let jobs = self.jobs.running.iter().map(|job| Output::Cancel(job.id.clone()));
        self.outputs.extend(jobs);
    }

    pub(super) fn on_report(&mut self, report: Report) {
        let Some(index) = self.jobs.running.iter().position(|job| job.id == report.job) else {
            return;
        };
        let job = self.jobs.running.remove(index);
        self.note_end(&job, &report);
        if let Some(line) = job.place.and_then(Place::line) {
            self.send(BrainMessage::JobFinished {
                line,
                job: job.id.clone(),
                outcome: report.outcome,
                detail: Some(format!("{} after {:.1} s", report.how, report.took.as_secs_f64())),
            });
        }
        // Who cancelled it was told at once.
        if report.outcome != JobOutcome::Cancelled {
            let text = self.report_text(&job, &report);
            self.tell(job.place, text);
        }
    }

    fn report_text(&self, job: &RunningJob, report: &Report) -> String {
        let took = speakable::duration(report.took);
        let label = speakable::capitalised(&job.label);
        let command = self.config.command(&job.command);
        let own = match report.outcome {
            JobOutcome::Done => command.and_then(|it| it.report.as_deref()),
            _ => command.and_then(|it| it.failure.as_deref()),
        };
        match own {
            Some(own) => {
                let mut values = Values::from_output(&report.output);
                values.set("took", took);
                values.set("how", report.how.clone());
                values.fill(own)
            }
            None => format!("{label} {}. It took {took}.", report.how),
        }
    }

    fn note_end(&mut self, job: &RunningJob, report: &Report) {
        let notes = self.memory.jobs.iter_mut().rev();
        let mut same = notes.filter(|it| it.command == job.command && it.began == job.began);
        if let Some(note) = same.next() {
            note.ended = Some(JobEnd {
                good: report.outcome == JobOutcome::Done,
                how: report.how.clone(),
                took_ms: u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
            });
        }
    }

    /// Jobs of an earlier process ended with it. Every job has an ending, and somebody hears it.
    pub(super) fn close_lost_jobs(&mut self) {
        let mut lost = Vec::new();
        for job in self.memory.jobs.iter_mut().filter(|job| job.ended.is_none()) {
            let how = "was cut off when I was restarted";
            job.ended = Some(JobEnd { good: false, how: how.into(), took_ms: 0 });
            let label = self
                .config
                .command(&job.command)
                .map_or_else(|| job.command.clone(), Command::label);
            lost.push(format!("{} {how}.", speakable::capitalised(&label)));
        }
        for text in lost {
            self.memory.notice(text);
        }
    }
}
