//! Calls that were cut off, for their callers' next calls.

use std::collections::VecDeque;
use std::time::Duration;

use brain_protocol::{LineId, Redial};
use media_core::MonoTime;
use sip_bridge::{Attestation, CallOutcome, CallerIdentity, HangupBy, HangupReason};

use crate::line::Remembered;
use crate::say::{NOBODY, caller_name, is_unnamed};

/// Who is on the other side of a call, and over which trunk. Whoever does not say who they are is
/// never taken for somebody who was here before.
#[derive(Clone, Debug)]
pub(super) struct Party {
    /// See [`crate::say::caller_name`].
    pub name: String,
    pub trunk: String,
    /// How far the network vouches for the number.
    level: u8,
}

impl Party {
    /// `unnamed`: see [`crate::say::is_unnamed`].
    pub fn new(number: &str, unnamed: bool, trunk: &str) -> Self {
        let name = if unnamed { NOBODY.to_owned() } else { caller_name(number) };
        Self { name, trunk: trunk.to_owned(), level: 0 }
    }

    /// The same, with so much of the network's word for the number.
    pub fn vouched(self, attestation: Attestation) -> Self {
        let level = match attestation {
            Attestation::Failed => 0,
            Attestation::Unverified => 1,
            Attestation::Gateway | Attestation::Passed => 2,
            Attestation::Partial => 3,
            Attestation::Full => 4,
        };
        Self { level, ..self }
    }

    /// Who calls, as the network says.
    pub fn of(number: &str, identity: &CallerIdentity, trunk: &str) -> Self {
        Self::new(number, is_unnamed(identity), trunk).vouched(identity.attestation)
    }

    /// Whether this one may go on with a call of `other`: the same, for whom the network vouches no
    /// less.
    pub fn may_go_on(&self, other: &Self) -> bool {
        self.is(other) && other.level <= self.level
    }

    fn is(&self, other: &Self) -> bool {
        (&self.name, &self.trunk) == (&other.name, &other.trunk)
    }
}

/// A call that was cut off.
#[derive(Debug)]
struct CutOff {
    party: Party,
    line: u64,
    at: MonoTime,
    remembered: Remembered,
}

/// The calls that were cut off lately. A core: told the time.
#[derive(Debug, Default)]
pub(super) struct Redials(VecDeque<CutOff>);

impl Redials {
    /// A call was cut off at `at`.
    pub fn keep(&mut self, at: MonoTime, party: Party, line: u64, remembered: Remembered) {
        if party.name == NOBODY {
            return;
        }
        self.0.retain(|cut_off| !cut_off.party.is(&party));
        if self.0.len() >= KEPT_MAX {
            self.0.pop_front();
        }
        self.0.push_back(CutOff { party, line, at, remembered });
    }

    /// The call that one with `party` goes on with, if it was cut off no longer than `window` ago.
    /// It goes on once, and not with somebody for whose number the network vouches less.
    pub fn take(&mut self, now: MonoTime, window: Duration, party: &Party) -> Option<Redial> {
        // What is too old is nobody's any more: words that were spoken are not kept for nothing.
        self.0.retain(|cut_off| now.since(cut_off.at) <= window);
        let found = self.0.iter().position(|cut_off| party.may_go_on(&cut_off.party))?;
        let CutOff { line, at, remembered, .. } = self.0.remove(found)?;
        let Remembered { said, unsaid } = remembered;
        let ago_ms = u64::try_from(now.since(at).as_millis()).unwrap_or(u64::MAX);
        Some(Redial { line: LineId(line), ago_ms, said, unsaid })
    }
}

/// Whether the call ended as neither side wanted. Carriers that drop a call say so, or say nothing, or
/// say that all is well; then it is a cut if the agent had not said what it had to say.
pub(super) fn was_cut_off(outcome: &CallOutcome, remembered: &Remembered) -> bool {
    match outcome.hangup_by {
        HangupBy::Bridge => true,
        HangupBy::Line => outcome.q850.is_some_and(|cause| {
            [HangupReason::MediaTimeout, HangupReason::Failure].iter().any(|r| r.q850() == cause)
        }),
        HangupBy::Peer => {
            let well = outcome.q850.is_none_or(|cause| CLEARING.contains(&cause));
            !well || !remembered.unsaid.is_empty()
        }
    }
}

/// Causes of a call that somebody ended on purpose (Q.850): normal clearing, user busy, no answer,
/// call rejected, normal unspecified.
const CLEARING: [u8; 6] = [16, 17, 18, 19, 21, 31];
/// More callers than that are not cut off within minutes, unless the trunk is down; then the last
/// ones are remembered.
const KEPT_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(300);

    fn at(s: u64) -> MonoTime {
        MonoTime::from_millis(s * 1_000)
    }

    fn party(name: &str, trunk: &str) -> Party {
        Party { name: name.into(), trunk: trunk.into(), level: 0 }
    }

    fn outcome(hangup_by: HangupBy, q850: Option<u8>) -> CallOutcome {
        CallOutcome { hangup_by, sip_status: 200, reason: String::new(), q850 }
    }

    #[test]
    fn the_same_caller_on_the_same_trunk_within_the_window_goes_on_once() {
        let mut redials = Redials::default();
        let ann = party("+49301", "a");
        redials.keep(at(10), ann.clone(), 7, Remembered::default());
        assert_eq!(redials.take(at(20), WINDOW, &party("+49302", "a")), None);
        assert_eq!(redials.take(at(20), WINDOW, &party("+49301", "b")), None);
        let redial = redials.take(at(20), WINDOW, &ann).expect("it is known");
        assert_eq!((redial.line, redial.ago_ms), (LineId(7), 10_000));
        assert_eq!(redials.take(at(21), WINDOW, &ann), None);
    }

    #[test]
    fn a_number_that_the_network_vouches_for_less_does_not_go_on_with_the_call() {
        use Attestation::{Failed, Full, Gateway, Unverified};
        let ann = |attestation| party("+49301", "a").vouched(attestation);
        for (cut, calls, goes_on) in [
            (Full, Full, true),
            (Full, Unverified, false),
            (Full, Failed, false),
            (Unverified, Full, true),
            (Unverified, Unverified, true),
            (Gateway, Unverified, false),
        ] {
            let mut redials = Redials::default();
            redials.keep(at(10), ann(cut), 7, Remembered::default());
            let redial = redials.take(at(20), WINDOW, &ann(calls));
            assert_eq!(redial.is_some(), goes_on, "{cut:?} {calls:?}");
            assert_eq!(redials.take(at(21), WINDOW, &ann(cut)).is_some(), !goes_on, "it waits on");
        }
    }

    #[test]
    fn after_the_window_nothing_is_kept() {
        let mut redials = Redials::default();
        redials.keep(at(10), party("+49301", "a"), 7, Remembered::default());
        assert_eq!(redials.take(at(311), WINDOW, &party("x", "a")), None);
        assert!(redials.0.is_empty());
    }

    #[test]
    fn callers_who_are_not_named_are_never_taken_for_one_another() {
        let mut redials = Redials::default();
        redials.keep(at(10), party(NOBODY, "a"), 7, Remembered::default());
        assert_eq!(redials.take(at(11), WINDOW, &party(NOBODY, "a")), None);
    }

    #[test]
    fn a_cut_is_told_from_a_goodbye() {
        use HangupBy::{Bridge, Line, Peer};
        let done = Remembered::default();
        for (by, cause, cut) in [
            (Peer, None, false),
            (Peer, Some(16), false),
            (Peer, Some(38), true),
            (Peer, Some(41), true),
            (Line, Some(16), false),
            (Line, Some(27), false),
            (Line, Some(38), true),
            (Bridge, None, true),
        ] {
            assert_eq!(was_cut_off(&outcome(by, cause), &done), cut, "{by:?} {cause:?}");
        }
        let unsaid = brain_protocol::Unsaid { text: "It is ten.".into(), heard_text: "It".into() };
        let cut_short = Remembered { unsaid: vec![unsaid], ..Remembered::default() };
        assert!(was_cut_off(&outcome(Peer, Some(16)), &cut_short), "in the middle of an answer");
        assert!(!was_cut_off(&outcome(Line, Some(16)), &cut_short), "the agent said goodbye");
    }
}
