//! An independent model of the contract, a millisecond at a time, compared with the governor on
//! random operations. The model knows neither timers nor samples: it looks at everything anew
//! each millisecond. So the comparison also proves that `next_timeout` is exact.

mod ideal_line;
mod letters;
mod model;

use std::time::Duration;

use media_core::{SampleRate, Verdict};
use proptest::prelude::*;
use queue_governor::{Claim, ClaimId, Coalescing, Content, Input, OnInterrupt, Source, TurnId};

use crate::support::random::{Told, check};
use ideal_line::IdealLine;
use model::Model;
pub use model::are_the_same;

/// An operation after a while.
#[derive(Clone, Debug)]
pub struct Step {
    wait_ms: u64,
    /// `None`: the line dies and comes back.
    then: Option<Told>,
}

/// Six contents of one to three words, so that duplicates are common.
pub fn content(n: u8) -> String {
    (0..n % 3 + 1).map(|word| format!("c{n}w{word},")).collect::<Vec<_>>().join(" ")
}

/// The same words as text, or now and then as ready audio, which no mark of a clause divides. None
/// of it is longer than the stall limit, and all of it is whole frames.
fn contents() -> impl Strategy<Value = Content> {
    let sound = (prop::sample::select(vec![140, 380, 580]), any::<bool>());
    (0..6_u8, proptest::option::weighted(0.2, sound)).prop_map(|(number, sound)| match sound {
        None => Content::Text(content(number)),
        Some((ms, is_wide)) => {
            let rate = if is_wide { SampleRate::Hz16000 } else { SampleRate::Hz8000 };
            let samples = vec![0; rate.samples_in_ms(ms)].into();
            Content::Audio { label: content(number), samples, rate }
        }
    })
}

pub fn coalescing() -> impl Strategy<Value = Coalescing> {
    prop::sample::select(vec![Coalescing::Join, Coalescing::Latest, Coalescing::Off])
}

pub fn claims() -> impl Strategy<Value = Claim> {
    let who = (0..24_u32, 0..5_usize, proptest::option::of(0..4_u64), contents());
    let names = |share, count| proptest::option::weighted(share, 0..count);
    let how = (
        -1..2_i8,
        proptest::option::weighted(0.2, 0..1_500_u64),
        proptest::bool::weighted(0.2),
        proptest::bool::weighted(0.15),
        0..3_usize,
        proptest::option::weighted(0.2, 0..24_u32),
        (names(0.25, 3_u8), names(0.4, 2_u8)),
    );
    (who, how).prop_map(|((id, source, turn, content), how)| {
        let (priority, ttl, must_deliver, uninterruptible, policy, supersedes, names) = how;
        Claim {
            turn: turn.map(TurnId),
            priority,
            ttl: ttl.map(Duration::from_millis),
            must_deliver,
            uninterruptible,
            supersedes: supersedes.map(|id| ClaimId::new(format!("c{id}"))),
            on_interrupt: [OnInterrupt::Drop, OnInterrupt::Resume, OnInterrupt::Restate][policy],
            dedup_key: names.0.map(|n| format!("key {n}")),
            coalesce: names.1.map(|n| format!("thing {n}")),
            content,
            ..Claim::text(format!("c{id}"), Source::ALL[source], "")
        }
    })
}

pub fn inputs() -> impl Strategy<Value = Told> {
    use Verdict::{Backchannel, Echo, Noise, Speech};
    prop_oneof![
        10 => claims().prop_map(Input::Submit),
        1 => (0..24_u32).prop_map(|id| Input::Withdraw(ClaimId::new(format!("c{id}")))),
        3 => Just(Input::CallerOnset),
        3 => prop::sample::select(vec![Speech, Speech, Backchannel, Noise, Echo])
            .prop_map(Input::CallerVerdict),
        2 => (0..5_u64).prop_map(|turn| Input::CallerTurn(TurnId(turn))),
        1 => Just(Input::CallerSilent),
        1 => Just(Input::OperatorTake),
        2 => Just(Input::OperatorRelease),
    ]
    .prop_map(Told)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let wait_ms = prop_oneof![Just(0), 1..60_u64, 60..900_u64];
    let then = prop_oneof![
        20 => inputs().prop_map(Some),
        1 => Just(None),
    ];
    let step = (wait_ms, then).prop_map(|(wait_ms, then)| Step { wait_ms, then });
    prop::collection::vec(step, 1..60)
}

#[test]
fn the_governor_decides_as_the_reference_model() {
    check("reference model", &(coalescing(), steps()), |(coalescing, steps)| {
        let mut model = Model::new(coalescing);
        let mut line = IdealLine::new(coalescing);
        let mut now_ms = 0;
        for step in &steps {
            for _ in 0..step.wait_ms {
                now_ms += 1;
                model.millisecond(now_ms, None);
                line.millisecond(now_ms, None);
                same(&line, &model, now_ms)?;
            }
            match &step.then {
                Some(Told(input)) => {
                    model.millisecond(now_ms, Some(input));
                    line.millisecond(now_ms, Some(input));
                }
                None => {
                    model.crash(now_ms);
                    line.crash(now_ms);
                }
            }
            same(&line, &model, now_ms)?;
        }
        // Longer than the ageing bound and the longest utterance.
        for _ in 0..14_000 {
            now_ms += 1;
            model.millisecond(now_ms, None);
            line.millisecond(now_ms, None);
            same(&line, &model, now_ms)?;
        }
        Ok(())
    });
}

fn same(line: &IdealLine, model: &Model, now_ms: u64) -> Result<(), TestCaseError> {
    prop_assert_eq!(line.holder(), model.holder(), "holder at {} ms", now_ms);
    prop_assert_eq!(&line.ended, &model.ended, "endings at {} ms", now_ms);
    Ok(())
}
