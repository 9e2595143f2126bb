use core::time::Duration;

use media_core::{Codec, MonoTime};

use crate::caller::CallerIdentity;
use crate::cdr::{CallDirection, Cdr, ConversationFigures, MediaFigures};
use crate::event::{CallId, CallOutcome};

/// What the call record needs to know, collected while the call goes.
#[derive(Debug)]
pub(crate) struct Record {
    call: CallId,
    direction: CallDirection,
    sip_call_id: Box<str>,
    from: Box<str>,
    caller: Option<Box<CallerIdentity>>,
    to: Box<str>,
    trunk: Box<str>,
    started: MonoTime,
    ring: Option<Duration>,
    answer: Option<Duration>,
}

impl Record {
    pub(crate) fn new(
        call: CallId,
        direction: CallDirection,
        sip_call_id: &str,
        (from, to): (&str, &str),
        trunk: &str,
        started: MonoTime,
    ) -> Self {
        Self {
            call,
            direction,
            sip_call_id: sip_call_id.into(),
            from: from.into(),
            caller: None,
            to: to.into(),
            trunk: trunk.into(),
            started,
            ring: None,
            answer: None,
        }
    }

    /// Of a call that came in.
    pub(crate) fn with_caller(mut self, caller: CallerIdentity) -> Self {
        self.from = caller.number().into();
        self.caller = Some(Box::new(caller));
        self
    }

    pub(crate) fn caller(&self) -> Option<&CallerIdentity> {
        self.caller.as_deref()
    }

    pub(crate) fn is_outbound(&self) -> bool {
        self.direction == CallDirection::Outbound
    }

    pub(crate) fn trunk(&self) -> &str {
        &self.trunk
    }

    pub(crate) fn parties(&self) -> (&str, &str) {
        (&self.from, &self.to)
    }

    /// Notes the first 18x and says whether it is the first.
    pub(crate) fn ringing(&mut self, now: MonoTime) -> bool {
        let first = self.ring.is_none();
        self.ring.get_or_insert(now.since(self.started));
        first
    }

    pub(crate) fn answered(&mut self, now: MonoTime) {
        self.answer.get_or_insert(now.since(self.started));
    }

    pub(crate) fn close(&self, now: MonoTime, codec: Option<Codec>, outcome: CallOutcome) -> Cdr {
        Cdr {
            call: self.call,
            sip_call_id: self.sip_call_id.to_string(),
            direction: self.direction,
            from: self.from.to_string(),
            caller: self.caller.clone(),
            to: self.to.to_string(),
            trunk: self.trunk.to_string(),
            started_unix_ms: 0,
            ring_ms: self.ring.map(milliseconds),
            answer_ms: self.answer.map(milliseconds),
            end_ms: milliseconds(now.since(self.started)),
            outcome,
            codec,
            media: MediaFigures::default(),
            conversation: ConversationFigures::default(),
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
