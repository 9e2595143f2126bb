//! What is looked at once a second: which day it is, calls that have lasted long enough, a call that is
//! to be kept open, memory that calls have left, and whether the machine keeps up.

use std::time::Duration;

use super::Desk;
use crate::control::{KeptStatus, OutboundStatus};
use crate::house::budget::Reading;

/// See the module.
pub(super) const EVERY: Duration = Duration::from_secs(1);

impl Desk {
    pub(super) fn look_after(&mut self, draining: bool) {
        self.turn_account();
        self.end_overdue_calls();
        self.end_forgotten_calls();
        let busy = !self.lines.is_empty();
        self.heap.tend(busy);
        if !draining {
            self.keep_open();
        }
        let reading = Reading::from(&self.media.metrics());
        if let Some(strained) = self.budget.observe(reading) {
            match strained {
                true => tracing::warn!(
                    "the machine is at its limit: new calls are sent elsewhere until it is well again; see [admission]"
                ),
                false => tracing::info!("the machine is well again: calls are taken"),
            }
            self.bridge.set_strained(strained);
        }
    }

    fn keep_open(&mut self) {
        let now = self.media.clock().now();
        let due = self.kept.as_mut().is_some_and(|kept| kept.is_due(now));
        let number = self.kept.as_ref().filter(|_| due).map(|kept| kept.number().to_owned());
        if let Some(number) = number {
            let keeper = self.out.keeper();
            self.dial(&number, keeper);
        }
    }

    /// How the call that is kept open goes.
    pub(super) fn kept_status(&self) -> Option<KeptStatus> {
        let kept = self.kept.as_ref()?.keeping(self.media.clock().now());
        Some(KeptStatus {
            up: kept.up,
            up_seconds: kept.up_for.as_secs(),
            kept_seconds: kept.kept_for.as_secs(),
            reconnects: kept.reconnects,
            next_try_s: kept.next_try_in.map(|time| time.as_secs()),
            trouble: kept.trouble,
        })
    }

    /// The day's account of calls out; `None`: the line calls nobody.
    pub(super) fn outbound_status(&self) -> Option<OutboundStatus> {
        let section = &self.config.outbound;
        section.trunk.as_ref()?;
        let book = self.out.gate.book();
        Some(OutboundStatus {
            calls: self.out.gate.open(),
            minutes_used: book.seconds.div_ceil(60),
            minutes_per_day: section.minutes_per_day,
            spent_millionths: book.spent,
        })
    }
}
