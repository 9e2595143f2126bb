//! Two things done in turns, so that what slows one down slows the other down.

use std::time::{Duration, Instant};

use crate::method::Ratio;

/// Rounds of a comparison. Odd, so that there is a middle one.
const ROUNDS: usize = 41;
/// Each side of a round runs about so long: much longer than reading the clock takes, much
/// shorter than the time for which another process takes the core away.
const SIDE: Duration = Duration::from_micros(400);

/// Something that can be done again and again.
pub type Work = Box<dyn FnMut()>;

/// Compares within each round.
pub fn compare(subject: &mut Work, baseline: &mut Work) -> Ratio {
    let times = [calibrate(subject), calibrate(baseline)];
    let round = |_| [nanos(subject, times[0]), nanos(baseline, times[1])];
    Ratio::of((0..ROUNDS).map(round).collect())
}

/// How often `work` is to be done for one side of a round.
fn calibrate(work: &mut Work) -> u32 {
    let mut times = 1;
    loop {
        let took = nanos(work, times) * f64::from(times);
        if took >= SIDE.as_nanos() as f64 || times >= 1 << 24 {
            return times;
        }
        times *= 2;
    }
}

fn nanos(work: &mut Work, times: u32) -> f64 {
    let began = Instant::now();
    for _ in 0..times {
        work();
    }
    began.elapsed().as_nanos() as f64 / f64::from(times)
}
