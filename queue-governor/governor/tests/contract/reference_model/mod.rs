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
    then: Then,
}

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly every one is told")]
enum Then {
    Tell(Told),
    /// The line dies and comes back.
    Crash,
    /// The call is over, and the next one begins.
    NextCall,
    /// What an earlier call left is said in this one: whichever this number comes to.
    CarryOver(usize),
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

/// Claims that say one of two things, and most of which must be delivered: what waits beside the
/// same, goes on after it, and is known by its names.
fn twins() -> impl Strategy<Value = Claim> {
    let turn = proptest::option::weighted(0.3, (0..2_u64).prop_map(TurnId));
    let how = (0..8_u32, any::<bool>(), turn, proptest::bool::weighted(0.7));
    (claims(), how).prop_map(|(claim, (id, is_one, turn, must_deliver))| {
        let words = content(if is_one { 2 } else { 5 });
        let content = match claim.content {
            Content::Text(_) => Content::Text(words),
            Content::Audio { samples, rate, .. } => Content::Audio { label: words, samples, rate },
        };
        // One of those that there are.
        let supersedes = claim.supersedes.map(|_| ClaimId::new(format!("c{}", (id + 1) % 8)));
        Claim {
            id: ClaimId::new(format!("c{id}")),
            turn,
            content,
            must_deliver,
            supersedes,
            // Else most of the time the operator speaks.
            source: claim.source.max(if id == 0 { Source::Operator } else { Source::System }),
            ..claim
        }
    })
}

pub fn inputs() -> impl Strategy<Value = Told> {
    inputs_of(claims().boxed(), 24)
}

/// What `of` makes of inputs, of which all claims are of all kinds, or all of them much the same.
pub fn sequences<S: Strategy>(
    of: impl Fn(BoxedStrategy<Told>) -> S,
) -> impl Strategy<Value = S::Value> {
    let all_kinds = of(inputs().boxed());
    let alike = of(inputs_of(twins().boxed(), 8).boxed());
    prop_oneof![all_kinds, alike]
}

fn inputs_of(claims: BoxedStrategy<Claim>, names: u32) -> impl Strategy<Value = Told> {
    use Verdict::{Backchannel, Echo, Noise, Speech};
    prop_oneof![
        10 => claims.prop_map(Input::Submit),
        1 => (0..names).prop_map(|id| Input::Withdraw(ClaimId::new(format!("c{id}")))),
        3 => Just(Input::CallerOnset),
        3 => prop::sample::select(vec![Speech, Speech, Backchannel, Noise, Echo])
            .prop_map(Input::CallerVerdict),
        2 => (0..5_u64).prop_map(|turn| Input::CallerTurn(TurnId(turn))),
        1 => Just(Input::CallerSilent),
        1 => Just(Input::OperatorTake),
        2 => Just(Input::OperatorRelease),
        1 => any::<bool>().prop_map(Input::HoldExternal),
    ]
    .prop_map(Told)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    sequences(|inputs| {
        let wait_ms = prop_oneof![Just(0), 1..60_u64, 60..900_u64];
        let then = prop_oneof![
            20 => inputs.prop_map(Then::Tell),
            1 => Just(Then::Crash),
            1 => Just(Then::NextCall),
            2 => any::<usize>().prop_map(Then::CarryOver),
        ];
        let step = (wait_ms, then).prop_map(|(wait_ms, then)| Step { wait_ms, then });
        prop::collection::vec(step, 1..60)
    })
}

#[test]
fn the_governor_decides_as_the_reference_model() {
    check("reference model", &(coalescing(), steps()), |(coalescing, steps)| {
        let mut both = Both::new(coalescing);
        for step in &steps {
            both.wait(step.wait_ms)?;
            both.take(&step.then)?;
        }
        while !both.line.left.is_empty() {
            both.take(&Then::CarryOver(0))?;
        }
        both.take(&Then::Tell(Told(Input::HoldExternal(false))))?;
        // Longer than the ageing bound and the longest utterance.
        let mut waited_ms = 0;
        while waited_ms < 14_000 && both.line.is_alive() {
            both.wait(500)?;
            waited_ms += 500;
        }
        Ok(())
    });
}

/// The model, and the governor on its line, at the same moment.
struct Both {
    model: Model,
    line: IdealLine,
    now_ms: u64,
}

impl Both {
    fn new(coalescing: Coalescing) -> Self {
        Self { model: Model::new(coalescing), line: IdealLine::new(coalescing), now_ms: 0 }
    }

    fn wait(&mut self, ms: u64) -> Result<(), TestCaseError> {
        for _ in 0..ms {
            self.now_ms += 1;
            self.model.millisecond(self.now_ms, None);
            self.line.millisecond(self.now_ms, None);
            self.same()?;
        }
        Ok(())
    }

    fn take(&mut self, then: &Then) -> Result<(), TestCaseError> {
        let now_ms = self.now_ms;
        match then {
            Then::Tell(Told(input)) => {
                self.model.millisecond(now_ms, Some(input));
                self.line.millisecond(now_ms, Some(input));
            }
            Then::Crash => {
                self.model.crash(now_ms);
                self.line.crash(now_ms);
            }
            Then::NextCall => {
                self.model.next_call(now_ms);
                self.line.next_call(now_ms);
            }
            Then::CarryOver(number) => {
                if let Some(number) = number.checked_rem(self.line.left.len()) {
                    self.model.carry_over(now_ms, number);
                    self.line.carry_over(now_ms, number);
                }
            }
        }
        self.same()
    }

    fn same(&self) -> Result<(), TestCaseError> {
        let (line, model, now_ms) = (&self.line, &self.model, self.now_ms);
        prop_assert_eq!(line.holder(), model.holder(), "holder at {} ms", now_ms);
        prop_assert_eq!(&line.ended, &model.ended, "endings at {} ms", now_ms);
        prop_assert!(model.left().eq(line.left()), "left to the next call at {} ms", now_ms);
        Ok(())
    }
}
