use super::{Desk, Reply};
use crate::speakable;

pub(super) fn time(desk: &mut Desk<'_>) -> Reply {
    Reply::Say(format!("It is {}.", speakable::time_of_day(desk.now)))
}

pub(super) fn date(desk: &mut Desk<'_>) -> Reply {
    Reply::Say(format!("Today is {}.", speakable::date(desk.now)))
}
