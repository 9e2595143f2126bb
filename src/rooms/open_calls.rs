//! Which calls are open, as whoever watches the line sees it. Pure.

use std::collections::BTreeMap;

use media_core::LineId;

use crate::report::{CallEvent, CallOpened};

/// The open calls. Bounded by what the line carries.
#[derive(Debug, Default)]
pub struct OpenCalls(BTreeMap<u64, CallOpened>);

impl OpenCalls {
    /// Takes what happened on a line.
    pub fn take(&mut self, line: u64, event: &CallEvent) {
        match event {
            CallEvent::CallOpened(opened) => drop(self.0.insert(line, opened.clone())),
            CallEvent::CallClosed(_) => drop(self.0.remove(&line)),
            _ => {}
        }
    }

    /// The one call that a room may be bridged with, where there is only one. What another room has
    /// opened is that room's.
    #[must_use]
    pub fn only(&self) -> Option<LineId> {
        let mut calls = self.0.iter().filter(|(_, call)| !call.trunk.starts_with(ROOM_TRUNK));
        let (line, _) = calls.next()?;
        calls.next().is_none().then_some(LineId(*line))
    }

    /// Who called whom on this line.
    #[must_use]
    pub fn opened(&self, line: LineId) -> Option<&CallOpened> {
        self.0.get(&line.0)
    }
}

/// How the record names the trunk of a line that a room has opened.
pub const ROOM_TRUNK: &str = "room:";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::CallClosed;

    fn opened(trunk: &str) -> CallEvent {
        CallEvent::CallOpened(CallOpened { trunk: trunk.into(), ..CallOpened::default() })
    }

    #[test]
    fn the_only_call_is_the_one_that_a_room_is_bridged_with() {
        let mut calls = OpenCalls::default();
        assert_eq!(calls.only(), None);
        calls.take(1, &opened("room:den"));
        calls.take(2, &opened("telnyx"));
        assert_eq!(calls.only(), Some(LineId(2)));
        calls.take(3, &opened("telnyx"));
        assert_eq!(calls.only(), None, "which of two?");
        calls.take(2, &CallEvent::CallClosed(CallClosed::default()));
        assert_eq!(calls.only(), Some(LineId(3)));
        assert!(calls.opened(LineId(2)).is_none());
    }
}
