//! What can happen in a world, one thing at a time.

use media_core::Verdict;

use crate::words::Halt;

/// Something that happens.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Action {
    /// 100 ms pass.
    Tick,
    /// The claim of this number is handed in.
    Submit(u8),
    Withdraw(u8),
    CallerOnset,
    CallerVerdict(Verdict),
    CallerTurn,
    CallerSilent,
    OperatorTake,
    OperatorRelease,
    /// The voice that speaks makes no more sound.
    VoiceHangs,
    VoiceFails,
    LineCloses,
    /// Another call goes on with what this one left.
    NextCall,
    /// What was left to it and comes next.
    CarryOver,
}

/// An action, and whether the process is killed on the way.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Step {
    pub action: Action,
    /// After so many outputs.
    pub killed_after: Option<u8>,
}

/// A step while it is taken.
#[derive(Default)]
pub struct Run {
    pub outputs: u8,
    pub killed_after: Option<u8>,
    log: Option<Vec<String>>,
    pub submitted: Option<usize>,
}

impl Run {
    /// With all that is told and said, for a trace.
    pub fn logged() -> Self {
        Run { log: Some(Vec::new()), ..Run::default() }
    }

    pub fn into_log(self) -> Vec<String> {
        self.log.unwrap_or_default()
    }

    /// One more output is about to be obeyed, unless the process is killed before.
    pub fn count_output(&mut self) -> Result<(), Halt> {
        if self.killed_after == Some(self.outputs) {
            return Err(Halt::Killed);
        }
        self.outputs += 1;
        Ok(())
    }

    pub fn note(&mut self, what: &impl std::fmt::Debug) {
        if let Some(log) = &mut self.log {
            log.push(format!("{what:?}"));
        }
    }
}
