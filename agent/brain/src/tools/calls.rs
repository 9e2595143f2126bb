use std::time::Duration;

use super::{Desk, Reply};
use crate::speakable;

pub(super) fn length(desk: &mut Desk<'_>) -> Reply {
    let open = seconds_open(desk);
    Reply::Say(format!(
        "We have been talking for {}.",
        speakable::duration(Duration::from_secs(open))
    ))
}

pub(super) fn caller(desk: &mut Desk<'_>) -> Reply {
    if let Some(speaker) = &desk.line.speaker {
        return Reply::Say(format!("You are {}.", speakable::capitalised(speaker)));
    }
    let number = speakable::digits(&desk.line.caller);
    Reply::Say(match (&desk.line.caller_name, number.is_empty()) {
        (Some(name), _) => format!("You are {}.", speakable::capitalised(name)),
        (None, false) => format!("It is you. You are calling from {number}."),
        (None, true) => "It is you. Your number was not sent.".into(),
    })
}

pub(super) fn today(desk: &mut Desk<'_>) -> Reply {
    let today = desk.now.date();
    let zone = desk.now.time_zone().clone();
    let count =
        desk.memory.calls.iter().filter(|it| it.at.to_zoned(zone.clone()).date() == today).count();
    Reply::Say(match count {
        0 => "This is the first call today.".into(),
        count => {
            let calls = speakable::capitalised(&speakable::counted(count as u64, "call"));
            format!("{calls} today, before this one.")
        }
    })
}

pub(super) fn minutes_this_month(desk: &mut Desk<'_>) -> Reply {
    let (year, month) = (desk.now.year(), desk.now.month());
    let zone = desk.now.time_zone().clone();
    let before: u64 = desk
        .memory
        .calls
        .iter()
        .filter(|it| {
            let at = it.at.to_zoned(zone.clone());
            (at.year(), at.month()) == (year, month)
        })
        .map(|it| it.seconds)
        .sum();
    let minutes = (before + seconds_open(desk)).div_ceil(60);
    let minutes = speakable::capitalised(&speakable::counted(minutes, "minute"));
    Reply::Say(format!("{minutes} this month, with this call."))
}

pub(super) fn my_name(desk: &mut Desk<'_>) -> Reply {
    let Some(name) = desk.slots.name.clone() else { return Reply::Say("Hello.".into()) };
    let greeting = format!("Hello {}.", speakable::capitalised(&name));
    desk.line.caller_name = Some(name);
    Reply::Say(greeting)
}

pub(super) fn read_back(desk: &mut Desk<'_>) -> Reply {
    let digits = desk.slots.digits.as_deref().map(speakable::digits).unwrap_or_default();
    Reply::Say(format!("I heard {digits}."))
}

fn seconds_open(desk: &Desk<'_>) -> u64 {
    let open = desk.now.timestamp().duration_since(desk.line.opened);
    u64::try_from(open.as_secs()).unwrap_or(0)
}
