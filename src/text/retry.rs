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
    #[error("{0}; it may have been sent, so it is not sent again")]
    InDoubt(Fault),
    #[error("{last}, {tries} times")]
    GivenUp { last: Fault, tries: u32 },
    #[error("too many wait for the gateway")]
    TooMany,
    #[error("no [sms] url is configured, so short messages cannot leave")]
    NoGateway,
    #[error("it cannot be written as JSON")]
    NoForm,
    #[error(transparent)]
    Lane(#[from] PublishError),
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
    Again { after: Duration },
    Failed { why: NotSent },
}

/// What follows from the `tries`-th try. `pause`: the first one; each further is twice as long.
/// `recognises`: the gateway knows a repetition by its key.
pub(super) fn after(tries: u32, went: Try, pause: Duration, recognises: bool) -> Next {
    let (last, asked) = match went {
        Try::Taken => return Next::Done,
        Try::Refused { fault } => return Next::Failed { why: NotSent::Refused(fault) },
        Try::Unsure { fault } if !recognises => {
            return Next::Failed { why: NotSent::InDoubt(fault) };
        }
        Try::Unsure { fault } => (fault, None),
        Try::NotNow { fault, after } => (fault, after),
    };
    if tries >= TRIES_MAX || asked.is_some_and(|asked| asked > PAUSE_MAX) {
        return Next::Failed { why: NotSent::GivenUp { last, tries } };
    }
    let longer = pause * 2_u32.saturating_pow(tries.saturating_sub(1)).min(32);
    Next::Again { after: asked.unwrap_or(longer).max(pause).min(PAUSE_MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(2);
    const BUSY: Fault = Fault::Busy(StatusCode::TOO_MANY_REQUESTS);

    fn busy(after: Option<u64>) -> Try {
        Try::NotNow { fault: BUSY, after: after.map(Duration::from_secs) }
    }

    #[test]
    fn a_gateway_that_is_away_is_tried_again_ever_later_and_in_the_end_given_up() {
        let mut pauses = Vec::new();
        for tries in 1..=TRIES_MAX {
            match after(tries, busy(None), PAUSE, false) {
                Next::Again { after } => pauses.push(after.as_secs()),
                Next::Failed { why } => {
                    assert_eq!(why, NotSent::GivenUp { last: BUSY, tries: TRIES_MAX });
                    assert!(why.to_string().ends_with(", 6 times"), "{why}");
                }
                Next::Done => panic!("nobody took it"),
            }
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32]);
    }

    #[test]
    fn a_gateway_that_names_its_time_is_heeded_within_reason() {
        assert_eq!(
            after(1, busy(Some(7)), PAUSE, false),
            Next::Again { after: Duration::from_secs(7) }
        );
        assert_eq!(after(1, busy(Some(0)), PAUSE, false), Next::Again { after: PAUSE });
        assert!(matches!(after(1, busy(Some(600)), PAUSE, false), Next::Failed { .. }));
    }

    #[test]
    fn what_may_have_been_sent_is_sent_again_only_where_the_gateway_recognises_it() {
        let unsure = || Try::Unsure { fault: Fault::NoAnswer("timeout".into()) };
        let failed = after(1, unsure(), PAUSE, false);
        assert!(matches!(failed, Next::Failed { why: NotSent::InDoubt(_) }), "{failed:?}");
        assert!(matches!(after(1, unsure(), PAUSE, true), Next::Again { .. }));
    }

    #[test]
    fn a_refusal_is_final() {
        let fault =
            Fault::Refused { status: StatusCode::UNPROCESSABLE_ENTITY, said: "no number".into() };
        let why = NotSent::Refused(fault.clone());
        assert_eq!(after(1, Try::Refused { fault }, PAUSE, true), Next::Failed { why });
        assert_eq!(after(3, Try::Taken, PAUSE, false), Next::Done);
    }
}
