//! The worlds: what may happen in each, and how often.

use std::time::Duration;

use queue_governor::{Claim, ClaimId, Content, GovernorConfig, OnInterrupt, Source, TurnId};

use crate::search::explore;

mod kills;

/// The grid of time.
pub const STEP_MS: u64 = 100;

pub struct World {
    pub name: &'static str,
    pub config: GovernorConfig,
    pub claims: Vec<Claim>,
    pub withdrawals: u8,
    pub onsets: u8,
    pub operator: u8,
    /// How often the voice hangs or fails.
    pub faults: u8,
    pub closes: bool,
    /// How many calls follow the one that closes.
    pub calls: u8,
    /// They are handed what is left one by one, with anything in between.
    pub carries_late: bool,
    /// How often the process is killed, after any output of any step.
    pub kills: u8,
    /// Reports arrive a step later.
    pub late_reports: bool,
    /// The final count of what was revoked gets lost.
    pub loses_silenced: bool,
    /// Workers and other programs have the floor after this long, if nobody but other claims is
    /// in their way.
    pub hands_heard_within_ms: Option<u64>,
}

impl World {
    fn new(name: &'static str, claims: Vec<Claim>) -> Self {
        World {
            name,
            config: config(),
            claims,
            withdrawals: 0,
            onsets: 0,
            operator: 0,
            faults: 0,
            closes: false,
            calls: 0,
            carries_late: false,
            kills: 0,
            late_reports: false,
            loses_silenced: false,
            hands_heard_within_ms: None,
        }
    }

    pub fn number_of(&self, id: &ClaimId) -> Option<usize> {
        self.claims.iter().position(|claim| claim.id == *id)
    }

    pub fn report_delay_ms(&self) -> u64 {
        if self.late_reports { STEP_MS } else { 0 }
    }

    /// Whether what is known of the heard words may be less than what was sent.
    pub fn is_unsure(&self) -> bool {
        self.loses_silenced || self.late_reports
    }
}

/// The times of the specification on the grid, ageing and the longest utterance shortened so that
/// they are reached with few claims, and a memory that never forgets.
fn config() -> GovernorConfig {
    GovernorConfig {
        decide: Duration::from_millis(300),
        caller_turn_max: Duration::from_millis(600),
        reply_window: Duration::from_millis(200),
        preempt_max: Duration::from_millis(400),
        age: Duration::from_millis(1_000),
        stall: Duration::from_millis(600),
        silenced: Duration::from_millis(100),
        dedup_window: Duration::from_secs(3_600),
        filler: Some(Content::Text("filler".to_owned())),
        ..GovernorConfig::default()
    }
}

/// A claim that says content `content` in `words` words, which end a clause where a comma is due.
fn claim(number: usize, source: Source, content: u8, words: &str) -> Claim {
    let mut text = Vec::new();
    for (place, mark) in words.chars().enumerate() {
        let mark = if mark == ',' { "," } else { "" };
        text.push(format!("c{content}w{place}{mark}"));
    }
    Claim::text(format!("n{number}"), source, text.join(" "))
}

#[test]
fn three_sources_share_the_floor() {
    let mut world = World::new(
        "three sources",
        vec![
            claim(0, Source::Worker, 0, ".,."),
            claim(1, Source::Responder, 1, ".."),
            claim(2, Source::System, 2, "."),
            claim(3, Source::External, 3, ".."),
        ],
    );
    world.hands_heard_within_ms = Some(2_000);
    explore(&world);
}

#[test]
fn answers_without_end_do_not_starve_a_report() {
    let answers =
        (1..if deep() { 5 } else { 4 }).map(|n| claim(n.into(), Source::Responder, n, ".."));
    let mut world = World::new(
        "ageing",
        [claim(0, Source::Worker, 0, "..")].into_iter().chain(answers).collect(),
    );
    world.config.age = Duration::from_millis(500);
    // The age, what is being said then, and what the report itself is cut for.
    world.hands_heard_within_ms = Some(500 + 400);
    explore(&world);
}

#[test]
fn the_caller_interrupts() {
    let mut world = World::new(
        "caller",
        vec![
            Claim { on_interrupt: OnInterrupt::Resume, ..claim(0, Source::Worker, 0, ".,.") },
            claim(1, Source::Responder, 1, "..").answering(TurnId(1)),
        ],
    );
    world.onsets = 2;
    explore(&world);
}

#[test]
fn what_must_be_delivered_outlives_the_callers_turns() {
    let mut world = World::new(
        "must deliver",
        vec![
            Claim { must_deliver: true, ..claim(0, Source::Worker, 0, ".,") }.answering(TurnId(0)),
            claim(1, Source::Responder, 1, ".").answering(TurnId(0)),
            Claim { uninterruptible: true, ..claim(2, Source::System, 2, ".") },
        ],
    );
    world.onsets = if deep() { 2 } else { 1 };
    explore(&world);
}

#[test]
fn the_operator_takes_the_floor_and_hands_it_back() {
    let mut world = World::new(
        "operator",
        vec![claim(0, Source::Responder, 0, ".."), claim(1, Source::Operator, 1, ".")],
    );
    if deep() {
        world.claims.push(Claim { uninterruptible: true, ..claim(2, Source::Worker, 2, ".") });
    }
    world.operator = if deep() { 2 } else { 1 };
    world.onsets = u8::from(deep());
    explore(&world);
}

#[test]
fn the_voice_hangs_and_fails() {
    let mut world = World::new(
        "faults",
        vec![claim(0, Source::Responder, 0, ".,."), claim(1, Source::Worker, 1, "..")],
    );
    world.faults = 3;
    explore(&world);
}

#[test]
fn producers_race_with_the_same_words() {
    let mut world = World::new(
        "same words",
        vec![
            claim(0, Source::Worker, 0, ".,"),
            claim(1, Source::Responder, 0, ".,"),
            Claim { supersedes: Some(ClaimId::new("n0")), ..claim(2, Source::Worker, 0, ".,") },
            Claim { ttl: Some(Duration::from_millis(300)), ..claim(3, Source::External, 1, ".") },
        ],
    );
    world.withdrawals = 1;
    world.closes = deep();
    explore(&world);
}

#[test]
fn the_same_must_be_delivered_as_what_is_being_replaced() {
    let mut world = World::new(
        "replaced twin",
        vec![
            claim(0, Source::Worker, 0, ".,."),
            Claim { supersedes: Some(ClaimId::new("n0")), ..claim(1, Source::Worker, 1, ".") },
            Claim { must_deliver: true, ..claim(2, Source::Responder, 0, ".,.") },
        ],
    );
    world.onsets = 1;
    world.withdrawals = u8::from(deep());
    explore(&world);
}

#[test]
fn the_operator_says_what_somebody_began() {
    let mut world = World::new(
        "operator, same words",
        vec![
            claim(0, Source::Worker, 0, ".,"),
            Claim { must_deliver: true, ..claim(1, Source::Operator, 0, ".,") },
            Claim { must_deliver: true, ..claim(2, Source::Responder, 0, ".,") },
        ],
    );
    (world.operator, world.withdrawals) = (1, u8::from(deep()));
    explore(&world);
}

#[test]
fn what_one_call_left_comes_to_the_next_in_pieces() {
    let promised = |claim| Claim { must_deliver: true, ..claim };
    let mut world = World::new(
        "carried late",
        vec![
            promised(claim(0, Source::Worker, 0, ".,")),
            promised(claim(1, Source::Responder, 0, ".,")),
            claim(2, Source::System, 1, "."),
        ],
    );
    (world.closes, world.calls, world.carries_late) = (true, 1, true);
    world.operator = u8::from(deep());
    explore(&world);
}

#[test]
fn reports_are_late() {
    let mut world = World::new(
        "late reports",
        vec![
            Claim { on_interrupt: OnInterrupt::Resume, ..claim(0, Source::Worker, 0, ".,.") },
            claim(1, Source::Responder, 1, ".."),
        ],
    );
    (world.late_reports, world.onsets, world.closes) = (true, 1, true);
    explore(&world);
}

#[test]
fn final_counts_get_lost() {
    let mut world = World::new(
        "lost counts",
        vec![claim(0, Source::Worker, 0, ".,."), claim(1, Source::Responder, 1, "..")],
    );
    (world.loses_silenced, world.onsets, world.withdrawals) = (true, 1, 1);
    explore(&world);
}

/// Whether larger worlds are asked for.
pub fn deep() -> bool {
    std::env::var("EXPLORE").is_ok_and(|how| how == "deep")
}
