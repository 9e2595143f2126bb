//! Calls of which nothing is heard any more while they still count as open: their callers may have been
//! cut off already. Whoever of them calls again meanwhile goes on with the conversation.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use media_core::{LineId, NegotiatedMedia};
use media_engine::LineEvent;
use sip_bridge::{CallId, CallerIdentity, HangupReason};

use super::{Carrier, Desk, OpenCall};
use crate::house::redial::Party;
use crate::say::NOBODY;

/// A call that came in.
pub(super) struct Arrived {
    pub call: CallId,
    pub caller: (String, CallerIdentity),
    pub to: String,
    pub trunk: String,
    pub media: Option<NegotiatedMedia>,
}

/// Calls that ring until the line that they go on with is over, by that line.
#[derive(Default)]
pub(super) struct Redialled(BTreeMap<LineId, Arrived>);

impl Redialled {
    /// The caller waits no more.
    pub fn given_up(&mut self, call: CallId) {
        self.0.retain(|_, arrived| arrived.call != call);
    }
}

/// Whether the event says that the peer is heard no more (`true`), or again.
pub(super) fn falls_quiet(event: &LineEvent) -> Option<bool> {
    match event {
        LineEvent::MediaQuiet { .. } => Some(true),
        LineEvent::MediaBack { .. } | LineEvent::MediaStarted { .. } => Some(false),
        _ => None,
    }
}

impl Desk {
    pub(super) fn fell_quiet(&mut self, call: CallId, quiet: bool) {
        let goes_on = self.config.line.redial_s > 0;
        let noticed_after = Duration::from_secs(self.config.line.redial_quiet_s);
        let Some(open) = self.calls.get_mut(&call) else { return };
        let now = Instant::now();
        open.quiet = quiet.then(|| now.checked_sub(noticed_after).unwrap_or(now));
        self.bridge.set_quiet(call, quiet && goes_on);
    }

    /// For how long the peer of a call was not heard at its end, and may have heard nothing.
    pub(super) fn deaf_for(&self, open: &OpenCall) -> Duration {
        open.quiet.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// A call comes in. It goes on with one that is dead, or is one of its own.
    pub(super) fn comes_in(&mut self, arrived: Arrived) {
        let Some((dead, line)) = self.dead_call_of(&arrived) else {
            return self.incoming(arrived);
        };
        tracing::info!(call = %arrived.call, %dead, "its caller calls again over a call that is dead");
        self.bridge.hangup(dead, HangupReason::MediaTimeout);
        self.redialled.0.insert(line, arrived);
    }

    /// A line is over, or belongs to who else is there: whoever calls again goes on with it, or anew.
    pub(super) fn go_on_after(&mut self, line: LineId) {
        if let Some(arrived) = self.redialled.0.remove(&line) {
            self.incoming(arrived);
        }
    }

    /// The call that the same caller has over the same trunk, and of which nothing is heard any more.
    fn dead_call_of(&self, arrived: &Arrived) -> Option<(CallId, LineId)> {
        let (from, identity) = &arrived.caller;
        let party = Party::of(from, identity, &arrived.trunk);
        let goes_on = party.name != NOBODY && self.config.line.redial_s > 0;
        let is_dead = |open: &OpenCall| {
            let theirs = party.may_go_on(&Party::of(&open.from, &open.identity, &open.trunk));
            let talks = open.established && matches!(open.carrier, Carrier::Agent(_));
            theirs && talks && open.quiet.is_some() && !self.redialled.0.contains_key(&open.line)
        };
        let mut calls = self.calls.iter().filter(|_| goes_on);
        calls.find(|(_, open)| is_dead(open)).map(|(call, open)| (*call, open.line))
    }
}
