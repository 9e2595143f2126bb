use std::collections::VecDeque;

use media_core::{LineId, MonoTime};

use crate::{ClaimId, GovernorConfig, Input, Output};

/// The governor of one line.
#[derive(Debug)]
pub struct Governor {
    config: GovernorConfig,
    line: LineId,
    outputs: VecDeque<Output>,
}

impl Governor {
    /// A governor with nothing waiting and nobody on the floor.
    #[must_use]
    pub fn new(config: GovernorConfig, line: LineId) -> Self {
        Self { config, line, outputs: VecDeque::new() }
    }

    /// The line it governs.
    #[must_use]
    pub fn line(&self) -> LineId {
        self.line
    }

    /// Something happened, or time passed.
    pub fn handle(&mut self, _now: MonoTime, _input: Input) {
        let _ = &self.config;
    }

    /// The next thing to do or to tell.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Governor::handle`] with [`Input::Timeout`] if nothing else happens.
    #[must_use]
    pub fn next_timeout(&self) -> Option<MonoTime> {
        None
    }

    /// Who holds the floor.
    #[must_use]
    pub fn holder(&self) -> Option<&ClaimId> {
        None
    }

    /// Claims accepted and not yet ended.
    #[must_use]
    pub fn alive(&self) -> usize {
        0
    }
}
