use core::time::Duration;

use media_core::MonoTime;
use proptest::prelude::*;

use super::*;

const DAY_S: u64 = 86_400;
const CENT: Micros = 10_000;

fn allowed(prefix: &str, per_minute: Micros) -> AllowedPrefix {
    AllowedPrefix { prefix: prefix.into(), per_minute }
}

fn policy(prefixes: &[&str]) -> OutboundPolicy {
    OutboundPolicy {
        allow: prefixes.iter().map(|prefix| allowed(prefix, CENT)).collect(),
        calls_max: 2,
        longest: Duration::from_secs(600),
        minutes_per_day: 60,
        spend_per_day: 100 * CENT,
    }
}

fn gate(prefixes: &[&str]) -> OutboundGate {
    OutboundGate::new(policy(prefixes), Book::default())
}

/// The `n`th hour of the process, on a day in 2026.
fn hour(n: u64) -> Now {
    Now { mono: MonoTime::from_millis(n * 3_600_000), unix_s: 20_600 * DAY_S + n * 3_600 }
}

fn verdict(prefixes: &[&str], number: &str) -> Result<String, OutboundRefusal> {
    gate(prefixes).ask(hour(0), number).map(|permit| permit.number)
}

#[test]
fn a_line_without_a_list_calls_nobody() {
    assert_eq!(verdict(&[], "+493012345678"), Err(OutboundRefusal::Off));
    assert_eq!(OutboundGate::default().ask(hour(0), "+493012345678"), Err(OutboundRefusal::Off));
}

#[test]
fn what_no_prefix_covers_is_refused_and_what_one_covers_is_dialled_as_digits() {
    let german = &["+49"];
    assert_eq!(verdict(german, "+49 (30) 1234-5678").as_deref(), Ok("+493012345678"));
    assert_eq!(verdict(german, "+33123456789"), Err(OutboundRefusal::NotAllowed));
    assert_eq!(verdict(german, "+4"), Err(OutboundRefusal::NotANumber));
}

#[test]
fn premium_and_caribbean_numbers_are_refused_inside_an_allowed_country() {
    for (number, range) in [
        ("+19005551234", "+1900"),
        ("+12129765555", "+1xxx976"),
        ("+18765551234", "+1876"),
        ("+16585551234", "+1658"),
        ("+12845551234", "+1284"),
        ("+18095551234", "+1809"),
        ("+14415551234", "+1441"),
        ("+17005551234", "+1700"),
        ("+4490 1234 5678", "+449"),
        ("+499001234567", "+49900"),
        ("+870773123456", "+870"),
    ] {
        let refused = verdict(&["+1", "+44", "+49", "+8"], number).expect_err(number);
        let OutboundRefusal::Expensive(found) = refused else { panic!("{number}: {refused}") };
        assert_eq!(found.prefix, range, "{number}");
        assert!(refused.to_string().contains("name it in full"), "{refused}");
    }
    assert_eq!(verdict(&["+1"], "+1 212 555 1234").as_deref(), Ok("+12125551234"));
}

#[test]
fn every_caribbean_area_code_is_refused_whatever_follows_it() {
    let domestic = REFUSED_RANGES.iter().filter(|range| range.why == Why::LooksDomestic);
    let mut seen = 0;
    for range in domestic {
        let number = format!("{}2345678", range.prefix);
        assert!(
            matches!(verdict(&["+1"], &number), Err(OutboundRefusal::Expensive(_))),
            "{number}"
        );
        seen += 1;
    }
    assert_eq!(seen, 27, "the Caribbean and the Pacific");
}

#[test]
fn a_refused_range_opens_to_an_entry_that_names_it_in_full() {
    assert!(verdict(&["+1", "+1876"], "+18765551234").is_ok());
    assert!(verdict(&["+1", "+1876555"], "+18765551234").is_ok());
    assert!(verdict(&["+187"], "+18765551234").is_err(), "a part of it is not all of it");
    assert!(verdict(&["+1", "+1876"], "+18695551234").is_err(), "another island");
    assert!(verdict(&["+1", "+1212"], "+12129765555").is_err());
    assert!(verdict(&["+1", "+1212976"], "+12129765555").is_ok());
}

#[test]
fn what_is_no_number_is_never_dialled() {
    for text in [
        "",
        "+",
        "911a",
        "+1900",
        "sip:bob@example.org",
        "+1 212 555 12345",
        "+01234567890",
        "+1234567890123456",
        "+49;phone-context=x",
        "+49\r\nX: 1",
        "+٤٩٣٠١٢٣٤٥٦",
        "011441234567890",
        "+1 112 555 1234",
        "+1 212 155 1234",
    ] {
        let refused = verdict(&["+", "+1", "+4", "911"], text);
        assert_eq!(refused, Err(OutboundRefusal::NotANumber), "{text:?}");
    }
}

#[test]
fn an_extension_is_allowed_by_its_own_name_alone() {
    assert_eq!(verdict(&["200"], "200").as_deref(), Ok("200"));
    for other in ["2001", "20", "201"] {
        assert_eq!(verdict(&["200"], other), Err(OutboundRefusal::NotAllowed), "{other}");
    }
    assert_eq!(verdict(&["+49"], "112"), Err(OutboundRefusal::NotAllowed));
}

#[test]
fn so_many_calls_at_a_time_and_the_next_one_when_one_ends() {
    let mut gate = gate(&["+49"]);
    let first = gate.ask(hour(0), "+493012345678").expect("the first");
    gate.ask(hour(0), "+493012345679").expect("the second");
    let full = gate.ask(hour(0), "+493012345670");
    assert_eq!(full, Err(OutboundRefusal::CallsFull { calls_max: 2 }));
    gate.settle(hour(0), first.ticket, Duration::ZERO);
    assert!(gate.ask(hour(0), "+493012345670").is_ok());
}

#[test]
fn a_call_costs_whole_minutes_and_one_that_nobody_answers_nothing() {
    let mut gate = gate(&["+49"]);
    let permit = gate.ask(hour(0), "+493012345678").expect("allowed");
    assert_eq!(permit.longest, Duration::from_secs(600));
    assert_eq!((gate.book().seconds, gate.book().spent), (600, 10 * CENT), "promised before");
    gate.settle(hour(0), permit.ticket, Duration::from_millis(61_000));
    assert_eq!((gate.book().seconds, gate.book().spent), (120, 2 * CENT));
    let permit = gate.ask(hour(1), "+493012345678").expect("allowed");
    gate.settle(hour(1), permit.ticket, Duration::ZERO);
    gate.settle(hour(1), permit.ticket, Duration::from_secs(600));
    assert_eq!(gate.book().seconds, 120, "settled once");
    let permit = gate.ask(hour(2), "+493012345678").expect("allowed");
    gate.settle(hour(2), permit.ticket, Duration::from_nanos(1));
    assert_eq!(gate.book().seconds, 180, "a moment is a minute");
}

#[test]
fn the_days_minutes_bound_the_last_call_and_refuse_the_next_until_tomorrow() {
    let mut gate = gate(&["+49"]);
    for n in 0..5 {
        let permit = gate.ask(hour(n), "+493012345678").expect("allowed");
        gate.settle(hour(n), permit.ticket, Duration::from_secs(660));
    }
    let last = gate.ask(hour(5), "+493012345678").expect("ten minutes are left");
    gate.settle(hour(5), last.ticket, Duration::from_secs(241));
    let last = gate.ask(hour(6), "+493012345678").expect("five are left");
    assert_eq!(last.longest, Duration::from_secs(300));
    let refused = gate.ask(hour(6), "+493012345678");
    assert_eq!(refused, Err(OutboundRefusal::MinutesUsed { minutes: 60 }), "promised");
    gate.settle(hour(6), last.ticket, Duration::from_secs(300));
    assert!(gate.ask(hour(23), "+493012345678").is_err());
    assert!(gate.ask(hour(24), "+493012345678").is_ok());
}

#[test]
fn the_days_money_bounds_the_last_call_by_the_price_of_its_prefix() {
    let mut policy = policy(&["+49"]);
    policy.allow.push(allowed("+4915", 30 * CENT));
    let mut gate = OutboundGate::new(policy, Book::default());
    let mobile = gate.ask(hour(0), "+4915112345678").expect("three minutes of it");
    assert_eq!(mobile.longest, Duration::from_secs(180));
    gate.settle(hour(0), mobile.ticket, Duration::from_secs(180));
    assert_eq!(gate.ask(hour(1), "+4915112345678"), Err(OutboundRefusal::MoneySpent));
    assert!(gate.ask(hour(1), "+493012345678").is_ok(), "a cheaper one is still affordable");
}

#[test]
fn an_account_outlives_a_restart_and_a_clock_that_is_set() {
    let mut first = gate(&["+49"]);
    let at = |hours: i64| {
        let unix_s = (20_600 * DAY_S).saturating_add_signed(hours * 3_600);
        Now { mono: MonoTime::ZERO, unix_s }
    };
    for _ in 0..6 {
        let permit = first.ask(at(1), "+493012345678").expect("allowed");
        first.settle(at(1), permit.ticket, Duration::from_secs(600));
    }
    let used = |hours, book: Book| {
        let mut gate = OutboundGate::new(policy(&["+49"]), book);
        gate.ask(at(hours), "+493012345678").is_err()
    };
    let kept: Book = serde_json::from_str(&serde_json::to_string(&first.book()).unwrap()).unwrap();
    assert!(used(2, kept), "after a restart");
    assert!(used(-2, kept), "a clock set back over midnight");
    let ahead = Book { day: kept.day + 365, ..kept };
    assert!(used(2, ahead), "a clock that was a year ahead and is right again");
    assert!(!used(25, kept), "tomorrow");
}

#[test]
fn a_day_that_begins_while_nobody_calls_has_an_account_of_its_own() {
    let yesterday = Book { day: 20_599, seconds: 3_000, spent: 70 * CENT };
    let mut gate = OutboundGate::new(policy(&["+49"]), yesterday);
    assert!(!gate.turn_to(hour(0).unix_s), "there is nothing to keep");
    assert_eq!(gate.book(), Book { day: 20_600, ..Book::default() });
    gate.ask(hour(1), "+493012345678").expect("it is permitted");
    let promised = gate.book();
    assert!(!gate.turn_to(hour(2).unix_s) && gate.book() == promised);
    assert!(gate.turn_to(hour(24).unix_s), "what the call may cost is to be kept");
    assert_eq!(gate.book(), Book { day: 20_601, ..promised });
    assert!(!gate.turn_to(hour(25).unix_s));
}

#[test]
fn a_loop_that_dials_is_stopped_after_ten_calls_a_minute() {
    let mut gate = gate(&["+49"]);
    let at = |s: u64| Now { mono: MonoTime::from_millis(s * 1_000), ..hour(0) };
    for s in 0..10 {
        let permit = gate.ask(at(s), "+493012345678").expect("allowed");
        gate.settle(at(s), permit.ticket, Duration::ZERO);
    }
    let refused = gate.ask(at(30), "+493012345678");
    assert_eq!(refused, Err(OutboundRefusal::TooOften { attempts_max: 10, wait_s: 30 }));
    assert!(gate.ask(at(60), "+493012345678").is_ok());
}

#[test]
fn a_number_is_judged_without_a_call() {
    let gate = gate(&["+1"]);
    assert_eq!(gate.judge("+1 212 555 1234"), Ok(()));
    assert!(gate.judge("+18765551234").is_err());
    assert_eq!(gate.book(), Book::default());
}

#[test]
fn a_call_that_the_peer_places_for_us_costs_all_that_it_may_and_another_one_may_begin() {
    let mut gate = gate(&["+49"]);
    let permit = gate.ask(hour(0), "+493012345678").expect("allowed");
    let promised = gate.book();
    gate.leave_whole(permit.ticket);
    assert_eq!((gate.open(), gate.book()), (0, promised));
    gate.settle(hour(0), permit.ticket, Duration::ZERO);
    assert_eq!(gate.book(), promised, "it is nobody's to settle any more");
}

#[test]
fn a_call_over_midnight_is_on_both_days_and_each_pays_for_its_own_minutes() {
    let mut gate = gate(&["+49"]);
    let at = |minutes: i64, seconds: u64| Now {
        mono: MonoTime::ZERO,
        unix_s: (20_601 * DAY_S).saturating_add_signed(minutes * 60) + seconds,
    };
    let over = gate.ask(at(-3, 0), "+493012345678").expect("three minutes before midnight");
    gate.ask(at(5, 0), "+493012345678").expect("the next day's first");
    let both = (gate.book().seconds, gate.book().spent);
    assert_eq!(both, (1_200, 20 * CENT), "ten minutes each, until they are over");
    gate.settle(at(6, 10), over.ticket, Duration::from_secs(3 * 60 + 370));
    assert_eq!(gate.book().seconds, 600 + 7 * 60, "six minutes and a little of it were today's");
    let ends = gate.ask(at(24 * 60 - 1, 0), "+493012345678").expect("allowed");
    gate.settle(at(24 * 60, 30), ends.ticket, Duration::from_secs(90));
    assert_eq!(gate.book().seconds, 600 + 60, "the first to be told of the day; one is open still");
}

proptest! {
    /// Whatever is asked and however long it lasts within its permit, the caps of both days hold.
    #[test]
    fn a_day_never_costs_more_than_the_policy_says(
        calls in prop::collection::vec(
            (0_u64..2_880, 0.0_f64..=1.0, any::<bool>(), prop::bool::weighted(0.95)),
            1..120,
        ),
    ) {
        let mut policy = policy(&["+49"]);
        policy.allow.push(allowed("+4915", 7 * CENT));
        let mut gate = OutboundGate::new(policy, Book::default());
        let at = |s: u64| Now { mono: MonoTime::from_millis(s * 1_000), unix_s: 20_600 * DAY_S + s };
        let (mut minutes, mut spent, mut open) = ([0_u64; 3], [0_u64; 3], Vec::new());
        let mut calls = calls;
        calls.sort_by_key(|call| call.0);
        for (minute, share, mobile, ends) in calls {
            let began = minute * 60;
            open.retain(|(ticket, talked, end): &(Ticket, Duration, u64)| {
                let over = *end <= began;
                if over {
                    gate.settle(at(*end), *ticket, *talked);
                }
                !over
            });
            let number = if mobile { "+4915112345678" } else { "+493012345678" };
            if let Ok(permit) = gate.ask(at(began), number) {
                let talked = Duration::from_secs(permit.longest.mul_f64(share).as_secs());
                let end = began + talked.as_secs();
                for (day, (minutes, spent)) in minutes.iter_mut().zip(&mut spent).enumerate() {
                    let day = day as u64 * DAY_S..(day as u64 + 1) * DAY_S;
                    let seconds = end.min(day.end).saturating_sub(began.max(day.start));
                    *minutes += seconds.div_ceil(60);
                    *spent += seconds.div_ceil(60) * if mobile { 7 * CENT } else { CENT };
                }
                // What nobody tells the end of is on the account with the longest.
                open.push((permit.ticket, talked, if ends { end } else { u64::MAX }));
            }
        }
        prop_assert!(minutes.iter().all(|day| *day <= 60), "{minutes:?} minutes");
        prop_assert!(spent.iter().all(|day| *day <= 100 * CENT), "{spent:?}");
    }
}
