//! Whether to try again, and when. Pure.
//!
//! A short message must not arrive twice. So what certainly did not reach the gateway is tried
//! again; what may have reached it only where the gateway promises to recognise a repetition.

use std::time::Duration;

/// Tries in all: with the pauses between them a gateway may be away for about a minute.
const TRIES_MAX: u32 = 6;
/// A gateway that asks for more patience than this is as good as away.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// How a try went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Try {
    /// The gateway has it.
    Taken,
    /// The gateway has it not, and may take it later.
    NotNow { why: String, after: Option<Duration> },
    /// Nobody knows whether the gateway has it.
    Unsure { why: String },
    /// The gateway will not have it.
    Refused { why: String },
}

/// What follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Done,
    Again { after: Duration },
    Failed { why: String },
}

/// What follows from the `tries`-th try. `pause`: the first one; each further is twice as long.
/// `recognises`: the gateway knows a repetition by its key.
pub(super) fn after(tries: u32, went: Try, pause: Duration, recognises: bool) -> Next {
    let (why, asked) = match went {
        Try::Taken => return Next::Done,
        Try::Refused { why } => return Next::Failed { why },
        Try::Unsure { why } if !recognises => {
            let why = format!("{why}; it may have been sent, so it is not sent again");
            return Next::Failed { why };
        }
        Try::Unsure { why } => (why, None),
        Try::NotNow { why, after } => (why, after),
    };
    if tries >= TRIES_MAX || asked.is_some_and(|asked| asked > PAUSE_MAX) {
        return Next::Failed { why: format!("{why}, {tries} times") };
    }
    let longer = pause * 2_u32.saturating_pow(tries.saturating_sub(1)).min(32);
    Next::Again { after: asked.unwrap_or(longer).max(pause).min(PAUSE_MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(2);

    fn busy(after: Option<u64>) -> Try {
        Try::NotNow { why: "busy".into(), after: after.map(Duration::from_secs) }
    }

    #[test]
    fn a_gateway_that_is_away_is_tried_again_ever_later_and_in_the_end_given_up() {
        let mut pauses = Vec::new();
        for tries in 1..=TRIES_MAX {
            match after(tries, busy(None), PAUSE, false) {
                Next::Again { after } => pauses.push(after.as_secs()),
                other => assert_eq!(other, Next::Failed { why: "busy, 6 times".into() }),
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
        let unsure = || Try::Unsure { why: "no answer".into() };
        assert!(matches!(after(1, unsure(), PAUSE, false), Next::Failed { .. }));
        assert!(matches!(after(1, unsure(), PAUSE, true), Next::Again { .. }));
    }

    #[test]
    fn a_refusal_is_final() {
        let refused = Try::Refused { why: "422".into() };
        assert_eq!(after(1, refused, PAUSE, true), Next::Failed { why: "422".into() });
        assert_eq!(after(3, Try::Taken, PAUSE, false), Next::Done);
    }
}
