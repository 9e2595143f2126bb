//! What this machine can carry, by its own measure: whether audio keeps time.

use media_engine::EngineMetrics;

use crate::config::AdmissionSection;

/// Shares beyond which one more call would be heard in the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BudgetLimits {
    /// Ticks that begin late, in percent; 0: however many.
    pub late_percent: u32,
    /// Time at work, in percent; 0: all of it.
    pub busy_percent: u32,
}

impl From<&AdmissionSection> for BudgetLimits {
    fn from(section: &AdmissionSection) -> Self {
        Self { late_percent: section.late_percent, busy_percent: section.busy_percent }
    }
}

/// What the audio threads have done so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reading {
    ticks: u64,
    late: u64,
    busy_us: u64,
}

impl From<&EngineMetrics> for Reading {
    fn from(metrics: &EngineMetrics) -> Self {
        // A tick that was left out is one that was never on time.
        let late = metrics.ticks_late + metrics.ticks_skipped;
        Self { ticks: metrics.ticks + metrics.ticks_skipped, late, busy_us: metrics.tick_us_sum }
    }
}

/// Says when the machine is at its limit, and when it is well again: late to say so and later to
/// take it back, so that calls are not let in and turned away by turns. A core: driven once a second.
#[derive(Debug)]
pub struct Budget {
    limits: BudgetLimits,
    last: Option<Reading>,
    /// Seconds in a row that were beyond the limits, or within half of them.
    over: u32,
    under: u32,
    strained: bool,
}

impl Budget {
    /// A machine that is well.
    #[must_use]
    pub fn new(limits: BudgetLimits) -> Self {
        Self { limits, last: None, over: 0, under: 0, strained: false }
    }

    /// Puts other limits in force.
    pub fn set_limits(&mut self, limits: BudgetLimits) {
        self.limits = limits;
    }

    /// Whether it is at its limit.
    #[must_use]
    pub fn is_strained(&self) -> bool {
        self.strained
    }

    /// Another second has passed. `Some`: from now on it is, or is not any more, at its limit.
    pub fn observe(&mut self, reading: Reading) -> Option<bool> {
        let last = self.last.replace(reading)?;
        let ticks = reading.ticks.saturating_sub(last.ticks);
        if ticks == 0 {
            // No thread ticks at all: it is not calls that are in the way.
            return None;
        }
        let percent = |part: u64, whole: u64| part.saturating_mul(100) / whole.max(1);
        let late = percent(reading.late.saturating_sub(last.late), ticks);
        let busy = percent(reading.busy_us.saturating_sub(last.busy_us), ticks * TICK_US);
        let beyond = |share: u64, limit: u32| limit > 0 && share >= u64::from(limit);
        let within = |share: u64, limit: u32| limit == 0 || share * 2 < u64::from(limit).max(2);
        let BudgetLimits { late_percent, busy_percent } = self.limits;
        let over = beyond(late, late_percent) || beyond(busy, busy_percent);
        let under = within(late, late_percent) && within(busy, busy_percent);
        self.over = if over { self.over + 1 } else { 0 };
        self.under = if under { self.under + 1 } else { 0 };
        let strained = match self.strained {
            false => self.over >= OVER_S,
            true => self.under < UNDER_S,
        };
        (core::mem::replace(&mut self.strained, strained) != strained).then_some(strained)
    }
}

/// A tick is 20 ms of audio.
const TICK_US: u64 = 20_000;
/// One bad second is anything: a model that loads, a disk that wakes up.
const OVER_S: u32 = 2;
/// Longer than a call takes to be set up and heard in the figures.
const UNDER_S: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: [bool; 0] = [];

    /// Seconds in which so many of fifty ticks were late and each took so long.
    fn seconds(budget: &mut Budget, at: &mut Reading, n: u32, late: u64, us: u64) -> Vec<bool> {
        let second = |_| {
            at.ticks += 50;
            at.late += late;
            at.busy_us += 50 * us;
            budget.observe(*at)
        };
        (0..n).filter_map(second).collect()
    }

    fn budget() -> (Budget, Reading) {
        let mut budget = Budget::new(BudgetLimits { late_percent: 10, busy_percent: 60 });
        budget.observe(Reading::default());
        (budget, Reading::default())
    }

    #[test]
    fn two_late_seconds_close_the_door_and_ten_good_ones_open_it() {
        let (mut budget, mut at) = budget();
        assert_eq!(seconds(&mut budget, &mut at, 60, 0, 900), NOTHING);
        assert_eq!(seconds(&mut budget, &mut at, 1, 20, 900), NOTHING, "one bad second is nothing");
        assert_eq!(seconds(&mut budget, &mut at, 1, 0, 900), NOTHING);
        assert_eq!(seconds(&mut budget, &mut at, 2, 5, 900), [true]);
        assert_eq!(seconds(&mut budget, &mut at, 9, 0, 900), NOTHING);
        assert_eq!(seconds(&mut budget, &mut at, 1, 0, 900), [false]);
    }

    #[test]
    fn what_is_neither_good_nor_bad_changes_nothing() {
        let (mut budget, mut at) = budget();
        // 8 % late: below the limit, and not half of it.
        assert_eq!(seconds(&mut budget, &mut at, 60, 4, 900), NOTHING);
        assert_eq!(seconds(&mut budget, &mut at, 2, 25, 900), [true]);
        assert_eq!(seconds(&mut budget, &mut at, 60, 4, 900), NOTHING);
        assert!(budget.is_strained());
    }

    #[test]
    fn threads_that_are_at_work_most_of_the_time_close_the_door_before_a_tick_is_late() {
        let (mut budget, mut at) = budget();
        assert_eq!(seconds(&mut budget, &mut at, 3, 0, 11_000), NOTHING);
        assert_eq!(seconds(&mut budget, &mut at, 2, 0, 12_500), [true]);
        assert_eq!(seconds(&mut budget, &mut at, 10, 0, 5_000), [false]);
    }

    #[test]
    fn limits_that_are_switched_off_close_nothing() {
        let mut budget = Budget::new(BudgetLimits { late_percent: 0, busy_percent: 0 });
        let mut at = Reading::default();
        budget.observe(at);
        assert_eq!(seconds(&mut budget, &mut at, 30, 50, 19_000), NOTHING);
    }
}
