use super::*;
use RosterOutput::{Join, Leave};

fn roster(when: JoinWhen) -> Roster {
    let rooms = vec!["den".to_owned(), "support-*".to_owned()];
    Roster::new(Rules { rooms, when, linger: Duration::from_secs(10) })
}

fn at(seconds: u64) -> MonoTime {
    MonoTime::from_micros(seconds * 1_000_000)
}

fn tell(roster: &mut Roster, seconds: u64, input: RosterInput) -> Vec<RosterOutput> {
    roster.handle(at(seconds), input);
    std::iter::from_fn(|| roster.poll_output()).collect()
}

fn listed(rooms: &[(&str, u32)]) -> RosterInput {
    let own = |&(room, people): &(&str, u32)| (room.to_owned(), people);
    RosterInput::Listed(rooms.iter().map(own).collect())
}

fn join(room: &str) -> Vec<RosterOutput> {
    vec![Join(room.to_owned(), None)]
}

fn leave(room: &str) -> Vec<RosterOutput> {
    vec![Leave(room.to_owned())]
}

#[test]
fn a_room_is_joined_when_somebody_is_there_and_left_after_the_last() {
    let mut roster = roster(JoinWhen::WhenSomebodyIsThere);
    assert_eq!(tell(&mut roster, 0, RosterInput::Begin), []);
    let there = listed(&[("den", 0), ("support-7", 1), ("elsewhere", 3)]);
    assert_eq!(tell(&mut roster, 1, there.clone()), join("support-7"));
    assert_eq!(tell(&mut roster, 6, there), [], "once");
    assert_eq!(tell(&mut roster, 8, RosterInput::People("support-7".into(), 1)), []);
    assert_eq!(roster.next_timeout(), None);
    tell(&mut roster, 20, RosterInput::People("support-7".into(), 0));
    tell(&mut roster, 25, RosterInput::People("support-7".into(), 0));
    assert_eq!(roster.next_timeout(), Some(at(30)));
    assert_eq!(tell(&mut roster, 30, RosterInput::Timeout), leave("support-7"));
    tell(&mut roster, 31, RosterInput::Out("support-7".into(), WhyOut::Left));
    let back = RosterInput::Came("support-7".into());
    assert_eq!(tell(&mut roster, 90, back), join("support-7"), "a minute later");
}

#[test]
fn a_room_that_is_always_there_is_joined_at_once_and_stayed_in() {
    let mut roster = roster(JoinWhen::Always);
    assert_eq!(tell(&mut roster, 0, RosterInput::Begin), join("den"));
    assert_eq!(tell(&mut roster, 1, listed(&[("support-1", 0)])), join("support-1"));
    tell(&mut roster, 2, RosterInput::People("den".into(), 0));
    assert_eq!(roster.next_timeout(), None);
    for (seconds, why) in [(50, WhyOut::Trouble), (100, WhyOut::HungUp)] {
        tell(&mut roster, seconds, RosterInput::Out("den".into(), why));
        assert_eq!(roster.next_timeout(), Some(at(seconds + 30)));
        assert_eq!(tell(&mut roster, seconds + 30, RosterInput::Timeout), join("den"));
    }
}

#[test]
fn a_room_that_the_server_closes_is_opened_again_where_we_are_always_there() {
    let closed = || RosterInput::Out("den".into(), WhyOut::Closed);
    let mut always = roster(JoinWhen::Always);
    tell(&mut always, 0, RosterInput::Begin);
    assert_eq!(tell(&mut always, 20, closed()), []);
    assert_eq!(tell(&mut always, 21, RosterInput::Timeout), join("den"));
    let mut otherwise = roster(JoinWhen::Webhook);
    tell(&mut otherwise, 0, RosterInput::Came("den".into()));
    assert_eq!(tell(&mut otherwise, 20, closed()), []);
    assert_eq!(otherwise.next_timeout(), None);
    assert_eq!(tell(&mut otherwise, 21, RosterInput::Came("den".into())), join("den"));
}

#[test]
fn a_room_that_is_closed_at_once_is_opened_more_and_more_seldom() {
    let mut roster = roster(JoinWhen::Always);
    tell(&mut roster, 0, RosterInput::Begin);
    let (mut now, mut waits) = (0, Vec::new());
    // Open for `seconds`, then closed: how long until it is opened again?
    let mut closed_after = |seconds: u64| {
        tell(&mut roster, now, RosterInput::People("den".into(), 0));
        let closed = now + seconds;
        tell(&mut roster, closed, RosterInput::Out("den".into(), WhyOut::Closed));
        let due = roster.next_timeout().expect("it is opened again");
        assert_eq!(tell(&mut roster, closed + 60, RosterInput::Timeout), join("den"));
        now = closed + 60;
        due.since(at(closed)).as_secs()
    };
    waits.extend((0..12).map(|_| closed_after(1)));
    assert_eq!(waits, [1, 2, 4, 7, 7, 7, 7, 7, 7, 7, 30, 30]);
    assert_eq!([20, 0].map(closed_after), [1, 2], "one that lasted is forgiven");
}

#[test]
fn whoever_put_us_out_is_not_followed() {
    let mut roster = roster(JoinWhen::Webhook);
    assert_eq!(tell(&mut roster, 0, RosterInput::Came("den".into())), join("den"));
    tell(&mut roster, 5, RosterInput::Out("den".into(), WhyOut::PutOut));
    assert_eq!(tell(&mut roster, 6, RosterInput::Came("den".into())), []);
    assert_eq!(tell(&mut roster, 7, RosterInput::Finished("den".into())), []);
    assert_eq!(tell(&mut roster, 8, RosterInput::Came("den".into())), join("den"));
}

#[test]
fn an_agent_that_hung_up_does_not_come_back_to_the_same_people() {
    let mut roster = roster(JoinWhen::WhenSomebodyIsThere);
    assert_eq!(tell(&mut roster, 0, listed(&[("den", 1)])), join("den"));
    tell(&mut roster, 5, RosterInput::Out("den".into(), WhyOut::HungUp));
    assert_eq!(tell(&mut roster, 6, listed(&[("den", 1)])), []);
    assert_eq!(tell(&mut roster, 11, listed(&[])), []);
    assert_eq!(tell(&mut roster, 16, listed(&[("den", 1)])), join("den"), "others");
}

#[test]
fn the_operator_may_want_any_room_and_send_us_out_of_any() {
    let mut roster = roster(JoinWhen::WhenSomebodyIsThere);
    let line = Some(LineId(3));
    let wanted = RosterInput::Wanted("elsewhere".into(), line);
    assert_eq!(tell(&mut roster, 0, wanted), [Join("elsewhere".into(), line)]);
    tell(&mut roster, 1, RosterInput::People("elsewhere".into(), 0));
    assert_eq!(roster.next_timeout(), None, "whoever is there");
    let unwanted = RosterInput::Unwanted("elsewhere".into());
    assert_eq!(tell(&mut roster, 9, unwanted.clone()), leave("elsewhere"));
    assert_eq!(tell(&mut roster, 9, unwanted), []);
}

#[test]
fn rooms_are_bounded() {
    let mut roster = roster(JoinWhen::WhenSomebodyIsThere);
    let many = (0..2 * ROOMS_MAX).map(|n| (format!("support-{n}"), 1)).collect();
    assert_eq!(tell(&mut roster, 0, RosterInput::Listed(many)).len(), ROOMS_MAX);
}
