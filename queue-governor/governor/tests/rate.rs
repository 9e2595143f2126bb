//! A flood: ten thousand claims a second, from all sources, over the real governor and a real
//! clock. What is measured is the decision alone; what it costs to carry it out is the engine's.

use std::time::{Duration, Instant};

use media_core::{LineId, MonoTime};
use queue_governor::{Claim, ClaimId, Governor, GovernorConfig, Input, Output, Source};

const CLAIMS_PER_S: u64 = 10_000;
const SECONDS: u64 = 4;
/// Half a packet time. The machine of a test run is not quiet; on a quiet one it is microseconds.
const DECISION_P99_MAX: Duration = Duration::from_millis(10);

/// How long each kind of decision took.
#[derive(Default)]
struct Took {
    grants: Vec<Duration>,
    revokes: Vec<Duration>,
    all: Vec<Duration>,
}

struct Flood {
    governor: Governor,
    now: MonoTime,
    took: Took,
    accepted: usize,
    ended: usize,
}

impl Flood {
    fn tell(&mut self, input: Input) {
        let began = clock();
        self.governor.handle(self.now, input);
        let mut outputs = Vec::new();
        outputs.extend(std::iter::from_fn(|| self.governor.poll_output()));
        let took = began.elapsed();
        self.took.all.push(took);
        let mut follow_ups = Vec::new();
        for output in outputs {
            match output {
                Output::Grant { generation, .. } => {
                    self.took.grants.push(took);
                    // It is heard to its end a tick later.
                    follow_ups.push(Input::SpeechDone { generation, samples: 160 });
                    follow_ups.push(Input::Played { generation, samples: 80 });
                }
                Output::Revoke(generation) => {
                    self.took.revokes.push(took);
                    follow_ups.push(Input::Silenced { generation, samples: 80 });
                }
                Output::Accepted(_) => self.accepted += 1,
                Output::Ended { .. } => self.ended += 1,
                _ => {}
            }
        }
        for input in follow_ups {
            self.tell(input);
        }
    }

    /// Whoever has the floor is done.
    fn drain(&mut self, generation: u32) {
        let generation = media_core::Generation(generation);
        self.tell(Input::Drained { generation, samples: 160 });
    }
}

#[test]
fn ten_thousand_claims_a_second_are_decided_on_within_a_packet_time() {
    let mut flood = Flood {
        governor: Governor::new(GovernorConfig::default(), LineId(1)),
        now: MonoTime::from_millis(1_000),
        took: Took::default(),
        accepted: 0,
        ended: 0,
    };
    for number in 0..CLAIMS_PER_S * SECONDS {
        flood.now = flood.now + Duration::from_micros(1_000_000 / CLAIMS_PER_S);
        flood.tell(Input::Submit(claim(number)));
        match number % 1_000 {
            // Each 20 ms a claim is heard to its end, twice a second the caller interrupts.
            n if n.is_multiple_of(200) => flood.drain(flood.took.grants.len() as u32),
            101 => flood.tell(Input::CallerOnset),
            102 => flood.tell(Input::CallerVerdict(media_core::Verdict::Speech)),
            103 => flood.tell(Input::CallerSilent),
            301 => flood.tell(Input::OperatorTake),
            302 => flood.tell(Input::OperatorRelease),
            _ => {}
        }
    }
    flood.tell(Input::LineClosed);
    let Took { grants, revokes, all } = flood.took;
    println!("flood: {} decisions, {} grants, {} revokes", all.len(), grants.len(), revokes.len());
    println!("grant_us_p99={} revoke_us_p99={}", p99_us(&grants), p99_us(&revokes));
    println!(
        "decision_us_p99={} decision_us_max={}",
        p99_us(&all),
        all.iter().max().unwrap().as_micros()
    );
    assert!(grants.len() > 100 && revokes.len() > 10, "{} and {}", grants.len(), revokes.len());
    assert!(flood.accepted > 500, "{} were accepted", flood.accepted);
    for (what, took) in [("grant", &grants), ("revoke", &revokes), ("decision", &all)] {
        assert!(p99_us(took) <= DECISION_P99_MAX.as_micros(), "{what}: {} us", p99_us(took));
    }
}

fn claim(number: u64) -> Claim {
    let source = match number % 16 {
        0 => Source::Responder,
        1 => Source::System,
        2..5 => Source::Worker,
        _ => Source::External,
    };
    // Some say the same, some take the place of others, some wait for a moment only.
    let text = format!("claim number {}, which is of some length.", number % 9_000);
    let supersedes =
        number.is_multiple_of(7).then(|| ClaimId::new(format!("c{}", number.saturating_sub(3))));
    let ttl = number.is_multiple_of(3).then_some(Duration::from_millis(200));
    Claim { supersedes, ttl, ..Claim::text(format!("c{number}"), source, text) }
}

fn p99_us(took: &[Duration]) -> u128 {
    let mut sorted = took.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() * 99 / 100).map_or(0, Duration::as_micros)
}

fn clock() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "the decision is timed, not decided by it")]
    Instant::now()
}
