use super::{Desk, Reply};

/// What the caller heard last. Not what was meant to be said.
pub(super) fn repeat(desk: &mut Desk<'_>) -> Reply {
    match desk.line.heard() {
        Some(heard) => Reply::Again(format!("I said: {heard}")),
        None => Reply::Say("I have not said anything yet.".into()),
    }
}

/// What the operator said last to everybody.
pub(super) fn operator_said(desk: &mut Desk<'_>) -> Reply {
    match &desk.line.operator_said {
        Some(said) => Reply::Say(format!("The operator said: {said}")),
        None => Reply::Say("The operator has not said anything.".into()),
    }
}

/// The rest of what was interrupted.
pub(super) fn go_on(desk: &mut Desk<'_>) -> Reply {
    match desk.line.take_rest() {
        Some(rest) => Reply::Say(format!("Going on. {rest}")),
        None => Reply::Say("That was all.".into()),
    }
}

/// Yes to nothing in particular.
pub(super) fn yes(_: &mut Desk<'_>) -> Reply {
    Reply::Say("Good. What can I do?".into())
}

/// No to nothing in particular.
pub(super) fn no(_: &mut Desk<'_>) -> Reply {
    Reply::Say("All right.".into())
}
