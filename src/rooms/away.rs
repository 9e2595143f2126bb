//! A server that is away for a minute, in virtual time: what the room's own link and the roster make of
//! it between them.

use std::time::Duration;

use media_core::MonoTime;
use plugin_livekit::link::{Link, LinkInput, LinkOutput, Lost, Refusal};

use super::roster::{Roster, RosterInput, RosterOutput, Rules, WhyOut};
use crate::config::JoinWhen;

const LOST_AT: Duration = Duration::from_secs(20);
const BACK_AT: Duration = Duration::from_secs(80);

#[test]
fn a_room_without_us_for_a_minute_has_us_again_soon_after() {
    let mut longest = Duration::ZERO;
    for seed in 1..=100 {
        let (back, tries) = away(seed);
        // The last wait of a link that tries, or of the roster, whose link has given up; and a little.
        assert!(back <= Duration::from_secs(31), "seed {seed}: {back:?}");
        // A server that comes back is not met by a storm: a try every two seconds at most.
        assert!((5..=30).contains(&tries), "seed {seed}: {tries} tries");
        longest = longest.max(back);
    }
    println!("back in the room {:.1} s after its server, at most", longest.as_secs_f64());
}

/// How long after the server we are back, and how often we tried.
fn away(seed: u64) -> (Duration, u32) {
    let rules = Rules {
        rooms: vec!["den".into()],
        when: JoinWhen::Always,
        linger: Duration::from_secs(10),
    };
    let mut roster = Roster::new(rules);
    let mut now = MonoTime::ZERO;
    let joins = |roster: &mut Roster| matches!(roster.poll_output(), Some(RosterOutput::Join(..)));
    roster.handle(now, RosterInput::Begin);
    assert!(joins(&mut roster));
    let (mut link, mut links, mut tries) = (Link::new(seed), 1, 0);
    link.handle(now, LinkInput::Begin);
    loop {
        match link.poll_output() {
            Some(LinkOutput::Try(id, _)) => {
                let there = !(LOST_AT..BACK_AT).contains(&now.since(MonoTime::ZERO));
                tries += u32::from(!there);
                let failed = LinkInput::Failed(id, Refusal::ForNow);
                link.handle(now, if there { LinkInput::Done(id) } else { failed });
            }
            Some(LinkOutput::Connected { anew }) if now == MonoTime::ZERO => {
                assert!(anew);
                now = now + LOST_AT;
                link.handle(now, LinkInput::Lost(Lost::Signal));
            }
            Some(LinkOutput::Connected { anew }) => {
                assert!(anew, "the server knows nothing of us");
                return (now.since(MonoTime::ZERO) - BACK_AT, tries);
            }
            Some(LinkOutput::Interrupted) => {}
            Some(LinkOutput::Ended(_)) => {
                roster.handle(now, RosterInput::Out("den".into(), WhyOut::Trouble));
                now = roster.next_timeout().expect("it is tried again");
                roster.handle(now, RosterInput::Timeout);
                assert!(joins(&mut roster));
                links += 1;
                link = Link::new(seed * 1_000 + links);
                link.handle(now, LinkInput::Begin);
            }
            None => {
                now = link.next_timeout().expect("it waits");
                link.handle(now, LinkInput::Timeout);
            }
        }
    }
}
