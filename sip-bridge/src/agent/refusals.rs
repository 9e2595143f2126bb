//! Calls that are refused: on record, and in the log as far as anybody would read it.

use std::collections::BTreeMap;

use core::time::Duration;

use media_core::MonoTime;

use super::requests::Arrival;
use super::{Agent, Output};
use crate::call::caller_of;
use crate::caller::CallerIdentity;
use crate::cdr::{CallDirection, Cdr, ConversationFigures, MediaFigures, cause_of};
use crate::event::{BridgeEvent, CallId, CallOutcome, HangupBy};
use crate::message::{Method, phrase};
use crate::pii::Pii;

/// Which refusals were told in the log lately. Over UDP anybody can write a carrier's address, and have
/// thousands of calls a second refused: a few lines of each status tell as much.
#[derive(Default)]
pub(super) struct RefusalLog(BTreeMap<u16, Told>);

struct Told {
    until: MonoTime,
    lines: u32,
    unsaid: u64,
}

impl RefusalLog {
    /// Whether this refusal is worth a line, and how many of its kind were not since the last one.
    fn note(&mut self, now: MonoTime, status: u16) -> Option<u64> {
        let fresh = || Told { until: now + INTERVAL, lines: 0, unsaid: 0 };
        let told = self.0.entry(status).or_insert_with(fresh);
        if now >= told.until {
            (told.until, told.lines) = (now + INTERVAL, 0);
        }
        if told.lines >= LINES_MAX {
            told.unsaid += 1;
            return None;
        }
        told.lines += 1;
        Some(core::mem::take(&mut told.unsaid))
    }
}

impl Agent {
    pub(super) fn record_refusal(&mut self, arrival: &Arrival<'_>, status: u16, why: &str) {
        let request = arrival.request;
        if request.method != Method::Invite || arrival.trunk.is_none() {
            return;
        }
        if let Some(unsaid) = self.refusal_log.note(arrival.now, status) {
            tracing::info!(
                status,
                why,
                unsaid,
                source = %Pii::new(arrival.source),
                from = %Pii::new(request.head.from.user.as_str()),
                "INVITE refused: {}",
                phrase(status)
            );
        }
        let caller = caller_of(request, self.policies.of(arrival.trunk.unwrap_or_default()));
        let cdr = refused_record(arrival, caller, status, why);
        self.outputs.push_back(Output::Event(BridgeEvent::Refused { cdr: Box::new(cdr) }, true));
    }
}

fn refused_record(arrival: &Arrival<'_>, caller: CallerIdentity, status: u16, why: &str) -> Cdr {
    let head = &arrival.request.head;
    let (sip_status, reason, q850) = (status, why.to_owned(), cause_of(status));
    Cdr {
        call: CallId(0),
        sip_call_id: head.call_id.clone(),
        direction: CallDirection::Inbound,
        from: caller.number().to_owned(),
        caller: Some(Box::new(caller)),
        to: arrival.request.uri_user.clone(),
        trunk: arrival.trunk.unwrap_or_default().to_owned(),
        started_unix_ms: 0,
        ring_ms: None,
        answer_ms: None,
        end_ms: 0,
        outcome: CallOutcome { hangup_by: HangupBy::Bridge, sip_status, reason, q850 },
        codec: None,
        media: MediaFigures::default(),
        conversation: ConversationFigures::default(),
    }
}

/// Lines for one status in an interval.
const LINES_MAX: u32 = 5;
const INTERVAL: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_writes_a_few_lines_and_says_how_many_it_left_out() {
        let mut log = RefusalLog::default();
        let at = |ms| MonoTime::from_millis(ms);
        let lines = (0..4_000).filter(|ms| log.note(at(*ms), 503).is_some()).count();
        assert_eq!(lines, 5);
        assert_eq!(log.note(at(5_000), 486), Some(0), "another reason is told");
        assert_eq!(log.note(at(10_000), 503), Some(3_995));
        assert_eq!(log.note(at(10_001), 503), Some(0));
    }
}
