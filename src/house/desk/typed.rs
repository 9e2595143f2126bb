//! What is typed on this machine.

use tokio::sync::mpsc;

use super::Desk;
use crate::control::Reply;
use crate::text::{TypedNews, Written};

impl Desk {
    pub(super) fn type_in(
        &self,
        text: &str,
        from: Option<&str>,
        wait: bool,
        replies: &mpsc::Sender<Reply>,
    ) {
        let from = from.unwrap_or(CONSOLE).to_owned();
        let written = Written { text: text.to_owned(), from };
        let replies = replies.clone();
        let tell = move |news| {
            let reply = match news {
                TypedNews::Kept(id) => Reply::Kept { id },
                TypedNews::Refused(message) => Reply::refused(message),
                TypedNews::Answer(text) => Reply::Answered { text: Some(text) },
                TypedNews::Done => Reply::Answered { text: None },
            };
            // A client that went away needs no answer.
            let _ = replies.try_send(reply);
        };
        self.text.typed(written, wait, Box::new(tell));
    }
}

/// Who types without a name.
const CONSOLE: &str = "console";
