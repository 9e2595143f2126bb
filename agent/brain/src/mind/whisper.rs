//! What the operator whispers: an instruction, acted on as if the caller had asked, and never read
//! out.

use brain_protocol::LineId;
use jiff::Zoned;

use super::{Mind, Place};
use crate::genes::normalised;
use crate::tools::Reply;

impl Mind {
    /// Does what the operator asks for, and tells the caller what came of it. What is not
    /// understood is left: to guess in front of a caller is worse than to do nothing. A question
    /// that the caller was asked stays the caller's to answer.
    pub(super) fn on_whisper(&mut self, now: &Zoned, line: LineId, text: &str) {
        let place = Place::Line(line);
        if self.conversations.get(&place).is_none_or(|it| it.ending) {
            return;
        }
        let library = self.library.clone();
        let Some(found) = library.find(text) else { return };
        let reply = self.act(now, place, &found);
        if !said_by(&reply).is_some_and(|said| reads_out(said, text)) {
            self.give(now, place, None, (reply, found.slots));
        }
    }
}

fn said_by(reply: &Reply) -> Option<&str> {
    match reply {
        Reply::Say(text) | Reply::Again(text) | Reply::Farewell(text) => Some(text),
        Reply::Ask(text, _) | Reply::CancelJobs(text) => Some(text),
        Reply::Nothing | Reply::Hush | Reply::Run(_) | Reply::RunApproved(..) => None,
    }
}

/// Whether `said` contains the operator's words one after the other. A word or two that an answer
/// has too give nothing away.
fn reads_out(said: &str, whispered: &str) -> bool {
    let (said, whispered) = (normalised(said), normalised(whispered));
    whispered.len() >= WORDS_MIN && said.windows(whispered.len()).any(|words| words == whispered)
}

const WORDS_MIN: usize = 3;
