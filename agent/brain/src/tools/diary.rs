use std::time::Duration;

use jiff::civil::{Date, Weekday};
use jiff::{ToSpan, Zoned};

use super::{Desk, Reply};
use crate::genes::{Day, TimeOfDay};
use crate::memory::{Due, DueWhat};
use crate::speakable;

pub(super) fn set_timer(desk: &mut Desk<'_>) -> Reply {
    let Some(length) = desk.slots.duration else {
        return Reply::Say("For how long? Say, set a timer for ten minutes.".into());
    };
    let words = speakable::duration(length);
    let what = DueWhat::Timer { length: words.clone() };
    schedule(desk, after(desk.now, length), what, |_| {
        format!("Okay. {}, from now.", speakable::capitalised(&words))
    })
}

pub(super) fn set_alarm(desk: &mut Desk<'_>) -> Reply {
    let Some(at) = asked_for(desk) else {
        return Reply::Say("For when? Say, set an alarm for seven thirty.".into());
    };
    schedule(desk, at, DueWhat::Alarm, |when| format!("Okay. I wake you {when}."))
}

pub(super) fn remind(desk: &mut Desk<'_>) -> Reply {
    let text = match (&desk.slots.name, &desk.slots.text) {
        (Some(name), _) => format!("call {}", speakable::capitalised(name)),
        (None, Some(text)) => turned_to_you(text),
        (None, None) => "do what you wanted".into(),
    };
    let Some(at) = asked_for(desk) else {
        return Reply::Say("When? Say, remind me in ten minutes.".into());
    };
    schedule(desk, at, DueWhat::Reminder { text }, |when| format!("Okay. I remind you {when}."))
}

pub(super) fn cancel(desk: &mut Desk<'_>) -> Reply {
    let wanted = desk.slots.duration.map(speakable::duration);
    let found = desk.memory.due.iter().position(|due| match (&due.what, &wanted) {
        (DueWhat::Timer { length }, Some(wanted)) => length == wanted,
        (DueWhat::Timer { .. } | DueWhat::Alarm, None) => true,
        _ => false,
    });
    let Some(index) = found else { return Reply::Say("There is no such timer.".into()) };
    Reply::Say(match desk.memory.due.remove(index).what {
        DueWhat::Timer { length } => format!("Okay. The timer for {length} is cancelled."),
        _ => "Okay. The alarm is cancelled.".into(),
    })
}

pub(super) fn plan(desk: &mut Desk<'_>) -> Reply {
    let zone = desk.now.time_zone().clone();
    let day = desk.slots.day.map(|day| date_of(desk.now, day));
    let items: Vec<String> = desk
        .memory
        .due
        .iter()
        .map(|due| (due.at.to_zoned(zone.clone()), &due.what))
        .filter(|(at, _)| day.is_none_or(|day| at.date() == day))
        .take(READ_OUT_MAX)
        .map(|(at, what)| format!("{}, {}", speakable::when(desk.now, &at), described(what)))
        .collect();
    if items.is_empty() {
        return Reply::Say("Nothing is planned.".into());
    }
    let count = speakable::capitalised(&speakable::counted(items.len() as u64, "thing"));
    Reply::Say(format!("{count}. {}.", speakable::capitalised(&items.join(". "))))
}

/// When the caller wants something, from whatever was said of duration, day and time.
pub(crate) fn asked_for(desk: &Desk<'_>) -> Option<Zoned> {
    let slots = desk.slots;
    match (slots.duration, slots.time, slots.day) {
        (Some(length), _, _) => Some(after(desk.now, length)),
        (None, Some(time), day) => Some(next(desk.now, time, day)),
        (None, None, Some(day)) => Some(next(desk.now, MORNING, Some(day))),
        (None, None, None) => None,
    }
}

pub(crate) fn described(what: &DueWhat) -> String {
    match what {
        DueWhat::Timer { length } => format!("a timer for {length}"),
        DueWhat::Alarm => "an alarm".into(),
        DueWhat::Reminder { text } => format!("a reminder to {text}"),
        DueWhat::Command { name } => format!("the {name}"),
    }
}

fn schedule(
    desk: &mut Desk<'_>,
    at: Zoned,
    what: DueWhat,
    confirmation: impl FnOnce(&str) -> String,
) -> Reply {
    let when = speakable::when(desk.now, &at);
    match desk.memory.schedule(Due { at: at.timestamp(), what }) {
        Ok(()) => Reply::Say(confirmation(&when)),
        Err(_) => Reply::Say("I cannot keep more timers. Please cancel one first.".into()),
    }
}

fn after(now: &Zoned, length: Duration) -> Zoned {
    now.checked_add(length).unwrap_or_else(|_| now.clone())
}

/// The next such time. Without a half of the day, the next that comes; on another day than today
/// one to six are in the afternoon, seven to eleven in the morning.
fn next(now: &Zoned, time: TimeOfDay, day: Option<Day>) -> Zoned {
    let on = |date: Date, hour: i8| {
        date.at(hour, time.minute, 0, 0)
            .to_zoned(now.time_zone().clone())
            .unwrap_or_else(|_| now.clone())
    };
    let today = now.date();
    let candidates: &[i8] = match (time.exact, day) {
        (false, Some(Day::Tomorrow | Day::Next(_))) if time.hour < 7 => &[time.hour + 12],
        (false, Some(Day::Tomorrow | Day::Next(_))) => &[time.hour],
        (false, _) => &[time.hour % 12, time.hour % 12 + 12],
        (true, _) => &[time.hour],
    };
    let first_day = day.map_or(today, |day| date_of(now, day));
    for days in 0..=7 {
        let Ok(date) = first_day.checked_add(days.days()) else { break };
        if let Some(at) = candidates.iter().map(|&hour| on(date, hour)).find(|at| at > now) {
            return at;
        }
    }
    now.clone()
}

fn date_of(now: &Zoned, day: Day) -> Date {
    let today = now.date();
    let ahead = match day {
        Day::Today => 0,
        Day::Tomorrow => 1,
        Day::Next(weekday) => days_until(today.weekday(), weekday),
    };
    today.checked_add(ahead.days()).unwrap_or(today)
}

/// 1 to 7: "on Monday", said on a Monday, is in a week.
fn days_until(from: Weekday, to: Weekday) -> i64 {
    let ahead = i64::from(to.to_monday_zero_offset()) - i64::from(from.to_monday_zero_offset());
    (ahead + 6).rem_euclid(7) + 1
}

fn turned_to_you(text: &str) -> String {
    let words = text.split(' ').map(|word| match word {
        "i" | "me" => "you",
        "my" => "your",
        "am" => "are",
        word => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

const MORNING: TimeOfDay = TimeOfDay { hour: 9, minute: 0, exact: true };

/// More is not listened to.
const READ_OUT_MAX: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    /// A Friday.
    fn now() -> Zoned {
        at("2026-11-20T20:30:00")
    }

    fn at(text: &str) -> Zoned {
        let at: jiff::civil::DateTime = text.parse().expect("a date");
        at.to_zoned(jiff::tz::TimeZone::UTC).expect("a date")
    }

    fn said(hour: i8, minute: i8, exact: bool) -> TimeOfDay {
        TimeOfDay { hour, minute, exact }
    }

    #[test]
    fn a_time_without_half_of_the_day_is_the_next_that_comes() {
        assert_eq!(next(&now(), said(9, 0, false), None), at("2026-11-20T21:00:00"));
        assert_eq!(next(&now(), said(7, 30, false), None), at("2026-11-21T07:30:00"));
        assert_eq!(next(&now(), said(12, 15, false), None), at("2026-11-21T00:15:00"));
    }

    #[test]
    fn a_time_of_the_day_is_today_or_tomorrow() {
        assert_eq!(next(&now(), said(6, 0, true), None), at("2026-11-21T06:00:00"));
        assert_eq!(next(&now(), said(23, 0, true), None), at("2026-11-20T23:00:00"));
    }

    #[test]
    fn a_day_is_the_next_of_its_name_and_never_today() {
        let friday = Some(Day::Next(Weekday::Friday));
        let monday = Some(Day::Next(Weekday::Monday));
        assert_eq!(next(&now(), said(9, 0, false), friday), at("2026-11-27T09:00:00"));
        assert_eq!(next(&now(), said(3, 0, false), monday), at("2026-11-23T15:00:00"));
        assert_eq!(next(&now(), said(8, 0, true), Some(Day::Tomorrow)), at("2026-11-21T08:00:00"));
    }

    #[test]
    fn a_reminder_is_turned_to_the_caller() {
        assert_eq!(
            turned_to_you("call my mother and say i am late"),
            "call your mother and say you are late"
        );
    }
}
