//! The ledger against the truth: random voices, packets, reports, pauses, preemptions, takeovers.

use std::cell::Cell;

use media_core::Verdict;
use proptest::prelude::*;
use queue_governor::{Claim, ClaimId, Input, OnInterrupt, Source, TurnId};

use super::studio::{Studio, conditions};
use crate::support::random::check;

const TEXT: &str = "The backup of the second server is done, it took four minutes and \
                    twelve seconds, nothing failed, and eighty gigabytes are still free.";

/// What the contract allows.
const ERROR_MS_MAX: f64 = 80.0;

fn steps() -> impl Strategy<Value = Vec<(u64, Input)>> {
    let claim = (0..5_usize, 1..24_usize, any::<bool>()).prop_map(|(source, words, resumes)| {
        let text: Vec<&str> = TEXT.split(' ').take(words).collect();
        let on_interrupt = if resumes { OnInterrupt::Resume } else { OnInterrupt::Drop };
        Input::Submit(Claim {
            on_interrupt,
            ..Claim::text("c", Source::ALL[source], text.join(" "))
        })
    });
    let verdicts = vec![Verdict::Speech, Verdict::Backchannel, Verdict::Noise, Verdict::Echo];
    let input = prop_oneof![
        5 => claim,
        3 => Just(Input::CallerOnset),
        3 => prop::sample::select(verdicts).prop_map(Input::CallerVerdict),
        2 => (0..40_u64).prop_map(|turn| Input::CallerTurn(TurnId(turn))),
        2 => Just(Input::CallerSilent),
        1 => Just(Input::OperatorTake),
        2 => Just(Input::OperatorRelease),
        2 => (0..30_u32).prop_map(|n| Input::Withdraw(ClaimId::new(format!("c{n}")))),
    ];
    prop::collection::vec((0..1_500_u64, input), 1..30)
}

#[test]
fn the_ledger_is_exact_to_the_word_within_80_ms_of_the_samples_that_were_sent() {
    let (worst, compared) = (Cell::new(0.0_f64), Cell::new(0));
    let cases = check("ledger", &(conditions(), steps()), |(conditions, steps)| {
        let mut studio = Studio::new(conditions);
        let mut number = 0;
        for (wait_ms, mut input) in steps {
            studio.run(wait_ms);
            if let Input::Submit(claim) = &mut input {
                // Words of its own, or it would be a duplicate.
                claim.id = ClaimId::new(format!("c{number}"));
                claim.dedup_key = None;
                let text = format!("Number {number}: {}", claim.content.words());
                claim.content = queue_governor::Content::Text(text);
                number += 1;
            }
            studio.tell(input);
        }
        studio.tell(Input::OperatorRelease);
        studio.tell(Input::CallerSilent);
        studio.run_until_quiet();
        worst.set(worst.get().max(studio.error_ms_max));
        compared.set(compared.get() + studio.compared);
        prop_assert!(
            studio.error_ms_max <= ERROR_MS_MAX,
            "the ledger is {} ms off",
            studio.error_ms_max
        );
        Ok(())
    });
    println!("ledger_error_ms_max={:.1} compared={}", worst.get(), compared.get());
    assert!(compared.get() > 2 * cases, "only {} cuts and endings were compared", compared.get());
}
