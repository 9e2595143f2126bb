use std::time::Duration;

use super::{Desk, Reply};
use crate::memory::JobNote;
use crate::speakable;

pub(super) fn status(desk: &mut Desk<'_>) -> Reply {
    Reply::Say(format!("The line is up. {} {}", desk.figures.load_sentence(), jobs_sentence(desk)))
}

pub(super) fn running(desk: &mut Desk<'_>) -> Reply {
    Reply::Say(jobs_sentence(desk))
}

pub(super) fn done(desk: &mut Desk<'_>) -> Reply {
    if let Some(job) = desk.jobs.latest() {
        return Reply::Say(format!("Not yet. {}", still_running(desk, &job.label, job.began)));
    }
    Reply::Say(match desk.memory.jobs.last() {
        Some(job) => match &job.ended {
            Some(end) if end.good => format!("Yes. {} is done.", label(desk, job)),
            Some(end) => format!("No. {} {}.", label(desk, job), end.how),
            None => format!("No. {} was cut off when I was restarted.", label(desk, job)),
        },
        None => "There was no job yet.".into(),
    })
}

pub(super) fn when(desk: &mut Desk<'_>) -> Reply {
    let Some(job) = desk.jobs.latest() else { return Reply::Say("Nothing is running.".into()) };
    let running = still_running(desk, &job.label, job.began);
    let usual = desk.memory.jobs.iter().rev().find_map(|it| match &it.ended {
        Some(end) if end.good && it.command == job.command => Some(end.took_ms),
        _ => None,
    });
    Reply::Say(match usual {
        Some(ms) => {
            let usual = speakable::duration(Duration::from_millis(ms));
            format!("{running} Last time it took {usual}.")
        }
        None => format!("{running} I have not seen how long it takes."),
    })
}

pub(super) fn errors(desk: &mut Desk<'_>) -> Reply {
    let failed = desk.memory.jobs.iter().rev().take(LATELY).find_map(|job| match &job.ended {
        Some(end) if !end.good => Some((job, end)),
        _ => None,
    });
    Reply::Say(match failed {
        Some((job, end)) => {
            let took = speakable::duration(Duration::from_millis(end.took_ms));
            format!("{} {}. That was after {took}.", label(desk, job), end.how)
        }
        None => "No errors that I know of.".into(),
    })
}

pub(super) fn again(desk: &mut Desk<'_>) -> Reply {
    match desk.memory.jobs.last() {
        Some(job) => Reply::Run(job.command.clone()),
        None => Reply::Say("There is nothing to do again.".into()),
    }
}

pub(super) fn cancel(desk: &mut Desk<'_>) -> Reply {
    let labels = desk.jobs.labels();
    if labels.is_empty() {
        return Reply::Say("Okay. Nothing is running.".into());
    }
    Reply::CancelJobs(format!("Okay. I cancel {}.", speakable::list(&labels)))
}

pub(super) fn summary(desk: &mut Desk<'_>) -> Reply {
    let mut sentences = vec![jobs_sentence(desk)];
    if let Some((job, end)) =
        desk.memory.jobs.iter().rev().find_map(|job| Some((job, job.ended.as_ref()?)))
    {
        sentences.push(format!("Last, {} {}.", label(desk, job).to_lowercase(), end.how));
    }
    let unread = desk.memory.messages.iter().filter(|it| !it.read).count() as u64;
    if unread > 0 {
        let messages = speakable::capitalised(&speakable::counted(unread, "new message"));
        sentences.push(format!("{messages}."));
    }
    let due = desk.memory.due.len() as u64;
    if due > 0 {
        let things = speakable::capitalised(&speakable::counted(due, "thing"));
        sentences.push(format!("{things} planned."));
    }
    Reply::Say(sentences.join(" "))
}

fn jobs_sentence(desk: &Desk<'_>) -> String {
    match desk.jobs.labels().as_slice() {
        [] => "No jobs are running.".into(),
        [only] => format!("{} is running.", speakable::capitalised(only)),
        several => format!("{} are running.", speakable::capitalised(&speakable::list(several))),
    }
}

fn still_running(desk: &Desk<'_>, label: &str, began: jiff::Timestamp) -> String {
    let seconds = desk.now.timestamp().duration_since(began).as_secs();
    let running = speakable::duration(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
    format!("{} has been running for {running}.", speakable::capitalised(label))
}

fn label(desk: &Desk<'_>, job: &JobNote) -> String {
    let label = desk
        .config
        .command(&job.command)
        .map_or_else(|| format!("the {}", job.command), |it| it.label());
    speakable::capitalised(&label)
}

/// How many jobs back a failure is still news.
const LATELY: usize = 5;
