//! Random operations on a line that is late, loses confirmations, hangs and fails: what must hold
//! whatever happens.

use std::collections::BTreeMap;
use std::time::Duration;

use media_core::{MonoTime, Verdict};
use proptest::prelude::*;
use queue_governor::{
    Claim, Coalescing, Content, Ending, GovernorConfig, Heard, Input, Source, TurnId,
};

use crate::reference_model::{are_the_same, claims, coalescing, inputs, sequences};
use crate::support::random::{Names, Told, check};
use crate::support::*;
use crate::wire::Wire;

/// How the audio side behaves.
#[derive(Clone, Debug)]
pub struct Conditions {
    pub tts: Tts,
    pub fallback: Tts,
    report_delay_ms: u64,
    loses_silenced: bool,
    coalescing: Coalescing,
}

impl Conditions {
    pub fn config(&self) -> GovernorConfig {
        GovernorConfig { coalescing: self.coalescing, ..GovernorConfig::default() }
    }

    /// Whether it is known to the word what was heard.
    pub fn say_which_words_were_sent(&self) -> bool {
        let voices = [self.tts, self.fallback];
        !self.loses_silenced && !voices.contains(&Tts::SpeaksWithoutWords)
    }
}

pub fn conditions() -> impl Strategy<Value = Conditions> {
    let tts = || {
        prop_oneof![
            4 => (0..700_u64).prop_map(|after_ms| Tts::Speaks { after_ms }),
            1 => Just(Tts::SpeaksWithoutWords),
            1 => Just(Tts::Hangs),
            1 => Just(Tts::HangsAfterOneClause),
            1 => Just(Tts::Fails),
        ]
    };
    (tts(), tts(), 0..25_u64, proptest::bool::weighted(0.2), coalescing()).prop_map(
        |(tts, fallback, report_delay_ms, loses_silenced, coalescing)| Conditions {
            tts,
            fallback,
            report_delay_ms,
            loses_silenced,
            coalescing,
        },
    )
}

pub fn behave(world: &mut World, conditions: &Conditions) {
    world.line.tts = conditions.tts;
    world.line.fallback = conditions.fallback;
    world.line.report_delay = Duration::from_millis(conditions.report_delay_ms);
    world.line.loses_silenced = conditions.loses_silenced;
}

pub fn steps() -> impl Strategy<Value = Vec<(u64, Told)>> {
    sequences(|inputs| {
        let wait_ms = prop_oneof![Just(0), 1..80_u64, 80..1_200_u64];
        prop::collection::vec((wait_ms, inputs.prop_map(in_clauses)), 1..50)
    })
}

/// With two words in place of each, which are a clause together.
fn in_clauses(Told(mut input): Told) -> Told {
    if let Input::Submit(claim) = &mut input {
        let (Content::Text(words) | Content::Audio { label: words, .. }) = &mut claim.content;
        let clauses = words.split(' ').map(|word| format!("{}a {word}", word.replace(',', "")));
        *words = clauses.collect::<Vec<_>>().join(" ");
    }
    Told(input)
}

/// What is known of the caller, from the script alone.
#[derive(Default)]
struct Caller {
    undecided_since: Option<MonoTime>,
    open: bool,
    turn: Option<TurnId>,
}

impl Caller {
    fn hear(&mut self, now: MonoTime, input: &Input) {
        match input {
            Input::CallerOnset => {
                self.decide(now);
                self.undecided_since.get_or_insert(now);
            }
            Input::CallerVerdict(verdict) => {
                self.undecided_since = None;
                self.open |= *verdict == Verdict::Speech;
            }
            Input::CallerTurn(turn) => {
                self.open = false;
                self.turn = self.turn.max(Some(*turn));
            }
            Input::CallerSilent => self.open = false,
            _ => {}
        }
    }

    fn decide(&mut self, now: MonoTime) {
        let decided = |since: &MonoTime| now.since(*since) >= Duration::from_millis(500);
        self.undecided_since = self.undecided_since.filter(|since| !decided(since));
    }

    fn speaks(&self) -> bool {
        self.open || self.undecided_since.is_some()
    }
}

#[test]
fn whatever_happens_one_voice_one_ending_and_the_caller_wins() {
    check("invariants", &(conditions(), steps()), |(conditions, steps)| {
        let mut world = World::with(conditions.config());
        behave(&mut world, &conditions);
        let mut caller = Caller::default();
        let mut claims: BTreeMap<String, Claim> = BTreeMap::new();
        let (mut names, mut open_for_ms) = (Names::default(), 0);
        for (wait_ms, Told(mut input)) in steps {
            for _ in 0..wait_ms {
                let frames = world.line.wire.len();
                world.run(1);
                caller.decide(world.now);
                open_for_ms = if caller.open { open_for_ms + 1 } else { 0 };
                caller.open &= open_for_ms < 12_000;
                let speaks = caller.speaks();
                for frame in world.line.wire[frames..].iter().filter(|_| speaks) {
                    let id = frame.claim.as_str();
                    let protected = claims
                        .get(id)
                        .is_some_and(|it| it.uninterruptible || it.source == Source::Operator);
                    prop_assert!(protected, "{} speaks over the caller at {:?}", id, frame.at);
                }
            }
            names.make_unique(&mut input);
            if let Input::Submit(claim) = &input {
                claims.insert(claim.id.to_string(), claim.clone());
            }
            if input == Input::CallerVerdict(Verdict::Speech) {
                open_for_ms = 0;
            }
            caller.hear(world.now, &input);
            let grants = world.grants.len();
            world.tell(input);
            for (_, id, _) in &world.grants[grants..] {
                let stale = claims.get(id.as_str()).is_some_and(|it| is_stale(it, caller.turn));
                prop_assert!(!stale, "{} is stale and was granted", id);
            }
        }
        world.tell(Input::OperatorRelease);
        world.tell(Input::HoldExternal(false));
        world.run_until_quiet();
        prop_assert!(world.governor.holder().is_none());
        Wire::default().hear(&world, &claims, &conditions)?;
        every_accepted_claim_ended_once(&world)?;
        what_must_be_delivered_was_said(&world, &claims)?;
        nothing_was_said_twice(&world, &claims)?;
        what_was_heard_is_what_was_sent(&world, &claims)
    });
}

fn is_stale(claim: &Claim, turn: Option<TurnId>) -> bool {
    let answers = matches!(claim.source, Source::Responder | Source::Worker);
    claim.turn.is_some() && claim.turn < turn && answers && !claim.must_deliver
}

/// What must be delivered ends as the duplicate of what was said to its end, by whatever names. Of
/// ready audio it is enough that as much of the same was heard as there is of it.
fn what_must_be_delivered_was_said(
    world: &World,
    claims: &BTreeMap<String, Claim>,
) -> Result<(), TestCaseError> {
    let claim_of = |end: &End| claims.get(end.claim.as_str());
    for end in world.ends.iter().filter(|end| end.ending == Ending::Duplicate) {
        let Some(claim) = claim_of(end).filter(|claim| claim.must_deliver) else { continue };
        let mut same = vec![claim];
        let mut known = 0;
        while known < same.len() {
            let more = world.ends.iter().filter_map(claim_of);
            let more: Vec<&Claim> = more
                .filter(|it| are_the_same(it, same[known]) && same.iter().all(|of| of.id != it.id))
                .collect();
            same.extend(more);
            known += 1;
        }
        if same.iter().any(|it| matches!(it.content, Content::Audio { .. })) {
            continue;
        }
        let said = world.ends.iter().any(|said| {
            said.ending == Ending::Spoken
                && said.at <= end.at
                && same.iter().any(|it| it.id == said.claim)
        });
        prop_assert!(said, "{} must be delivered and is the duplicate of nothing said", end.claim);
    }
    Ok(())
}

fn every_accepted_claim_ended_once(world: &World) -> Result<(), TestCaseError> {
    for id in &world.accepted {
        let ends = world.ends.iter().filter(|end| end.claim == *id).count();
        prop_assert_eq!(ends, 1, "{} ended {} times", id, ends);
    }
    Ok(())
}

fn nothing_was_said_twice(
    world: &World,
    claims: &BTreeMap<String, Claim>,
) -> Result<(), TestCaseError> {
    let window = Duration::from_secs(30);
    let said: Vec<(&End, &Claim)> = world
        .ends
        .iter()
        .filter_map(|end| Some((end, claims.get(end.claim.as_str())?)))
        .filter(|(end, claim)| was_heard(claim, &end.heard) && end.heard.samples > 0)
        .collect();
    for (n, (first, a)) in said.iter().enumerate() {
        for (second, b) in &said[n + 1..] {
            let mut granted =
                world.grants.iter().filter(|(_, id, _)| *id == second.claim).map(|(at, ..)| *at);
            // What must be delivered, or was begun, goes on where the same was cut.
            let was_begun = world.granted_at(second.claim.as_str()) < first.at;
            let goes_on = (b.must_deliver || was_begun) && first.ending != Ending::Spoken;
            let again = granted.any(|at| at >= first.at && at.since(first.at) < window);
            prop_assert!(
                !are_the_same(a, b) || goes_on || !again,
                "{} and {} say the same",
                first.claim,
                second.claim
            );
        }
    }
    Ok(())
}

/// Enough to call it said: a word, or any of ready audio, whose words nobody knows the places of.
pub fn was_heard(claim: &Claim, heard: &Heard) -> bool {
    match claim.content {
        Content::Text(_) => !heard.text.is_empty(),
        Content::Audio { .. } => heard.samples > 0,
    }
}

/// The ledger is a beginning of the text, and no shorter than the words that went out whole
/// unless the count of the last ones was lost.
fn what_was_heard_is_what_was_sent(
    world: &World,
    claims: &BTreeMap<String, Claim>,
) -> Result<(), TestCaseError> {
    for end in &world.ends {
        let Some(claim) = claims.get(end.claim.as_str()) else { continue };
        prop_assert!(claim.content.words().starts_with(&end.heard.text));
        let frames = world.line.frames_of(end.claim.as_str()).len() as u64;
        prop_assert!(end.heard.samples <= frames * 160);
        if !world.line.loses_silenced {
            prop_assert_eq!(end.heard.samples, frames * 160, "of {}", end.claim);
        }
    }
    Ok(())
}

#[test]
fn before_its_timeout_time_alone_changes_nothing() {
    check("timeouts", &prop::collection::vec((0..400_u64, inputs()), 1..40), |steps| {
        let mut world = World::new();
        for (wait_ms, Told(input)) in steps {
            world.run(wait_ms);
            world.tell(input);
            let Some(timeout) = world.governor.next_timeout() else { continue };
            prop_assert!(timeout > world.now, "due at once after {:?}", world.now);
            let told = (world.ends.len(), world.floor.len(), world.grants.len());
            world.governor.handle(timeout - Duration::from_micros(1), Input::Timeout);
            prop_assert!(world.governor.poll_output().is_none());
            prop_assert_eq!(told, (world.ends.len(), world.floor.len(), world.grants.len()));
            world.now = timeout - Duration::from_micros(1);
        }
        Ok(())
    });
}

#[test]
fn no_input_in_any_order_causes_a_panic() {
    let generation = || (0..6_u32).prop_map(media_core::Generation);
    let samples = || prop_oneof![0..20_000_u64, Just(u64::MAX)];
    let word = (0..40_usize, 0..40_usize, samples(), samples())
        .prop_map(|(a, b, c, d)| queue_governor::LedgerWord { text: a..b, samples: c..d });
    let audio = prop_oneof![
        inputs().prop_map(|Told(input)| input),
        claims().prop_map(|claim| {
            let content = queue_governor::Content::from("Größe é, ü. Ä — ö!");
            Input::Submit(Claim { content, ..claim })
        }),
        generation().prop_map(|generation| Input::FirstSample { generation }),
        (generation(), samples())
            .prop_map(|(generation, samples)| Input::Played { generation, samples }),
        (generation(), samples())
            .prop_map(|(generation, samples)| Input::Drained { generation, samples }),
        (generation(), samples())
            .prop_map(|(generation, samples)| Input::Silenced { generation, samples }),
        (generation(), samples())
            .prop_map(|(generation, samples)| Input::SpeechDone { generation, samples }),
        generation()
            .prop_map(|generation| { Input::SpeechFailed { generation, reason: String::new() } }),
        (generation(), samples(), prop::collection::vec(word, 0..5)).prop_map(
            |(generation, samples, words)| Input::SpeechChunk { generation, samples, words }
        ),
    ];
    check("chaos", &prop::collection::vec((0..u64::MAX / 4, audio), 1..60), |steps| {
        let config = queue_governor::GovernorConfig::default();
        let mut governor = queue_governor::Governor::new(config, media_core::LineId(1));
        let (mut accepted, mut ended) = (0, 0);
        for (jump, input) in steps {
            let jump = if jump % 3 == 0 { jump } else { jump % 400_000 };
            let now = governor.next_timeout().unwrap_or_default();
            governor.handle(MonoTime::from_micros(now.as_micros().saturating_add(jump)), input);
            while let Some(output) = governor.poll_output() {
                match output {
                    queue_governor::Output::Accepted(_) => accepted += 1,
                    queue_governor::Output::Ended { ending, .. } => {
                        use queue_governor::Ending::{Duplicate, Refused, Stale};
                        // Turned away at the door, or ended later: told apart by the live count.
                        ended += i32::from(!matches!(ending, Duplicate | Refused(_) | Stale));
                    }
                    _ => {}
                }
            }
            prop_assert!(governor.alive() as i32 <= accepted - ended);
        }
        governor.handle(MonoTime::from_micros(u64::MAX), Input::LineClosed);
        prop_assert_eq!(governor.alive(), 0);
        Ok(())
    });
}
