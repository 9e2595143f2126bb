//! Whether to try again, and when. Pure.
//!
//! A short message must not arrive twice. So what certainly did not reach the gateway is tried
//! again; what may have reached it only where the gateway promises to recognise a repetition.

use std::time::Duration;

use lane_broker::PublishError;
use ureq::http::StatusCode;

/// Tries in all: with the pauses between them a gateway may be away for about a minute.
const TRIES_MAX: u32 = 6;
/// A gateway that asks for more patience than this is as good as away.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Why a try came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("the SMS gateway is busy ({0})")]
    Busy(StatusCode),
    #[error("the SMS gateway failed ({0})")]
    Failed(StatusCode),
    #[error("the SMS gateway refused it: {status} {said}")]
    Refused { status: StatusCode, said: String },
    /// It holds what the client said.
    #[error("the SMS gateway cannot be reached ({0})")]
    NotReached(String),
    /// As above.
    #[error("the SMS gateway did not answer ({0})")]
    NoAnswer(String),
    #[error("it cannot be written as JSON")]
    NoForm,
}

/// Why a message did not leave.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotSent {
    #[error(transparent)]
    Refused(Fault),
    /// The gateway may have it from one of the tries.
    #[error(transparent)]
    InDoubt(Fault),
    #[error("{last}, {tries} times")]
    GivenUp { last: Fault, tries: u32 },
    #[error("the SMS gateway kept others before it waiting for too long")]
    NoTurn,
    #[error("too many wait for the gateway")]
    TooMany,
    #[error("no [sms] url is configured, so short messages cannot leave")]
    NoGateway,
    #[error("it cannot be written as JSON")]
    NoForm,
    #[error(transparent)]
    Lane(#[from] PublishError),
}

impl NotSent {
    /// Whether the recipient may have it all the same.
    pub fn may_have_left(&self) -> bool {
        matches!(self, Self::InDoubt(_))
    }
}

/// The tries of one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tries {
    pub made: u32,
    /// The gateway may have it from one of them.
    pub unsure: bool,
    /// Why the last one came to nothing.
    pub last: Option<Fault>,
}

impl Tries {
    /// No further one is made.
    pub fn given_up(self) -> NotSent {
        match self.last {
            None => NotSent::NoTurn,
            Some(last) if self.unsure => NotSent::InDoubt(last),
            Some(last) => NotSent::GivenUp { last, tries: self.made },
        }
    }
}

/// How a try went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Try {
    /// The gateway has it.
    Taken,
    /// The gateway has it not, and may take it later.
    NotNow { fault: Fault, after: Option<Duration> },
    /// Nobody knows whether the gateway has it.
    Unsure { fault: Fault },
    /// The gateway will not have it.
    Refused { fault: Fault },
}

/// What follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Done,
    Again { after: Duration, tries: Tries },
    Failed { why: NotSent },
}

/// What follows from one more try. `pause`: the first one; each further is twice as long.
/// `recognises`: the gateway knows a repetition by its key.
pub(super) fn after(before: Tries, went: Try, pause: Duration, recognises: bool) -> Next {
    let unsure = before.unsure || matches!(went, Try::Unsure { .. });
    let (fault, asked) = match went {
        Try::Taken => return Next::Done,
        Try::Refused { fault } if unsure => return Next::Failed { why: NotSent::InDoubt(fault) },
        Try::Refused { fault } => return Next::Failed { why: NotSent::Refused(fault) },
        Try::Unsure { fault } if !recognises => {
            return Next::Failed { why: NotSent::InDoubt(fault) };
        }
        Try::Unsure { fault } => (fault, None),
        Try::NotNow { fault, after } => (fault, after),
    };
    let tries = Tries { made: before.made + 1, unsure, last: Some(fault) };
    let longer = pause * 2_u32.saturating_pow(before.made).min(32);
    if tries.made >= TRIES_MAX || asked.is_some_and(|asked| asked > PAUSE_MAX) {
        return Next::Failed { why: tries.given_up() };
    }
    Next::Again { after: asked.unwrap_or(longer).max(pause).min(PAUSE_MAX), tries }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(2);
    const BUSY: Fault = Fault::Busy(StatusCode::TOO_MANY_REQUESTS);

    fn busy(after: Option<u64>) -> Try {
        Try::NotNow { fault: BUSY, after: after.map(Duration::from_secs) }
    }

    fn unsure() -> Try {
        Try::Unsure { fault: Fault::NoAnswer("timeout".into()) }
    }

    fn once(went: Try, recognises: bool) -> Next {
        after(Tries::default(), went, PAUSE, recognises)
    }

    /// The pauses, and why it was given up.
    fn all(mut went: impl FnMut(u32) -> Try) -> (Vec<u64>, NotSent) {
        let (mut pauses, mut tries) = (Vec::new(), Tries::default());
        loop {
            let went = went(tries.made + 1);
            match after(tries, went, PAUSE, true) {
                Next::Again { after, tries: made } => {
                    pauses.push(after.as_secs());
                    tries = made;
                }
                Next::Failed { why } => return (pauses, why),
                Next::Done => panic!("nobody took it"),
            }
        }
    }

    #[test]
    fn a_gateway_that_is_away_is_tried_again_ever_later_and_in_the_end_given_up() {
        let (pauses, why) = all(|_| busy(None));
        assert_eq!(why, NotSent::GivenUp { last: BUSY, tries: TRIES_MAX });
        assert!(why.to_string().ends_with(", 6 times"), "{why}");
        assert!(!why.may_have_left());
        assert_eq!(pauses, [2, 4, 8, 16, 32]);
    }

    #[test]
    fn one_try_that_may_have_arrived_keeps_the_message_in_doubt_whatever_follows() {
        for in_doubt in 1..=TRIES_MAX {
            let (_, why) = all(|n| if n == in_doubt { unsure() } else { busy(None) });
            assert!(why.may_have_left(), "try {in_doubt}: {why:?}");
        }
        let fault = Fault::Refused { status: StatusCode::CONFLICT, said: "known".into() };
        let refused = || Try::Refused { fault: fault.clone() };
        let (_, why) = all(|n| if n == 1 { unsure() } else { refused() });
        assert!(why.may_have_left(), "{why:?}");
    }

    #[test]
    fn a_gateway_that_names_its_time_is_heeded_within_reason() {
        let pause_of = |next| match next {
            Next::Again { after, .. } => Some(after),
            _ => None,
        };
        assert_eq!(pause_of(once(busy(Some(7)), false)), Some(Duration::from_secs(7)));
        assert_eq!(pause_of(once(busy(Some(0)), false)), Some(PAUSE));
        assert!(matches!(once(busy(Some(600)), false), Next::Failed { .. }));
    }

    #[test]
    fn what_may_have_been_sent_is_sent_again_only_where_the_gateway_recognises_it() {
        let failed = once(unsure(), false);
        assert!(matches!(failed, Next::Failed { why: NotSent::InDoubt(_) }), "{failed:?}");
        assert!(matches!(once(unsure(), true), Next::Again { .. }));
    }

    #[test]
    fn a_refusal_is_final() {
        let fault =
            Fault::Refused { status: StatusCode::UNPROCESSABLE_ENTITY, said: "no number".into() };
        let why = NotSent::Refused(fault.clone());
        assert_eq!(once(Try::Refused { fault }, true), Next::Failed { why });
        assert_eq!(once(Try::Taken, false), Next::Done);
    }
}
