//! An independent model of the contract, a millisecond at a time, compared with the governor on
//! random operations. The model knows neither timers nor samples: it looks at everything anew
//! each millisecond. So the comparison also proves that `next_timeout` is exact.

mod ideal_line;
mod model;

use std::time::Duration;

use media_core::Verdict;
use proptest::prelude::*;
use queue_governor::{Claim, ClaimId, Input, OnInterrupt, Source, TurnId};

use crate::support::random::check;
use ideal_line::IdealLine;
use model::Model;

/// An operation after a while.
#[derive(Clone, Debug)]
pub struct Step {
    wait_ms: u64,
    /// `None`: the line dies and comes back.
    then: Option<Input>,
}

/// Six contents of one to three words, so that duplicates are common.
pub fn content(n: u8) -> String {
    (0..n % 3 + 1).map(|word| format!("c{n}w{word},")).collect::<Vec<_>>().join(" ")
}

pub fn claims() -> impl Strategy<Value = Claim> {
    let who = (0..24_u32, 0..5_usize, proptest::option::of(0..4_u64), 0..6_u8);
    let how = (
        -1..2_i8,
        proptest::option::weighted(0.2, 0..1_500_u64),
        proptest::bool::weighted(0.2),
        proptest::bool::weighted(0.15),
        0..3_usize,
        proptest::option::weighted(0.2, 0..24_u32),
    );
    (who, how).prop_map(|((id, source, turn, content_number), how)| {
        let (priority, ttl, must_deliver, uninterruptible, policy, supersedes) = how;
        Claim {
            turn: turn.map(TurnId),
            priority,
            ttl: ttl.map(Duration::from_millis),
            must_deliver,
            uninterruptible,
            supersedes: supersedes.map(|id| ClaimId::new(format!("c{id}"))),
            on_interrupt: [OnInterrupt::Drop, OnInterrupt::Resume, OnInterrupt::Restate][policy],
            ..Claim::text(format!("c{id}"), Source::ALL[source], content(content_number))
        }
    })
}

pub fn inputs() -> impl Strategy<Value = Input> {
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
    check("reference model", &steps(), |steps| {
        let mut model = Model::default();
        let mut line = IdealLine::new();
        let mut now_ms = 0;
        for step in &steps {
            for _ in 0..step.wait_ms {
                now_ms += 1;
                model.millisecond(now_ms, None);
                line.millisecond(now_ms, None);
                same(&line, &model, now_ms)?;
            }
            match &step.then {
                Some(input) => {
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
