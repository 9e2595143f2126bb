//! A month on the line in virtual time: 31 days, 44,640 minutes, every packet of them both ways,
//! through the line's own cores. Calls that the carrier drops every few hours and one that stays
//! for a week, clocks that drift, networks that lose and stand still, media that moves, strangers
//! that spray; a carrier that refreshes sessions, moves its sound, keeps alive, loses datagrams and
//! drops calls with a word or without; a caller who asks, interrupts and murmurs, and a brain that
//! dies now and then.
//!
//! `MONTH_SEED` repeats a month; the last line is its account as JSON.

#[path = "month/conversation.rs"]
mod conversation;
#[path = "month/dice.rs"]
mod dice;
#[path = "month/media.rs"]
mod media;
#[path = "month/sealing.rs"]
mod sealing;
#[allow(dead_code, reason = "the scenarios use more of it")]
#[path = "scenarios/world.rs"]
mod world;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dice::Dice;
use media_core::MonoTime;
use sip_bridge::simulation;
use xenline::house::{KeepOpen, Keeping};

const HOUR: Duration = Duration::from_secs(3_600);
const MONTH: Duration = Duration::from_secs(31 * 86_400);
/// The longest call: RTP time wraps within 149 hours.
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// One call of the month.
#[derive(Clone, Copy)]
struct Call {
    start: Duration,
    lasts: Duration,
    seed: u64,
}

/// A week without a break, then calls that are dropped after one to twelve hours, each called again as
/// soon as the line's own keeper says, and answered within seconds. Also, how that went.
fn calls(seed: u64) -> (Vec<Call>, Keeping) {
    let at = |time: Duration| MonoTime::ZERO + time;
    let mut dice = Dice(seed);
    let mut kept = KeepOpen::new("+15550100".into(), at(Duration::ZERO));
    let (mut calls, mut now, mut lasts) = (Vec::new(), Duration::ZERO, WEEK);
    loop {
        assert!(kept.is_due(at(now)) && !kept.is_due(at(now)), "once");
        let start = now + Duration::from_millis(500 + dice.below(4_500));
        if start >= MONTH {
            return (calls, kept.keeping(at(now)));
        }
        kept.answered(at(start));
        let lasts_here = lasts.min(MONTH - start);
        calls.push(Call { start, lasts: lasts_here, seed: dice.roll() });
        kept.over(at(start + lasts_here), None);
        let pause = kept.keeping(at(start + lasts_here)).next_try_in;
        now = start + lasts_here + pause.expect("it is tried again");
        lasts = HOUR + Duration::from_secs(dice.below(11 * 3_600));
    }
}

/// Lets `work` do every item, on as many threads as there are processors; adds up in any order.
fn on_all_processors<T: Send>(
    calls: &[Call],
    work: impl Fn(&Call) -> T + Sync,
    mut add: impl FnMut(T),
) {
    let (next, processors) = (AtomicUsize::new(0), std::thread::available_parallelism());
    let done = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..processors.map_or(1, usize::from))
            .map(|_| {
                scope.spawn(|| {
                    let claim = || calls.get(next.fetch_add(1, Ordering::Relaxed));
                    std::iter::from_fn(claim).map(&work).collect::<Vec<T>>()
                })
            })
            .collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, Vec<T>>| worker.join();
        workers.into_iter().map(join).collect::<Vec<_>>()
    });
    done.into_iter().flat_map(|worker| worker.expect("no panic")).for_each(&mut add);
}

fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

#[test]
fn a_month_on_the_line_has_no_gap_loses_no_word_and_grows_nothing() {
    let began = Instant::now();
    let seed = std::env::var("MONTH_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let (calls, kept) = calls(seed);
    let (mut media, mut talk) = (media::Tally::default(), conversation::Tally::default());
    let micros = |time: Duration| time.as_micros() as u64;
    // Some calls first, so that growth is measured against a process that has done all of it once.
    let warm = calls.len() / 2;
    let mut run = |calls: &[Call]| {
        on_all_processors(
            calls,
            |call| {
                let said = conversation::Talk::new(call.seed).run(call.lasts);
                let carried = media::Call::new(micros(call.start), call.seed);
                (carried.run(micros(call.start + call.lasts)), said)
            },
            |(carried, said)| {
                media.add(&carried);
                talk.add(&said);
            },
        );
    };
    run(&calls[..warm]);
    let signalled: Vec<_> = calls.iter().map(|call| (call.seed, call.lasts)).collect();
    let _ = simulation::calls(&signalled[1..10.min(warm)]);
    let before = resident_kb();
    run(&calls[warm..]);
    // One agent, as one line has.
    let signalling = simulation::calls(&signalled);
    let grown = resident_kb().saturating_sub(before);
    println!("{media:#?}\n{talk:#?}\n{signalling:#?}");
    println!(
        "{{\"minutes\":{},\"wall_seconds\":{:.1},\"seed\":{seed},\"reconnects\":{},\
         \"brain_restarts\":{},\"gaps_over_60ms\":{},\"words_lost\":{},\"queue_max\":{},\
         \"memory_growth_kb\":{grown}}}",
        media.ticks / 3_000,
        began.elapsed().as_secs_f64(),
        kept.reconnects,
        talk.brain_restarts,
        media.gaps,
        media.words_lost + talk.turns_lost,
        talk.queue_max,
    );
    assert_eq!(kept.reconnects as usize, calls.len() - 1, "{kept:?}");
    assert!(media.ticks / 3_000 > 44_400, "a month has 44,400 minutes: {}", media.ticks / 3_000);
    assert_eq!((media.gaps, media.misnumbered, media.foreign_heard), (0, 0, 0), "{media:?}");
    assert_eq!((media.words_lost, talk.turns_lost), (0, 0), "everything was heard");
    assert_eq!((media.round_trips_wrong, talk.endings_wrong), (0, 0), "{media:?} {talk:?}");
    assert_eq!((signalling.cut, signalling.endings_wrong), (0, 0), "{signalling:?}");
    assert_eq!(signalling.left_behind, 0, "{signalling:?}");
    assert!(signalling.moves > 500 && signalling.moves == signalling.moves_followed);
    assert!(signalling.transactions_max < 40 && signalling.timers_max < 80, "{signalling:?}");
    assert!(signalling.refreshes_ours > 100 && signalling.refreshes_theirs > 100, "{signalling:?}");
    assert_eq!(media.unreadable, 0, "SRTP is read over every wrap: {media:?}");
    assert!(media.sealed > 500 * media.sequence_wraps, "{media:?}");
    assert!(media.sequence_wraps > 2_000 && media.timestamp_wraps > 0, "{media:?}");
    assert!(media.waiting_max < 20 && media.delay_ms_max < 200, "{media:?}");
    assert!(talk.queue_max < 20 && grown < 8_192, "{talk:?}, {grown} KB");
    assert!(talk.interruptions > 500 && talk.brain_restarts > 100, "{talk:?}");
}
