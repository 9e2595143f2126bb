//! What the responder can do besides reciting: each tool looks at the [`Desk`] and gives a reply.
//!
//! Tools are plain functions on values. They read no clock, no file and no socket; the figures of
//! the machine are sampled elsewhere ([`figures::Figures`]).

mod calls;
mod clock;
mod diary;
pub mod figures;
mod jobs;
mod notes;
mod talk;

use jiff::Zoned;

pub(crate) use diary::asked_for;
use serde::Deserialize;

use crate::config::Config;
use crate::genes::Slots;
use crate::memory::Memory;
use crate::mind::{Conversation, JobTable};
use figures::Figures;

/// A tool that a gene can name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tool {
    /// The time.
    Time,
    /// The date and day.
    Date,
    /// How loaded the machine is.
    Load,
    /// Memory in use.
    Memory,
    /// Disk space.
    Disk,
    /// Line, machine and jobs in three sentences.
    Status,
    /// How long this call has lasted.
    CallLength,
    /// Who is on the line.
    Caller,
    /// How many calls today, and from whom.
    CallsToday,
    /// Minutes on the phone this month.
    MinutesThisMonth,
    /// Sets a timer of `<duration>`.
    SetTimer,
    /// Sets an alarm for `<time>`, maybe on `<day>`.
    SetAlarm,
    /// Reminds at `<time>`, on `<day>` or in `<duration>`, maybe of `<text>` or to call `<name>`.
    Remind,
    /// Cancels the timer or alarm that ends next, or the one of `<duration>`.
    CancelTimer,
    /// What is due, maybe on `<day>`.
    Plan,
    /// Notes `<text>`, or asks for it.
    TakeNote,
    /// Reads the notes.
    ReadNotes,
    /// Deletes the last note.
    DeleteNote,
    /// Leaves a message for `<name>`, or for nobody in particular.
    LeaveMessage,
    /// How many messages there are.
    CountMessages,
    /// Reads the first message not read yet.
    ReadMessage,
    /// Deletes the message read last.
    DeleteMessage,
    /// Remembers that the caller is `<name>`.
    MyName,
    /// Says `<digits>` back.
    ReadBack,
    /// What the caller heard last.
    Repeat,
    /// What the operator said last.
    OperatorSaid,
    /// The rest of what was interrupted.
    Continue,
    /// Says nothing, and takes back what waits to be said.
    Hush,
    /// Cancels what is asked or runs.
    Cancel,
    /// Says goodbye and hangs up.
    Goodbye,
    /// What runs.
    Jobs,
    /// Whether the last job is done.
    JobDone,
    /// When the running job will be done.
    JobWhen,
    /// What failed.
    JobErrors,
    /// Runs the last job again.
    JobAgain,
    /// What happened lately.
    Summary,
    /// Yes, to what was asked.
    Yes,
    /// No, to what was asked.
    No,
}

/// What a tool may look at and change.
#[derive(Debug)]
pub struct Desk<'a> {
    /// Now, in the line's time zone.
    pub now: &'a Zoned,
    /// What the caller filled in.
    pub slots: &'a Slots,
    /// The configuration.
    pub config: &'a Config,
    /// The machine, as sampled a moment ago.
    pub figures: &'a Figures,
    /// What outlives the call.
    pub memory: &'a mut Memory,
    /// What runs.
    pub jobs: &'a JobTable,
    /// This line.
    pub line: &'a mut Conversation,
}

/// What the responder does in answer to a turn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// Say it.
    Say(String),
    /// Say nothing.
    Nothing,
    /// Say it, and take what the caller says next as the answer.
    Ask(String, Question),
    /// Say what was heard before; it does not become what was said last.
    Again(String),
    /// Say nothing, and take back what waits to be said.
    Hush,
    /// Say it, then hang up.
    Farewell(String),
    /// Run a command, after asking if it wants that.
    Run(String),
    /// Run a command that was asked about and approved.
    RunApproved(String, Box<Slots>),
    /// Cancel all running jobs and say it.
    CancelJobs(String),
}

/// What the caller was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Question {
    /// Whether to run this command.
    MayRun(String, Box<Slots>),
    /// What to note.
    NoteText,
    /// What the message says, and for whom it is.
    MessageText(String),
}

impl Tool {
    /// Uses the tool.
    pub fn apply(self, desk: &mut Desk<'_>) -> Reply {
        match self {
            Tool::Time => clock::time(desk),
            Tool::Date => clock::date(desk),
            Tool::Load => Reply::Say(desk.figures.load_sentence()),
            Tool::Memory => Reply::Say(desk.figures.memory_sentence()),
            Tool::Disk => Reply::Say(desk.figures.disk_sentence()),
            Tool::Status => jobs::status(desk),
            Tool::CallLength => calls::length(desk),
            Tool::Caller => calls::caller(desk),
            Tool::CallsToday => calls::today(desk),
            Tool::MinutesThisMonth => calls::minutes_this_month(desk),
            Tool::SetTimer => diary::set_timer(desk),
            Tool::SetAlarm => diary::set_alarm(desk),
            Tool::Remind => diary::remind(desk),
            Tool::CancelTimer => diary::cancel(desk),
            Tool::Plan => diary::plan(desk),
            Tool::TakeNote => notes::take(desk),
            Tool::ReadNotes => notes::read(desk),
            Tool::DeleteNote => notes::delete(desk),
            Tool::LeaveMessage => notes::leave_message(desk),
            Tool::CountMessages => notes::count_messages(desk),
            Tool::ReadMessage => notes::read_message(desk),
            Tool::DeleteMessage => notes::delete_message(desk),
            Tool::MyName => calls::my_name(desk),
            Tool::ReadBack => calls::read_back(desk),
            Tool::Repeat => talk::repeat(desk),
            Tool::OperatorSaid => talk::operator_said(desk),
            Tool::Continue => talk::go_on(desk),
            Tool::Hush => Reply::Hush,
            Tool::Cancel => jobs::cancel(desk),
            Tool::Goodbye => Reply::Farewell("Goodbye.".into()),
            Tool::Jobs => jobs::running(desk),
            Tool::JobDone => jobs::done(desk),
            Tool::JobWhen => jobs::when(desk),
            Tool::JobErrors => jobs::errors(desk),
            Tool::JobAgain => jobs::again(desk),
            Tool::Summary => jobs::summary(desk),
            Tool::Yes => talk::yes(desk),
            Tool::No => talk::no(desk),
        }
    }
}

/// Answers a question with what the caller said. `None` if it was no answer to it.
pub fn answer(
    desk: &mut Desk<'_>,
    question: &Question,
    said: &str,
    tool: Option<Tool>,
) -> Option<Reply> {
    match (question, tool) {
        (_, Some(Tool::Hush | Tool::Goodbye | Tool::Repeat)) => None,
        (_, Some(Tool::Cancel | Tool::No)) => Some(Reply::Say("All right. I leave it.".into())),
        (Question::MayRun(command, slots), Some(Tool::Yes)) => {
            Some(Reply::RunApproved(command.clone(), slots.clone()))
        }
        (Question::MayRun(..), _) => None,
        (Question::NoteText, _) => Some(notes::keep(desk, said)),
        (Question::MessageText(to), _) => Some(notes::keep_message(desk, to, said)),
    }
}
