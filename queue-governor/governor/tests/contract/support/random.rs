//! Random sequences, reproducible: the seed is printed and can be set.

use std::collections::BTreeMap;
use std::fmt;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use queue_governor::{Claim, ClaimId, Content, Input};

/// The same for everybody who changes nothing; `make prove` draws another one each time.
const SEED: u64 = 1;

/// Runs `test` on values of `strategy`, drawn by `GOVERNOR_SEED`; `GOVERNOR_CASES` sets how many. A
/// failing value is shrunk and printed. Returns how many values were tried.
pub fn check<S: Strategy>(
    name: &str,
    strategy: &S,
    test: impl Fn(S::Value) -> Result<(), TestCaseError>,
) -> u32 {
    let number = |name: &str| std::env::var(name).ok().and_then(|it| it.parse::<u64>().ok());
    let seed = number("GOVERNOR_SEED").unwrap_or(SEED);
    let cases = number("GOVERNOR_CASES").map_or(256, |it| it as u32);
    println!("{name}: GOVERNOR_SEED={seed} GOVERNOR_CASES={cases}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    if let Err(error) = TestRunner::new_with_rng(config, rng).run(strategy, test) {
        panic!("{name} with GOVERNOR_SEED={seed}: {error}");
    }
    cases
}

/// An input that prints itself so that a person can read it: ready audio by its length.
#[derive(Clone)]
pub struct Told(pub Input);

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Input::Submit(claim) = &self.0 else { return self.0.fmt(f) };
        let Content::Audio { samples, rate, .. } = &claim.content else { return self.0.fmt(f) };
        let words = Content::Text(claim.content.words().to_owned());
        let told = Input::Submit(Claim { content: words, ..claim.clone() });
        write!(f, "{told:?} as {} samples at {rate:?}", samples.len())
    }
}

/// Makes the names of random claims unique, so that each has one ending. A reference means the
/// latest of that name.
#[derive(Default)]
pub struct Names {
    latest: BTreeMap<String, ClaimId>,
    number: u32,
}

impl Names {
    pub fn make_unique(&mut self, input: &mut Input) {
        let latest = |id: &ClaimId| self.latest.get(id.as_str()).unwrap_or(id).clone();
        match input {
            Input::Submit(claim) => {
                self.number += 1;
                let name = ClaimId::new(format!("{}-{}", claim.id, self.number));
                claim.supersedes = claim.supersedes.as_ref().map(latest);
                self.latest.insert(claim.id.to_string(), name.clone());
                claim.id = name;
            }
            Input::Withdraw(id) => *id = latest(id),
            _ => {}
        }
    }
}
