use super::{Desk, Question, Reply};
use crate::memory::Message;
use crate::speakable;

pub(super) fn take(desk: &mut Desk<'_>) -> Reply {
    match desk.slots.text.clone() {
        Some(text) => keep(desk, &text),
        None => Reply::Ask("Okay. What shall I note?".into(), Question::NoteText),
    }
}

pub(super) fn keep(desk: &mut Desk<'_>, text: &str) -> Reply {
    match desk.memory.note(text.to_owned()) {
        Ok(()) => Reply::Say(format!("Noted. {}.", speakable::capitalised(text))),
        Err(_) => Reply::Say("I cannot keep more notes. Please delete one first.".into()),
    }
}

pub(super) fn read(desk: &mut Desk<'_>) -> Reply {
    let notes = &desk.memory.notes;
    if notes.is_empty() {
        return Reply::Say("There are no notes.".into());
    }
    let count = speakable::capitalised(&speakable::counted(notes.len() as u64, "note"));
    let texts: Vec<_> =
        notes.iter().rev().take(READ_OUT_MAX).map(|text| speakable::capitalised(text)).collect();
    Reply::Say(format!("{count}. {}.", texts.join(". ")))
}

pub(super) fn delete(desk: &mut Desk<'_>) -> Reply {
    Reply::Say(match desk.memory.notes.pop() {
        Some(text) => format!("Deleted. It was, {text}."),
        None => "There are no notes.".into(),
    })
}

pub(super) fn leave_message(desk: &mut Desk<'_>) -> Reply {
    let to = desk.slots.name.clone().unwrap_or_default();
    if let Some(text) = desk.slots.text.clone() {
        return keep_message(desk, &to, &text);
    }
    let question = match to.as_str() {
        "" => "Okay. What is the message?".into(),
        name => format!("Okay. What shall I tell {}?", speakable::capitalised(name)),
    };
    Reply::Ask(question, Question::MessageText(to))
}

pub(super) fn keep_message(desk: &mut Desk<'_>, to: &str, text: &str) -> Reply {
    let message = Message { to: to.into(), text: text.into(), read: false };
    match desk.memory.leave(message) {
        Ok(()) => Reply::Say("Okay. I keep that message.".into()),
        Err(_) => Reply::Say("I cannot keep more messages. Please delete one first.".into()),
    }
}

pub(super) fn count_messages(desk: &mut Desk<'_>) -> Reply {
    let count = unread(desk).count() as u64;
    Reply::Say(match count {
        0 => "No new messages.".into(),
        count => {
            let messages = speakable::capitalised(&speakable::counted(count, "new message"));
            format!("{messages}. Say, read my messages, to hear it.")
        }
    })
}

pub(super) fn read_message(desk: &mut Desk<'_>) -> Reply {
    let Some(index) = unread(desk).next() else { return Reply::Say("No new messages.".into()) };
    let message = &mut desk.memory.messages[index];
    message.read = true;
    let text = speakable::capitalised(&message.text);
    Reply::Say(match message.to.as_str() {
        "" => format!("Message. {text}."),
        name => format!("For {}. {text}.", speakable::capitalised(name)),
    })
}

pub(super) fn delete_message(desk: &mut Desk<'_>) -> Reply {
    let last_read = desk.memory.messages.iter().rposition(|it| it.read);
    Reply::Say(match last_read {
        Some(index) => {
            desk.memory.messages.remove(index);
            "Deleted.".into()
        }
        None => "No message was read yet.".into(),
    })
}

/// Unread messages, for the name that was said if one was.
fn unread(desk: &Desk<'_>) -> impl Iterator<Item = usize> {
    let name = desk.slots.name.as_deref();
    let wanted = desk.memory.messages.iter().enumerate();
    wanted
        .filter(move |(_, it)| !it.read && name.is_none_or(|name| it.to == name))
        .map(|(index, _)| index)
}

/// More is not listened to.
const READ_OUT_MAX: usize = 5;
